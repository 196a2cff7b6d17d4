"""What a sweep can optimise, by name: the metric behind each."""

from dataclasses import dataclass

from nba_rank.core.metrics import METRICS


@dataclass(frozen=True)
class Objective:
    """One quantity to optimise.

    Attributes:
        metric: Name of the metric in tidy tables.
        scope: Which teams it is about, see `nba_rank.evaluation.evaluate.SCOPES`.
        from_odds: Whether it is read off simulated odds.
        from_clone: Whether it is about the playoff classifier, not the final ranker.
    """

    metric: str
    scope: str
    from_odds: bool = False
    from_clone: bool = False

    @property
    def maximize(self) -> bool:
        """Whether higher is better."""
        return METRICS[self.metric].higher_is_better is True

    @property
    def direction(self) -> str:
        """The direction as Optuna calls it."""
        return "maximize" if self.maximize else "minimize"


OBJECTIVES = {
    "spearman": Objective("spearman", "league"),
    "ndcg4": Objective("ndcg_4", "league"),
    "ndcg16": Objective("ndcg_16", "league"),
    "ndcg20": Objective("ndcg_20", "league"),
    "playoff_spearman": Objective("spearman", "playoff16"),
    "rank_rmse": Objective("rank_rmse", "league"),
    "champion_log_loss": Objective("champion_log_loss", "league", from_odds=True),
    "clone_auc": Objective("playoff_auc", "league", from_clone=True),
    "clone_brier": Objective("playoff_brier", "league", from_clone=True),
}
"""Objectives by name. Each is a mean over the as-of points, then over the validation seasons."""

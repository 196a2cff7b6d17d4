"""What a sweep can optimise, by name: the metric behind each and which way is better."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Objective:
    """One quantity to optimise.

    Attributes:
        metric: Name of the metric in tidy tables.
        scope: Which teams it is about, see `nba_rank.evaluation.evaluate.SCOPES`.
        maximize: Whether higher is better.
        from_odds: Whether it is read off simulated odds.
        from_clone: Whether it is about the clone classifier, not the final ranker.
    """

    metric: str
    scope: str
    maximize: bool
    from_odds: bool = False
    from_clone: bool = False

    @property
    def direction(self) -> str:
        """The direction as Optuna calls it."""
        return "maximize" if self.maximize else "minimize"


OBJECTIVES = {
    "spearman": Objective("spearman", "league", maximize=True),
    "ndcg4": Objective("ndcg_4", "league", maximize=True),
    "ndcg16": Objective("ndcg_16", "league", maximize=True),
    "ndcg20": Objective("ndcg_20", "league", maximize=True),
    "playoff_spearman": Objective("spearman", "playoff16", maximize=True),
    "rank_rmse": Objective("rank_rmse", "league", maximize=False),
    "champion_log_loss": Objective("champion_log_loss", "league", maximize=False, from_odds=True),
    "clone_auc": Objective("playoff_auc", "league", maximize=True, from_clone=True),
    "clone_brier": Objective("playoff_brier", "league", maximize=False, from_clone=True),
}
"""Objectives by name. Each is a mean over the as-of points, then over the validation seasons."""

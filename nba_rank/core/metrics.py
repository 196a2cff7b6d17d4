"""Names in words, directions, units and digits of all metrics."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    """How a metric is shown and compared.

    Attributes:
        words: Its name in words.
        higher_is_better: Its direction; None where neither is better by itself, as for the width
            of intervals.
        unit: Its unit; empty for a pure number.
        digits: Decimals printed. An interval is judged by its bounds as printed.
    """

    words: str
    higher_is_better: bool | None = True
    unit: str = ""
    digits: int = 3


_TOPS = (4, 10, 16, 20)
_EVENTS = {
    "playoff": "playoffs", "round_1": "round 1", "round_2": "round 2", "finals": "Finals",
    "champion": "title",
}  # fmt: skip


def _brier(words: str) -> Metric:
    return Metric(f"{words} Brier" if words else "Brier score", False, digits=4)


def _log_loss(words: str) -> Metric:
    return Metric(f"{words} log loss".strip(), False, "nats")


METRICS: dict[str, Metric] = {
    "spearman": Metric("Spearman"),
    "kendall": Metric("Kendall"),
    "rank_mae": Metric("rank MAE", False, "places"),
    "rank_rmse": Metric("rank RMSE", False, "places"),
    **{f"ndcg_{k}": Metric(f"NDCG@{k}") for k in _TOPS},
    **{f"ndcg_{k}_exponential": Metric(f"NDCG@{k}, exponential gain") for k in _TOPS},
    **{f"mrr_{k}": Metric(f"MRR@{k}") for k in (2, 4)},
    **{f"precision_{k}": Metric(f"precision@{k}") for k in (4, 8)},
    "upset_auc": Metric("upset AUC"),
    "true_strength_spearman": Metric("Spearman with the true strength"),
    "rank_interval_coverage": Metric("share of outcomes inside", None),
    "rank_interval_width": Metric("width of intervals", None, "places", 1),
    "margin_error": Metric("squared error of margins", False, "points squared", 2),
    "score_change": Metric("change of a team's score"),
    "brier": _brier(""),
    "log_loss": _log_loss(""),
    **{f"{event}_brier": _brier(words) for event, words in _EVENTS.items()},
    "playoff_log_loss": _log_loss("playoffs"),
    "champion_log_loss": _log_loss("champion"),
    "advancement_log_loss": _log_loss("advancement"),
    "playoff_auc": Metric("playoffs AUC"),
    "playoff_ece": Metric("playoffs calibration error", None),
    "game_brier": _brier("game"),
    "game_log_loss": _log_loss("game"),
    "series_brier": _brier("series"),
    "series_log_loss": _log_loss("series"),
    "series_upset_auc": Metric("series upset AUC"),
}
"""Metrics by their names in files."""


def higher_is_better(name: str) -> bool | None:
    """Return the direction of a metric; None if it has none or is unknown."""
    return METRICS[name].higher_is_better if name in METRICS else None

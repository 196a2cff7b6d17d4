"""Words that people read for the names used in tables."""

from collections.abc import Mapping

from nba_rank.core.metrics import METRICS

POINT_LABELS = {
    "open": "opening", "0.05": "5%", "0.15": "15%", "0.25": "25%",
    "0.5": "50%", "0.75": "75%", "end": "end",
}  # fmt: skip
"""Points in the regular season, in order."""

SCOPE_LABELS = {
    "league": "all teams",
    "playoff16": "the 16 playoff teams",
    "east": "East",
    "west": "West",
    "regular": "regular season",
    "playoffs": "playoffs",
    "regular_priced": "regular season, games with bookmakers' odds",
    "playoffs_priced": "playoffs, games with bookmakers' odds",
}

RANKER_LABELS = {
    "stack": "stack", "model_a": "A attention", "xgb": "B XGBoost", "rf": "C forest",
    "projected_outcome": "projection", "clone_classifier": "playoff classifier",
    "standings": "standings", "elo": "Elo", "massey": "Massey", "srs": "SRS",
    "net_rating": "net rating", "last_season": "last season",
    "market": "bookmakers", "random": "random", "random16": "random playoff team",
    "platt": "Platt calibration", "simulation": "simulation",
    "always_home": "home teams' share", "elo_fitted": "Elo (home edge fitted)",
}  # fmt: skip
"""Rankers: the stack, its members, the baselines; then what gives only probabilities."""

METRIC_LABELS = {name: metric.words for name, metric in METRICS.items()}

EVENT_LABELS = {
    "playoff": "makes the playoffs", "round_1": "wins round 1", "round_2": "wins round 2",
    "finals": "reaches the Finals", "title": "wins the title",
}  # fmt: skip
"""How far a team may go."""

HEALTH_LABELS = {
    "prior_gain": "training loss below that of the team prior, share",
    "prior_kl": "divergence from the minutes prior, nats",
    "entropy_ratio": "entropy over that of equal weights",
    "attention_max": "largest weight of a team",
    "fallback_share": "share of fallbacks",
    "score_spread": "spread of the scores in a list",
    "gradient_attention": "gradient norm, attention",
    "gradient_encoder": "gradient norm, encoder",
    "gradient_scorer": "gradient norm, scorer",
}
"""What tells whether model A's attention is alive."""

LOSS_LABELS = {
    "list_mle": "ListMLE",
    "p_list_mle": "position-aware ListMLE",
    "soft_spearman": "1 - soft Spearman",
}
"""Losses of model A."""


LABELS: Mapping[str, Mapping[str, str]] = {
    "as_of_point": POINT_LABELS, "scope": SCOPE_LABELS, "metric": METRIC_LABELS,
    "event": EVENT_LABELS, "statistic": HEALTH_LABELS,
    **dict.fromkeys(("ranker", "reference", "member", "model"), RANKER_LABELS),
}  # fmt: skip
"""Words by the name of the column in which a name stands."""


def metric_label(metric: str) -> str:
    """Return the words for a metric, or its name where it has none."""
    return METRIC_LABELS.get(metric, metric.replace("_", " "))


def ranker_label(ranker: str) -> str:
    """Return the words for a ranker, or its name where it has none."""
    return RANKER_LABELS.get(ranker, ranker)


def sentence(words: str) -> str:
    """Return words with a capital letter first."""
    return words[:1].upper() + words[1:]

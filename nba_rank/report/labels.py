"""Words that people read for the names used in tables."""

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
}

RANKER_LABELS = {
    "stack": "stack", "model_a": "A attention", "xgb": "B XGBoost", "rf": "C forest",
    "projected_outcome": "projection",
    "standings": "standings", "elo": "Elo", "massey": "Massey", "srs": "SRS",
    "net_rating": "net rating", "last_season": "last season",
    "market": "bookmakers", "random": "random", "random16": "random playoff team",
    "platt": "Platt calibration", "simulation": "simulation",
    "always_home": "home teams' share", "elo_fitted": "Elo (home edge fitted)",
}  # fmt: skip
"""Rankers: the stack, its members, the baselines; then what gives only probabilities."""

EVENT_LABELS = {
    "playoff": "makes the playoffs", "round_1": "wins round 1", "round_2": "wins round 2",
    "finals": "reaches the Finals", "title": "wins the title",
}  # fmt: skip
"""How far a team may go."""

LOSS_LABELS = {
    "list_mle": "ListMLE",
    "p_list_mle": "position-aware ListMLE",
    "soft_spearman": "1 - soft Spearman",
}
"""Losses of model A."""


def ranker_label(ranker: str) -> str:
    """Return the words for a ranker, or its name where it has none."""
    return RANKER_LABELS.get(ranker, ranker)

"""Weights of what is known of a team, before any game was learned from."""

from nba_rank.odds.inputs import MARKET_INPUT

REGULAR = {
    "full_strength": 0.3, "roster_strength": 0.2, "margin_rating": 0.6, "draft_value": 0.0,
}  # fmt: skip
PLAYOFFS = {
    "playoff_strength": 0.5, "star_strength": 0.15, "margin_rating": 0.3, "elo_margin": 0.0,
}  # fmt: skip
TEAM_ONLY = {"elo_margin": 1.0, "margin_rating": 0.0}
"""Inputs of strengths and their weights before any game was learned from: for the regular season
and the playoffs with players, and for both without."""

MARKET_WEIGHT = 0.5
"""The same of `MARKET_INPUT`, where it is known beside the players; theirs are halved then."""


def with_market(start: dict[str, float]) -> dict[str, float]:
    """Return starting weights with that of `MARKET_INPUT`, the others scaled down for it."""
    own = 1 - MARKET_WEIGHT
    return {name: own * weight for name, weight in start.items()} | {MARKET_INPUT: MARKET_WEIGHT}

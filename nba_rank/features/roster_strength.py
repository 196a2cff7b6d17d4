"""Strength of the current roster, from its players' ratings and expected minutes."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from nba_rank.config.schema import GroupConfig
from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.features.asof import (
    DAY_SPAN,
    Rows,
    RunningSums,
    centred,
    group_sums,
    places,
    ratio,
    start_years,
    sum_and_count,
)
from nba_rank.features.players.minutes import PLAYOFFS, REGULAR, Rotation, team_shares
from nba_rank.features.team_sums import regular_season_sums

MARGIN_SD = 13.3
"""Standard deviation of a game's margin around its expectation, in points."""

MAX_EXPERIENCE = 5
"""Earlier seasons that count, so that experience compares between seasons from the sixth on."""

YOUNG_SEASONS = 4
"""Seasons for which a player's draft tells what his ratings do not yet."""

UNDRAFTED = 61
"""Pick from which on a player counts as undrafted."""

OWN_CONFERENCE_SHARE = 52 / 82
"""Share of a team's games against its own conference."""


def build(tables: Tables, ratings: pd.DataFrame, rows: Rows, config: GroupConfig) -> pd.DataFrame:
    """Build roster strength in points per game less the mean team's; NaN without player logs.

    Columns: `roster_strength`, the sum of minutes share times impact rating over the players
    expected to play; `full_strength`, the same with everybody back who has been missing games;
    `playoff_strength`, that with the tighter rotation of the playoffs; `star_strength` (points
    squared), the sum over that rotation of share times the squared excess of a rating over the
    league's average minute; `projected_win_pct`, the games won so far plus the remaining ones at
    the win probability `Phi((full_strength - opponents) / MARGIN_SD)`, over all games, where the
    opponents are both conferences' other teams by their share of a schedule; `top3_strength` and
    `depth_strength`, `full_strength` split into the three players who add most and the rest;
    `draft_value`, the sum of minutes share times `log(UNDRAFTED / pick)` over the players expected
    to play who are in their first `YOUNG_SEASONS` after the draft; and `experience`, the mean
    number of earlier seasons in the logs, at most `MAX_EXPERIENCE`, by minutes at full strength,
    NaN in the logs' first season.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])

    def strength(share: FloatArray, value: FloatArray) -> FloatArray:
        return _of_teams(rows, row, share * value)

    terms = player_terms(tables, ratings, rows)
    strengths = {name: strength(*term) for name, term in terms.items()}
    draft_value = strengths.pop("draft_value")
    projected = _projected(tables, rows, strengths["full_strength"])
    full, rating = terms["full_strength"]
    top3 = places(full * rating, row) < 3
    seasons = _seasons_before(tables, ratings["player_id"].to_numpy(), rows.season[row])
    parts = {
        "top3_strength": strength(full * top3, rating),
        "depth_strength": strength(full * ~top3, rating),
        "draft_value": draft_value,
        "experience": strength(ratio(full, group_sums(full, row)), seasons),
    }
    return pd.DataFrame({**strengths, "projected_win_pct": projected, **parts})


def full_strength(ratings: pd.DataFrame, rows: Rows) -> FloatArray:
    """Return the `full_strength` of `build` alone, [N], in a small part of the time."""
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    share = team_shares(ratings["full_strength_minutes"].to_numpy(), row, len(rows.frame), REGULAR)
    return _of_teams(rows, row, share * ratings["impact_rating"].to_numpy())


def _of_teams(rows: Rows, row: IntArray, of_players: FloatArray) -> FloatArray:
    """Return the sum over each team's players less the mean team's; NaN without players, [N]."""
    n = len(rows.frame)
    known = np.isin(np.arange(n), row)
    return centred(np.where(known, np.bincount(row, of_players, n), np.nan), rows.day)


def player_terms(
    tables: Tables, ratings: pd.DataFrame, rows: Rows
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Return share and value of each rated player in the strengths that are sums over players.

    The strength of a team is the sum of share times value over its players, less the mean of the
    date's teams; see `build`.

    Returns:
        By name of the strength: shares of the team's time, which sum to 5 a team, and values, in
        the unit of the strength, [P] each in the order of `ratings`.
    """
    row = rows.find(ratings["as_of_date"], ratings["team_id"])
    rating = ratings["impact_rating"].to_numpy()

    def shares(minutes: str, rotation: Rotation) -> FloatArray:
        return team_shares(ratings[minutes].to_numpy(), row, len(rows.frame), rotation)

    full = shares("full_strength_minutes", REGULAR)
    playoffs = shares("full_strength_minutes", PLAYOFFS)
    average = ratio(*(group_sums(part, rows.day[row]) for part in (full * rating, full)))
    expected = shares("expected_minutes", REGULAR)
    value = _draft_value(tables, ratings["player_id"].to_numpy(), rows.season[row])
    return {
        "roster_strength": (expected, rating),
        "full_strength": (full, rating),
        "playoff_strength": (playoffs, rating),
        "star_strength": (playoffs, np.square(np.maximum(rating - average, 0.0))),
        "draft_value": (expected, np.where(np.isnan(rating), np.nan, value)),
    }


def _draft_value(tables: Tables, player: IntArray, season: IntArray) -> FloatArray:
    """Return `log(UNDRAFTED / pick)` of players in `YOUNG_SEASONS`, 0 for others, [P]."""
    drafts = tables.drafts.set_index("player_id")
    slot = drafts.index.get_indexer(pd.Index(player))
    drafted = np.append(start_years(drafts["season"]), -DAY_SPAN)[slot]
    pick = np.append(drafts["pick"], UNDRAFTED)[slot]
    since = season - drafted
    young = (since >= 0) & (since < YOUNG_SEASONS)
    return np.where(young, np.log(UNDRAFTED / np.minimum(pick, UNDRAFTED)), 0.0)


def _seasons_before(tables: Tables, player: IntArray, season: IntArray) -> FloatArray:
    """Return the earlier seasons that count for each player, NaN in the logs' first, [P]."""
    ids, log, first = tables.once("seasons of players", lambda: _seasons_played(tables))
    slot = np.minimum(np.searchsorted(ids, player), max(len(ids) - 1, 0))
    known = ids[slot] == player if len(ids) else np.zeros(len(player), dtype=np.bool_)
    before = np.minimum(np.where(known, log.games(slot, season), 0), MAX_EXPERIENCE)
    return np.where(season > first, before, np.nan)


def _seasons_played(tables: Tables) -> tuple[IntArray, RunningSums, int]:
    """Return the players of the logs, a game a season of each by his place, the first season."""
    games = tables.player_games[["player_id", "season"]].drop_duplicates()
    played = start_years(games["season"])
    ids, slot = np.unique(games["player_id"], return_inverse=True)
    return ids, RunningSums(slot, played, []), played.min(initial=DAY_SPAN)


def _projected(tables: Tables, rows: Rows, strength: FloatArray) -> FloatArray:
    to_date = regular_season_sums(tables, rows, ["won"]).total(rows)
    remaining = np.maximum(rows.scheduled() - to_date.games, 0.0)
    edge = strength - _opponents(rows, strength)
    won = to_date["won"] + remaining * ndtr(edge / MARGIN_SD)
    return np.asarray(won / (to_date.games + remaining))


def _opponents(rows: Rows, strength: FloatArray) -> FloatArray:
    """Return the mean strength of each team's opponents over a whole schedule."""
    east = (rows.frame["conference"] == "East").to_numpy()
    own, n_own = sum_and_count(strength, 2 * rows.day + east)
    league, n_league = sum_and_count(strength, rows.day)
    inside = ratio(own - strength, n_own - 1)
    outside = ratio(league - own, n_league - n_own)
    return OWN_CONFERENCE_SHARE * inside + (1 - OWN_CONFERENCE_SHARE) * outside

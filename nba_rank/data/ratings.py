"""From rows of season-level ratings to the tables of team records and of RAPTOR."""

import pandas as pd

from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.market import without_repeats
from nba_rank.data.player_names import match_names
from nba_rank.data.rosters import named_team_ids
from nba_rank.data.tables import KEYS, conform

_BASKETBALL_REFERENCE = {"BRK": "BKN", "CHO": "CHA", "PHO": "PHX"}
"""Abbreviations of Basketball-Reference that the game logs do not use."""

_RATES = ["raptor_offense", "raptor_defense"]


def team_records_table(
    rows: pd.DataFrame, *, team_games: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Put the table of team records together.

    Args:
        rows: Rows of all files, as `raw_ratings.normalise_records` returns them; may be empty.
        team_games: The canonical table, whose results the records are compared with.
        teams: The canonical table.
        issues: Receives an error for every row of no known team and for a team with two
            different rows of one season, and counted warnings for records that the game logs
            contradict, which stay as they are.

    Returns:
        The canonical table `team_records`. After an error it is not fit for use.
    """
    shown = ["season", "team"]
    rows = rows.assign(team_id=named_team_ids(rows, teams, issues))
    key = KEYS["team_records"]
    rows = without_repeats(
        rows[rows["team_id"] > 0], key, ["wins", "losses", "mov", "sos", "srs"], shown, issues
    )
    regular = team_games[team_games["kind"] == "regular"].groupby(key)["won"]
    seen = pd.DataFrame({"won": regular.sum(), "games": regular.size()})
    seen = seen.reindex(pd.MultiIndex.from_frame(rows[key])).set_axis(rows.index)
    lost = seen["games"] - seen["won"]
    apart = seen["won"].notna() & ((seen["won"] != rows["wins"]) | (lost != rows["losses"]))
    issues.warn(
        "W and L disagree with the game logs; the row is kept",
        rows.assign(games_won=seen["won"], games_lost=lost), apart,
        [*shown, "wins", "losses", "games_won", "games_lost"],
    )  # fmt: skip
    return conform("team_records", rows)


def raptor_table(
    rows: pd.DataFrame, *, player_games: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Put the table of RAPTOR ratings together.

    The file has the ids of Basketball-Reference. Each player is identified by name, season and team
    (see `nba_rank.data.player_names.match_names`) among those who played in the season. An id whose
    rows name different players, or that shares a player with another id, is left out. The rows of a
    player's season, by team and for regular season and playoffs, become one, weighted by minutes.

    Args:
        rows: Rows of all files, as `raw_ratings.normalise_raptor` returns them; may be empty.
        player_games: The canonical table.
        teams: The canonical table.
        issues: Receives an error for every row of no known team and for two different rows of
            the same, and counted warnings for players who are left out.

    Returns:
        The canonical table `raptor`. After an error it is not fit for use.
    """
    shown = ["season", "team", "player_name", "player_key"]
    played = rows["season"].isin(player_games["season"])
    issues.warn("dropped: RAPTOR of a season without player logs", rows, ~played, shown)
    rows = rows[played]
    written = rows["team"].str.upper()
    rows = rows.assign(team=written.map(_BASKETBALL_REFERENCE).fillna(written))
    rows = rows.assign(team_id=named_team_ids(rows, teams, issues))
    of_one = ["player_key", "season", "season_type", "team_id"]
    rows = without_repeats(rows[rows["team_id"] > 0], of_one, ["minutes", *_RATES], shown, issues)
    rows = _identify(rows, player_games, issues, shown)

    # In order of key, since sums in another order differ in their last bits.
    rows = rows.sort_values(of_one)
    weighted = {name: rows[name] * rows["minutes"] for name in _RATES}
    sums = rows.assign(**weighted).groupby(KEYS["raptor"])[["minutes", *_RATES]].sum()
    sums = sums[sums["minutes"] > 0]
    rates = {name: sums[name] / sums["minutes"] for name in _RATES}
    return conform("raptor", sums.assign(**rates).reset_index())


def _identify(
    rows: pd.DataFrame, player_games: pd.DataFrame, issues: IngestIssues, shown: list[str]
) -> pd.DataFrame:
    """Return the rows whose player is certain, with `player_id`."""
    found, several = match_names(rows, player_games)
    # A name that one player has may still be that of another, who never was in the logs.
    seen = pd.MultiIndex.from_frame(player_games[["season", "player_id"]].drop_duplicates())
    asked = pd.MultiIndex.from_arrays([rows["season"], found])
    found = found.where(asked.isin(seen))
    each = found.groupby(rows["player_key"]).agg(["first", "nunique"])
    named = rows["player_key"].map(each["first"].where(each["nunique"] == 1))
    rows = rows.assign(player_id=named)
    differ = rows["player_key"].map(each["nunique"]).gt(1).astype("bool")
    issues.warn("dropped: RAPTOR of an id that names several players", rows, differ, shown)
    unnamed = named.isna() & ~differ
    issues.warn(
        "dropped: RAPTOR of a name that several players have", rows, unnamed & several, shown
    )
    issues.warn(
        "dropped: RAPTOR of a player whom no game log names", rows, unnamed & ~several, shown
    )
    keys = rows.groupby("player_id")["player_key"].transform("nunique")
    shared = keys.gt(1).reindex(rows.index, fill_value=False)
    issues.warn("dropped: RAPTOR of several ids with one name", rows, shared, shown)
    return rows[named.notna() & ~shared]

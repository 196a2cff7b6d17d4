"""The tables of season-level ratings: team records and RAPTOR."""

import pandas as pd

from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.market import without_repeats
from nba_rank.data.player_names import match_names, named_until
from nba_rank.data.rosters import team_ids
from nba_rank.data.tables import KEYS, conform

_RATES = ["raptor_offense", "raptor_defense"]
_SHOWN = ["season", "team", "player_name", "player_key"]


def team_records_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `team_records`, also of records that the game logs contradict."""
    shown = ["season", "team"]
    rows = rows.assign(team_id=team_ids(rows, known.teams, issues))
    key = KEYS["team_records"]
    rows = without_repeats(
        rows[rows["team_id"] > 0], key, ["wins", "losses", "mov", "sos", "srs"], shown, issues
    )
    regular = known.team_games.query("kind == 'regular'").groupby(key)["won"]
    seen = pd.DataFrame({"games_won": regular.sum(), "games_lost": regular.size() - regular.sum()})
    rows = rows.join(seen, on=key)
    apart = (rows["games_won"] != rows["wins"]) | (rows["games_lost"] != rows["losses"])
    issues.warn(
        "W and L disagree with the game logs; the row is kept",
        rows, rows["games_won"].notna() & apart,
        [*shown, "wins", "losses", "games_won", "games_lost"],
    )  # fmt: skip
    return conform("team_records", rows)


def raptor_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `raptor`.

    The file has the ids of Basketball-Reference. Each player is identified by name, season and team
    (see `match_names`) among those who played in the season. An id whose rows name different
    players, or that shares a player with another id, is left out. The rows of a player's season, by
    team and for regular season and playoffs, become one, weighted by minutes.
    """
    played = rows["season"].isin(known.players["season"].unique())
    issues.warn("dropped: RAPTOR of a season without player logs", rows, ~played, _SHOWN)
    rows = rows[played]
    rows = rows.assign(team_id=team_ids(rows, known.teams, issues))
    of_one = ["player_key", "season", "season_type", "team_id"]
    rows = without_repeats(rows[rows["team_id"] > 0], of_one, ["minutes", *_RATES], _SHOWN, issues)
    rows = _identify(rows, known.players, issues)

    # In order of key, since sums in another order differ in their last bits.
    rows = rows.sort_values(of_one)
    weighted = {name: rows[name] * rows["minutes"] for name in _RATES}
    sums = rows.assign(**weighted).groupby(KEYS["raptor"])[["minutes", *_RATES]].sum()
    sums = sums[sums["minutes"] > 0]
    rates = {name: sums[name] / sums["minutes"] for name in _RATES}
    return conform("raptor", sums.assign(**rates).reset_index())


def _identify(rows: pd.DataFrame, players: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows whose player is certain, with `player_id`."""
    found, several = match_names(rows, players)
    # The only player of that name in the logs may be someone else, who did not play that season.
    seen = pd.MultiIndex.from_frame(players[["season", "player_id"]])
    found = found.where(pd.MultiIndex.from_arrays([rows["season"], found]).isin(seen))
    each = named_until(rows, rows.assign(found=found), ["player_key"], "found")
    differ = each["nunique"] > 1
    named = each["first"].mask(differ)
    rows = rows.assign(player_id=named)
    unnamed = named.isna() & ~differ
    shared = named_until(rows, rows, ["player_id"], "player_key")["nunique"] > 1
    for what, dropped in (
        ("an id that names several players", differ),
        ("a name that several players have", unnamed & several),
        ("a player whom no game log names", unnamed & ~several),
        ("several ids with one name", shared),
    ):
        issues.warn(f"dropped: RAPTOR of {what}", rows, dropped, _SHOWN)
    return rows[named.notna() & ~shared]

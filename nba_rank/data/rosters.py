"""From roster rows of all raw files to the table of rosters.

A roster file is a snapshot: for its date, and for each team that it lists, all players whom the
team had on the morning of that date.
"""

import pandas as pd

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import league
from nba_rank.data.calendar import MAX_DAYS_WITHOUT_GAMES
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_names import match_names
from nba_rank.data.raw import values as raw_values
from nba_rank.data.tables import KEYS, conform

_SHOWN = ["date", "team", "player_name"]


def roster_table(
    rows: pd.DataFrame,
    *,
    games: pd.DataFrame,
    player_games: pd.DataFrame,
    teams: pd.DataFrame,
    seasons: pd.DataFrame,
    issues: IngestIssues,
) -> pd.DataFrame:
    """Put the table of rosters together.

    Of several files that list one team on one date only the last in order of name counts. A
    player who is listed twice on a date belongs to the team of the last row.

    Args:
        rows: Rows of all roster files, as `raw_rosters.normalise` returns them; may be empty.
        games: The canonical table.
        player_games: The canonical table; gives players without id theirs.
        teams: The canonical table.
        seasons: The canonical table.
        issues: Receives an error for every row of no known team, and counted warnings for rows
            that are left out.

    Returns:
        The canonical table `rosters`. After an error it is not fit for use.
    """
    season = season_of_roster(rows["date"], games, seasons)
    issues.warn("dropped: roster of a season without game logs", rows, season.isna(), _SHOWN)
    rows = rows.assign(season=season).dropna(subset="season")
    elsewhere = rows["named_season"].ne("") & rows["named_season"].ne(rows["season"])
    issues.warn(
        "file name disagrees with the date, which is believed", rows, elsewhere, ["date", "season"]
    )
    rows = rows.assign(team_id=team_ids(rows, teams, issues))
    written = rows["abbreviation"].map(_abbreviations(teams))
    issues.warn(
        "TEAM_ABBREVIATION disagrees with TEAM_ID, which is believed",
        rows, written.notna() & rows["team_id"].gt(0) & (written != rows["team_id"]),
        ["team", "abbreviation"],
    )  # fmt: skip
    newest = rows.groupby(["date", "team_id"])["file"].transform("last")
    replaced = rows["file"] != newest
    issues.warn(
        "dropped: a later file lists the team's roster of the same date", rows, replaced, _SHOWN
    )
    rows = identify_players(rows[~replaced], player_games, issues)
    same = rows.duplicated(KEYS["rosters"], keep="last")
    issues.warn("duplicate rows removed", rows, same, _SHOWN)
    moved = rows.duplicated(["date", "player_id"], keep="last") & ~same
    issues.warn(
        "dropped: a later row lists the player for another team on the same date",
        rows, moved, _SHOWN,
    )  # fmt: skip
    return conform("rosters", rows[~same & ~moved])


def season_of_roster(dates: pd.Series, games: pd.DataFrame, seasons: pd.DataFrame) -> pd.Series:
    """Return the season of each roster: the one that is being played or comes next.

    A season lasts from the day after the last game of the one before. If that day is unknown (the
    earlier season is not in the tables, or its champion is not yet known), the league's year is
    used, 1 July to 30 June. The season after the last one of the tables counts as well, so that a
    roster can come before any game.

    Args:
        dates: Dates of rosters.
        games: The canonical table.
        seasons: The canonical table.

    Returns:
        Season (str), null for a date in no season.
    """
    last_days = games.groupby("season")["game_date"].max()
    ends: dict[str, pd.Timestamp] = {}
    for season, complete in zip(seasons["season"], seasons["complete"], strict=True):
        played = last_days[season]
        break_ = pd.Timedelta(days=MAX_DAYS_WITHOUT_GAMES)
        ends[season] = played if complete else max(played + break_, _end_of_year(season))
    coming = _season_after(seasons["season"].max(), 1)
    ends[coming] = _end_of_year(coming)
    found = pd.Series(None, index=dates.index, dtype="str")
    for season, end in ends.items():
        before = _season_after(season, -1)
        within = dates.gt(ends.get(before, _end_of_year(before))) & dates.le(end)
        found = found.mask(within, season)
    return found


def _season_after(season: str, years: int) -> str:
    return season_label(season_start_year(season) + years)


def _end_of_year(season: str) -> pd.Timestamp:
    return pd.Timestamp(season_start_year(season) + 1, 6, 30)


def team_ids(rows: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    """Return the team that each row of a hand-written file means.

    Args:
        rows: Columns `file`, `row`, `season` and `team` (id or abbreviation, as text).
        teams: The canonical table.
        issues: Receives an error for every row of no known team, or of one that is not in the
            league in the row's season.

    Returns:
        Team ids (int64), 0 where there is none.
    """
    ids = raw_values.numbers(raw_values.digits(rows["team"]))
    ids = ids.where(ids.isin(league.known_team_ids()))
    ids = ids.fillna(rows["team"].str.upper().map(_abbreviations(teams)))
    known = ids.notna()
    remedy = "Give the team's id, or its abbreviation as in the game logs."
    issues.error("unknown team", rows, ~known, ["team"], remedy)
    for season in rows["season"].unique():
        playing = ids.isin(league.league_teams(season)["team_id"])
        absent = (rows["season"] == season) & known & ~playing
        remedy = "The team did not play in that season; correct either."
        issues.error("team of another season", rows, absent, ["team", "season"], remedy)
    return ids.fillna(0).astype("int64")


def named_team_ids(rows: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    """Return the team that each row means, as `team_ids`, of which `team` may be a name as well.

    Names that a franchise had before it was renamed or moved count, and those of the game logs.
    """
    names = {
        **league.franchise_names(),
        **dict(zip(teams["name"].str.lower(), teams["team_id"], strict=True)),
    }
    by_name = rows["team"].str.lower().str.replace(r"\s+", " ", regex=True).map(names)
    written = by_name.astype("Int64").astype("str").where(by_name.notna(), rows["team"])
    return team_ids(rows.assign(team=written), teams, issues)


def _abbreviations(teams: pd.DataFrame) -> dict[str, int]:
    """Return the team of each abbreviation that a game log or today's league uses."""
    today = league.league_teams(teams["season"].max())
    used = pd.concat([today, teams.sort_values("season")])
    return dict(zip(used["abbreviation"].str.upper(), used["team_id"], strict=True))


def identify_players(
    rows: pd.DataFrame, player_games: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Return the rows whose player is known, each with an id and, where there is one, a name.

    Args:
        rows: Columns `file`, `row`, `date`, `season`, `team`, `team_id`, `player_id` (NaN where
            there is none) and `player_name`.
        player_games: The canonical table; gives players without id theirs.
        issues: Receives counted warnings for players told by name and for those left out.
    """
    absent = rows["player_id"].isna()
    found, several = match_names(rows[absent], player_games)
    several = several.reindex(rows.index, fill_value=False)
    rows = rows.assign(player_id=rows["player_id"].fillna(found))
    issues.warn("player without id: told by name", rows, absent & rows["player_id"].notna(), _SHOWN)
    lost = rows["player_id"].isna()
    issues.warn("dropped: player without id whose name several players have", rows, several, _SHOWN)
    issues.warn("dropped: player without id whom no game log names", rows, lost & ~several, _SHOWN)
    rows = rows[~lost]
    newest = player_games.drop_duplicates("player_id", keep="last")
    names = rows["player_id"].map(newest.set_index("player_id")["player_name"])
    return rows.assign(player_name=rows["player_name"].fillna(names).fillna(""))

"""The table of rosters, and which team and player a row of a file means.

A roster file is a snapshot: for its date, and for each team that it lists, all players whom the
team had on the morning of that date.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import league
from nba_rank.data.calendar import MAX_DAYS_WITHOUT_GAMES
from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_names import match_names, plain_name
from nba_rank.data.raw import columns
from nba_rank.data.raw import values as raw_values
from nba_rank.data.tables import KEYS, Tables, conform

_SHOWN = ["date", "team", "player_name"]

MIN_IDS = 8
"""A file of so many ids, none of which a game log has, has those of another source."""

MAX_FOREIGN = 0.2
"""A folder in which a smaller share of the ids goes with the names has those of another source."""

LIST_SIZE = (8, 25)
"""Players on a team's list: a game needs eight, and a camp has about twenty."""


def roster_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `rosters`.

    Of several files that list one team on one date only the last in order of name counts. A
    player who is listed twice on a date belongs to the team of the last row.
    """
    rows = with_season(rows, "roster", known, issues, _SHOWN)
    rows = rows.assign(team_id=team_ids(rows, known.teams, issues))
    written = rows["abbreviation"].map(_abbreviations(known.teams))
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
    rows = rows[~replaced]
    size = rows.groupby(["date", "team_id"])["row"].transform("size")
    few = ~size.between(*LIST_SIZE) & ~rows.duplicated(["date", "team_id"])
    issues.error(
        f"a team's list has fewer than {LIST_SIZE[0]} or more than {LIST_SIZE[1]} players",
        rows.assign(players=size), few, ["date", "team", "players"],
        "List all players of a team, and only them; or leave the team out.",
    )  # fmt: skip
    rows = rows[size.between(*LIST_SIZE)]
    read = rows["file"].unique()
    rows = identify_players(rows, known.players, issues)
    for file in set(read) - set(rows["file"]):
        remedy = "Give ids or names as in the player logs."
        issues.error_file(str(file), "no player of it is known", remedy)
    same = rows.duplicated(KEYS["rosters"], keep="last")
    issues.warn("duplicate rows removed", rows, same, _SHOWN)
    moved = rows.duplicated(["date", "player_id"], keep="last") & ~same
    issues.warn(
        "dropped: a later row lists the player for another team on the same date",
        rows, moved, _SHOWN,
    )  # fmt: skip
    return conform("rosters", rows[~same & ~moved])


def without_first_day(tables: Tables) -> Tables:
    """Leave out the rosters of each season's first game day.

    Files made of the players of each team's first game bear that date, and know the future. A list
    from the end of the training camps has an earlier one.
    """
    rosters = tables.rosters
    first = rosters["season"].map(tables.seasons.set_index("season")["first_date"])
    kept = rosters[rosters["date"] != first].reset_index(drop=True)
    return replace(tables, rosters=kept)


def with_season(
    rows: pd.DataFrame, what: str, known: GameTables, issues: IngestIssues, show: list[str]
) -> pd.DataFrame:
    """Return dated rows of files with their `season`, those of no season left out with a warning.

    A file that is named after another season (`named_season`) is a warning, too.
    """
    season = season_of_date(rows["date"], known)
    issues.warn(f"dropped: {what} of a season without game logs", rows, season.isna(), show)
    rows = rows.assign(season=season).dropna(subset="season")
    elsewhere = rows["named_season"].ne("") & rows["named_season"].ne(rows["season"])
    issues.warn(
        "file name disagrees with the date, which is believed", rows, elsewhere, ["date", "season"]
    )
    return rows


def season_of_date(dates: pd.Series, known: GameTables) -> pd.Series:
    """Return the season that is being played or comes next on each date, null for none.

    A season lasts from the day after the last game of the one before. If that day is unknown (the
    earlier season is not in the tables, or its champion is not yet known), the league's year is
    used, 1 July to 30 June (2019-20: to August). The season after the last one of the tables counts
    as well, so that a roster can come before any game.
    """
    seasons = known.seasons
    last_days = known.games.groupby("season")["game_date"].max()
    break_ = pd.Timedelta(days=MAX_DAYS_WITHOUT_GAMES)
    ends: dict[str, pd.Timestamp] = {}
    for season, complete in zip(seasons["season"], seasons["complete"], strict=True):
        played = last_days[season]
        ends[season] = played if complete else max(played + break_, _end_of_year(season))
    coming = _season_after(seasons["season"].max(), 1)
    ends[coming] = _end_of_year(coming)
    before = [_season_after(season, -1) for season in ends]
    starts = pd.Series([ends.get(season, _end_of_year(season)) for season in before])
    # The season that is the first to end on the date or later, unless it begins after the date.
    place = np.searchsorted(pd.Series(ends).to_numpy(), dates.to_numpy())
    within = place < len(ends)
    place[~within] = 0
    within &= dates.to_numpy() > starts.to_numpy()[place]
    labels = np.array([*ends], dtype="object")
    return pd.Series(labels[place], dates.index, dtype="str").where(within)


def _season_after(season: str, years: int) -> str:
    return season_label(season_start_year(season) + years)


def _end_of_year(season: str) -> pd.Timestamp:
    """Return 30 June, or the later day by which a regular season that was stopped has ended."""
    _, last = league.playing_days(season, "regular")
    return max(last, pd.Timestamp(season_start_year(season) + 1, 6, 30))


def team_ids(rows: pd.DataFrame, teams: pd.DataFrame, issues: IngestIssues) -> pd.Series:
    """Return the team that each row of a file means (int64), 0 for none, which is an error.

    The column `team` has ids, abbreviations or names, also those of a franchise before it was
    renamed or moved; what the game logs say comes first. A team that is not in the league in the
    row's `season` is an error, too.
    """
    ids = raw_values.numbers(raw_values.digits(rows["team"]))
    ids = ids.where(ids.isin(league.known_team_ids()))
    names = dict(zip(teams["name"].str.upper(), teams["team_id"], strict=True))
    names |= _abbreviations(teams)
    ids = ids.fillna(rows["team"].str.upper().str.replace(r"\s+", " ", regex=True).map(names))
    ids = ids.fillna(league.team_ids_of(rows["team"]))
    remedy = "Give the team's id, its name, or its abbreviation as in the game logs."
    issues.error("unknown team", rows, ids.isna(), ["team"], remedy)
    columns.check_seasons(ids, rows["season"], rows, ["team", "season"], issues)
    return ids.fillna(0).astype("int64")


def _abbreviations(teams: pd.DataFrame) -> dict[str, int]:
    """Return the team of each abbreviation that a producer or a game log uses."""
    used = teams.sort_values("season")
    own = dict(zip(used["abbreviation"].str.upper(), used["team_id"], strict=True))
    return league.abbreviations() | own


def identify_players(
    rows: pd.DataFrame, players: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Return the rows whose player is known, each with an id and, where there is one, a name.

    Rows without a `player_id` are identified by `match_names`, or left out, with a warning.
    """
    rows = _of_this_league(rows, players, issues)
    absent = rows["player_id"].isna()
    rows = _of_known_ids(rows, players, issues)
    found, several = match_names(rows[absent], players)
    several = several.reindex(rows.index, fill_value=False)
    rows = rows.assign(player_id=rows["player_id"].fillna(found))
    issues.warn(
        "player without id: identified by name", rows, absent & rows["player_id"].notna(), _SHOWN
    )
    lost = rows["player_id"].isna()
    issues.warn("dropped: player without id whose name several players have", rows, several, _SHOWN)
    issues.warn("dropped: player without id whom no game log names", rows, lost & ~several, _SHOWN)
    rows = rows[~lost]
    newest = players.drop_duplicates("player_id", keep="last")
    strange = ~rows["player_id"].isin(newest["player_id"])
    file = strange.groupby(rows["file"])
    strange = file.transform("all") & file.transform("size").ge(MIN_IDS) & bool(len(newest))
    rows = issues.drop("player of a file whose ids no game log has", rows, strange, _SHOWN)
    names = rows["player_id"].map(newest.set_index("player_id")["player_name"])
    return rows.assign(player_name=rows["player_name"].fillna(names).fillna(""))


def _of_this_league(
    rows: pd.DataFrame, players: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Take the ids from the rows of a folder where they hardly ever go with the name in the logs.

    They are another source's, and some of them are by chance those of other players.
    """
    named = rows["player_id"].gt(0) & rows["player_name"].notna()
    if not named.any():
        return rows
    pairs = players[["player_id", "player_name"]].drop_duplicates()
    names = pairs["player_name"].map(plain_name)
    own = rows[named].assign(name=lambda each: each["player_name"].map(plain_name))
    own = own[own["name"].isin(names)]
    if own["name"].nunique() < MIN_IDS:
        return rows
    written = pd.MultiIndex.from_frame(own[["player_id", "name"]])
    known = pd.MultiIndex.from_arrays([pairs["player_id"], names])
    right = pd.Series(written.isin(known), own.index)
    folder = own["file"].str.rpartition("/")[0]
    share, people = right.groupby(folder).mean(), own["name"].groupby(folder).nunique()
    others = share[(share < MAX_FOREIGN) & (people >= MIN_IDS)]
    foreign = named & rows["file"].str.rpartition("/")[0].isin(others.index)
    foreign &= rows["player_id"].isin(pairs["player_id"])
    what = "ids that the game logs give to other players: players are identified by name"
    issues.warn(what, rows, foreign, [*_SHOWN, "player_id"])
    return rows.assign(player_id=rows["player_id"].mask(foreign))


def _of_known_ids(rows: pd.DataFrame, players: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Take for an id that no game log has that of the only player of the name, with a warning.

    He has to have played in the row's season or the one before: an older one is someone else.
    """
    odd = rows["player_id"].gt(0) & ~rows["player_id"].isin(players["player_id"])
    odd &= rows["player_name"].notna()
    if not odd.any():
        return rows
    parts = []
    for season, part in rows[odd].groupby("season"):
        recent = players[players["season"] >= _season_after(str(season), -1)]
        found, _ = match_names(part, recent)
        names = recent.drop_duplicates("player_id").set_index("player_id")["player_name"]
        same = found.map(names).map(plain_name, na_action="ignore") == part["player_name"].map(
            plain_name
        )
        parts.append(found.where(same))
    ids = pd.concat(parts).reindex(rows.index)
    listed = pd.MultiIndex.from_frame(rows[["date", "player_id"]])
    pairs = pd.MultiIndex.from_arrays([rows["date"], ids])
    ids = ids.mask(pairs.isin(listed) | pairs.duplicated(keep=False))
    what = "id that no game log has: the player of that name is taken"
    issues.warn(what, rows, ids.notna(), [*_SHOWN, "player_id"])
    return rows.assign(player_id=ids.fillna(rows["player_id"]))

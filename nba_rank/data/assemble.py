"""From normalised rows of all raw files to the canonical tables, with all checks across rows."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from nba_rank.data import league
from nba_rank.data.drafts import drafts_table
from nba_rank.data.duplicates import deduplicate
from nba_rank.data.foreign_ids import games_of_league
from nba_rank.data.game_tables import GameTables
from nba_rank.data.gaps import warn_gaps
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.injuries import injury_tables
from nba_rank.data.market import market_lines_table, market_totals_table
from nba_rank.data.play_by_play.derive import all_stints
from nba_rank.data.player_rows import player_rows
from nba_rank.data.ratings import raptor_table, team_records_table
from nba_rank.data.raw import columns
from nba_rank.data.rosters import roster_table
from nba_rank.data.schedules import check_days_off, schedule_table
from nba_rank.data.tables import KINDS, SCHEMA, Tables, conform, no_rows

MAX_EXCLUDED_SHARE = 0.01
MAX_EXCLUDED_GAMES = 5
"""A file that loses more games than both limits allow stops the ingest."""

MIN_SHARE_BEFORE_PLAYOFFS = 0.95
"""Share of the regular season that must be there when there are playoffs."""

MAX_PAUSE = 10
"""Days from one regular-season game day to the next; up to 7 at an All-Star break."""

MAX_BEHIND = 8
"""Games that a team can be behind another one in a season in progress; up to 7, 8 in 2020-21."""

MAX_NAMED = 5
"""Teams with few games that are named."""

MIN_NEUTRAL = 30
"""A file most of whose games, and so many at least, tell no home team says it of none."""

DAYS_IN_PROGRESS = 2
"""Games up to so many days before the last one of their season can be in progress."""

_OF_REPORTS = ("injury_reports", "injury_report_dates", "unreported_teams")
_FINAL = ["opponent_team_id", "game_date", "game_id", "won"]
_Make = Callable[[pd.DataFrame, GameTables, IngestIssues], pd.DataFrame]
_OF_ONE_LEVEL: dict[str, _Make] = {
    "market_totals": market_totals_table,
    "market_lines": market_lines_table,
    "team_records": team_records_table,
    "raptor": raptor_table,
    "drafts": drafts_table,
}
"""What makes the tables that are named like the level of their files."""


def assemble(rows: Mapping[str, pd.DataFrame], issues: IngestIssues) -> Tables:
    """Put the tables together from the normalised rows of all files of each level that has any.

    There have to be some of the `team` level.

    Raises:
        IngestError: The rows cannot make sound tables; `issues` holds every reason.
    """
    rows = {
        level: games_of_league(some, rows["team"]) if level in ("team", "player") else some
        for level, some in rows.items()
    }
    teams = finished(rows["team"], issues)
    key = ["game_id", "team_id"]
    if teams.duplicated(key).any():
        trust = _trust(teams, rows.get("player"))
        teams = deduplicate(teams, key, ["points"], issues, trust)
    sides = pair_sides(teams, issues)
    issues.raise_errors()
    player_games = no_rows("player_games")
    if "player" in rows:
        player_games = conform("player_games", player_rows(rows["player"], sides, issues))
    games, team_games, teams = _games(sides), conform("team_games", sides), _teams(sides, issues)
    seasons = _seasons(games, team_games, player_games, sides, issues)
    issues.raise_errors()
    regular = sides[sides["is_home"] & sides["kind"].eq("regular")]
    check_days_off(regular[["season", "game_date", "file"]], issues)
    warn_gaps(team_games, player_games, teams, issues)
    known = GameTables(games, team_games, player_games, teams, seasons)

    def table(name: str, level: str, make: _Make) -> pd.DataFrame:
        return make(rows[level], known, issues) if level in rows else no_rows(name)

    tables = {
        "rosters": table("rosters", "roster", roster_table),
        "stints": all_stints(rows.get("stints"), rows.get("play_by_play"), known, issues),
        "schedule": schedule_table(rows.get("schedule"), known, issues),
        **{name: table(name, name, make) for name, make in _OF_ONE_LEVEL.items()},
        **{name: no_rows(name) for name in _OF_REPORTS},
    }
    if "injury_report" in rows:
        tables |= injury_tables(rows["injury_report"], known, issues)
    issues.raise_errors()
    return Tables(games, team_games, player_games, teams, seasons, **tables)


def finished(team_rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Leave out the rows of games in progress, counted; many that are not recent are an error."""
    rows = team_rows
    kept = ~rows["in_progress"]
    last = rows["game_date"].where(kept).groupby(rows["season"]).transform("max")
    days = last - rows["game_date"]
    old = ~days.dt.days.le(DAYS_IN_PROGRESS)
    _limit_excluded(
        rows, kept | ~old, issues, "have no WL, or minutes under 240, as if they were in progress",
        "Fill in WL and MIN of games that are over, or leave the column out.",
    )  # fmt: skip
    shown = ["game_id", "team_id", "points"]
    return issues.drop("game in progress: no WL, or minutes under 240", rows, ~kept, shown)


def _trust(team_rows: pd.DataFrame, players: pd.DataFrame | None) -> pd.Series:
    """Return what speaks for each version of a game that has several, by row.

    A version is what a file says of both teams, or says for the first, second... time. Each row
    counts 2 for points that are the sum of its players' and 1 for a WL that fits the points; a
    version counts as its worse row.
    """
    key = ["game_id", "team_id"]
    several = team_rows.loc[team_rows.duplicated(key, keep=False), "game_id"]
    rows = team_rows[team_rows["game_id"].isin(several)]
    sums = no_rows("player_games") if players is None else players
    sums = sums[sums["game_id"].isin(several)]
    # One row a player: a log that lists its games twice adds up, too.
    sums = sums.drop_duplicates([*key, "player_name", "points"]).groupby(key)[["points"]].sum()
    agrees = rows["points"] == rows[key].join(sums, on=key)["points"]
    version = [rows["game_id"], rows["file"], rows.groupby([*key, "file"]).cumcount()]
    points = rows.groupby(version)["points"]
    won = rows["points"].eq(points.transform("max")).map({True: "W", False: "L"})
    trust = 2 * agrees + rows["wl"].eq(won)
    return trust.groupby(version).transform("min")


def pair_sides(team_rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Match the two rows of every game.

    A game without exactly two teams, or without a final score, is excluded with a warning; a file
    that loses too many games is an error. Where the rows do not name one home team (a neutral
    site), it is the one with the lower id.

    Returns:
        The columns of `team_games` and the raw ones, home row before away row, with
        `neutral_site`.
    """
    rows = team_rows.assign(_teams=team_rows.groupby("game_id")["team_id"].transform("size"))
    shown = ["game_id", "team_id", "matchup"]
    issues.warn("game excluded: one team row only", rows, rows["_teams"] == 1, shown)
    issues.warn("game excluded: more than two teams", rows, rows["_teams"] > 2, shown)
    points = rows.groupby("game_id")["points"]
    level = points.transform("count").lt(2) | points.transform("min").eq(points.transform("max"))
    unfinished = (rows["_teams"] == 2) & level
    issues.warn("game excluded: no final score", rows, unfinished, ["game_id", "team_id", "points"])
    sound = (rows["_teams"] == 2) & ~unfinished
    _limit_excluded(
        rows, sound, issues, "lack a second team or a final score",
        "The file seems cut or filtered; download it again.",
    )  # fmt: skip
    rows = rows[sound].drop(columns="_teams")

    homes = rows.groupby("game_id")["at_home"].transform("sum")
    rows["neutral_site"] = homes != 1
    issues.warn(
        "no single home team in MATCHUP: kept as a neutral site, the lower team id as home",
        rows, rows["neutral_site"], shown,
    )  # fmt: skip
    for file, neutral in rows.groupby("file", sort=False)["neutral_site"]:
        if neutral.sum() >= 2 * MIN_NEUTRAL and neutral.mean() > 0.5:
            what = (
                f"MATCHUP tells no home team for {neutral.sum() // 2} of {len(neutral) // 2} games"
            )
            remedy = "The home team's row reads like 'CLE vs. WAS', the other 'WAS @ CLE'."
            issues.error_file(str(file), what, remedy)
    rows = rows.sort_values(
        ["game_id", "at_home", "team_id"], ascending=[True, False, True], ignore_index=True
    )
    rows["is_home"] = np.arange(len(rows)) % 2 == 0
    for column in ("team_id", "points", "abbreviation", "game_date"):
        rows[f"opponent_{column}"] = _other_side(rows[column])
    rows["won"] = rows["points"] > rows["opponent_points"]
    _check_sides(rows, issues)
    rows["game_date"] = rows["game_date"].where(rows["is_home"], rows["opponent_game_date"])
    return rows


def _other_side(column: pd.Series) -> pd.Series:
    """Swap each even row with the odd row after it."""
    order = np.arange(len(column)) ^ 1
    return column.iloc[order].set_axis(column.index)


def _limit_excluded(
    rows: pd.DataFrame, sound: pd.Series, issues: IngestIssues, what: str, remedy: str
) -> None:
    for file, games in rows.groupby("file", sort=False)["game_id"]:
        lost, total = games[~sound.loc[games.index]].nunique(), games.nunique()
        if lost > MAX_EXCLUDED_GAMES and lost > MAX_EXCLUDED_SHARE * total:
            issues.error_file(str(file), f"{lost} of {total} games {what}", remedy)


def _check_sides(rows: pd.DataFrame, issues: IngestIssues) -> None:
    result = rows["wl"].isin(["W", "L"])
    wrong = result & (rows["wl"].eq("W") != rows["won"])
    issues.warn(
        "WL disagrees with the points, which are believed",
        rows, wrong, ["game_id", "team_id", "wl", "points", "opponent_points"],
    )  # fmt: skip
    named = rows["matchup"].str.extract(r"^(\S+)\s+(?:vs\.?|@)\s+(\S+)$")
    own, other = rows["abbreviation"], rows["opponent_abbreviation"]
    agrees = (named[0].eq(own) & named[1].eq(other)) | (named[0].eq(other) & named[1].eq(own))
    issues.warn(
        "MATCHUP names other teams than the rows of the game, which are believed",
        rows, ~agrees, ["game_id", "matchup", "abbreviation", "opponent_abbreviation"],
    )  # fmt: skip
    twice = rows.duplicated(["game_date", "team_id"], keep=False)
    issues.error(
        "a team plays twice on a date", rows, twice, ["game_date", "game_id", "abbreviation"],
        f"{columns.OTHER_ZONE} Where single games are concerned, correct their date or game id.",
    )  # fmt: skip
    issues.warn(
        "the two rows of a game have two dates; that of the home row is taken",
        rows,
        rows["is_home"] & (rows["game_date"] != rows["opponent_game_date"]),
        ["game_id", "game_date", "opponent_game_date"],
    )


def _games(sides: pd.DataFrame) -> pd.DataFrame:
    home = sides[sides["is_home"]]
    names = {
        "team_id": "home_team_id",
        "opponent_team_id": "away_team_id",
        "points": "home_points",
        "opponent_points": "away_points",
    }
    return conform("games", home.rename(columns=names))


def _teams(sides: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return every team of each season, named as in its latest row (unseen ones as today)."""
    latest = sides.sort_values("game_date").drop_duplicates(["season", "team_id"], keep="last")
    names = latest[["season", "team_id", "abbreviation", "name"]]
    labels = sorted(sides["season"].unique())
    known = pd.concat([league.league_teams(season).assign(season=season) for season in labels])
    known = known.rename(columns={"abbreviation": "today"})
    teams = known.merge(names, on=["season", "team_id"], how="left")
    for season, unseen in teams[teams["abbreviation"].isna()].groupby("season"):
        file = sides.loc[sides["season"] == season, "file"].iloc[0]
        what = f"season without a game of {len(unseen)} teams"
        issues.warn_file(file, what, ", ".join(unseen["today"]))
    teams["abbreviation"] = teams["abbreviation"].fillna(teams["today"])
    teams["name"] = teams["name"].fillna(teams["city"])
    return conform("teams", teams)


def _seasons(
    games: pd.DataFrame,
    team_games: pd.DataFrame,
    player_games: pd.DataFrame,
    sides: pd.DataFrame,
    issues: IngestIssues,
) -> pd.DataFrame:
    counts = games.groupby(["season", "kind"]).size()
    days = games[games["kind"] == "regular"].groupby("season")["game_date"]
    first, last = days.min(), days.max()
    with_players = set(player_games["season"].unique())
    # The regular season's file if there is one: its kind is the last of the alphabet.
    files = sides.drop_duplicates(["season", "kind", "file"]).sort_values("kind", kind="stable")
    file_of = files.drop_duplicates("season", keep="last").set_index("season")["file"]
    rows = []
    names = sides.drop_duplicates(["season", "team_id"])[["season", "team_id", "abbreviation"]]
    named = team_games[["season", "kind", "team_id", *_FINAL]].merge(
        names, on=["season", "team_id"]
    )
    for label, of_season in named.groupby("season"):
        season = str(label)
        regular, playin, playoffs = (int(counts.get((season, kind), 0)) for kind in KINDS)
        expected = league.expected_regular_games(season)
        if regular == 0:
            remedy = f"Add team_logs_{season.replace('-', '_')} to the raw folder."
            what = f"{season} has no regular-season game"
            issues.error_file(file_of[season], what, remedy)
            continue
        if playoffs and regular < MIN_SHARE_BEFORE_PLAYOFFS * expected:
            remedy = "Add the games that are missing: standings and seeds would be wrong."
            what = f"{season} has playoffs, but {regular} of {expected} regular-season games"
            issues.error_file(file_of[season], what, remedy)
        if regular != expected and not _is_under_way(of_season, file_of.index.max()):
            issues.warn_file(
                file_of[season], "regular season of another length than expected",
                f"{season}: {regular} games of {expected}{_fewest(of_season)}",
            )  # fmt: skip
        _warn_pause(of_season, season, file_of[season], issues)
        champion, runner_up = finalists(of_season)
        if playoffs and not champion and season < file_of.index.max():
            what = "playoffs without a champion, though a later season is there: games are missing"
            issues.warn_file(file_of[season], what, f"{season}: {playoffs} games")
        rows.append(
            (
                season, len(league.team_ids(season)), first[season], last[season],
                regular, expected, playin, playoffs,
                season in with_players, champion > 0, champion, runner_up,
            )
        )  # fmt: skip
    return conform("seasons", pd.DataFrame(rows, columns=list(SCHEMA["seasons"])))


def _is_under_way(of_season: pd.DataFrame, newest: str) -> bool:
    """Whether the newest season may lack games because they are still to come.

    That is so before the last days of its regular season, while no team is far behind the others.
    """
    regular = of_season[of_season["kind"] == "regular"]
    season = str(of_season["season"].iloc[0])
    if season != newest or len(regular) < len(of_season):
        return False
    games = regular.groupby("team_id").size().reindex(sorted(league.team_ids(season)), fill_value=0)
    level = games.max() - games.min() <= MAX_BEHIND
    return bool(level and games.max() < league.scheduled_games(season))


def _warn_pause(of_season: pd.DataFrame, season: str, file: str, issues: IngestIssues) -> None:
    """Warn of days without games in the middle of a regular season, but for the stop of 2019-20."""
    days = of_season.loc[of_season["kind"] == "regular", "game_date"].drop_duplicates()
    days = days.sort_values(ignore_index=True)
    pauses = days.diff().dt.days
    if league.restart(season) is None and pauses.max() > MAX_PAUSE:
        after = days[pauses.idxmax()]
        before = after - pd.Timedelta(days=pauses.max())
        what = "no regular-season game for many days: games are missing"
        issues.warn_file(
            file, what, f"{season}: none between {before:%Y-%m-%d} and {after:%Y-%m-%d}"
        )


def _fewest(of_season: pd.DataFrame) -> str:
    """Return teams with fewer regular-season games than others, and those with too many."""
    games = of_season[of_season["kind"] == "regular"].groupby("abbreviation").size()
    most = min(int(games.max()), league.scheduled_games(str(of_season["season"].iloc[0])))
    few = games[games < most].sort_values(kind="stable")
    told = f", most teams {most}" if len(few) <= len(games) / 2 else f", the fullest {most}"
    for some in (few.head(MAX_NAMED), games[games > most]):
        told += "".join(f", {team} {n}" for team, n in some.items())
    return f"{told} ({len(few)} teams with fewer)" if len(few) > MAX_NAMED else told


def finalists(team_games: pd.DataFrame) -> tuple[int, int]:
    """Return champion and runner-up of the season of some rows, (0, 0) while they are undecided.

    The Finals are the games between the two teams of the last playoff game, if these are of two
    conferences; four wins decide them.
    """
    playoffs = team_games[team_games["kind"] == "playoffs"]
    if playoffs.empty:
        return 0, 0
    season = str(playoffs["season"].iloc[0])
    final = playoffs.sort_values(["game_date", "game_id"]).iloc[-1]
    pair = [int(final["team_id"]), int(final["opponent_team_id"])]
    conference = league.league_teams(season).set_index("team_id")["conference"]
    if conference[pair[0]] == conference[pair[1]]:
        return 0, 0
    series = playoffs[playoffs["team_id"].isin(pair) & playoffs["opponent_team_id"].isin(pair)]
    wins = series[series["won"]]["team_id"].value_counts()
    champion = next((team for team in pair if wins.get(team, 0) >= 4), 0)
    return (champion, sum(pair) - champion) if champion else (0, 0)

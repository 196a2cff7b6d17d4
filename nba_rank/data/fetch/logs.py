"""Game logs of any source as the files that ingest reads, and what must hold of them."""

from collections.abc import Mapping, Sequence

import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.seasons import season_start_year
from nba_rank.data import league
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, file_of
from nba_rank.data.fetch.web import FetchError
from nba_rank.data.raw import producers
from nba_rank.data.raw import values as raw_values
from nba_rank.data.raw.files import REQUIRED
from nba_rank.data.raw.game_logs import KIND_OF_PREFIX

_PREFIX = {"regular": "", "playoffs": "playoffs_", "playin": "playin_"}
_MORE = ("SEASON_ID", "WL", "MIN", "OREB", "DREB", "PF", "PLUS_MINUS")
_NEVER_TOLD = 0.01
"""Share of games whose players a source may lack for good, such as five Finals games of 2017."""

_WRONG = "The source has changed, or is broken: the file of before stays. Take another source"


def files(level: str, season: str) -> dict[str, str]:
    """Return the file of each kind of game, of a level (`team` or `player`) and a season."""
    return {kind: file_of(f"{prefix}{level}_logs", season) for kind, prefix in _PREFIX.items()}


def schedule_file(season: str) -> str:
    """Return the file of a season's schedule."""
    return f"schedules/{file_of('schedule', season)}"


def schedule(games: pd.DataFrame, columns: Mapping[str, str], season: str) -> Made:
    """Return the schedule file of a season, without games whose teams are open.

    Args:
        games: One row a game.
        columns: Its columns that are `DATE`, `HOME`, `AWAY` and, where it has them, `NEUTRAL` and
            `STATUS`, by which ingest leaves out games that are put off.
        season: The season.
    """
    games = games.rename(columns=columns)
    found = pd.DataFrame(
        {
            "DATE": raw_values.dates(games["DATE"], None).days.dt.strftime("%Y-%m-%d"),
            "HOME": league.team_ids_of(games["HOME"]).astype("Int64"),
            "AWAY": league.team_ids_of(games["AWAY"]).astype("Int64"),
            "NEUTRAL": raw_values.truths(games["NEUTRAL"]) if "NEUTRAL" in games else False,
        }
    )
    if "STATUS" in games:
        found["STATUS"] = games["STATUS"]
    open_ = found[["HOME", "AWAY"]].isna().any(axis=1)
    note = f"left out: {int(open_.sum())} games whose teams are open" if open_.any() else ""
    found = found[~open_].sort_values(["DATE", "HOME"], ignore_index=True)
    return Made({schedule_file(season): found} if len(found) else {}, note=note)


def of_tables(log: pd.DataFrame) -> pd.DataFrame:
    """Leave out preseason, all-star games and the final of the Cup, which belong to no table."""
    log = log.assign(GAME_ID=raw_values.digits(log["GAME_ID"], width=10))
    return log[log["GAME_ID"].str[:3].isin([*KIND_OF_PREFIX])]


def by_kind(log: pd.DataFrame, level: str, season: str, source: str) -> dict[str, pd.DataFrame]:
    """Return the checked raw files of a log of any producer that ingest knows, by file name.

    Raises:
        FetchError: Columns, dates, ids or counts are not those of a season.
    """
    what, required = f"{source}, {level} log of {season}", REQUIRED[level]
    log = producers.complete(producers.renamed(log, level, (*required, *_MORE)), level)
    require(log, required, what)
    more = [name for name in _MORE if name in log and name not in required]
    log = of_tables(log)[[*required, *more]]
    start = pd.Series(season_start_year(season), log.index)
    log = log.assign(
        TEAM_ID=raw_values.numbers(log["TEAM_ID"]).astype("Int64"),
        GAME_DATE=raw_values.dates(log["GAME_DATE"], start).days.dt.strftime("%Y-%m-%d"),
        SEASON_ID=log["GAME_ID"].str[2] + season[:4],
    )
    key, same = ["GAME_ID", "TEAM_ID"], ["PTS"]
    if level == "player":
        log["PLAYER_ID"] = raw_values.numbers(log["PLAYER_ID"]).astype("Int64")
        key, same = [*key, "PLAYER_ID"], [*same, "PLAYER_NAME"]  # an id may be unknown
    # Of rows that stand there twice with the same points the fullest is kept.
    fullest = log.isna().sum(axis=1).sort_values(kind="stable").index
    log = log.loc[fullest].drop_duplicates([*key, *same])
    log = log.sort_values(["GAME_DATE", *key], kind="stable", ignore_index=True)
    two = log.duplicated(key) & log[key[-1]].notna()
    _refuse(what, "rows with two scores", log, two)
    _check(log, level, season, what)
    kind = log["GAME_ID"].str[:3].map(KIND_OF_PREFIX)
    parts = {name: log[kind == one] for one, name in files(level, season).items()}
    return {name: part.reset_index(drop=True) for name, part in parts.items() if len(part)}


def require(frame: pd.DataFrame, columns: tuple[str, ...], what: str) -> None:
    """Check that a table of a source has its columns and rows.

    Raises:
        FetchError: Columns are missing, or there is no row.
    """
    missing = [name for name in columns if not {*name.split(" or ")} & {*frame.columns}]
    if missing:
        held = ", ".join(map(str, frame.columns[:40]))
        raise FetchError(f"{what} lacks the columns {', '.join(missing)} (it has {held}). {_WRONG}")
    if frame.empty:
        raise FetchError(f"{what} has no rows. {_WRONG}, or try again later")


def _check(log: pd.DataFrame, level: str, season: str, what: str) -> None:
    start = pd.Series(season_start_year(season), log.index)
    days = pd.to_datetime(log["GAME_DATE"])
    elsewhere = (raw_values.seasons(log["GAME_ID"]) != season) | days.isna()
    elsewhere |= raw_values.outside_season(days, start)
    _refuse(what, "games of another season, or dates outside of it", log, elsewhere)
    unknown = ~log["TEAM_ID"].isin(league.team_ids(season))
    _refuse(what, "teams that were not in the league", log, unknown)
    if level == "team":
        sides = log.groupby("GAME_ID")["TEAM_ID"].transform("size")
        _refuse(what, "games without two teams", log, sides != 2)
        n_games = int(log["GAME_ID"].str.startswith("002").sum()) // 2
        expected = league.expected_regular_games(season)
        if n_games > expected:
            raise FetchError(f"{what} has {n_games} regular games, {expected} were due. {_WRONG}")


def _refuse(what: str, problem: str, log: pd.DataFrame, where: pd.Series) -> None:
    if where.any():
        shown = log.loc[where, ["GAME_ID", "GAME_DATE", "TEAM_ID"]].head(3).astype("str")
        examples = "; ".join(" ".join(row) for row in shown.to_numpy())
        raise FetchError(f"{what} has {problem}: {int(where.sum())}, such as {examples}. {_WRONG}")


def lost_games(before: pd.DataFrame | None, now: pd.DataFrame | None) -> list[str]:
    """Return the games of a log of before that a new one has no longer, or not all rows of."""
    if before is None:
        return []
    had = before["GAME_ID"].value_counts()
    has = had * 0 if now is None else now["GAME_ID"].value_counts().reindex(had.index).fillna(0)
    return sorted(had.index[has < had])


def missing_of_teams(frames: Mapping[str, pd.DataFrame], wanted: Sequence[str], season: str) -> str:
    """Say what the team logs of a season lack after its end, empty where they are whole.

    Args:
        frames: Logs by file.
        wanted: Files that are asked for; what concerns others is not looked at.
        season: The season.
    """
    names = files("team", season)
    regular, playoffs = (frames.get(names[kind]) for kind in ("regular", "playoffs"))
    expected = league.expected_regular_games(season)
    n_games = 0 if regular is None else regular["GAME_ID"].nunique()
    if names["regular"] in wanted and n_games < expected:
        return f"{n_games:,} of {expected:,} regular games"
    needed = sum(league.wins_needed(season, round_) for round_ in range(1, 5))
    won = pd.Series() if playoffs is None else playoffs.loc[playoffs["WL"] == "W", "TEAM_ID"]
    if names["playoffs"] in wanted and won.value_counts().max() != needed:
        return "no champion yet"
    return ""


def missing_of_players(
    frames: Mapping[str, pd.DataFrame], wanted: Sequence[str], season: str, folder: RawFolder
) -> str:
    """Say what the player logs lack against the team logs in the folder; arguments as above."""
    if not folder.all_final("team_logs", season):
        return "the team logs are not whole yet"
    named = files("player", season)
    kinds = {kind for kind in ("regular", "playoffs") if named[kind] in wanted}
    try:
        played = games_of(folder, season)["GAME_ID"]
    except UserError:
        return ""  # only players are asked for
    due = played[played.str[:3].map(KIND_OF_PREFIX).isin(kinds)]
    missing = {*due} - {game for frame in frames.values() for game in frame["GAME_ID"]}
    lacks = len(missing) > _NEVER_TOLD * len(due)
    return f"{len(missing)} games without players" if lacks else ""


def games_of(folder: RawFolder, season: str) -> pd.DataFrame:
    """Return `GAME_ID` and `GAME_DATE` of the team logs of a season in the folder, by date.

    Raises:
        UserError: There is no such log.
    """
    columns = ["GAME_ID", "GAME_DATE"]
    paths = [folder.path / file for file in files("team", season).values()]
    parts = [pd.read_parquet(path, columns=columns) for path in paths if path.exists()]
    if not parts:
        raise UserError(
            f"{folder.path} has no team logs of {season}, which say what was played: fetch "
            "what=[team_logs] first"
        )
    games = pd.concat(parts)
    days = raw_values.dates(games["GAME_DATE"], None).days
    games = games.assign(GAME_DATE=days.dt.strftime("%Y-%m-%d"))
    return games.sort_values("GAME_DATE", kind="stable")

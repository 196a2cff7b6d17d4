"""The table of stints: who was on court, for how long, and what happened."""

from collections.abc import Sequence

import pandas as pd

from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.tables import LINE_UP, SIDES, conform

N_PERIODS = 4
"""Periods of a game without overtime."""

_OVERTIME_SECONDS = 300

_MAX_SECONDS_APART = 2.5 * _OVERTIME_SECONDS
"""Seconds by which all players of a team may differ from the log, whose minutes may be whole: half
an overtime of five."""

_TEAMS, _POINTS, _POSSESSIONS = (
    [f"{side}_{what}" for side in SIDES] for what in ("team_id", "points", "possessions")
)
_AS_LOGGED = {name: f"logged_{name}" for name in (*_TEAMS, *_POINTS)}
_OF_SIDE = [[name for name in (*LINE_UP, *_TEAMS, *_POINTS, *_POSSESSIONS) if name.startswith(side)]
            for side in SIDES]  # fmt: skip


def period_seconds(period: float) -> int:
    """Return how long a period lasts by its number, from 1."""
    return 720 if period <= N_PERIODS else _OVERTIME_SECONDS


def stints_table(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the canonical table `stints`.

    A game is left out, with a warning, unless its stints fill its periods one after the other,
    their points are the final score and their seconds are those of its players. Home and away
    teams are those of the game logs: a game written the other way round is turned. What a stint of
    no time holds counts for the one before it, or the one after it at the start of a period: such
    are substitutions between free throws.
    """
    rows = rows.drop_duplicates(
        [column for column in rows if column not in ("file", "row", "folder")]
    )
    of_game = known.games.drop(columns="neutral_site").rename(columns=_AS_LOGGED)
    rows = rows.merge(of_game, on="game_id", how="left")
    rows = _left_out(rows, rows["season"].isna(), "the game logs lack the game", [], issues)
    rows = _turned(rows, issues)
    other = (rows[_TEAMS] != rows[[_AS_LOGGED[name] for name in _TEAMS]].to_numpy()).any(axis=1)
    rows = _left_out(rows, other, "they name other teams than the game logs", _TEAMS, issues)
    rows = without_instants(rows)
    rows = _left_out(rows, ~_fills_periods(rows), "they do not fill its periods", [], issues)
    rows = rows.join(rows.groupby("game_id")[_POINTS].transform("sum").add_prefix("sum_of_"))
    sums = [f"sum_of_{name}" for name in _POINTS]
    apart = (rows[sums] != rows[[_AS_LOGGED[name] for name in _POINTS]].to_numpy()).any(axis=1)
    rows = _left_out(rows, apart, "their points are not the final score", sums, issues)
    seconds = (rows["end"] - rows["start"]).groupby(rows["game_id"]).transform("sum")
    apart = _off_the_log(rows, seconds, known.player_games)
    what = "their seconds are not those of its players"
    rows = _left_out(rows.assign(seconds=seconds), apart, what, ["seconds"], issues)
    return conform("stints", _known_once(rows, issues))


def _left_out(
    rows: pd.DataFrame, wrong: pd.Series, why: str, show: Sequence[str], issues: IngestIssues
) -> pd.DataFrame:
    """Return the games without a wrong row; the others are counted."""
    games = rows["game_id"].isin(rows.loc[wrong, "game_id"].unique())
    first = _first_of_game(rows, wrong)
    issues.warn(f"stints of a game left out: {why}", rows, first, ["game_id", *show])
    return rows[~games]


def _first_of_game(rows: pd.DataFrame, marked: pd.Series) -> pd.Series:
    """Whether each row is the first of its game that is marked."""
    return marked & ~rows["game_id"].where(marked).duplicated()


def _turned(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows with home and away exchanged where the game logs say so."""
    logged = rows[[_AS_LOGGED[name] for name in _TEAMS[::-1]]].to_numpy()
    away_first = (rows[_TEAMS] == logged).all(axis=1)
    first = _first_of_game(rows, away_first)
    issues.warn("stints of a game with home and away the other way round", rows, first, ["game_id"])
    if not away_first.any():
        return rows
    home, away = _OF_SIDE
    rows = rows.copy()
    rows.loc[away_first, home + away] = rows.loc[away_first, away + home].to_numpy()
    return rows


def without_instants(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the stints that last, in order, with the figures of those that do not.

    Args:
        rows: Columns `game_id`, `period`, `start`, `end`, points and possessions of both sides.
    """
    rows = rows.sort_values(["game_id", "period", "start", "end"], ignore_index=True, kind="stable")
    lasts = rows["end"] > rows["start"]
    period = [rows["game_id"], rows["period"]]
    # The number of the stint before in its period, 0 before the first.
    place = lasts.astype("int64").groupby(period).cumsum().clip(lower=1)
    figures = [*_POINTS, *_POSSESSIONS]
    rows[figures] = rows[figures].groupby([*period, place]).transform("sum")
    return rows[lasts]


def _fills_periods(rows: pd.DataFrame) -> pd.Series:
    """Whether each stint begins where the one before ended, and the last at the period's end."""
    game, period = rows["game_id"], rows["period"]
    length = period.map(period_seconds)
    same_game = game.eq(game.shift())
    same_period = same_game & period.eq(period.shift())
    begins = rows["start"] == rows["end"].shift().where(same_period, 0.0)
    # The last period may be any from the fourth on, and none before it may be missing.
    in_turn = same_period | period.eq(period.shift().where(same_game, 0) + 1)
    next_game, next_period = game.shift(-1), period.shift(-1)
    ends = (next_game.eq(game) & next_period.eq(period)) | rows["end"].eq(length)
    enough = next_game.eq(game) | period.ge(N_PERIODS)
    return begins & in_turn & ends & enough


def _off_the_log(rows: pd.DataFrame, seconds: pd.Series, player_games: pd.DataFrame) -> pd.Series:
    """Whether the players of either team played another time by their logs, if there are any."""
    played = player_games.groupby(["game_id", "team_id"])["seconds"].sum()
    apart = pd.Series(False, index=rows.index)
    for side in SIDES:
        key = pd.MultiIndex.from_arrays([rows["game_id"], rows[f"{side}_team_id"]])
        logged = played.reindex(key).set_axis(rows.index)
        apart |= (logged - 5 * seconds).abs() > _MAX_SECONDS_APART
    return apart


def _known_once(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows; those who stand in one twice are unknown."""
    ten = rows[[*LINE_UP]].to_numpy()
    twice = ((ten[:, :, None] == ten[:, None, :]).sum(axis=-1) > 1) & (ten > 0)
    issues.warn(
        "a player on court twice in a stint: unknown",
        rows, pd.Series(twice.any(axis=1), index=rows.index), ["game_id", "period", "start"],
    )  # fmt: skip
    rows = rows.copy()
    rows[[*LINE_UP]] = ten * ~twice
    return rows

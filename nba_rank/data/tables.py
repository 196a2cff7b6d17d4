"""The canonical tables: columns, dtypes, units and keys.

Counts, points and seconds are whole numbers, in float64 where they may be missing. Their sums are
exact, so a feature made of running sums cannot change in its last bits when later games change.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Self, TypeVar, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.content_hash import frame_hash, row_hashes
from nba_rank.core.errors import UserError

T = TypeVar("T")

BOX_COLUMNS = (
    "fgm", "fga", "fg3m", "fg3a", "ftm", "fta",
    "oreb", "dreb", "reb", "ast", "stl", "blk", "tov", "pf",
)  # fmt: skip
"""Box score counts of one game, in `LeagueGameLog` order; NaN means not recorded."""

KINDS = ("regular", "playin", "playoffs")
"""Kinds of game, by the first three digits of the game id: 002, 005, 004."""

SIDES = ("home", "away")
LINE_UP = tuple(f"{side}_{place}" for side in SIDES for place in range(1, 6))
"""Columns of the ten players on court, the five of the home team first."""

_GAME_KEY = {"game_id": "str", "season": "str", "kind": "str", "game_date": "datetime64[us]"}
_BOX = dict.fromkeys(BOX_COLUMNS, "float64")

SCHEMA: dict[str, dict[str, str]] = {
    # One row a game. Points are final scores. `neutral_site`: the raw rows name no home team.
    "games": {
        **_GAME_KEY,
        "home_team_id": "int64",
        "away_team_id": "int64",
        "home_points": "int64",
        "away_points": "int64",
        "neutral_site": "bool",
    },
    # One row a team and game.
    "team_games": {
        **_GAME_KEY,
        "team_id": "int64",
        "opponent_team_id": "int64",
        "is_home": "bool",
        "won": "bool",
        "points": "int64",
        "opponent_points": "int64",
        **_BOX,
    },
    # One row a player who appeared in a game. `plus_minus`: points, NaN where the source has none.
    # The ingest gives a negative `player_id` to a player whose raw rows have none.
    "player_games": {
        **_GAME_KEY,
        "team_id": "int64",
        "player_id": "int64",
        "player_name": "str",
        "seconds": "int64",
        "points": "float64",
        **_BOX,
        "plus_minus": "float64",
        "shots_reconstructed": "bool",
    },
    # One row a team and season.
    "teams": {
        "season": "str",
        "team_id": "int64",
        "abbreviation": "str",
        "name": "str",
        "conference": "str",
        "division": "str",
    },
    # One row a season. Dates are first and last regular-season game days. `complete`: the
    # champion is decided. Champion and runner-up are 0 while they are unknown.
    "seasons": {
        "season": "str",
        "n_teams": "int64",
        "first_date": "datetime64[us]",
        "last_regular_date": "datetime64[us]",
        "n_regular": "int64",
        "n_regular_expected": "int64",
        "n_playin": "int64",
        "n_playoffs": "int64",
        "has_player_games": "bool",
        "complete": "bool",
        "champion_team_id": "int64",
        "runner_up_team_id": "int64",
    },
    # One row a stint: while the same ten players are on court. Home and away are as in `games`.
    # `start` and `end`: seconds since the start of the period. `home_1` to `away_5`: player ids, 0
    # for an unknown player. The stints of a game fill its periods, and their points are its score;
    # free throws count for those on court at the foul. A game is in it whole or not at all.
    "stints": {
        **_GAME_KEY,
        "period": "int64",
        "start": "float64",
        "end": "float64",
        **dict.fromkeys(LINE_UP, "int64"),
        **{f"{side}_points": "int64" for side in SIDES},
        **{f"{side}_possessions": "float64" for side in SIDES},
    },
    # One row a player whom a team had on the morning of `date`. The roster of a date and team is
    # complete; most have none. `season`: the one that is being played or comes next, perhaps one
    # without games yet. `player_name` is empty where nothing names the player.
    "rosters": {
        "date": "datetime64[us]",
        "season": "str",
        "team_id": "int64",
        "player_id": "int64",
        "player_name": "str",
    },
    # One row a regular-season fixture, played or not. `known_from`: the first morning on which it
    # is public. A game that was played has its day of play, even if it had been postponed.
    "schedule": {
        "season": "str",
        "game_date": "datetime64[us]",
        "home_team_id": "int64",
        "away_team_id": "int64",
        "neutral_site": "bool",
        "known_from": "datetime64[us]",
    },
    # One row a season and team: what bookmakers said before the season. `win_total`: wins that a
    # team is as likely to exceed as to miss. `title_prob`: 0 to 1, without the bookmaker's margin,
    # so that the teams of a season add up to 1; NaN where the odds of a team are missing.
    "market_totals": {
        "season": "str",
        "team_id": "int64",
        "win_total": "float64",
        "title_prob": "float64",
    },
    # One row a game that bookmakers priced, home and away as in `games`. `home_spread`: points,
    # negative where the home team is the favourite (-7: expected to win by 7). `home_win_prob`: 0
    # to 1, from both moneylines without the bookmaker's margin. NaN where there is none. Lines are
    # those at tip-off: not known in the morning.
    "market_lines": {
        "game_id": "str",
        "season": "str",
        "game_date": "datetime64[us]",
        "home_team_id": "int64",
        "away_team_id": "int64",
        "home_spread": "float64",
        "home_win_prob": "float64",
    },
    # One row a team and season: games won and lost, `mov` (mean margin of victory), `sos` (mean
    # strength of the opponents) and `srs` (simple rating, their sum), points a game. Known only
    # after the season: a feature reads the season before its own.
    "team_records": {
        "season": "str",
        "team_id": "int64",
        "wins": "int64",
        "losses": "int64",
        "mov": "float64",
        "sos": "float64",
        "srs": "float64",
    },
    # One row a player and season, regular season and playoffs, all his teams together:
    # FiveThirtyEight's RAPTOR in points per 100 possessions above the average player. Known only
    # after the season, as `team_records`.
    "raptor": {
        "season": "str",
        "player_id": "int64",
        "minutes": "float64",
        "raptor_offense": "float64",
        "raptor_defense": "float64",
    },
    # One row a player who was drafted. `season`: the one that follows the draft. `pick`: from 1.
    "drafts": {"season": "str", "player_id": "int64", "pick": "int64"},
    # One row a player whom the injury report of the morning of `date` lists. `status`: one of
    # `STATUSES`. `reason`: as written, perhaps in hindsight; empty where none is given.
    "injury_reports": {
        "date": "datetime64[us]",
        "season": "str",
        "player_id": "int64",
        "team_id": "int64",
        "status": "str",
        "reason": "str",
    },
    # One row a morning with an injury report, even an empty one: a player who is not in
    # `injury_reports` on such a date is fit; on other dates nothing is known.
    "injury_report_dates": {"date": "datetime64[us]", "season": "str"},
    # One row a team that had not submitted its injuries on such a date: nothing is known of it.
    "unreported_teams": {"date": "datetime64[us]", "season": "str", "team_id": "int64"},
}

STATUSES = ("Out", "Doubtful", "Questionable", "Probable", "Available")
"""What an injury report says of a player, from the least likely to play to the most."""

KEYS: dict[str, list[str]] = {
    "games": ["game_id"],
    "team_games": ["game_id", "team_id"],
    "player_games": ["game_id", "player_id"],
    "teams": ["season", "team_id"],
    "seasons": ["season"],
    "stints": ["game_id", "period", "start"],
    "rosters": ["date", "team_id", "player_id"],
    "schedule": ["season", "game_date", "home_team_id"],
    "market_totals": ["season", "team_id"],
    "market_lines": ["game_id"],
    "team_records": ["season", "team_id"],
    "raptor": ["season", "player_id"],
    "drafts": ["player_id"],
    "injury_reports": ["date", "player_id"],
    "injury_report_dates": ["date"],
    "unreported_teams": ["date", "team_id"],
}


@dataclass(frozen=True)
class Tables:
    """The canonical tables, each sorted by date and key and conforming to `SCHEMA`."""

    games: pd.DataFrame
    team_games: pd.DataFrame
    player_games: pd.DataFrame
    teams: pd.DataFrame
    seasons: pd.DataFrame
    stints: pd.DataFrame
    rosters: pd.DataFrame
    schedule: pd.DataFrame
    market_totals: pd.DataFrame
    market_lines: pd.DataFrame
    team_records: pd.DataFrame
    raptor: pd.DataFrame
    drafts: pd.DataFrame
    injury_reports: pd.DataFrame
    injury_report_dates: pd.DataFrame
    unreported_teams: pd.DataFrame

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what `make` makes of the tables, made once for each key and kept with them.

        Tables are never changed in place, and a copy with changes starts with nothing.
        """
        if key not in self._kept:
            self._kept[key] = make()
        return cast("T", self._kept[key])

    @cached_property
    def _kept(self) -> dict[Hashable, Any]:
        return {}

    def hashes(self, *, until: str | None = None) -> dict[str, str]:
        """Return the hash of each table's content by its name, as `until` would leave it."""
        rows = {name: self.row_hashes(name) for name, _ in self.items()}
        if until is not None:
            rows = {name: rows[name][table["season"] <= until] for name, table in self.items()}
        return {name: frame_hash(table, rows[name]) for name, table in self.items()}

    def row_hashes(self, name: str) -> npt.NDArray[np.uint64]:
        """Return the hash of each row of a table."""
        return self.once(("row hashes", name), lambda: row_hashes(getattr(self, name)))

    def until(self, season: str | None) -> Self:
        """Return the tables without the seasons after one, as if it were the last; None: all."""
        if season is None:
            return self
        cut = {name: table[table["season"] <= season] for name, table in self.items()}
        return replace(self, **{name: t.reset_index(drop=True) for name, t in cut.items()})

    def without_players(self) -> Self:
        """Return the tables that odds are simulated with: the rows of players are most of all."""
        of_players = ["player_games", "stints", "injury_reports", "rosters", "raptor", "drafts"]
        return replace(self, **{name: getattr(self, name).iloc[:0] for name in of_players})

    def items(self) -> list[tuple[str, pd.DataFrame]]:
        """Return (name, table) pairs in schema order."""
        return [(field.name, getattr(self, field.name)) for field in fields(self)]


def conform(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame with the columns and dtypes of a table, sorted by date and key.

    Raises:
        ValueError: A column is missing, a value does not fit its dtype, or a key occurs twice.
    """
    schema = SCHEMA[name]
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise ValueError(f"table {name}: missing columns {missing}")
    try:
        table = frame[list(schema)].astype(schema)
    except (TypeError, ValueError) as error:
        raise ValueError(f"table {name}: a value does not fit the schema: {error}") from error
    order = (["game_date"] if "game_date" in schema else []) + KEYS[name]
    table = table.sort_values(list(dict.fromkeys(order)), ignore_index=True)
    repeated = table.duplicated(KEYS[name])
    if repeated.any():
        first = table.loc[repeated, KEYS[name]].iloc[0].to_dict()
        raise ValueError(f"table {name}: {int(repeated.sum())} repeated keys, the first {first}")
    return table


def no_rows(name: str) -> pd.DataFrame:
    """Return an empty table."""
    return _no_rows(name).copy()


@cache
def _no_rows(name: str) -> pd.DataFrame:
    return conform(name, pd.DataFrame(columns=list(SCHEMA[name])))


def table_path(directory: Path, name: str) -> Path:
    """Return the path of a table in a folder of tables."""
    return directory / f"{name}.parquet"


def read_tables(directory: Path | str) -> Tables:
    """Read the canonical tables from a folder.

    Raises:
        UserError: A table is missing; the message says how to make it.
    """
    directory = Path(directory)
    missing = [name for name in SCHEMA if not table_path(directory, name).exists()]
    if missing:
        raise UserError(
            f"no table {missing} in {directory}: run `python -m nba_rank.ingest` first, "
            "with the same data.raw_dir and data.processed_dir"
        )
    return Tables(
        **{name: conform(name, pd.read_parquet(table_path(directory, name))) for name in SCHEMA}
    )

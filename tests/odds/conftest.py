from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.seasons import season_label
from nba_rank.data.tables import BOX_COLUMNS, SCHEMA, Tables, conform
from nba_rank.odds.season_sim import Situation

CODES = {"regular": "002", "playin": "005", "playoffs": "004"}


@pytest.fixture(scope="session")
def small_league() -> Callable[..., Tables]:
    """Tables of a few games: `small_league(games, n_teams=4)`.

    A game is `(date, home, away, home_points, away_points)` and, if wanted, a dict with `kind` and
    `neutral`. Teams are 1, 2, ...; the odd ones play in the East.
    """

    def make(games: list[tuple], n_teams: int = 4) -> Tables:
        rows = []
        for number, (day, home, away, home_points, away_points, *rest) in enumerate(games):
            date, more = pd.Timestamp(day), rest[0] if rest else {}
            year = date.year if (date.month, date.day) >= (10, 20) else date.year - 1
            season, kind = season_label(year), more.get("kind", "regular")
            rows.append(
                {"game_id": f"{CODES[kind]}{season[2:4]}{number:05d}", "season": season}
                | {"kind": kind, "game_date": date, "home_team_id": home, "away_team_id": away}
                | {"home_points": home_points, "away_points": away_points}
                | {"neutral_site": more.get("neutral", False)}
            )
        played = pd.DataFrame(rows)
        sides = []
        for side, other in (("home", "away"), ("away", "home")):
            names = {f"{side}_team_id": "team_id", f"{other}_team_id": "opponent_team_id"}
            names |= {f"{side}_points": "points", f"{other}_points": "opponent_points"}
            sides.append(played.rename(columns=names).assign(is_home=side == "home"))
        team_games = pd.concat(sides, ignore_index=True)
        team_games["won"] = team_games["points"] > team_games["opponent_points"]
        team_games[list(BOX_COLUMNS)] = np.nan
        ids = np.arange(1, n_teams + 1)
        regular = played[played["kind"] == "regular"]
        first = regular.groupby("season")["game_date"].min()
        teams = pd.DataFrame(
            {
                "season": np.repeat(first.index.to_numpy(), n_teams),
                "team_id": np.tile(ids, len(first)),
                "abbreviation": "",
                "name": "",
                "conference": np.tile(np.where(ids % 2, "East", "West"), len(first)),
                "division": np.tile(np.where(ids % 2, "Atlantic", "Pacific"), len(first)),
            }
        )
        seasons = pd.DataFrame({"season": first.index, "first_date": first.to_numpy()})
        seasons["last_regular_date"] = regular.groupby("season")["game_date"].max().to_numpy()
        counts = [name for name in SCHEMA["seasons"] if name not in seasons]
        given = {
            "games": played,
            "team_games": team_games,
            "teams": teams,
            "seasons": seasons.assign(**dict.fromkeys(counts, 0)),
            "schedule": regular.assign(known_from=regular["season"].map(first)),
        }
        empty = {name: pd.DataFrame(columns=list(columns)) for name, columns in SCHEMA.items()}
        return Tables(**{name: conform(name, given.get(name, empty[name])) for name in SCHEMA})

    return make


@pytest.fixture(scope="session")
def margins_played() -> Callable[[Tables, Situation], np.ndarray]:
    """Home margins of the games left, as they came to be: `margins_played(tables, situation)`."""

    def make(tables: Tables, situation: Situation) -> np.ndarray:
        left, ids = situation.remaining, situation.records.team_id
        margin = tables.games["home_points"] - tables.games["away_points"]
        played = tables.games.assign(margin=margin).set_index(["game_date", "home_team_id"])
        days = pd.to_datetime(left.day, unit="D").as_unit("us")
        games = pd.MultiIndex.from_arrays([days, ids[left.home]])
        return played["margin"].reindex(games).to_numpy(np.float64)

    return make


@pytest.fixture(scope="session")
def poison() -> Callable[..., Tables]:
    """Turns all results on a day and later around: `poison(tables, day)`.

    Losers win by three times the margin.
    """

    def make(tables: Tables, day: pd.Timestamp) -> Tables:
        changed = {}
        for name in ("games", "team_games"):
            frame = getattr(tables, name)
            later = frame["game_date"] >= day
            points = frame.columns[frame.columns.str.endswith("points")]
            frame = frame.assign(**{c: frame[c].mask(later, 900 - 3 * frame[c]) for c in points})
            changed[name] = frame.assign(won=frame["won"] ^ later) if "won" in frame else frame
        return replace(tables, **changed)

    return make


@pytest.fixture(scope="session")
def cut() -> Callable[..., Tables]:
    """Removes all games on a day and later, not the schedule: `cut(tables, day)`."""

    def make(tables: Tables, day: pd.Timestamp) -> Tables:
        frames = {name: getattr(tables, name) for name in ("games", "team_games", "player_games")}
        before = {name: frame[frame["game_date"] < day] for name, frame in frames.items()}
        return replace(tables, **before)

    return make

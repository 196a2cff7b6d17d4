from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from raw_logs import finals, player_log, regular_games, write

from nba_rank.data import assemble, league, rosters
from nba_rank.data.tables import BOX_COLUMNS, conform


@pytest.fixture(autouse=True)
def small_world(monkeypatch) -> None:
    """Let whole seasons of three games and teams of one player pass."""
    monkeypatch.setattr(assemble, "MIN_SHARE_BEFORE_PLAYOFFS", 0.0)
    monkeypatch.setattr(rosters, "LIST_SIZE", (1, 25))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Sound raw files of 2023-24: BOS - CLE, LAL - DEN, CLE - LAL, then Finals of BOS and LAL.

    Denver's first player is called Marcus O'Neal Jr., and a Lee Young plays for both BOS and LAL.
    """
    names = {430: "Marcus O'Neal Jr.", 381: "Lee Young", 471: "Lee Young"}
    return write(
        tmp_path / "raw",
        team_logs_2023_24=regular_games(),
        playoffs_team_logs_2023_24=finals(),
        player_logs_2023_24=player_log(regular_games(), names),
    )


@pytest.fixture(scope="session")
def make_games() -> Callable[..., pd.DataFrame]:
    """Makes team games of results: (winner, loser), with or without times and margin."""

    def make(
        results: list[tuple],
        season: str = "2018-19",
        kind: str = "regular",
        first_date: str = "2018-10-16",
    ) -> pd.DataFrame:
        games = []
        for winner, loser, *rest in results:
            times, margin = (*rest, *(1, 10)[len(rest) :])
            games += [(winner, loser, margin)] * times
        winner, loser, margin = np.array(games).T
        code = {"regular": "002", "playin": "005", "playoffs": "004"}[kind]
        n = len(games)
        won = np.repeat([True, False], n)
        columns = {
            "game_id": [f"{code}{season[2:4]}{i:05d}" for i in range(n)] * 2,
            "season": season,
            "kind": kind,
            "game_date": [*pd.date_range(first_date, periods=n)] * 2,
            "team_id": np.concatenate([winner, loser]),
            "opponent_team_id": np.concatenate([loser, winner]),
            "is_home": won,
            "won": won,
            "points": 100 + np.tile(margin, 2) * won,
            "opponent_points": 100 + np.tile(margin, 2) * ~won,
        }
        return conform("team_games", pd.DataFrame(columns | dict.fromkeys(BOX_COLUMNS, np.nan)))

    return make


@pytest.fixture(scope="session")
def twenty_teams() -> pd.DataFrame:
    """Two conferences of two divisions of five: ids 1-5 and 6-10 East, 11-15 and 16-20 West."""
    ids = np.arange(1, 21)
    return conform(
        "teams",
        pd.DataFrame(
            {
                "season": "2018-19",
                "team_id": ids,
                "abbreviation": [f"T{i:02d}" for i in ids],
                "name": [f"Team {i}" for i in ids],
                "conference": np.where(ids <= 10, "East", "West"),
                "division": np.array(["A", "B", "C", "D"])[(ids - 1) // 5],
            }
        ),
    )


@pytest.fixture(scope="session")
def league_teams() -> Callable[[str], pd.DataFrame]:
    """The league's teams of a season as a table of the schema."""

    def teams(season: str) -> pd.DataFrame:
        frame = league.league_teams(season).assign(season=season)
        return conform("teams", frame.assign(name=frame["city"]))

    return teams

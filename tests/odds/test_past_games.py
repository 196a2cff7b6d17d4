import numpy as np
import pandas as pd
import pytest

from nba_rank.odds.home_edge import HomeEdge
from nba_rank.odds.past_games import RatedGames

PLAYOFFS = {"kind": "playoffs"}
GAMES = [
    ("2022-11-01", 1, 2, 110, 100),
    ("2022-11-02", 3, 1, 100, 105),
    ("2022-11-05", 2, 3, 120, 100, {"neutral": True}),
    ("2022-11-07", 1, 3, 90, 100),
    ("2023-04-20", 1, 2, 101, 100, PLAYOFFS),
    ("2023-11-01", 2, 1, 104, 100),
]
DATES = ["2022-11-01", "2022-11-02", "2022-11-06", "2023-11-01"]


def rated(*dates: str, n_teams: int = 3) -> pd.DataFrame:
    """A row a date and team, in no order."""
    rows = [
        (f"{date[:4] if date[5:7] > '08' else int(date[:4]) - 1}", pd.Timestamp(date), team)
        for date in dates
        for team in range(1, n_teams + 1)
    ]
    frame = pd.DataFrame(rows, columns=["season", "as_of_date", "team_id"])
    frame["season"] += "-" + (frame["season"].astype(int) % 100 + 1).astype(str).str.zfill(2)
    return frame.sample(frac=1, random_state=4).reset_index(drop=True)


@pytest.fixture(scope="module")
def tables(small_league):
    return small_league(GAMES, 3)


def pairs(frame: pd.DataFrame, games: RatedGames) -> list[tuple]:
    """As-of date and number of the game, with the teams that the rows are of."""
    home, away = frame.iloc[games.home], frame.iloc[games.away]
    assert (home["as_of_date"].to_numpy() == away["as_of_date"].to_numpy()).all()
    days = home["as_of_date"].dt.strftime("%Y-%m-%d")
    teams = zip(home["team_id"], away["team_id"], strict=True)
    return sorted(zip(days, games.game.tolist(), teams, strict=True))


def test_each_date_is_paired_with_the_games_of_its_season_from_then_on(tables):
    frame = rated(*DATES)
    games = RatedGames.of(tables, frame, "regular")
    assert pairs(frame, games) == [
        ("2022-11-01", 0, (1, 2)),
        ("2022-11-01", 1, (3, 1)),
        ("2022-11-01", 2, (2, 3)),
        ("2022-11-01", 3, (1, 3)),
        ("2022-11-02", 1, (3, 1)),
        ("2022-11-02", 2, (2, 3)),
        ("2022-11-02", 3, (1, 3)),
        ("2022-11-06", 3, (1, 3)),
        ("2023-11-01", 5, (2, 1)),
    ]
    assert games.season.tolist() == [2022] * 8 + [2023]
    margin = np.array([10, -5, 20, -10, 1, 4])
    np.testing.assert_array_equal(games.margin, margin[games.game])


def test_every_game_counts_as_one(tables):
    games = RatedGames.of(tables, rated(*DATES), "regular")
    of_game = np.bincount(games.game, games.weight)
    np.testing.assert_allclose(of_game, [1, 1, 1, 1, 0, 1])
    # Of four dates, one has the first game ahead, two the next two, three the fourth.
    by_game = dict(zip(games.game.tolist(), games.weight.tolist(), strict=True))
    assert by_game == pytest.approx({0: 1, 1: 1 / 2, 2: 1 / 2, 3: 1 / 3, 5: 1})


def test_each_game_may_be_paired_with_the_newest_date_alone(tables):
    frame = rated(*DATES)
    games = RatedGames.of(tables, frame, "regular", next_only=True)
    assert pairs(frame, games) == [
        ("2022-11-01", 0, (1, 2)),
        ("2022-11-02", 1, (3, 1)),
        ("2022-11-02", 2, (2, 3)),
        ("2022-11-06", 3, (1, 3)),
        ("2023-11-01", 5, (2, 1)),
    ]
    np.testing.assert_array_equal(games.weight, 1)


def test_games_of_another_kind_are_paired_by_themselves(tables):
    frame = rated(*DATES)
    games = RatedGames.of(tables, frame, "playoffs")
    assert pairs(frame, games) == [(date, 4, (1, 2)) for date in DATES[:3]]
    np.testing.assert_allclose(games.weight, 1 / 3)


def test_rest_is_from_the_view_of_the_home_team(small_league):
    games = [
        ("2022-11-01", 1, 2, 110, 100),
        ("2022-11-02", 3, 1, 110, 100),  # the visitors alone are tired
        ("2022-11-03", 3, 4, 110, 100),  # the hosts alone
        ("2022-11-04", 3, 4, 110, 100),  # both
        ("2022-11-06", 3, 4, 110, 100),  # nobody
        ("2022-11-07", 4, 1, 110, 100, PLAYOFFS),
    ]
    tables, frame = small_league(games), rated("2022-11-01", n_teams=4)
    assert RatedGames.of(tables, frame, "regular").rest.tolist() == [0, 1, -1, 0, 0]
    assert RatedGames.of(tables, frame, "playoffs").rest.tolist() == [-1]


def test_the_edge_is_that_of_the_date_and_none_on_a_neutral_court(tables):
    frame = rated(*DATES)
    games = RatedGames.of(tables, frame, "regular")
    neutral = games.game == 2
    np.testing.assert_array_equal(games.at_home, ~neutral)
    np.testing.assert_array_equal(games.edge[neutral], 0.0)
    day = frame["as_of_date"].to_numpy()[games.home].astype("datetime64[D]").astype(np.int64)
    expected = HomeEdge.of(tables).at(games.season, day)
    np.testing.assert_array_equal(games.edge[~neutral], expected[~neutral])
    assert games.edge.tolist()[:2] == [3.0, 3.0]
    assert games.edge[-1] != 3.0


@pytest.mark.parametrize("next_only", [True, False])
def test_without_dates_or_games_there_are_no_pairs(tables, next_only):
    frame = rated(*DATES)
    for part, kind in ((frame.iloc[:0], "regular"), (frame, "playin"), (frame[:0], "playoffs")):
        games = RatedGames.of(tables, part, kind, next_only=next_only)
        assert {len(values) for values in vars(games).values()} == {0}
    # Dates after the last game of a season have none ahead.
    assert len(RatedGames.of(tables, rated("2023-05-01"), "regular").game) == 0


def test_pairs_of_a_season_are_of_its_teams_and_later_games(sim_tables, sim_inputs):
    for kind, next_only in (("regular", False), ("regular", True), ("playoffs", False)):
        games = RatedGames.of(sim_tables, sim_inputs, kind, next_only=next_only)
        assert games.weight.sum() == pytest.approx((sim_tables.games["kind"] == kind).sum())
        for side in ("home", "away"):
            rows = sim_inputs.iloc[getattr(games, side)]
            played = sim_tables.games.iloc[games.game]
            assert (rows["team_id"].to_numpy() == played[f"{side}_team_id"].to_numpy()).all()
            assert (rows["season"].to_numpy() == played["season"].to_numpy()).all()
            assert (rows["as_of_date"].to_numpy() <= played["game_date"].to_numpy()).all()

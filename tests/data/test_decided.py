import pandas as pd
import pytest

from nba_rank.data.outcomes import decided, outcomes, series

SEASON = "2022-23"


@pytest.fixture(scope="module")
def games(sim_tables):
    rows = sim_tables.team_games
    return rows[rows["season"] == SEASON]


def states(tables, date):
    return decided(tables, SEASON, date).set_index("team_id")["state"]


def day_after(games, kind):
    return games.loc[games["kind"] == kind, "game_date"].max() + pd.Timedelta(days=1)


def test_everybody_is_in_on_opening_day_and_only_the_champion_is_left_at_the_end(sim_tables, games):
    first = decided(sim_tables, SEASON, games["game_date"].min())
    assert (first["state"] == "in").all()
    assert (first[["wins", "losses"]] == 0).all(axis=None)
    last = decided(sim_tables, SEASON, day_after(games, "playoffs"))
    assert (last["wins"] + last["losses"] == 82).all()
    results = outcomes(sim_tables, SEASON).set_index("team_id")
    champion = results["outcome_rank"].idxmin()
    assert set(last["state"]) == {"champion", "out"}
    assert last.set_index("team_id")["state"].eq("champion").idxmax() == champion


def test_the_play_in_and_every_series_put_one_team_out(sim_tables, games):
    field = set(series(sim_tables.team_games, SEASON)["team_id"])
    after_play_in = states(sim_tables, day_after(games, "playin"))
    assert set(after_play_in.index[after_play_in == "in"]) == field
    for day in games.loc[games["kind"] == "playoffs", "game_date"].unique():
        results = series(games[games["game_date"] < day], SEASON)
        over = results[results["winner_team_id"] != 0]
        lost = set(over.loc[over["winner_team_id"] != over["team_id"], "team_id"])
        now = states(sim_tables, day)
        assert set(now.index[now == "in"]) == field - lost


def test_a_team_that_is_out_never_comes_back(sim_tables, games):
    out = set()
    for day in pd.date_range(
        games["game_date"].max() - pd.Timedelta(days=120), games["game_date"].max()
    ):
        now = states(sim_tables, day)
        assert out <= set(now.index[now == "out"])
        out = set(now.index[now == "out"])

import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.single_games import COLUMNS, game_references
from nba_rank.evaluation.track_record import (
    ALL_GAMES,
    PRICED,
    game_scores,
    newest_results,
    past_scores,
    played,
)

SEASON = "2023-24"


@pytest.fixture(scope="module")
def games(sim_tables) -> pd.DataFrame:
    """The first games of a season."""
    games = sim_tables.games[sim_tables.games["season"] == SEASON]
    return games.sort_values("game_date").head(60)


def morning(games: pd.DataFrame, p: float) -> pd.DataFrame:
    return games[["game_date", "home_team_id", "away_team_id"]].assign(home_win_prob=p)


def test_the_last_forecast_up_to_the_morning_of_a_game_counts(sim_tables, games):
    days = sorted(games["game_date"].unique())
    date = pd.Timestamp(days[3])
    mornings = {
        days[0]: morning(games, 0.9),
        days[1]: morning(games[games["game_date"] == days[1]], 0.6),
        # Made after the games of its first day, so it says nothing of them.
        days[2]: morning(games[games["game_date"] <= days[2]], 0.7),
    }
    rows = played(mornings, sim_tables, SEASON, date, "stack", {})
    own = rows[rows["ranker"] == "stack"].merge(games[["game_id", "game_date"]])
    said = own.groupby("game_date")["p_home"].agg(["min", "max"])
    assert said.to_numpy().tolist() == [[0.9, 0.9], [0.6, 0.6], [0.7, 0.7]]
    assert own["home_won"].tolist() == (
        own[["game_id"]].merge(games).eval("home_points > away_points").tolist()
    )
    # References are those of the same games.
    elo = rows[rows["ranker"] == "elo"].set_index("game_id")["p_home"]
    everything = game_references(sim_tables, [SEASON])
    expected = everything[everything["ranker"] == "elo"].set_index("game_id")["p_home"]
    assert set(elo.index) == set(own["game_id"])
    pd.testing.assert_series_equal(elo, expected.reindex(elo.index))


def test_games_that_were_not_forecast_or_not_played_are_left_out(sim_tables, games):
    date = games["game_date"].iloc[0]
    early = {date: morning(games, 0.5)}
    assert played(early, sim_tables, SEASON, date, "stack", {}).empty
    assert played({}, sim_tables, SEASON, date + pd.Timedelta(days=9), "stack", {}).empty


def test_results_are_those_of_the_newest_day_that_was_forecast(sim_tables, games):
    days = sorted(games["game_date"].unique())
    told = played({days[0]: morning(games, 0.6)}, sim_tables, SEASON, days[2], "stack", {})
    got = newest_results(told, sim_tables, "stack")
    expected = games[games["game_date"] == days[1]]
    assert sorted(got["game_id"]) == sorted(expected["game_id"])
    assert set(got["p_home"]) == {0.6}
    assert got["home_points"].sum() == expected["home_points"].sum()
    assert newest_results(pd.DataFrame(columns=COLUMNS), sim_tables, "stack").empty


@pytest.mark.parametrize("host_first", [True, False])
def test_the_next_game_of_a_series_is_the_first_that_follows(sim_tables, host_first):
    games = sim_tables.games[sim_tables.games["season"] == SEASON].sort_values("game_date")
    later = games[games["kind"] == "playoffs"]
    one = later.iloc[0]
    teams = [one["home_team_id"], one["away_team_id"]]
    both = later[later["home_team_id"].isin(teams) & later["away_team_id"].isin(teams)]
    host, guest = teams if host_first else teams[::-1]
    series = pd.DataFrame({"host_team_id": [host], "guest_team_id": [guest]})
    mornings = {
        both["game_date"].iloc[0]: series.assign(host_next_win_prob=0.7),
        both["game_date"].iloc[2]: series.assign(host_next_win_prob=0.6),
    }
    end = both["game_date"].iloc[-1] + pd.Timedelta(days=1)
    rows = played({}, sim_tables, SEASON, end, "stack", mornings)
    own = rows[rows["ranker"] == "stack"].merge(both)
    assert own["game_id"].tolist() == both["game_id"].iloc[[0, 2]].tolist()
    at_host = (both["home_team_id"].iloc[[0, 2]] == host).tolist()
    assert own["p_home"].tolist() == pytest.approx(
        [p if home else 1 - p for p, home in zip((0.7, 0.6), at_host, strict=True)]
    )
    got = newest_results(rows, sim_tables, "stack")
    assert got["game_id"].tolist() == [both["game_id"].iloc[2]]


def test_games_of_the_play_in_are_told_and_not_scored(sim_tables):
    games = sim_tables.games[sim_tables.games["season"] == SEASON]
    one = games[games["kind"] == "playin"].sort_values("game_date").iloc[0]
    series = pd.DataFrame(
        {"host_team_id": [one["home_team_id"]], "guest_team_id": [one["away_team_id"]],
         "host_next_win_prob": [0.6]}
    )  # fmt: skip
    day = one["game_date"] + pd.Timedelta(days=1)
    rows = played({}, sim_tables, SEASON, day, "stack", {one["game_date"]: series})
    assert newest_results(rows, sim_tables, "stack")["p_home"].tolist() == [0.6]
    assert game_scores(rows, "stack").empty


def rows(ranker: str, p: list[float]) -> pd.DataFrame:
    won = [True, False, True]
    return pd.DataFrame(
        {
            "season": SEASON, "game_id": range(len(p)), "kind": "regular", "ranker": ranker,
            "p_home": p, "home_won": won[: len(p)],
        }
    )[COLUMNS]  # fmt: skip


def test_all_are_judged_by_the_same_games():
    # The market priced two games; Elo forecast all, the home teams' share but one.
    told = [rows("stack", [0.8, 0.4, 0.5]), rows("elo", [0.5, 0.5, 0.5]),
            rows("market", [0.9, 0.2]), rows("always_home", [0.6])]  # fmt: skip
    scores = game_scores(pd.concat(told), "stack")
    by = scores.set_index(["part", "ranker"])
    assert scores["part"].tolist() == [ALL_GAMES] * 2 + [PRICED] * 3
    assert scores["ranker"].tolist() == ["stack", "elo", "stack", "elo", "market"]
    assert by.loc[(ALL_GAMES, "stack"), "brier"] == pytest.approx((0.04 + 0.16 + 0.25) / 3)
    assert by.loc[(PRICED, "stack"), "brier"] == pytest.approx((0.04 + 0.16) / 2)
    assert by.loc[(PRICED, "market"), "log_loss"] == pytest.approx(-np.log([0.9, 0.8]).mean())
    assert by["n_games"].tolist() == [3, 3, 2, 2, 2]
    assert game_scores(pd.DataFrame(columns=COLUMNS), "stack").empty


def test_earlier_seasons_are_compared_where_both_have_scores():
    values = [
        ("2020-21", "0.25", "stack", 1.0), ("2021-22", "0.25", "stack", 2.0),
        ("2022-23", "0.25", "stack", 9.0), ("2021-22", "0.25", "elo", 1.5),
        ("2022-23", "0.25", "elo", 0.0), ("2020-21", "0.25", "platt", 0.1),
    ]  # fmt: skip
    metrics = pd.DataFrame(
        [(season, point, "league", ranker, "champion_log_loss", value)
         for season, point, ranker, value in values],
        columns=TIDY_COLUMNS,
    )  # fmt: skip
    # Of the season itself and later ones nothing was known.
    [row] = past_scores(metrics, "stack", "2022-23").to_dict("records")
    assert (row["reference"], row["value"], row["reference_value"]) == ("elo", 2.0, 1.5)
    assert (row["n_seasons"], row["first"], row["last"]) == (1, "2021-22", "2021-22")
    assert past_scores(metrics, "stack", "2020-21").empty

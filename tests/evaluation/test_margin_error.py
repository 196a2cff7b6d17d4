import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import as_of_grid
from nba_rank.evaluation.margin_error import MARGIN_ERROR, margin_errors
from nba_rank.features.asof import days
from nba_rank.features.store import KEY
from nba_rank.odds.home_edge import HomeEdge

RANKERS = ["good", "blind"]


@pytest.fixture(scope="module")
def scores(sim_tables, sim_inputs):
    """A rating, and a score that knows nothing, at the as-of points of three seasons."""
    grid = as_of_grid(sim_tables, sim_tables.seasons["season"].tolist(), 28)
    points = grid[grid["as_of_point"] != ""]
    frame = sim_inputs[[*KEY, "margin_rating"]].merge(points, on=KEY[:2])
    noise = np.random.default_rng(0).normal(size=len(frame))
    return frame.rename(columns={"margin_rating": "good"}).assign(blind=noise)


def one_by_one(scores, tables, point, ranker):
    """The squared errors of the last season's games from a point on, game by game."""
    rows = scores[scores["as_of_point"] == point].set_index(["season", "team_id"])
    games = tables.games[tables.games["kind"] == "regular"]
    first = rows["as_of_date"].groupby("season").first()
    games = games[games["game_date"] >= games["season"].map(first)]
    seasons = games["season"].str[:4].astype(int).to_numpy()
    edge = HomeEdge.of(tables).at(seasons, days(games["season"].map(first)))
    beyond = (games["home_points"] - games["away_points"]).to_numpy() - edge
    gap = np.array([
        rows.loc[(season, home), ranker] - rows.loc[(season, away), ranker]
        for season, home, away in zip(
            games["season"], games["home_team_id"], games["away_team_id"], strict=True
        )
    ])  # fmt: skip
    last = (games["season"] == games["season"].max()).to_numpy()
    slope = np.linalg.lstsq(gap[~last, None], beyond[~last])[0][0]
    return ((beyond - slope * gap) ** 2)[last].mean()


def test_a_line_fitted_on_earlier_seasons_gives_the_errors(scores, sim_tables):
    tidy = margin_errors(scores, sim_tables, RANKERS)
    value = tidy.set_index(["season", "as_of_point", "ranker"])["value"]
    seasons = sorted(scores["season"].unique())
    assert tidy["season"].unique().tolist() == seasons[1:]
    assert tidy["as_of_point"].unique().tolist() == ["open", "0.05", "0.15", "0.25", "0.5", "0.75"]
    assert set(tidy["metric"]) == {MARGIN_ERROR}
    for point, ranker in (("0.05", "blind"), ("0.5", "good")):
        expected = one_by_one(scores, sim_tables, point, ranker)
        assert value[(seasons[-1], point, ranker)] == pytest.approx(expected)
    good, blind = (value.xs((point, ranker), level=[1, 2]) for ranker in RANKERS)
    assert (good < blind).all()


def test_neither_unit_nor_order_nor_later_seasons_count(scores, sim_tables):
    tidy = margin_errors(scores, sim_tables, RANKERS)
    mixed = scores.assign(good=7 * scores["good"] + 3).sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(margin_errors(mixed, sim_tables, RANKERS), tidy)
    last = scores["season"] == scores["season"].max()
    poisoned = scores.assign(good=scores["good"].mask(last, 1e3 * scores["blind"]))
    found = margin_errors(poisoned, sim_tables, RANKERS)
    earlier = tidy["season"] < scores["season"].max()
    pd.testing.assert_frame_equal(found[earlier], tidy[earlier])
    assert not np.allclose(found["value"][~earlier], tidy["value"][~earlier])

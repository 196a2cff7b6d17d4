import numpy as np
import pandas as pd
import pytest

from nba_rank.core.names import ALL
from nba_rank.evaluation.paired import BETTER, MEAN
from nba_rank.evaluation.playoff_forecasts import (
    COLUMNS,
    ECE,
    SCORES,
    judge_playoff_forecasts,
    score_lists,
)

SEASONS = [f"20{year}-{year + 1}" for year in range(14, 20)]
POINTS = ("open", "end")


def forecasts_of(p, made, ranker="clone", season="2020-21", point="open", design="reference"):
    teams = pd.DataFrame({"team_id": np.arange(len(p)), "p": p, "made": made})
    return teams.assign(design=design, ranker=ranker, season=season, as_of_point=point)


def league(noise, ranker, seasons=SEASONS, points=POINTS):
    """Forecasts of thirty teams: the less noise the better."""
    rng = np.random.default_rng(len(ranker))
    parts = []
    for number, season in enumerate(seasons):
        chance = np.random.default_rng(number).uniform(0.02, 0.98, 30)
        made = np.random.default_rng(100 + number).random(30) < chance
        for point in points:
            p = np.clip(chance + noise * rng.normal(size=30), 0, 1)
            parts.append(forecasts_of(p, made, ranker, season, point, "walk_forward"))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def forecasts():
    rankers = league(0.0, "clone"), league(0.4, "standings"), league(0.2, "elo", SEASONS[2:])
    return pd.concat(rankers, ignore_index=True)


@pytest.fixture(scope="module")
def found(forecasts):
    return judge_playoff_forecasts(forecasts, "clone", np.random.default_rng(0))


def test_one_list_by_hand():
    tidy = score_lists(forecasts_of([0.9, 0.6, 0.7, 0.2], [True, True, False, False]))
    assert tidy.columns.tolist() == COLUMNS
    value = tidy.set_index("metric")["value"]
    # Of the four pairs one is in the wrong order.
    assert value["playoff_auc"] == pytest.approx(0.75)
    assert value["playoff_brier"] == pytest.approx((0.01 + 0.16 + 0.49 + 0.04) / 4)
    expected = -np.log([0.9, 0.6, 0.3, 0.8]).mean()
    assert value["playoff_log_loss"] == pytest.approx(expected)


def test_means_and_differences_are_taken_over_the_same_seasons(found, forecasts):
    tidy = found.metrics
    assert not tidy.duplicated(COLUMNS[:-1]).any()
    assert (tidy["season"] != ALL).sum() == (6 + 6 + 4) * len(POINTS) * len(SCORES)
    assert tidy.loc[tidy["season"] == ALL, "metric"].tolist() == [ECE] * 3 * (len(POINTS) + 1)
    error = (forecasts["p"] - forecasts["made"]) ** 2
    at = [forecasts["ranker"], forecasts["as_of_point"]]
    means = found.means.set_index(["ranker", "metric", "as_of_point"])["value"]
    expected = error.groupby(at).mean()["clone", "end"]
    assert means["clone", "playoff_brier", "end"] == pytest.approx(expected)
    both = error[forecasts["season"].isin(SEASONS[2:])].groupby(at).mean()
    rows = found.differences.set_index(["reference", "metric", "as_of_point"])
    cell = rows.loc[("elo", "playoff_brier", "open")]
    assert cell["difference"] == pytest.approx(both["clone", "open"] - both["elo", "open"])
    assert cell["n_seasons"] == 4
    better = rows.loc["standings"].xs(MEAN, level="as_of_point")
    assert (better["verdict"] == BETTER).all()


def test_floors_count_shared_outcomes_once(found):
    rows = found.calibration[found.calibration["ranker"] == "clone"].set_index("as_of_point")
    # The same forecasts at both points: twice the rows, no more outcomes.
    assert rows.loc[ALL, "n"] == 2 * rows.loc["open", "n"]
    assert rows.loc[ALL, "ece_floor"] == pytest.approx(rows.loc["open", "ece_floor"], rel=0.1)
    assert (rows["ece"] < rows["ece_floor_95"]).all()
    bins = found.reliability[found.reliability["ranker"] == "elo"]
    assert bins["count"].sum() == 4 * 2 * 30

import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.references import COLUMNS, MIN_EARLIER, TABLE_RANKERS, reference_odds
from nba_rank.models.calibration import PlattScaling
from nba_rank.odds.softmax import SoftmaxOdds

SEASONS = [f"20{year}-{year + 1}" for year in range(10, 18)]
LAST = SEASONS[-1]
POINTS = ("0.5", "end")
N_TEAMS = 30
UNIT = {"standings": (0.15, 0.5), "elo": (100.0, 1505.0)}


@pytest.fixture(scope="module")
def results():
    """How far teams went; the lower its id, the stronger a team of a season tends to be."""
    rng = np.random.default_rng(4)
    order = np.argsort(np.arange(N_TEAMS) + rng.normal(scale=3, size=(len(SEASONS), N_TEAMS)))
    return pd.DataFrame(
        {
            "season": np.repeat(SEASONS, N_TEAMS),
            "team_id": order.ravel() + 1,
            "made_playoffs": np.tile(np.arange(N_TEAMS) < 16, len(SEASONS)),
            "rounds_won": np.tile(np.repeat([4, 3, 2, 1, 0], [1, 1, 2, 4, 22]), len(SEASONS)),
        }
    )


@pytest.fixture(scope="module")
def scores(results):
    """Scores of three rankers at two points and on one date between them."""
    rng = np.random.default_rng(5)
    frames = []
    for point, noise in (("0.5", 1.0), ("", 1.0), ("end", 0.4)):
        for ranker in (*TABLE_RANKERS, "random"):
            scale, centre = UNIT.get(ranker, (1.0, 0.0))
            strength = (15 - results["team_id"]) / 9 + rng.normal(scale=noise, size=len(results))
            date = pd.to_datetime(results["season"].str[:4] + f"-12-{len(point) + 1:02d}")
            rows = results[["season", "team_id"]].assign(as_of_date=date, as_of_point=point)
            frames.append(rows.assign(ranker=ranker, score=centre + scale * strength))
    return pd.concat(frames, ignore_index=True)


def at(frame, season, ranker, point="end"):
    rows = frame[(frame["season"] == season) & (frame["ranker"] == ranker)]
    return rows[rows["as_of_point"] == point].sort_values("team_id", ignore_index=True)


def ordered(odds):
    return odds.sort_values(COLUMNS[:4], ignore_index=True)


@pytest.fixture(scope="module")
def of_last(scores, results):
    """Odds of the last season; not to be altered."""
    return reference_odds(scores, results, [LAST])


@pytest.mark.parametrize("ranker", TABLE_RANKERS)
def test_odds_are_fitted_on_the_earlier_seasons_at_the_same_point(scores, results, of_last, ranker):
    got = at(of_last, LAST, ranker)
    chosen = (scores["ranker"] == ranker) & (scores["as_of_point"] == "end")
    known = scores[chosen].merge(results, on=["season", "team_id"])
    known["score"] = (known["score"] - UNIT[ranker][1]) / UNIT[ranker][0]
    earlier = known[known["season"] < LAST].assign(champion=lambda rows: rows["rounds_won"] == 4)
    now = at(known, LAST, ranker)
    platt = PlattScaling.fit(earlier["score"].to_numpy(), earlier["made_playoffs"].to_numpy())
    expected = platt.predict(now["score"].to_numpy())
    np.testing.assert_allclose(got["playoff_prob"], expected, atol=1e-3)
    np.testing.assert_allclose(
        got["title_prob"], SoftmaxOdds.fit(earlier).predict(now), rtol=2e-2, atol=1e-6
    )


def test_the_higher_the_score_the_higher_the_odds(scores, results):
    odds = reference_odds(scores, results, SEASONS)
    assert not odds.duplicated(COLUMNS[:4]).any()
    assert set(odds["as_of_point"]) == set(POINTS)
    assert set(odds.loc[odds["ranker"] == "random", "season"]) == set(SEASONS)
    fitted = odds[odds["ranker"].isin(TABLE_RANKERS)]
    assert fitted["season"].unique().tolist() == SEASONS[MIN_EARLIER:]
    sums = odds.groupby(["season", "as_of_point", "ranker"])["title_prob"].sum()
    np.testing.assert_allclose(sums, 1)
    for (season, point, ranker), rows in fitted.groupby(["season", "as_of_point", "ranker"]):
        order = at(scores, season, ranker, point)["score"].argsort()
        rows = rows.sort_values("team_id").iloc[order]
        assert rows["playoff_prob"].is_monotonic_increasing
        assert rows["title_prob"].is_monotonic_increasing


def test_a_season_in_which_nothing_was_known_does_not_count(scores, results):
    blank = (scores["season"] == SEASONS[0]) & (scores["ranker"] == "elo")
    level = scores.assign(score=scores["score"].mask(blank, 1505.0))
    without = scores[scores["season"] != SEASONS[0]]
    elo = reference_odds(level, results, SEASONS).query("ranker == 'elo'")
    assert elo["season"].min() == SEASONS[MIN_EARLIER + 1]
    expected = reference_odds(without, results, SEASONS[1:]).query("ranker == 'elo'")
    pd.testing.assert_frame_equal(ordered(elo), ordered(expected))


def test_the_season_itself_and_later_ones_teach_nothing(scores, results):
    season = SEASONS[5]
    later = results["season"] >= season
    turned = results.iloc[::-1][["made_playoffs", "rounds_won"]].set_axis(results.index)
    other = results.assign(**{name: results[name].mask(later, turned[name]) for name in turned})
    future = scores["season"] > season
    moved = scores.assign(score=scores["score"].where(~future, -scores["score"]))
    odds = reference_odds(scores, results, [season]).query("ranker in @TABLE_RANKERS")
    same = reference_odds(moved, other, [season]).query("ranker in @TABLE_RANKERS")
    pd.testing.assert_frame_equal(odds, same, check_exact=True)


def test_neither_order_of_rows_nor_unit_matters(scores, results, of_last):
    odds = ordered(of_last)
    shuffled = scores.sample(frac=1, random_state=1)
    again = reference_odds(shuffled, results.sample(frac=1, random_state=2), [LAST])
    pd.testing.assert_frame_equal(ordered(again), odds, rtol=1e-4, atol=1e-6)
    rescaled = reference_odds(scores.assign(score=scores["score"] * 40 - 9), results, [LAST])
    pd.testing.assert_frame_equal(ordered(rescaled), odds, rtol=1e-4, atol=1e-6)


def test_chance_gives_all_teams_the_same_odds(of_last):
    for point in POINTS:
        chance = at(of_last, LAST, "random", point)
        np.testing.assert_allclose(chance["title_prob"], 1 / N_TEAMS)
        np.testing.assert_allclose(chance["playoff_prob"], 16 / N_TEAMS)
    field = at(of_last, LAST, "random16")
    assert set(of_last.loc[of_last["ranker"] == "random16", "as_of_point"]) == {"end"}
    assert field["title_prob"].value_counts().to_dict() == {1 / 16: 16, 0.0: 14}
    assert field["playoff_prob"].isna().all()


def test_a_season_needs_scores_but_no_outcome(scores, results, of_last):
    odds = reference_odds(scores, results[results["season"] != LAST], [LAST])
    assert set(odds["ranker"]) == {*TABLE_RANKERS, "random"}
    for ranker in TABLE_RANKERS:
        pd.testing.assert_frame_equal(at(odds, LAST, ranker), at(of_last, LAST, ranker))
    with pytest.raises(ValueError, match=r"'standings'.*2031-32"):
        reference_odds(scores, results, [LAST, "2031-32"])

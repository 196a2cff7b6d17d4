import numpy as np
import pandas as pd
import pytest

from nba_rank.core.names import MARGINS
from nba_rank.data.calendar import PLAYOFF_POINTS, playoff_points
from nba_rank.data.outcomes import EVENTS, events
from nba_rank.evaluation.playoff_odds import SCOPE, _still_in, playoff_metrics

SEASON = "2023-24"
ODDS = [f"{event}_prob" for event in EVENTS]


@pytest.fixture(scope="module")
def own(sim_tables, sim_results) -> pd.DataFrame:
    """What came of all teams, forecast at every point with half the certainty."""
    happened = events(sim_results[sim_results["season"] == SEASON])
    odds = happened.rename(columns=dict(zip(EVENTS, ODDS, strict=True))).astype({"team_id": int})
    points = playoff_points(sim_tables, SEASON)
    parts = [
        odds.assign(as_of_point=point, as_of_date=date, **odds[ODDS].astype(float) / 2)
        for point, date in points.items()
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def tidy(own, sim_tables, sim_results) -> pd.DataFrame:
    return playoff_metrics(own, own, sim_tables, sim_results, "stack")


def test_a_team_is_in_until_the_last_game_of_the_series_that_it_loses(sim_tables, sim_results):
    alive = _still_in(sim_tables, [SEASON])
    results = sim_results[sim_results["season"] == SEASON].set_index("team_id")
    for number in (1, 2, 3, 4):
        at = alive[alive["as_of_point"] == f"round_{number}_two_games"]["team_id"]
        won = results["rounds_won"].where(results["made_playoffs"], -1)
        assert set(at) == set(won.index[won >= number - 1])


def test_odds_are_judged_among_the_rounds_still_to_be_decided(tidy):
    assert set(tidy["scope"]) == {SCOPE}
    assert not tidy.duplicated(["season", "as_of_point", "ranker", "metric"]).any()
    for ranker in ("stack", MARGINS):
        rows = tidy[tidy["ranker"] == ranker].set_index(["metric", "as_of_point"])["value"]
        own = {
            metric: rows[metric].reindex(PLAYOFF_POINTS)
            for metric in rows.index.get_level_values("metric")
        }
        np.testing.assert_allclose(own["champion_log_loss"], np.log(2))
        np.testing.assert_allclose(own["champion_brier"], 0.25 / 30)
        assert own["round_1_brier"].notna().tolist() == [True] * 2 + [False] * 6
        assert own["finals_brier"].notna().tolist() == [True] * 6 + [False] * 2
        # Half of the teams that play a round win it, forecast at one half; the others at none.
        np.testing.assert_allclose(own["series_brier"][1::2], 0.125)


def test_equal_odds_are_for_the_teams_still_in(tidy):
    chance = tidy[(tidy["ranker"] == "random") & (tidy["metric"] == "champion_log_loss")]
    value = chance.set_index("as_of_point")["value"]
    for number in (1, 2, 3, 4):
        assert value[f"round_{number}_two_games"] == pytest.approx(np.log(2 ** (5 - number)))


def test_rankers_are_judged_at_the_points_that_they_have(own, sim_tables, sim_results):
    first = own[own["as_of_point"] == PLAYOFF_POINTS[0]]
    tidy = playoff_metrics(first, first, sim_tables, sim_results, "stack")
    judged = tidy[tidy["ranker"].isin(["stack", MARGINS])]
    assert set(judged["as_of_point"]) == {PLAYOFF_POINTS[0]}

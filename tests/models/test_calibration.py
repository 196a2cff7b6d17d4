from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit

from nba_rank.data.outcomes import EVENTS
from nba_rank.models.calibration import (
    CALIBRATIONS,
    PLAYOFF,
    Calibration,
    Outcome,
    PlattScaling,
    probabilities,
)

N = 4000


@pytest.fixture(scope="module")
def cases():
    """Two events that two members foretell: `good` knows much, `poor` little, in other units.

    The final score is their mean in units of the hidden strength. Being strong matters more late
    in the season for the first event, and always the same for the second.
    """
    rng = np.random.default_rng(7)
    strength, noise, other = rng.normal(size=(3, N))
    good, poor = strength + 0.3 * noise, strength + 2 * other
    scores = {"score": (good + poor) / 2, "good": 20 * good + 100, "poor": poor}
    progress = rng.uniform(size=N)
    moving = rng.random(N) < expit((0.5 + 2 * progress) * strength)
    still = rng.random(N) < expit(1.5 * strength - 1)
    return {"moving": Outcome(scores, progress, moving), "still": Outcome(scores, progress, still)}


READ = pytest.mark.parametrize(
    ("name", "read"), [(CALIBRATIONS[0], ["score"]), (CALIBRATIONS[1], ["good", "poor"])]
)


@pytest.fixture(scope="module")
def fitted(cases):
    """Each calibration by its name, fitted on the cases."""
    return {name: Calibration.fit(name, cases) for name in CALIBRATIONS}


def test_smoothed_targets_match_a_worked_example():
    # Four of seven happened: targets are 5/6 for those and 1/5 for the others. Two scores and two
    # parameters: each probability is the mean target of its score.
    score = np.array([0.0, 0, 0, 1, 1, 1, 1])
    event = np.array([False, False, True, True, True, True, False])
    low, high = PlattScaling.fit(score, event).predict(np.array([0.0, 1.0]))
    assert low == pytest.approx((1 / 5 + 1 / 5 + 5 / 6) / 3, abs=2e-3)
    assert high == pytest.approx((3 * 5 / 6 + 1 / 5) / 4, abs=2e-3)


@pytest.mark.parametrize(("unit", "zero"), [(0.02, 3.0), (50, 1500)])
@pytest.mark.parametrize("moving", [False, True])
def test_the_unit_of_the_score_does_not_matter(unit, zero, moving):
    rng = np.random.default_rng(2)
    score, progress = rng.normal(size=500), rng.uniform(size=500) if moving else None
    event = rng.random(500) < expit(score - 3)
    expected = PlattScaling.fit(score, event, progress).predict(score, progress)
    other = unit * score + zero
    got = PlattScaling.fit(other, event, progress).predict(other, progress)
    assert got == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("happened", [True, False])
def test_an_event_that_always_or_never_happened_is_refused(happened):
    with pytest.raises(ValueError, match="Platt scaling needs"):
        PlattScaling.fit(np.arange(5.0), np.full(5, happened))


@pytest.mark.parametrize("moving", [False, True])
def test_planted_slopes_and_intercepts_are_found(moving):
    rng = np.random.default_rng(3)
    score, progress = rng.normal(size=60_000), rng.uniform(size=60_000)
    p = expit((0.6 + 1.8 * moving * progress) * score - 1.0 + 0.7 * moving * progress)
    fitted = PlattScaling.fit(score, rng.random(len(score)) < p, progress if moving else None)
    assert fitted.slope == pytest.approx(0.6, abs=0.06)
    assert fitted.slope_change == pytest.approx(1.8 * moving, abs=0.12 * moving)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.06)
    assert fitted.intercept_change == pytest.approx(0.7 * moving, abs=0.1 * moving)
    assert fitted.predict(score, progress) == pytest.approx(p, abs=0.02)
    assert np.array_equal(fitted.predict(score), fitted.predict(score, np.zeros(len(score))))
    assert np.array_equal(fitted.predict(score, progress), expit(fitted.log_odds(score, progress)))


@pytest.mark.parametrize(("opening", "change"), [(1.5, -3.0), (-1.0, 3.0)])
def test_a_slope_that_would_reverse_the_order_at_some_time_does_not_move(opening, change):
    rng = np.random.default_rng(4)
    score, progress = rng.normal(size=5000), rng.uniform(size=5000)
    event = rng.random(5000) < expit((opening + change * progress) * score + progress)
    fitted = PlattScaling.fit(score, event, progress)
    assert fitted == PlattScaling.fit(score, event)
    assert (fitted.slope_change, fitted.intercept_change) == (0, 0)


@READ
def test_log_odds_combine_those_of_the_scores_that_are_read(cases, fitted, name, read):
    own = fitted[name]
    for event, case in cases.items():
        assert list(own.platt[event]) == list(own.weights[event]) == read
        total = np.full(N, own.intercept[event])
        for one, weight in own.weights[event].items():
            alone = PlattScaling.fit(case.scores[one], case.event, case.progress)
            assert own.platt[event][one] == alone
            total += weight * alone.log_odds(case.scores[one], case.progress)
        scores = {one: part if one in read else -part for one, part in case.scores.items()}
        assert own.log_odds(event, scores, case.progress) == pytest.approx(total)


def test_the_stack_needs_no_weight_and_the_member_that_knows_more_weighs_more(cases, fitted):
    for event in cases:
        assert fitted["platt_stack"].weights[event] == {"score": 1.0}
        assert fitted["platt_stack"].intercept[event] == 0
        weights = fitted["platt_per_model"].weights[event]
        assert weights["good"] > 3 * weights["poor"] > 0
    case = cases["still"]
    one = Outcome({"good": case.scores["good"]}, case.progress, case.event)
    alone = Calibration.fit("platt_per_model", {"still": one})
    # The ridge holds it back a little.
    assert 0.98 < alone.weights["still"]["good"] < 0.9999
    assert alone.intercept["still"] == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_planted_events_are_forecast_about_as_often_as_they_happen(fitted, cases, name):
    for event, case in cases.items():
        p = expit(fitted[name].log_odds(event, case.scores, case.progress))
        assert p.mean() == pytest.approx(case.event.mean(), abs=0.005)
        for half in (p > np.median(p), p < np.median(p)):
            assert p[half].mean() == pytest.approx(case.event[half].mean(), abs=0.04)
        # Where a score means more late in the season, forecasts spread.
        late = case.progress > 0.5
        assert (p[late].std() > 1.3 * p[~late].std()) == (event == "moving")


@READ
@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_log_odds_rise_with_every_score_that_is_read(fitted, cases, name, read, share):
    ladder = np.linspace(-2, 2, 21)
    for event, case in cases.items():
        middle = {other: np.full(21, values.mean()) for other, values in case.scores.items()}
        for one in read:
            rising = {**middle, one: middle[one] + case.scores[one].std() * ladder}
            assert (np.diff(fitted[name].log_odds(event, rising, np.full(21, share))) > 0).all()


@pytest.mark.parametrize("name", CALIBRATIONS)
def test_without_progress_nothing_moves(cases, name):
    case = cases["still"]
    fitted = Calibration.fit(name, {"still": Outcome(case.scores, None, case.event)})
    early, late, unknown = (
        fitted.log_odds("still", case.scores, progress)
        for progress in (np.zeros(N), np.ones(N), None)
    )
    assert np.array_equal(early, late)
    assert np.array_equal(early, unknown)


@dataclass(frozen=True)
class Told:
    """A calibration that repeats the log odds that it is given."""

    def log_odds(self, event, scores, progress):
        return scores["one" if event == PLAYOFF else "other"]


LOG_ODDS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([-1e6, -40.0, 0.0, 0.0, 40.0, 1e6]))


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, (60, 2), elements=LOG_ODDS), st.randoms(use_true_random=False))
def test_probabilities_are_coherent_on_every_date(log_odds, shuffle):
    rows = pd.MultiIndex.from_product(
        [["2023-24"], pd.to_datetime(["2023-11-01", "2024-03-01"]), ["East", "West"], range(15)],
        names=["season", "as_of_date", "conference", "team"],
    ).to_frame(index=False)
    rows = rows.assign(one=log_odds[:, 0], other=log_odds[:, 1])
    rows = rows.sample(frac=1, random_state=shuffle.randrange(99))
    got = probabilities(Told(), rows, ["one", "other"], None)
    assert got.index.equals(rows.index)
    assert got.columns.tolist() == [f"{event}_prob_platt" for event in EVENTS]
    assert ((got >= 0) & (got <= 1)).all(axis=None)
    assert (np.diff(got, axis=1) <= 0).all()
    by_conference = got.groupby([rows["as_of_date"], rows["conference"]]).sum()
    assert by_conference.to_numpy()[:, :4] == pytest.approx(np.tile([8.0, 4, 2, 1], (4, 1)))
    title = got["title_prob_platt"].groupby(rows["as_of_date"]).sum()
    assert title.to_numpy() == pytest.approx([1.0, 1.0])
    for _, rivals in rows.groupby(["as_of_date", "conference"]):
        ordered = got.loc[rivals.sort_values("one").index, "playoff_prob_platt"]
        assert ordered.is_monotonic_increasing


def test_a_date_on_which_a_score_is_unknown_has_no_probabilities():
    rows = pd.DataFrame({"season": "2023-24", "as_of_date": np.repeat([1, 2], 30)})
    rows = rows.assign(conference=["East", "West"] * 30, one=np.arange(60.0), other=1.0)
    known = probabilities(Told(), rows, ["one", "other"], None)
    rows.loc[0:29, "one"] = np.nan
    got = probabilities(Told(), rows, ["one", "other"], None)
    assert got[:30].isna().all(axis=None)
    assert got[30:].equals(known[30:])


def test_more_places_than_teams_are_refused():
    rows = pd.DataFrame({"season": "2023-24", "as_of_date": 1, "conference": ["East"] * 8})
    with pytest.raises(ValueError, match="8 teams compete for 8 places"):
        probabilities(Told(), rows.assign(one=0.0, other=0.0), ["one", "other"], None)

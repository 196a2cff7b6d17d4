import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import expit, logit

from nba_rank.data.outcomes import EVENTS
from nba_rank.models.calibration import (
    CALIBRATIONS,
    PLAYOFF,
    Outcome,
    PlattPerModel,
    PlattScaling,
    PlattStack,
    probabilities,
)

N = 4000


def through_json(calibration):
    """The calibration as it comes back from a file."""
    return type(calibration).from_dict(json.loads(json.dumps(calibration.to_dict())))


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


@pytest.fixture(scope="module", params=["platt_stack", "platt_per_model"])
def calibration(request, cases):
    """Each calibration, fitted on the cases."""
    return CALIBRATIONS[request.param].fit(cases)


def test_a_known_sigmoid_is_found_again():
    rng = np.random.default_rng(0)
    score = rng.normal(size=40_000)
    event = rng.random(len(score)) < expit(1.7 * score - 0.6)
    fitted = PlattScaling.fit(score, event)
    assert fitted.slope == pytest.approx(1.7, abs=0.06)
    assert fitted.intercept == pytest.approx(-0.6, abs=0.05)
    assert (fitted.slope_change, fitted.intercept_change) == (0, 0)


def test_platts_smoothed_targets_in_a_worked_example():
    # Four of seven happened: targets are 5/6 for those and 1/5 for the others. Two scores and two
    # parameters: each probability is the mean target of its score.
    score = np.array([0.0, 0, 0, 1, 1, 1, 1])
    event = np.array([False, False, True, True, True, True, False])
    low, high = PlattScaling.fit(score, event).predict(np.array([0.0, 1.0]))
    assert low == pytest.approx((1 / 5 + 1 / 5 + 5 / 6) / 3, abs=2e-3)
    assert high == pytest.approx((3 * 5 / 6 + 1 / 5) / 4, abs=2e-3)


def test_scores_that_separate_the_teams_still_give_no_certainty():
    score = np.r_[np.full(10, -1.0), np.full(10, 1.0)]
    fitted = PlattScaling.fit(score, score > 0)
    assert fitted.predict(np.array([-1.0, 1.0])) == pytest.approx([1 / 12, 11 / 12], abs=2e-3)


def test_probabilities_rise_with_the_score_and_stay_between_0_and_1():
    rng = np.random.default_rng(1)
    score = rng.normal(size=300)
    fitted = PlattScaling.fit(score, rng.random(300) < expit(score))
    values = fitted.predict(np.linspace(-20, 20, 401))
    assert (np.diff(values) > 0).all()
    assert values.min() >= 0
    assert values.max() <= 1
    assert values.min() < 0.05
    assert values.max() > 0.95


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


@pytest.mark.parametrize("event", [np.ones(5, dtype=bool), np.zeros(5, dtype=bool)])
def test_an_event_that_always_or_never_happens_is_refused(event):
    with pytest.raises(ValueError, match="Platt scaling needs"):
        PlattScaling.fit(np.arange(5.0), event)


def test_a_slope_and_an_intercept_that_move_are_found_again():
    rng = np.random.default_rng(3)
    score, progress = rng.normal(size=60_000), rng.uniform(size=60_000)
    p = expit((0.6 + 1.8 * progress) * score - 1.0 + 0.7 * progress)
    fitted = PlattScaling.fit(score, rng.random(len(score)) < p, progress)
    assert fitted.slope == pytest.approx(0.6, abs=0.06)
    assert fitted.slope_change == pytest.approx(1.8, abs=0.12)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.06)
    assert fitted.intercept_change == pytest.approx(0.7, abs=0.1)
    assert fitted.predict(score, progress) == pytest.approx(p, abs=0.02)
    opening = np.zeros(len(score))
    assert np.array_equal(fitted.predict(score), fitted.predict(score, opening))
    assert np.array_equal(fitted.predict(score, progress), expit(fitted.log_odds(score, progress)))


@pytest.mark.parametrize(("opening", "change"), [(1.5, -3.0), (-1.0, 3.0)])
def test_a_slope_that_would_turn_the_order_round_at_some_time_is_kept(opening, change):
    rng = np.random.default_rng(4)
    score, progress = rng.normal(size=5000), rng.uniform(size=5000)
    event = rng.random(5000) < expit((opening + change * progress) * score + progress)
    fitted = PlattScaling.fit(score, event, progress)
    assert fitted == PlattScaling.fit(score, event)
    assert (fitted.slope_change, fitted.intercept_change) == (0, 0)


def test_the_order_of_the_scores_holds_at_any_time():
    rng = np.random.default_rng(5)
    ordered = np.linspace(-3, 3, 50)
    for _ in range(20):
        score, progress = rng.normal(size=60), rng.uniform(size=60)
        event = rng.random(60) < expit(score * rng.uniform(0.2, 2))
        fitted = PlattScaling.fit(score, event, progress)
        for share in (0.0, 0.5, 1.0):
            assert (np.diff(fitted.log_odds(ordered, np.full(50, share))) > 0).all()


@pytest.mark.parametrize("moving", [False, True])
def test_it_survives_json_exactly(moving):
    rng = np.random.default_rng(8)
    score, progress = rng.normal(size=200), rng.uniform(size=200)
    event = rng.random(200) < expit((0.5 + progress) * score)
    fitted = PlattScaling.fit(score, event, progress if moving else None)
    assert (fitted.slope_change != 0) == moving
    again = PlattScaling(**json.loads(json.dumps(fitted.to_dict())))
    assert again == fitted


def test_the_stack_is_scaled_event_by_event(cases):
    fitted = PlattStack.fit(cases)
    for event, case in cases.items():
        alone = PlattScaling.fit(case.scores["score"], case.event, case.progress)
        assert fitted.platt[event] == alone
        got = expit(fitted.log_odds(event, case.scores, case.progress))
        assert np.array_equal(got, alone.predict(case.scores["score"], case.progress))
        members = {name: -values for name, values in case.scores.items() if name != "score"}
        unread = {**case.scores, **members}
        assert np.array_equal(expit(fitted.log_odds(event, unread, case.progress)), got)


def test_models_are_combined_in_log_odds(cases):
    fitted = PlattPerModel.fit(cases)
    for event, case in cases.items():
        assert list(fitted.platt[event]) == list(fitted.weights[event]) == ["good", "poor"]
        total = np.full(N, fitted.intercept[event])
        for name, weight in fitted.weights[event].items():
            alone = PlattScaling.fit(case.scores[name], case.event, case.progress)
            assert fitted.platt[event][name] == alone
            total += weight * alone.log_odds(case.scores[name], case.progress)
        got = expit(fitted.log_odds(event, case.scores, case.progress))
        assert logit(got) == pytest.approx(total)
        unread = {**case.scores, "score": -case.scores["score"]}
        assert np.array_equal(expit(fitted.log_odds(event, unread, case.progress)), got)


def test_the_member_that_knows_more_weighs_more(cases):
    fitted = PlattPerModel.fit(cases)
    for weights in fitted.weights.values():
        assert weights["good"] > 3 * abs(weights["poor"])


def test_a_member_alone_needs_no_weight(cases):
    scores = {name: cases["still"].scores[name] for name in ("score", "good")}
    case = Outcome(scores, cases["still"].progress, cases["still"].event)
    fitted = PlattPerModel.fit({"still": case})
    # The ridge holds it back a little.
    assert fitted.weights["still"]["good"] == pytest.approx(1, abs=0.02)
    assert fitted.intercept["still"] == pytest.approx(0, abs=0.02)


def test_planted_events_are_forecast_about_as_often_as_they_happen(calibration, cases):
    for event, case in cases.items():
        p = expit(calibration.log_odds(event, case.scores, case.progress))
        assert p.mean() == pytest.approx(case.event.mean(), abs=0.005)
        upper = p > np.median(p)
        for half in (upper, ~upper):
            assert p[half].mean() == pytest.approx(case.event[half].mean(), abs=0.04)
        late = case.progress > 0.5
        # A member's word counts for more late in the season where that is so.
        if event == "moving":
            assert p[late].std() > 1.3 * p[~late].std()


def test_probabilities_rise_with_every_score_that_has_a_weight_above_zero(calibration, cases):
    read = ["score"] if isinstance(calibration, PlattStack) else ["good", "poor"]
    ladder = np.linspace(-2, 2, 21)
    for event, case in cases.items():
        for name in read:
            if isinstance(calibration, PlattPerModel):
                assert calibration.weights[event][name] > 0
            middle = {other: np.full(21, values.mean()) for other, values in case.scores.items()}
            spread = case.scores[name].std()
            rising = {**middle, name: middle[name] + spread * ladder}
            for share in (0.0, 1.0):
                p = expit(calibration.log_odds(event, rising, np.full(21, share)))
                assert (np.diff(p) > 0).all()
                assert ((p > 0) & (p < 1)).all()


def test_no_model_s_order_is_changed_on_a_date(cases):
    stack, each = PlattStack.fit(cases), PlattPerModel.fit(cases)
    for event, case in cases.items():
        for share in (0.0, 0.4, 1.0):
            date = np.full(N, share)
            p = expit(stack.log_odds(event, case.scores, date))
            assert np.array_equal(np.argsort(p), np.argsort(case.scores["score"]))
            for name, part in each.platt[event].items():
                p = part.predict(case.scores[name], date)
                assert np.array_equal(np.argsort(p), np.argsort(case.scores[name]))


def test_calibrations_survive_json_exactly(calibration, cases):
    again = through_json(calibration)
    assert again == calibration
    for event, case in cases.items():
        expected = expit(calibration.log_odds(event, case.scores, case.progress))
        assert np.array_equal(expit(again.log_odds(event, case.scores, case.progress)), expected)


def test_the_events_are_those_of_the_cases_in_order(calibration):
    assert calibration.events == ["moving", "still"]
    assert through_json(calibration).events == ["moving", "still"]


@pytest.mark.parametrize("kind", CALIBRATIONS.values())
def test_without_progress_nothing_moves(cases, kind):
    fitted = kind.fit({"still": Outcome(cases["still"].scores, None, cases["still"].event)})
    scores = cases["still"].scores
    early = expit(fitted.log_odds("still", scores, np.zeros(N)))
    assert np.array_equal(expit(fitted.log_odds("still", scores, None)), early)
    assert np.array_equal(expit(fitted.log_odds("still", scores, np.ones(N))), early)


@pytest.mark.parametrize("kind", CALIBRATIONS.values())
def test_the_two_sides_of_a_game_are_mirror_images_but_for_the_home_edge(kind):
    rng = np.random.default_rng(6)
    gap = rng.normal(size=N)
    won = rng.random(N) < expit(1.2 * gap + 0.4)
    gaps = {"score": gap, "good": gap + rng.normal(scale=0.1, size=N), "poor": 3 * gap}
    fitted = kind.fit({"win": Outcome(gaps, None, won)})
    turned = {name: -values for name, values in gaps.items()}
    there, back = (logit(expit(fitted.log_odds("win", side, None))) for side in (gaps, turned))
    edge = there + back
    assert edge == pytest.approx(edge[0])
    assert edge[0] / 2 == pytest.approx(0.4, abs=0.12)


@dataclass(frozen=True)
class Told:
    """A calibration that repeats the log odds that it is given."""

    def log_odds(self, event, scores, progress):
        return scores["one" if event == PLAYOFF else "other"]


LOG_ODDS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([-1e6, -40.0, 0.0, 0.0, 40.0, 1e6]))


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

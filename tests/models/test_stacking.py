import json

import numpy as np
import pytest

from nba_rank.core.errors import UserError
from nba_rank.models.stacking import Stacker

ALPHAS = [0.1, 1.0, 10.0, 100.0]
MEMBERS = ["model_a", "xgb", "rf"]


def planted(coef, noise=0.0, n_seasons=5, n=300, scale=(1.0, 1.0, 1.0), mean=(0.0, 0.0, 0.0)):
    """Independent member scores and the relevance that the blend of them gives, plus noise."""
    rng = np.random.default_rng(0)
    standard = rng.normal(size=(n_seasons * n, len(coef)))
    relevance = 0.5 + standard @ np.asarray(coef) + noise * rng.normal(size=len(standard))
    season = np.repeat([f"{2015 + i}-{16 + i}" for i in range(n_seasons)], n)
    return standard * scale + mean, relevance, season


def fit(scores, relevance, season, alphas=ALPHAS, progress=None, shrinkage_targets=()):
    members = MEMBERS[: scores.shape[1]]
    return Stacker.fit(members, scores, relevance, season, alphas, progress, shrinkage_targets)


def test_a_planted_blend_is_found_again_whatever_the_members_units():
    scores, relevance, season = planted(
        [0.3, 0.2, 0.1], noise=0.02, scale=(5, 0.1, 1), mean=(100, 0, -3)
    )
    stacker = fit(scores, relevance, season)
    assert stacker.coef == pytest.approx([0.3, 0.2, 0.1], abs=0.02)
    assert stacker.intercept == pytest.approx(0.5, abs=0.02)
    weights = stacker.weights()
    assert [weights[name] for name in MEMBERS] == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.02)
    assert np.abs(stacker.predict(scores) - relevance).mean() < 0.03


def test_the_better_member_gets_the_larger_weight():
    rng = np.random.default_rng(1)
    relevance = rng.uniform(size=600)
    noise = rng.normal(size=(600, 2)) * [0.1, 0.5]
    season = np.repeat(["2018-19", "2019-20", "2020-21"], 200)
    weights = fit(relevance[:, None] + noise, relevance, season).weights()
    assert weights["model_a"] > 3 * weights["xgb"] > 0


def test_high_scores_of_good_members_give_high_stack_scores():
    rng = np.random.default_rng(2)
    relevance = rng.uniform(size=200)
    scores = relevance[:, None] + 0.3 * rng.normal(size=(200, 3))
    stack = fit(scores, relevance, np.repeat(["2018-19", "2019-20"], 100)).predict(scores)
    single = [np.corrcoef(scores[:, i], relevance)[0, 1] for i in range(3)]
    assert np.corrcoef(stack, relevance)[0, 1] > max(single)


def test_a_member_that_ranks_upside_down_gets_a_negative_weight():
    scores, relevance, season = planted([0.3, -0.3, 0.1], noise=0.05)
    assert fit(scores, relevance, season).weights()["xgb"] < -0.3


def test_weights_that_move_over_the_season_are_found_again():
    scores, _, season = planted([0.3, 0.2, 0.1])
    progress = np.random.default_rng(4).uniform(size=len(scores))
    relevance = 0.5 + scores[:, 0] * (0.4 - 0.3 * progress) + scores[:, 1] * 0.3 * progress
    stacker = fit(scores, relevance, season, [0.1], progress)
    assert stacker.coef == pytest.approx([0.4, 0.0, 0.0], abs=0.02)
    assert stacker.coef_change == pytest.approx([-0.3, 0.3, 0.0], abs=0.02)
    opening, end = stacker.weights(0.0), stacker.weights(1.0)
    assert [opening[name] for name in MEMBERS] == pytest.approx([1, 0, 0], abs=0.05)
    assert [end[name] for name in MEMBERS] == pytest.approx([1 / 4, 3 / 4, 0], abs=0.05)
    assert stacker.predict(scores, progress) == pytest.approx(relevance, abs=0.03)
    assert np.abs(stacker.predict(scores) - relevance).mean() > 0.1


def test_weights_stay_without_the_progress_of_the_season():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1)
    stacker = fit(scores, relevance, season)
    assert stacker.coef_change == [0, 0, 0]
    late = stacker.predict(scores, np.ones(len(scores)))
    assert np.array_equal(late, stacker.predict(scores))


def test_the_penalty_shrinks_towards_the_average_of_what_the_inputs_say_alone():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1, n=200)
    weak, strong = (fit(scores, relevance, season, [alpha]) for alpha in (0.1, 1e9))
    assert (weak.alpha, strong.alpha) == (0.1, 1e9)
    assert weak.coef == pytest.approx([0.3, 0.2, 0.1], abs=0.02)
    assert strong.coef == pytest.approx([0.1, 0.2 / 3, 0.1 / 3], abs=0.02)


def test_the_shrinkage_targets_are_what_the_penalty_shrinks_towards():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1, n=200)
    progress = np.random.default_rng(5).uniform(size=len(scores))

    def trusting(*names):
        return fit(scores, relevance, season, [1e9], progress, names)

    assert trusting("xgb").coef == pytest.approx([0, 0.2, 0], abs=0.06)
    assert trusting("xgb") == trusting("not_blended", "xgb")
    assert trusting("model_a", "rf").coef == pytest.approx([0.15, 0, 0.05], abs=0.06)
    assert trusting("not_blended") == trusting() == trusting("rf", "xgb", "model_a")


def test_inputs_that_repeat_each_other_share_their_weight():
    scores, relevance, season = planted([0.3, 0.0, 0.0], noise=0.1)
    scores[:, 1] = scores[:, 0]
    stacker = fit(scores, relevance, season, [1e9], shrinkage_targets=["model_a", "xgb"])
    assert stacker.coef == pytest.approx([0.15, 0.15, 0.0], abs=0.01)


def test_the_penalty_is_chosen_over_seasons_and_not_over_rows():
    # Each season's noise is shared by its near-duplicate rows: over rows the least penalty wins,
    # over seasons none of the members holds.
    rng = np.random.default_rng(3)
    season = np.repeat([f"{2015 + i}-{16 + i}" for i in range(5)], 200)
    base, target = rng.normal(size=(5, 3)), rng.normal(size=5)
    scores = np.repeat(base, 200, axis=0) + 1e-3 * rng.normal(size=(1000, 3))
    relevance = np.repeat(target, 200)
    assert fit(scores, relevance, season, [1e-3, 1e6]).alpha == 1e6
    shuffled = rng.permutation(season)
    assert fit(scores, relevance, shuffled, [1e-3, 1e6]).alpha == 1e-3


def test_a_single_season_takes_the_largest_penalty():
    scores, relevance, season = planted([0.3, 0.2, 0.1], n_seasons=1)
    assert fit(scores, relevance, season).alpha == 100.0


def test_a_member_that_scores_every_team_alike_is_refused_by_name():
    scores, relevance, season = planted([0.3, 0.2, 0.1])
    scores[:, 1] = 0.25
    with pytest.raises(UserError, match=r"\['xgb'\] give every team the same"):
        fit(scores, relevance, season)


@pytest.mark.parametrize("constant", [0.1, 1 / 3, 1e6 + 0.1])
def test_a_constant_member_is_refused_whatever_the_constant(constant):
    scores, relevance, season = planted([0.3, 0.2, 0.1])
    scores[:, 2] = constant
    with pytest.raises(UserError, match=r"\['rf'\] give every team the same"):
        fit(scores, relevance, season)


@pytest.mark.parametrize(("rows", "value"), [(7, np.inf), (slice(None), np.nan)])
def test_an_infinite_score_and_an_input_that_is_never_known_are_refused(rows, value):
    scores, relevance, season = planted([0.3, 0.2, 0.1])
    scores[rows, 0] = value
    with pytest.raises(ValueError, match="not all finite"):
        fit(scores, relevance, season)


def test_what_being_unknown_tells_is_learned_beside_the_mean():
    """Teams whose second input is unknown end 0.2 higher on opening night, 0.1 lower at the end."""
    scores, _, season = planted([0.3, 0.2], scale=1.0, mean=0.0)
    rng = np.random.default_rng(6)
    progress, unknown = rng.uniform(size=len(scores)), rng.uniform(size=len(scores)) < 0.3
    tells = 0.2 - 0.3 * progress
    relevance = 0.5 + 0.3 * scores[:, 0] + np.where(unknown, tells, 0.2 * scores[:, 1])
    scores[unknown, 1] = np.nan
    stacker = fit(scores, relevance, season, [0.1], progress)
    assert stacker.coef == pytest.approx([0.3, 0.2], abs=0.01)
    assert stacker.unknown.keys() == {"xgb"}
    assert stacker.unknown["xgb"] == pytest.approx([0.2, -0.3], abs=0.02)
    assert stacker.predict(scores, progress) == pytest.approx(relevance, abs=0.02)
    assert stacker.weights().keys() == {"model_a", "xgb"}
    still = fit(scores, relevance, season, [0.1])
    assert still.unknown["xgb"] == pytest.approx([0.05, 0], abs=0.02)


def test_what_training_always_knew_counts_as_its_mean_where_it_is_unknown():
    scores, relevance, season = planted([0.3, 0.2, 0.1], mean=(0, 4, 0))
    stacker = fit(scores, relevance, season)
    assert stacker.unknown == {}
    absent, average = scores[:5].copy(), scores[:5].copy()
    absent[:, 1], average[:, 1] = np.nan, stacker.mean[1]
    assert stacker.predict(absent) == pytest.approx(stacker.predict(average), abs=1e-12)


def test_it_survives_json_exactly():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1)
    scores[::7, 1] = np.nan
    stacker = fit(scores, relevance, season)
    again = Stacker(**json.loads(json.dumps(stacker.to_dict())))
    assert again == stacker
    assert np.array_equal(again.predict(scores), stacker.predict(scores))


def test_a_row_alone_scores_exactly_as_among_many():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1)
    stacker = fit(scores, relevance, season)
    progress = np.linspace(0, 1, len(scores))
    moving = fit(scores, relevance, season, progress=progress)
    for i in range(0, len(scores), 40):
        row = slice(i, i + 1)
        assert stacker.predict(scores[row])[0] == stacker.predict(scores)[i]
        alone = moving.predict(scores[row], progress[row])[0]
        assert alone == moving.predict(scores, progress)[i]

import numpy as np
import pytest
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

from nba_rank.core.errors import UserError
from nba_rank.models.ridge import fit_ridge
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


def test_a_planted_blend_is_found_whatever_the_units():
    scores, relevance, season = planted(
        [0.3, -0.2, 0.1], noise=0.02, scale=(5, 0.1, 1), mean=(100, 0, -3)
    )
    stacker = fit(scores, relevance, season)
    assert stacker.coef == pytest.approx([0.3, -0.2, 0.1], abs=0.02)
    assert stacker.coef_change == [0, 0, 0]
    assert stacker.intercept == pytest.approx(0.5, abs=0.02)
    weights = stacker.weights()
    assert [weights[name] for name in MEMBERS] == pytest.approx([1 / 2, -1 / 3, 1 / 6], abs=0.02)
    assert np.abs(stacker.predict(scores) - relevance).mean() < 0.03


def test_weights_that_move_over_the_season_are_found():
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


def test_the_penalty_shrinks_towards_the_average_of_the_targets():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1, n=200)
    strong = fit(scores, relevance, season, [1e9])
    assert strong.coef == pytest.approx([0.1, 0.2 / 3, 0.1 / 3], abs=0.02)
    progress = np.random.default_rng(5).uniform(size=len(scores))

    def shrunk(*names):
        return fit(scores, relevance, season, [1e9], progress, names)

    assert shrunk("xgb").coef == pytest.approx([0, 0.2, 0], abs=0.06)
    assert shrunk("xgb") == shrunk("not_blended", "xgb")
    assert shrunk("model_a", "rf").coef == pytest.approx([0.15, 0, 0.05], abs=0.06)
    assert shrunk("not_blended") == shrunk() == shrunk("rf", "xgb", "model_a")
    scores[:, 1] = scores[:, 0]
    twins = fit(scores, relevance, season, [1e9], shrinkage_targets=["model_a", "xgb"])
    assert twins.coef == pytest.approx([0.15, 0.15, 0.0], abs=0.02)


def test_the_penalty_is_chosen_over_seasons_and_not_over_rows():
    # The rows of a season are near-duplicates: over rows the least penalty wins, but no member
    # ranks another season.
    rng = np.random.default_rng(3)
    season = np.repeat([f"{2015 + i}-{16 + i}" for i in range(5)], 200)
    base, target = rng.normal(size=(5, 3)), rng.normal(size=5)
    scores = np.repeat(base, 200, axis=0) + 1e-3 * rng.normal(size=(1000, 3))
    relevance = np.repeat(target, 200)
    assert fit(scores, relevance, season, [1e-3, 1e6]).alpha == 1e6
    shuffled = rng.permutation(season)
    assert fit(scores, relevance, shuffled, [1e-3, 1e6]).alpha == 1e-3


def test_the_ridge_is_that_of_scikit_learn():
    scores, relevance, season = planted([0.1, 0.05, 0.0], noise=1.0, n=40)
    splits = list(GroupKFold(5).split(scores, groups=season))
    expected = RidgeCV(alphas=ALPHAS, cv=splits).fit(scores, relevance)
    got = fit_ridge(scores, relevance, season, ALPHAS)
    assert got.alpha == expected.alpha_
    assert got.coef == pytest.approx(expected.coef_, rel=1e-9)
    assert got.intercept == pytest.approx(expected.intercept_, rel=1e-9)
    assert fit_ridge(scores[:40], relevance[:40], season[:40], ALPHAS).alpha == max(ALPHAS)


@pytest.mark.parametrize(
    ("rows", "value", "error", "message"),
    [
        (slice(None), 1 / 3, UserError, r"\['rf'\] give every team the same"),
        (slice(None), 1e6 + 0.1, UserError, r"\['rf'\] give every team the same"),
        (slice(None), np.nan, ValueError, "not all finite"),
        (7, np.inf, ValueError, "not all finite"),
    ],
)
def test_scores_that_cannot_be_blended_are_refused(rows, value, error, message):
    scores, relevance, season = planted([0.3, 0.2, 0.1])
    scores[rows, 2] = value
    with pytest.raises(error, match=message):
        fit(scores, relevance, season)


def test_the_effect_of_being_unknown_is_learned():
    # Teams whose second input is unknown end 0.2 higher on opening night, 0.1 lower at the end.
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


def test_an_input_that_was_always_known_in_training_counts_as_its_mean_where_it_is_not():
    scores, relevance, season = planted([0.3, 0.2, 0.1], mean=(0, 4, 0))
    stacker = fit(scores, relevance, season)
    absent, average = scores[:5].copy(), scores[:5].copy()
    absent[:, 1], average[:, 1] = np.nan, stacker.mean[1]
    assert stacker.predict(absent) == pytest.approx(stacker.predict(average), abs=1e-12)


def test_a_row_alone_scores_exactly_as_among_many():
    scores, relevance, season = planted([0.3, 0.2, 0.1], noise=0.1)
    progress = np.linspace(0, 1, len(scores))
    stacker = fit(scores, relevance, season, progress=progress)
    together = stacker.predict(scores, progress)
    for row in range(0, len(scores), 100):
        assert stacker.predict(scores[[row]], progress[[row]])[0] == together[row]

import numpy as np
import pandas as pd
import pytest
import torch

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.list_losses import LIST_LOSSES
from nba_rank.models.model_a.team_prior import TeamPrior, warm_start
from nba_rank.samples.dataset import PROGRESS
from nba_rank.samples.lists import ColumnScaler, Vocabulary, list_tensors


@pytest.fixture
def features():
    return pd.DataFrame(
        {"rating": [1.0, 2.0, 3.0, np.nan], "flat": 7.0, PROGRESS: [0.0, 0.5, 1.0, 1.0]}
    )


def test_each_feature_enters_itself_and_times_the_share_of_the_season(features):
    prior = TeamPrior.fit(features)
    assert prior.columns == [
        "rating", "flat", "rating_unknown",
        "rating_by_progress", "flat_by_progress", "rating_unknown_by_progress",
    ]  # fmt: skip
    assert prior.features == ["rating", "flat", PROGRESS]
    got = prior.transform(features)
    z = np.sqrt(1.5)
    np.testing.assert_allclose(got[:, 0], [-z, 0, z, 0], rtol=1e-6)
    np.testing.assert_allclose(got[:, 3], [0, 0, z, 0], rtol=1e-6)
    assert (got[:, [1, 4]] == 0).all()
    assert got[:, 2].tolist() == got[:, 5].tolist() == [0, 0, 0, 1]
    assert got.dtype == np.float32


@pytest.mark.parametrize(
    ("given", "columns"), [(["rating"], ["rating", "rating_unknown"]), ([], [])]
)
def test_without_progress_each_feature_enters_once(features, given, columns):
    prior = TeamPrior.fit(features[given])
    assert prior.features == given
    assert prior.columns == columns
    # Further columns are ignored.
    assert prior.transform(features).shape == (4, len(columns))


def test_other_rows_are_scaled_by_those_of_the_fit(features):
    prior = TeamPrior.fit(features.iloc[:2])
    got = prior.transform(features.iloc[2:])
    np.testing.assert_allclose(got[:, 0], [3, 0], rtol=1e-6)
    # Nothing was unknown in the rows of the fit.
    assert prior.columns == ["rating", "flat", "rating_by_progress", "flat_by_progress"]


def test_missing_or_infinite_features_are_named(features):
    with pytest.raises(UserError, match=r"\['rating', 'season_progress'\] are missing"):
        TeamPrior.fit(features).transform(features[["flat"]])
    with pytest.raises(UserError, match="rating"):
        TeamPrior.fit(features.replace(3.0, np.inf))


@pytest.fixture
def problem(known):
    """Prior columns, relevance, seasons and lists of made-up sets, and their loss by name."""
    sets, features, relevance = known
    prior = TeamPrior.fit(features).transform(features)
    scaler = ColumnScaler.fit(sets.stats[sets.player_id != 0], sets.columns)
    vocabulary = Vocabulary.of(sets.player_id)
    lists = list_tensors(sets, prior, relevance, "conference", scaler, vocabulary)

    def loss(name, score):
        ties = torch.Generator().manual_seed(0)
        tensors = lists.tensors
        return LIST_LOSSES[name](score, tensors["relevance"], tensors["team_mask"], ties)

    rows = lists.row[lists.row >= 0]
    return relevance[rows], sets.frame["season"].to_numpy()[rows], lists, loss


@pytest.mark.parametrize("name", sorted(LIST_LOSSES))
def test_the_warm_start_has_the_best_length_of_its_direction(problem, name):
    relevance, season, lists, loss = problem
    weights = warm_start(relevance, season, lists, lambda score: loss(name, score))
    score = lists.tensors["team_prior"] @ weights
    started = loss(name, score)
    assert started < loss(name, torch.zeros_like(score)) - 0.05
    for factor in (0.5, 0.8, 1.25, 2.0):
        assert started <= loss(name, factor * score) + 1e-4
    # The rating ranks, luck does not; columns: rating, luck, rating and luck by progress.
    assert weights[0] > 5 * weights[1].abs()


def test_a_warm_start_needs_only_one_season_and_is_zero_for_equal_relevance(problem):
    relevance, season, lists, loss = problem

    def started(relevance, season):
        return warm_start(relevance, season, lists, lambda score: loss("list_mle", score))

    assert started(relevance, np.full_like(season, "2019-20"))[0] > 0
    assert started(np.full_like(relevance, 0.5), season).abs().max() < 1e-5

import numpy as np
import pytest
import torch

from nba_rank.models.model_a.uncertainty import dropout_scores, intervals


def test_intervals_are_percentiles_of_score_and_rank():
    # Team 0 is always last; teams 1 and 2 swap places once in eleven samples.
    samples = np.stack([np.zeros(11), np.linspace(1, 2, 11), np.full(11, 1.95)], axis=1)
    low, high, best, worst = intervals(samples).T
    np.testing.assert_allclose(low, [0, 1.05, 1.95])
    np.testing.assert_allclose(high, [0, 1.95, 1.95])
    assert best.tolist() == [3, 1, 1]
    assert worst.tolist() == [3, 2, 2]


def test_a_team_without_players_has_no_interval_and_takes_no_rank():
    samples = np.array([[1.0, np.nan, 2.0], [2.0, np.nan, 1.0]])
    got = intervals(samples)
    assert np.isnan(got[1]).all()
    assert np.isfinite(got[[0, 2]]).all()
    assert got[[0, 2], 3].max() == 2


@pytest.fixture(scope="module")
def network(fit, three_seasons):
    return fit(*three_seasons, dropout=0.3).networks[0]


@pytest.fixture(scope="module")
def batch(network, three_seasons, no_prior):
    sets, relevance = three_seasons
    lists = network.inputs.lists(sets, no_prior(sets), relevance, "conference")
    return {name: tensor[:2] for name, tensor in lists.tensors.items()}


def sampled(network, batch, n_samples=5, seed=1):
    with torch.inference_mode():
        return dropout_scores(network, batch, n_samples, seed)


def test_samples_differ_and_repeat_by_seed(network, batch):
    first = sampled(network, batch)
    assert first.shape == (5, *batch["relevance"].shape)
    assert (first.std(dim=0)[batch["team_mask"]] > 0).all()
    assert torch.equal(first, sampled(network, batch))
    assert not torch.equal(first, sampled(network, batch, seed=2))


def test_sampling_leaves_the_network_and_the_global_random_state_alone(network, batch):
    with torch.inference_mode():
        before = network.score_batch(batch).score
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    sampled(network, batch)
    assert torch.equal(torch.rand(3), expected)
    assert not any(module.training for module in network.modules())
    with torch.inference_mode():
        assert torch.equal(network.score_batch(batch).score, before)

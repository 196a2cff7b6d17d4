from dataclasses import asdict

import numpy as np
import pytest
import torch

from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.model_a.list_losses import LIST_LOSSES


@pytest.fixture(scope="module")
def batch(fitted_a, known):
    lists = fitted_a.inputs.lists(*known, "conference")
    return {name: tensor[:3] for name, tensor in lists.tensors.items()}


def untrained(fitted_a, **changed):
    """A network of the same columns with another config or seed."""
    arguments = dict(fitted_a.networks[0].arguments)
    seed = changed.pop("seed", arguments["seed"])
    torch.manual_seed(0)
    return ModelA(**{**arguments, "seed": seed, "config": {**arguments["config"], **changed}})


def test_it_is_made_of_plain_values_only(fitted_a):
    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(plain(item) for item in value)
        return isinstance(value, str | int | float | bool)

    network = fitted_a.networks[0]
    names = {"columns", "prior_columns", "vocabulary_size", "config", "seed"}
    assert set(network.arguments) == names
    assert plain(network.arguments)
    assert asdict(network.config) == network.arguments["config"]


def test_the_network_has_the_sizes_of_its_columns(fitted_a, batch):
    network = untrained(fitted_a, embedding_dim=0, encoder_dims=[7, 6])
    # One of the four is sometimes unknown, and so is one of the two priors.
    n_columns = len(fitted_a.inputs.scaler.outputs)
    assert n_columns == len(fitted_a.inputs.columns) + 1
    assert [layer.in_features for layer in network.ranker.encoder if hasattr(layer, "weight")] == [
        n_columns, 7,
    ]  # fmt: skip
    assert network.ranker.skip.in_features == len(fitted_a.inputs.prior.columns) == 6
    ranked = network.score_batch(batch)
    assert ranked.score.shape == batch["relevance"].shape
    assert ranked.weights.shape == (*batch["relevance"].shape, 2, batch["stats"].shape[2])


@pytest.mark.parametrize("name", sorted(LIST_LOSSES))
def test_the_loss_is_the_configured_one(fitted_a, batch, name):
    network = untrained(fitted_a, loss=name).eval()
    ranked = network.score_batch(batch)
    got = network.loss(ranked, batch)
    # No ties in the made-up relevance, so the random order of ties plays no part.
    expected = LIST_LOSSES[name](ranked.score, batch["relevance"], batch["team_mask"])
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)


def test_autocast_leaves_the_loss_in_float32_and_finite(fitted_a, batch):
    network = untrained(fitted_a)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = network.loss(network.score_batch(batch), batch)
    assert loss.dtype == torch.float32
    loss.backward()
    gradients = [value.grad for value in network.parameters() if value.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_ties_are_put_in_the_order_of_the_seed(fitted_a, batch):
    tied = {**batch, "relevance": torch.zeros_like(batch["relevance"])}
    first, again, other = (untrained(fitted_a, seed=seed).eval() for seed in (1, 1, 2))
    losses = [
        [one.loss(one.score_batch(batch), tied).item() for _ in range(2)]
        for one in (first, again, other)
    ]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][0] != losses[0][1]


def test_training_treats_some_players_as_unknown_and_scoring_none(fitted_a, batch):
    network = untrained(fitted_a, unknown_player_share=1.0, dropout=0.0, team_prior=[]).eval()
    network.log = lambda *args, **kwargs: None
    with torch.no_grad():
        network.ranker.embedding.weight.normal_()
    network.training_step(batch, 0)
    nobody = network.score_batch({**batch, "player": torch.zeros_like(batch["player"])})
    torch.testing.assert_close(network.last_ranked.encoded, nobody.encoded)
    assert not torch.allclose(network.score_batch(batch).encoded, nobody.encoded)


def test_the_row_of_unknown_players_is_learned(fit, three_seasons):
    slow, fast = (
        fit(*three_seasons, weight_decay=0.0, learning_rate=rate)
        .networks[0]
        .ranker.embedding.weight
        for rate in (1e-3, 1e-1)
    )
    assert not torch.equal(slow[1], fast[1])
    assert not torch.equal(slow[0], fast[0])


@pytest.mark.parametrize("trained", [True, False])
def test_a_checkpoint_restores_scores_inputs_and_history(fitted_a, batch, tmp_path, trained):
    network = (fitted_a.networks[0] if trained else untrained(fitted_a)).eval()
    assert network.last_ranked is None
    network.save_checkpoint(tmp_path / "network.ckpt")
    loaded = ModelA.load_from_checkpoint(tmp_path / "network.ckpt", weights_only=True).eval()
    assert torch.equal(loaded.score_batch(batch).score, network.score_batch(batch).score)
    assert (loaded.inputs is not None) == trained
    if trained:
        for name, value in network.inputs.state().items():
            assert np.array_equal(loaded.inputs.state()[name], value), name
    assert loaded.losses == network.losses
    assert len(loaded.diagnostics) == len(network.diagnostics)
    assert bool(loaded.diagnostics) == trained

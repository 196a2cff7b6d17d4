from dataclasses import asdict

import numpy as np
import pytest
import torch

from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.model_a.list_losses import LIST_LOSSES


@pytest.fixture(scope="module")
def fitted(fit, three_seasons, make_prior):
    sets, relevance = three_seasons
    return fit(sets, relevance, make_prior(sets, relevance))


@pytest.fixture(scope="module")
def batch(fitted, three_seasons, make_prior):
    sets, relevance = three_seasons
    lists = fitted.inputs.lists(sets, make_prior(sets, relevance), relevance, "conference")
    return {name: tensor[:3] for name, tensor in lists.tensors.items()}


def untrained(fitted, **changed):
    """A network of the same columns with another config or seed."""
    arguments = dict(fitted.networks[0].hparams)
    seed = changed.pop("seed", arguments["seed"])
    torch.manual_seed(0)
    return ModelA(**{**arguments, "seed": seed, "config": {**arguments["config"], **changed}})


def test_it_is_made_of_plain_values_only(fitted):
    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(item) for key, item in value.items())
        if isinstance(value, list):
            return all(plain(item) for item in value)
        return isinstance(value, str | int | float | bool)

    network = fitted.networks[0]
    assert set(network.hparams) == {"columns", "prior_columns", "vocabulary_size", "config", "seed"}
    assert plain(dict(network.hparams))
    assert asdict(network.config) == network.hparams["config"]


def test_the_network_has_the_sizes_of_its_columns(fitted, batch):
    network = untrained(fitted, embedding_dim=0, encoder_dims=[7, 6])
    # One of the four is sometimes unknown, and so is one of the two priors.
    n_columns = len(fitted.inputs.scaler.outputs)
    assert n_columns == len(fitted.inputs.columns) + 1
    assert [layer.in_features for layer in network.ranker.encoder if hasattr(layer, "weight")] == [
        n_columns, 7,
    ]  # fmt: skip
    assert network.ranker.skip.in_features == len(fitted.inputs.prior.columns) == 6
    ranked = network.score_batch(batch)
    assert ranked.score.shape == batch["relevance"].shape
    assert ranked.weights.shape == (*batch["relevance"].shape, 2, batch["stats"].shape[2])


@pytest.mark.parametrize("name", sorted(LIST_LOSSES))
def test_the_loss_is_the_configured_one(fitted, batch, name):
    network = untrained(fitted, loss=name).eval()
    ranked = network.score_batch(batch)
    got = network.loss(ranked, batch)
    # No ties in the made-up relevance, so the random order of ties plays no part.
    expected = LIST_LOSSES[name](ranked.score, batch["relevance"], batch["team_mask"])
    assert got.dtype == torch.float32
    assert got.item() == pytest.approx(expected.item(), rel=1e-6)


def test_autocast_leaves_the_loss_in_float32_and_finite(fitted, batch):
    network = untrained(fitted)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = network.loss(network.score_batch(batch), batch)
    assert loss.dtype == torch.float32
    loss.backward()
    gradients = [value.grad for value in network.parameters() if value.grad is not None]
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_ties_are_put_in_the_order_of_the_seed(fitted, batch):
    tied = {**batch, "relevance": torch.zeros_like(batch["relevance"])}
    first, again, other = (untrained(fitted, seed=seed).eval() for seed in (1, 1, 2))
    losses = [
        [one.loss(one.score_batch(batch), tied).item() for _ in range(2)]
        for one in (first, again, other)
    ]
    assert losses[0] == losses[1] != losses[2]
    assert losses[0][0] != losses[0][1]


def test_training_treats_some_players_as_unknown_and_scoring_none(fitted, batch):
    network = untrained(fitted, unknown_player_share=1.0, dropout=0.0, team_prior=[]).eval()
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


def test_a_checkpoint_restores_inputs_and_history(fitted, batch, tmp_path):
    network = fitted.networks[0]
    network.save_checkpoint(tmp_path / "network.ckpt")
    loaded = ModelA.load_from_checkpoint(tmp_path / "network.ckpt", weights_only=True).eval()
    assert torch.equal(loaded.score_batch(batch).score, network.score_batch(batch).score)
    for name, value in network.inputs.state().items():
        assert np.array_equal(loaded.inputs.state()[name], value), name
    assert loaded.losses == network.losses
    assert len(loaded.diagnostics) == len(network.diagnostics) > 0


def test_a_checkpoint_of_an_untrained_network_has_no_inputs(fitted, batch, tmp_path):
    network = untrained(fitted)
    network.save_checkpoint(tmp_path / "network.ckpt")
    loaded = ModelA.load_from_checkpoint(tmp_path / "network.ckpt", weights_only=True)
    assert loaded.inputs is None
    assert torch.equal(
        loaded.eval().score_batch(batch).score, network.eval().score_batch(batch).score
    )


def test_nothing_of_the_last_batch_is_kept_after_training(fitted):
    assert fitted.networks[0].last_ranked is None

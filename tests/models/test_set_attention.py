import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from nba_rank.models.deep_set_ranker import DeepSetRanker
from nba_rank.models.set_attention import SetAttention

SETS, PLAYERS, DIM, HEADS = 5, 7, 12, 3


def attention(minutes_bias_weight=1.0, uniform=False, seed=0, n_heads=HEADS):
    torch.manual_seed(seed)
    return SetAttention(
        dim=DIM, n_heads=n_heads, minutes_bias_weight=minutes_bias_weight, uniform=uniform
    )


@pytest.fixture
def inputs():
    """Players [N, P, D], minutes shares and mask [N, P]; sets of one to all seven players."""
    generator = torch.Generator().manual_seed(1)
    players = torch.randn(SETS, PLAYERS, DIM, generator=generator)
    mask = torch.arange(PLAYERS) < torch.tensor([7, 5, 3, 1, 6])[:, None]
    minutes = torch.rand(SETS, PLAYERS, generator=generator).masked_fill(~mask, 0)
    return players, minutes / minutes.sum(dim=1, keepdim=True), mask


@pytest.mark.parametrize("uniform", [False, True])
def test_weights_sum_to_one_and_are_exactly_zero_in_empty_places(inputs, uniform):
    players, share, mask = inputs
    pooled, weights = attention(uniform=uniform)(players, share, mask)
    assert pooled.shape == (SETS, DIM)
    assert weights.shape == (SETS, HEADS, PLAYERS)
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(SETS, HEADS))
    empty = ~mask[:, None, :].expand_as(weights)
    assert (weights[empty] == 0).all()
    assert (weights[~empty] > 0).all()


def test_without_minutes_it_is_scaled_dot_product_attention(inputs):
    players, share, mask = inputs
    module = attention(minutes_bias_weight=0.0)
    pooled, _ = module(players, share, mask)
    query = module.query[None, :, None, :].expand(SETS, -1, -1, -1)
    key, value = (
        layer(players).view(SETS, PLAYERS, HEADS, -1).transpose(1, 2)
        for layer in (module.key, module.value)
    )
    reference = scaled_dot_product_attention(query, key, value, attn_mask=mask[:, None, None, :])
    torch.testing.assert_close(pooled, module.output(reference.reshape(SETS, DIM)))


def test_a_worked_example_with_minutes():
    module = SetAttention(dim=2, n_heads=1, minutes_bias_weight=2.0)
    with torch.no_grad():
        module.query.copy_(torch.tensor([[1.0, 0.0]]))
        for layer in (module.key, module.value, module.output):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
    players = torch.tensor([[[0.0, 3.0], [math.sqrt(2), 5.0]]])
    pooled, weights = module(players, torch.tensor([[0.6, 0.4]]), torch.ones(1, 2, dtype=bool))
    # Logits are 0 + 2 log .6 and 1 + 2 log .4, so the odds are .36 to .16 e.
    first = 0.36 / (0.36 + 0.16 * math.e)
    torch.testing.assert_close(weights, torch.tensor([[[first, 1 - first]]]))
    expected = [(1 - first) * math.sqrt(2), first * 3 + (1 - first) * 5]
    torch.testing.assert_close(pooled, torch.tensor([expected]))


@pytest.mark.parametrize("uniform", [False, True])
def test_the_order_of_the_players_moves_their_weights_along_and_not_the_output(inputs, uniform):
    players, share, mask = inputs
    order = torch.randperm(PLAYERS, generator=torch.Generator().manual_seed(2))
    module = attention(uniform=uniform)
    pooled, weights = module(players, share, mask)
    moved, moved_weights = module(players[:, order], share[:, order], mask[:, order])
    torch.testing.assert_close(moved, pooled)
    torch.testing.assert_close(moved_weights, weights[:, :, order])


@pytest.mark.parametrize("uniform", [False, True])
def test_a_masked_player_has_no_effect_on_output_or_gradient(inputs, uniform):
    players, share, mask = inputs
    results = []
    for filler in (0.0, 1e4):
        module = attention(uniform=uniform)
        filled = players.masked_fill(~mask[..., None], filler).requires_grad_()
        changed_share = share.masked_fill(~mask, 0.9 if filler else 0.0)
        pooled, weights = module(filled, changed_share, mask)
        pooled.square().sum().backward()
        assert (filled.grad[~mask] == 0).all()
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        results.append([pooled, weights, filled.grad, *gradients])
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second)


def test_a_set_scores_the_same_with_more_empty_places(inputs):
    players, share, mask = inputs
    module = attention()
    pooled, weights = module(players, share, mask)
    wider = [
        torch.cat([tensor, torch.zeros_like(tensor[:, :3])], dim=1)
        for tensor in (players, share, mask)
    ]
    more_pooled, more_weights = module(*wider)
    torch.testing.assert_close(more_pooled, pooled)
    torch.testing.assert_close(more_weights[..., :PLAYERS], weights)


def test_more_minutes_mean_more_weight_and_another_output(inputs):
    players, share, mask = inputs
    module = attention()
    pooled, weights = module(players, share, mask)
    more = share.clone()
    more[0] = share[0] * 0.5
    more[0, 2] += 0.5
    moved, moved_weights = module(players, more, mask)
    assert (moved_weights[0, :, 2] > weights[0, :, 2]).all()
    assert (moved_weights[0, :, [0, 1, 3]] < weights[0, :, [0, 1, 3]]).all()
    assert not torch.allclose(moved[0], pooled[0])
    torch.testing.assert_close(moved[1:], pooled[1:])


def test_the_weight_of_the_minutes_prior_moves_weights_and_output(inputs):
    (none, none_weights), (some, some_weights), (strong, strong_weights) = (
        attention(minutes_bias_weight=bias)(*inputs) for bias in (0.0, 1.0, 1000.0)
    )
    assert not torch.allclose(none, some)
    assert not torch.allclose(none_weights, some_weights)
    assert not torch.allclose(some, strong)
    most = inputs[1].argmax(dim=1)
    assert (strong_weights.argmax(dim=-1) == most[:, None]).all()


def test_uniform_gives_every_player_the_same_weight_whatever_the_minutes(inputs):
    players, share, mask = inputs
    module = attention(uniform=True)
    pooled, weights = module(players, share, mask)
    expected = (mask / mask.sum(dim=1, keepdim=True))[:, None, :].expand_as(weights)
    torch.testing.assert_close(weights, expected)
    other_share = share.flip(1).masked_fill(~mask, 0)
    same, _ = module(players, other_share, mask)
    assert torch.equal(same, pooled)
    learned, _ = attention(uniform=False)(players, share, mask)
    assert not torch.allclose(pooled, learned)


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize("minutes_bias_weight", [0.0, 1.0, 3.0])
def test_the_weights_returned_are_the_weights_that_pool(inputs, uniform, minutes_bias_weight):
    players, share, mask = inputs
    module = attention(minutes_bias_weight, uniform)
    pooled, weights = module(players, share, mask)
    values = module.value(players).view(SETS, PLAYERS, HEADS, -1)
    recomputed = torch.zeros(SETS, HEADS, DIM // HEADS)
    for player in range(PLAYERS):
        recomputed += weights[:, :, player, None] * values[:, player]
    torch.testing.assert_close(pooled, module.output(recomputed.reshape(SETS, DIM)))


def test_a_player_without_minutes_that_is_not_masked_has_a_finite_small_weight(inputs):
    players, share, _ = inputs
    share = share.clone()
    share[0] = torch.tensor([0.5, 0.5, 0, 0, 0, 0, 0])
    pooled, weights = attention()(players, share, torch.ones(SETS, PLAYERS, dtype=torch.bool))
    assert torch.isfinite(pooled).all()
    assert (weights[0, :, 2:] > 0).all()
    assert weights[0, :, 2:].max() < weights[0, :, :2].min()


def test_a_set_without_players_is_refused(inputs):
    players, share, mask = inputs
    mask = mask.clone()
    mask[2] = False
    with pytest.raises(ValueError, match="without players"):
        attention()(players, share, mask)


def test_the_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="n_heads=5 must divide dim=12"):
        attention(n_heads=5)


def ranker(**changes):
    torch.manual_seed(0)
    options = {
        "stat_dim": 4,
        "vocabulary_size": 20,
        "embedding_dim": 3,
        "encoder_dims": [10, DIM],
        "n_heads": HEADS,
        "minutes_bias_weight": 1.0,
        "dropout": 0.0,
        "uniform_attention": False,
    }
    return DeepSetRanker(**options | changes)


@pytest.fixture
def league():
    """Two lists of three teams of seven players; the last team of the second list is padding."""
    generator = torch.Generator().manual_seed(7)
    share = torch.rand(2, 3, PLAYERS, generator=generator)
    share[0, 1, 4:] = 0
    return {
        "stats": torch.randn(2, 3, PLAYERS, 4, generator=generator),
        "player": torch.randint(1, 20, (2, 3, PLAYERS), generator=generator),
        "minutes_share": share / share.sum(dim=-1, keepdim=True),
        "team_mask": torch.tensor([[True, True, True], [True, True, False]]),
    }


def test_gradients_reach_every_part_of_the_ranker(league):
    model = ranker()
    score, _ = model(**league)
    (score * torch.randn(score.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    parts = {
        "query": model.attention.query,
        "key": model.attention.key.weight,
        "value": model.attention.value.weight,
        "output": model.attention.output.weight,
        "embedding": model.embedding.weight,
        "first encoder layer": model.encoder[0].weight,
        "scorer": model.scorer[-1].weight,
    }
    for name, part in parts.items():
        assert part.grad is not None, name
        assert part.grad.abs().sum() > 0, name


def test_a_team_scores_the_same_whoever_else_is_in_the_list(league):
    model = ranker().eval()
    score, weights = model(**league)
    alone = {name: tensor[:, :1] for name, tensor in league.items()}
    alone_score, alone_weights = model(**alone)
    torch.testing.assert_close(alone_score, score[:, :1])
    torch.testing.assert_close(alone_weights, weights[:, :1])


def test_padding_scores_zero_and_empty_places_have_no_say(league):
    model = ranker().eval()
    score, weights = model(**league)
    assert score[1, 2] == 0
    assert (score[league["team_mask"]] != 0).all()
    assert (weights[0, 1, :, 4:] == 0).all()
    changed = {name: tensor.clone() for name, tensor in league.items()}
    changed["stats"][0, 1, 4:] = 1e3
    changed["player"][0, 1, 4:] = 0
    torch.testing.assert_close(model(**changed)[0], score)


def test_dropout_acts_in_training_only(league):
    model = ranker(dropout=0.5)
    first, second = model(**league)[0], model(**league)[0]
    assert not torch.equal(first, second)
    model.eval()
    assert torch.equal(model(**league)[0], model(**league)[0])

import math

import pytest
import torch
from torch.nn.functional import scaled_dot_product_attention

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.set_attention import SetAttention

SETS, PLAYERS, DIM, HEADS = 5, 7, 12, 3
NEUTRAL = {
    "dim": DIM,
    "pooling": "attention",
    "query": "seed",
    "n_heads": HEADS,
    "minutes_bias_weight": 1.0,
    "minutes_sum_min": 1e-6,
    "temperature": 1.0,
    "learn_temperature": False,
    "dropout": 0.0,
    "sigma_reparam": False,
    "pre_norm": False,
    "residual": False,
    "fallback": "minutes",
    "weight_sum_min": 1e-6,
}
VARIANTS = [
    {},
    {"query": "mean"},
    {"pooling": "uniform"},
    {"pooling": "uniform", "query": "mean", "residual": True},
    {"pooling": "mean"},
    {"learn_temperature": True, "sigma_reparam": True, "pre_norm": True, "residual": True},
    {"query": "mean", "sigma_reparam": True, "pre_norm": True, "residual": True},
]
variants = pytest.mark.parametrize("options", VARIANTS, ids=lambda options: "-".join(options))


def attention(seed=0, **options):
    torch.manual_seed(seed)
    return SetAttention(**NEUTRAL | options)


@pytest.fixture
def inputs():
    """Players [N, P, D], minutes shares and mask [N, P]; sets of one to all seven players."""
    generator = torch.Generator().manual_seed(1)
    players = torch.randn(SETS, PLAYERS, DIM, generator=generator)
    mask = torch.arange(PLAYERS) < torch.tensor([7, 5, 3, 1, 6])[:, None]
    minutes = torch.rand(SETS, PLAYERS, generator=generator).masked_fill(~mask, 0)
    return players, minutes / minutes.sum(dim=1, keepdim=True), mask


def reference(module, players, temperature=1.0, attn_mask=None):
    """The output by SDPA of the module's own projections; `attn_mask` as SDPA takes it."""
    query = module.query[None, :, None, :].expand(SETS, -1, -1, -1)
    keys, values = (
        layer(players).view(SETS, PLAYERS, HEADS, -1).transpose(1, 2)
        for layer in (module.weights.key, module.value)
    )
    scale = 1 / (temperature * math.sqrt(DIM // HEADS))
    pooled = scaled_dot_product_attention(query, keys, values, attn_mask=attn_mask, scale=scale)
    return module.output(pooled.reshape(SETS, DIM))


def gradients(module):
    return {name: parameter.grad for name, parameter in module.named_parameters()}


# Against PyTorch


def test_without_prior_it_is_scaled_dot_product_attention(inputs):
    players, share, mask = inputs
    module = attention(minutes_bias_weight=0.0)
    expected = reference(module, players, attn_mask=mask[:, None, None, :])
    torch.testing.assert_close(module(players, share, mask).vector, expected)


@pytest.mark.parametrize("learn_temperature", [False, True])
def test_prior_and_temperature_are_a_float_mask_and_a_scale(inputs, learn_temperature):
    players, share, mask = inputs
    module = attention(
        minutes_bias_weight=0.7, temperature=2.5, learn_temperature=learn_temperature
    )
    prior = 0.7 * share.clamp_min(1e-4).log()
    bias = prior.masked_fill(~mask, -torch.inf)[:, None, None, :]
    expected = reference(module, players, temperature=2.5, attn_mask=bias)
    torch.testing.assert_close(module(players, share, mask).vector, expected)


def test_it_is_multihead_attention_with_the_mask_inverted(inputs):
    players, share, mask = inputs
    module = attention(minutes_bias_weight=0.0)
    key, value = module.weights.key, module.value
    torch_module = torch.nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    with torch.no_grad():
        # The query enters unprojected.
        torch_module.in_proj_weight.copy_(torch.cat([torch.eye(DIM), key.weight, value.weight]))
        torch_module.in_proj_bias.copy_(torch.cat([torch.zeros(DIM), key.bias, value.bias]))
    torch_module.out_proj = module.output
    expected, expected_weights = torch_module(
        module.query.view(1, 1, DIM).expand(SETS, -1, -1),
        players,
        players,
        key_padding_mask=~mask,
        average_attn_weights=False,
    )
    pooled = module(players, share, mask)
    torch.testing.assert_close(pooled.vector, expected[:, 0])
    torch.testing.assert_close(pooled.weights, expected_weights[:, :, 0])


def test_dropout_scales_the_weights_kept_and_does_not_renormalise(inputs):
    players, share, mask = inputs
    module = attention(dropout=0.5)
    kept = module.eval()(players, share, mask).weights
    dropped = module.train()(players, share, mask)
    pooled = ~dropped.fallback[..., None] & (dropped.weights > 0)
    torch.testing.assert_close(dropped.weights[pooled], 2 * kept[pooled])
    assert (dropped.weights == 0).sum() > (kept == 0).sum()


def test_a_worked_example_with_minutes():
    module = attention(dim=2, n_heads=1, minutes_bias_weight=2.0)
    with torch.no_grad():
        module.query.copy_(torch.tensor([[1.0, 0.0]]))
        for layer in (module.weights.key, module.value, module.output):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
    players = torch.tensor([[[0.0, 3.0], [math.sqrt(2), 5.0]]])
    pooled = module(players, torch.tensor([[0.6, 0.4]]), torch.ones(1, 2, dtype=bool))
    # Logits are 0 + 2 log .6 and 1 + 2 log .4, so the odds are .36 to .16 e.
    first = 0.36 / (0.36 + 0.16 * math.e)
    torch.testing.assert_close(pooled.weights, torch.tensor([[[first, 1 - first]]]))
    expected = [(1 - first) * math.sqrt(2), first * 3 + (1 - first) * 5]
    torch.testing.assert_close(pooled.vector, torch.tensor([expected]))


# Sets


@variants
def test_weights_sum_to_one_and_are_exactly_zero_in_empty_places(inputs, options):
    players, share, mask = inputs
    pooled = attention(**options)(players, share, mask)
    assert pooled.vector.shape == (SETS, DIM)
    assert pooled.weights.shape == (SETS, HEADS, PLAYERS)
    assert pooled.weights.dtype == torch.float32
    torch.testing.assert_close(pooled.weights.sum(dim=-1), torch.ones(SETS, HEADS))
    empty = ~mask[:, None, :].expand_as(pooled.weights)
    assert (pooled.weights[empty] == 0).all()
    assert (pooled.weights[~empty] > 0).all()
    assert not pooled.fallback.any()
    assert not pooled.empty.any()


@variants
def test_the_order_of_the_players_moves_their_weights_along_and_not_the_output(inputs, options):
    players, share, mask = inputs
    order = torch.randperm(PLAYERS, generator=torch.Generator().manual_seed(2))
    module = attention(**options).eval()
    pooled = module(players, share, mask)
    moved = module(players[:, order], share[:, order], mask[:, order])
    torch.testing.assert_close(moved.vector, pooled.vector)
    torch.testing.assert_close(moved.weights, pooled.weights[:, :, order])


@variants
def test_a_masked_player_has_no_effect_on_output_or_gradient(inputs, options):
    players, share, mask = inputs
    results = []
    for filler, filler_share in ((0.0, 0.0), (1e4, 0.9), (torch.nan, torch.nan)):
        module = attention(**options)
        filled = players.masked_fill(~mask[..., None], filler).requires_grad_()
        pooled = module(filled, share.masked_fill(~mask, filler_share), mask)
        pooled.vector.square().sum().backward()
        assert (filled.grad[~mask] == 0).all()
        results.append([pooled.vector, pooled.weights, filled.grad, *gradients(module).values()])
    for others in results[1:]:
        for first, second in zip(results[0], others, strict=True):
            torch.testing.assert_close(first, second)


@variants
def test_a_set_scores_the_same_with_more_empty_places(inputs, options):
    module = attention(**options).eval()
    pooled = module(*inputs)
    wider = [torch.cat([tensor, torch.zeros_like(tensor[:, :3])], dim=1) for tensor in inputs]
    more = module(*wider)
    torch.testing.assert_close(more.vector, pooled.vector)
    torch.testing.assert_close(more.weights[..., :PLAYERS], pooled.weights)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize("minutes_bias_weight", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("pooling", ["attention", "uniform"])
def test_the_weights_returned_are_the_weights_that_pool(
    inputs, pooling, minutes_bias_weight, dropout
):
    players, share, mask = inputs
    share = share.clone()
    share[1] = 0
    module = attention(pooling=pooling, minutes_bias_weight=minutes_bias_weight, dropout=dropout)
    pooled = module(players, share, mask)
    values = module.value(players).view(SETS, PLAYERS, HEADS, -1)
    recomputed = torch.zeros(SETS, HEADS, DIM // HEADS)
    for player in range(PLAYERS):
        recomputed += pooled.weights[:, :, player, None] * values[:, player]
    torch.testing.assert_close(pooled.vector, module.output(recomputed.reshape(SETS, DIM)))


def test_mean_pooling_is_the_plain_mean_and_has_no_parameters(inputs):
    players, _, mask = inputs
    module = attention(pooling="mean")
    assert list(module.parameters()) == []
    for pooled, team, present in zip(module(*inputs).vector, players, mask, strict=True):
        torch.testing.assert_close(pooled, team[present].mean(dim=0))


def test_uniform_gives_every_player_the_same_weight_whatever_the_minutes(inputs):
    players, share, mask = inputs
    module = attention(pooling="uniform")
    pooled = module(players, share, mask)
    expected = (mask / mask.sum(dim=1, keepdim=True))[:, None, :].expand_as(pooled.weights)
    torch.testing.assert_close(pooled.weights, expected)
    assert torch.equal(module(players, torch.zeros_like(share), mask).vector, pooled.vector)


@variants
def test_every_parameter_gets_a_gradient(inputs, options):
    players, share, mask = inputs
    module = attention(**options)
    module(players.clone().requires_grad_(), share, mask).vector.square().sum().backward()
    for name, gradient in gradients(module).items():
        # The softmax takes no notice of what all keys share.
        if name != "weights.key.bias":
            assert gradient.abs().sum() > 0, name


# Minutes


def test_more_minutes_mean_more_weight_and_another_output(inputs):
    players, share, mask = inputs
    module = attention()
    pooled = module(players, share, mask)
    more = share.clone()
    more[0] = share[0] * 0.5
    more[0, 2] += 0.5
    moved = module(players, more, mask)
    assert (moved.weights[0, :, 2] > pooled.weights[0, :, 2]).all()
    assert (moved.weights[0, :, [0, 1, 3]] < pooled.weights[0, :, [0, 1, 3]]).all()
    assert not torch.allclose(moved.vector[0], pooled.vector[0])
    torch.testing.assert_close(moved.vector[1:], pooled.vector[1:])


def test_only_shares_of_the_minutes_count(inputs):
    players, share, mask = inputs
    module = attention()
    torch.testing.assert_close(
        module(players, 240 * share, mask).vector, module(players, share, mask).vector
    )


def test_a_player_without_minutes_that_is_not_masked_has_a_finite_small_weight(inputs):
    players, share, _ = inputs
    share = share.clone()
    share[0] = torch.tensor([0.5, 0.5, 0, 0, 0, 0, 0])
    pooled = attention()(players, share, torch.ones(SETS, PLAYERS, dtype=torch.bool))
    assert torch.isfinite(pooled.vector).all()
    assert (pooled.weights[0, :, 2:] > 0).all()
    assert pooled.weights[0, :, 2:].max() < pooled.weights[0, :, :2].min()
    assert not pooled.fallback[0].any()


# Every option acts

CHANGES = {
    "query": {"query": "mean"},
    "n_heads": {"n_heads": 4},
    "minutes_bias_weight": {"minutes_bias_weight": 2.0},
    "minutes_sum_min": {"minutes_sum_min": 0.5},
    "temperature": {"temperature": 3.0},
    "dropout": {"dropout": 0.5},
    "sigma_reparam": {"sigma_reparam": True},
    "pre_norm": {"pre_norm": True},
    "residual": {"residual": True},
    "pooling uniform": {"pooling": "uniform"},
    "pooling mean": {"pooling": "mean"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_each_option_changes_the_output(inputs, change):
    players, share, mask = inputs
    share = 0.3 * share
    before = attention()
    after = attention(**change)
    # The same values wherever both have them, so that the option alone is at work.
    common = {
        name: tensor
        for name, tensor in before.state_dict().items()
        if name in after.state_dict() and tensor.shape == after.state_dict()[name].shape
    }
    after.load_state_dict(common, strict=False)
    assert not torch.allclose(after(players, share, mask).vector, before(*inputs).vector)


def test_each_option_of_the_fallback_changes_the_output(inputs):
    low, high, high_uniform = (
        train_with_dropout(inputs, dropout=0.6, **change).vector
        for change in (
            {},
            {"weight_sum_min": 0.9},
            {"weight_sum_min": 0.9, "fallback": "uniform"},
        )
    )
    assert not torch.allclose(low, high)
    assert not torch.allclose(high, high_uniform)


def test_a_learned_temperature_starts_as_given_and_gets_a_gradient_for_each_head(inputs):
    fixed = attention(temperature=0.5)
    learned = attention(temperature=0.5, learn_temperature=True)
    pooled = learned(*inputs)
    torch.testing.assert_close(pooled.vector, fixed(*inputs).vector)
    pooled.vector.square().sum().backward()
    assert (learned.weights.log_temperature.grad != 0).all()
    assert learned.weights.log_temperature.numel() == HEADS


def test_a_higher_temperature_leaves_the_minutes_to_decide(inputs):
    players, share, mask = inputs
    pooled = attention(temperature=1e6)(players, share, mask)
    torch.testing.assert_close(pooled.weights, share[:, None, :].expand(-1, HEADS, -1))


def test_sigma_reparam_bounds_every_projection(inputs):
    module = attention(query="mean", sigma_reparam=True)
    with torch.no_grad():
        for layer in (module.query_projection, module.weights.key, module.value, module.output):
            layer.weight.mul_(1000)
    bounded = module(*inputs)
    torch.testing.assert_close(
        bounded.vector, attention(query="mean", sigma_reparam=True)(*inputs).vector
    )


# Fallback


def train_with_dropout(inputs, seed=3, **options):
    module = attention(**options)
    torch.manual_seed(seed)
    return module(*inputs)


def minutes_missing(module, players, share, mask):
    return module, players, torch.zeros_like(share), mask


def minutes_not_finite(module, players, share, mask):
    share = share.clone()
    share[:, 0] = torch.nan
    return module, players, share, mask


def key_overflows(module, players, share, mask):
    with torch.no_grad():
        module.weights.key.weight.mul_(1e39)
    return module, players, share, mask


def key_not_finite(value):
    def spoil(module, players, share, mask):
        with torch.no_grad():
            module.weights.key.weight.fill_(value)
        return module, players, share, mask

    return spoil


def one_key_not_finite(module, players, share, mask):
    with torch.no_grad():
        module.weights.key.bias[0] = torch.nan
    return module, players, share, mask


def query_not_finite(module, players, share, mask):
    with torch.no_grad():
        if module.query is None:
            module.query_projection.bias.fill_(torch.inf)
        else:
            module.query[:] = torch.inf
    return module, players, share, mask


def logits_overflow(module, players, share, mask):
    with torch.no_grad():
        module.weights.key.weight.mul_(1e25)
        if module.query is None:
            module.query_projection.weight.mul_(1e25)
        else:
            module.query.mul_(1e25)
    return module, players, share, mask


def temperature_not_finite(module, players, share, mask):
    with torch.no_grad():
        module.weights.log_temperature.fill_(torch.nan)
    return module, players, share, mask


def all_dropped(module, players, share, mask):
    module.weights.dropout.p = 1.0
    return module, players, share, mask


def sum_too_small(module, players, share, mask):
    module.weights.weight_sum_min = 2.0
    return module, players, share, mask


CAUSES = {
    "minutes missing": minutes_missing,
    "minutes not finite": minutes_not_finite,
    "keys overflow": key_overflows,
    "keys inf": key_not_finite(torch.inf),
    "keys nan": key_not_finite(torch.nan),
    "one key nan": one_key_not_finite,
    "query inf": query_not_finite,
    "logits overflow": logits_overflow,
    "temperature nan": temperature_not_finite,
    "all dropped": all_dropped,
    "sum too small": sum_too_small,
}
causes = pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES.keys())


@causes
@pytest.mark.parametrize("query", ["seed", "mean"])
@pytest.mark.parametrize("fallback", ["minutes", "uniform"])
def test_the_fallback_pools_and_passes_gradients_on(inputs, cause, fallback, query):
    players, share, mask = inputs
    players = players.clone().requires_grad_()
    module, *spoiled = cause(
        attention(fallback=fallback, query=query, learn_temperature=True), players, share, mask
    )
    pooled = module(*spoiled)
    fallen = pooled.fallback
    assert (fallen[:, 0] if cause is one_key_not_finite else fallen).all()
    known = torch.isfinite(spoiled[1]).all() and spoiled[1].sum() > 0
    equal = mask / mask.sum(dim=1, keepdim=True)
    expected = share if fallback == "minutes" and known else equal
    assert torch.equal(pooled.weights[fallen], expected[:, None].expand(-1, HEADS, -1)[fallen])
    pooled.vector.square().sum().backward()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(module).values())
    asker = module.query if query == "seed" else module.query_projection.weight
    for name, gradient in {
        "query": asker.grad,
        "key": module.weights.key.weight.grad,
        "players": players.grad,
    }.items():
        assert torch.isfinite(gradient).all(), name
        assert gradient.abs().sum() > 0, name


@causes
def test_gradients_of_the_players_go_through_the_weights_too(inputs, cause):
    players, share, mask = inputs
    players = players.clone().requires_grad_()
    module, *spoiled = cause(attention(learn_temperature=True), players, share, mask)
    weights = module(*spoiled).weights
    (weights * torch.arange(PLAYERS)).sum().backward()
    assert torch.isfinite(module.query.grad).all()
    assert module.query.grad.abs().sum() > 0
    assert module.weights.key.weight.grad.abs().sum() > 0


def test_where_it_pools_otherwise_the_gradient_is_that_of_the_weights_replaced(inputs):
    module = attention()
    (module(*inputs).weights * torch.arange(PLAYERS)).sum().backward()
    expected = module.query.grad.clone()
    module.zero_grad()
    module.weights.weight_sum_min = 2.0
    pooled = module(*inputs)
    assert pooled.fallback.all()
    (pooled.weights * torch.arange(PLAYERS)).sum().backward()
    torch.testing.assert_close(module.query.grad, expected)


def test_only_the_sets_and_heads_that_cannot_pool_fall_back(inputs):
    players, share, mask = inputs
    module = attention()
    before = module(players, share, mask)
    without = share.clone()
    without[1] = 0
    missing = module(players, without, mask)
    assert missing.fallback.tolist() == [[team == 1] * HEADS for team in range(SETS)]
    others = [0, 2, 3, 4]
    assert torch.equal(missing.vector[others], before.vector[others])
    with torch.no_grad():
        module.weights.key.bias[DIM // HEADS] = torch.nan
    broken = module(players, share, mask)
    assert broken.fallback.tolist() == [[False, True, False]] * SETS
    assert torch.equal(broken.weights[:, [0, 2]], before.weights[:, [0, 2]])


def test_minutes_cannot_be_missing_where_they_play_no_role(inputs):
    players, share, mask = inputs
    module = attention(minutes_bias_weight=0.0)
    pooled = module(players, torch.zeros_like(share), mask)
    assert not pooled.fallback.any()
    assert torch.equal(pooled.vector, module(players, share, mask).vector)


def test_minutes_below_the_threshold_are_missing(inputs):
    players, share, mask = inputs
    module = attention(minutes_sum_min=0.5)
    scale = torch.tensor([1.0, 0.51, 0.49, 1.0, 0.0])[:, None]
    fallback = module(players, scale * share, mask).fallback
    assert fallback[:, 0].tolist() == [False, False, True, False, True]


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (minutes_missing, "minutes sum to less than"),
        (key_overflows, "logits are not finite"),
        (all_dropped, "weights sum to 0"),
        (sum_too_small, "weights sum to 0 or less than 2"),
    ],
)
def test_the_error_names_sets_cause_and_remedy(inputs, cause, words):
    module, *spoiled = cause(attention(fallback="error"), *inputs)
    with pytest.raises(UserError, match=rf"5 set\(s\), such as \[0, 1, 2, 3, 4\]: {words}") as e:
        module(*spoiled)
    assert "fallback be minutes or uniform" in str(e.value)
    assert not attention(fallback="error")(*inputs).fallback.any()


def test_weights_of_zero_cannot_pool_whatever_the_threshold(inputs):
    module, *spoiled = all_dropped(attention(weight_sum_min=0.0), *inputs)
    assert module(*spoiled).fallback.all()


def test_a_query_that_is_not_finite_does_not_enter_by_the_residual(inputs):
    module, *spoiled = query_not_finite(attention(residual=True), *inputs)
    assert torch.isfinite(module(*spoiled).vector).all()


def test_values_that_are_not_finite_are_not_hidden(inputs):
    players, share, mask = inputs
    players = players.clone()
    players[0, 1, 2] = torch.nan
    pooled = attention()(players, share, mask)
    assert torch.isnan(pooled.vector[0]).any()
    assert torch.isfinite(pooled.vector[1:]).all()


# Sets without players


@variants
def test_a_set_without_players_is_refused_in_training_and_marked_in_evaluation(inputs, options):
    players, share, mask = inputs
    mask, share = mask.clone(), share.clone()
    mask[2], share[2] = False, 0
    module = attention(**options)
    with pytest.raises(ValueError, match=r"1 set\(s\) without players .* such as \[2\]"):
        module(players, share, mask)
    pooled = module.eval()(players, share, mask)
    assert pooled.empty.tolist() == [False, False, True, False, False]
    assert (pooled.vector[2] == 0).all()
    assert (pooled.weights[2] == 0).all()
    assert not pooled.fallback.any()
    others = [0, 1, 3, 4]
    torch.testing.assert_close(pooled.vector[others], module(*inputs).vector[others])


def test_a_set_without_players_does_not_count_as_fallback(inputs):
    players, share, mask = inputs
    mask = mask.clone()
    mask[2] = False
    module, *spoiled = key_overflows(attention(), players, share, mask)
    assert module.eval()(*spoiled).fallback.any(dim=1).tolist() == [True, True, False, True, True]


def test_a_set_without_players_is_no_reason_for_the_error_fallback(inputs):
    players, share, mask = inputs
    mask = mask.clone()
    mask[2] = False
    module = attention(fallback="error").eval()
    assert module(players, share.masked_fill(~mask, 0), mask).empty[2]


# Precision, state and arguments

no_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
devices = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, no_cuda])]
)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@devices
@variants
def test_autocast_stays_finite_and_close(inputs, options, dtype, device):
    module = attention(**options).to(device).eval()
    players, share, mask = (tensor.to(device) for tensor in inputs)
    players = players.requires_grad_()
    exact = module(players, share, mask)
    with torch.autocast(device, dtype=dtype):
        pooled = module(players, share, mask)
    assert pooled.weights.dtype == torch.float32
    torch.testing.assert_close(pooled.weights, exact.weights, atol=0.02, rtol=0.02)
    torch.testing.assert_close(pooled.vector.float(), exact.vector, atol=0.05, rtol=0.05)
    pooled.vector.float().square().sum().backward()
    assert torch.isfinite(players.grad).all()
    assert all(torch.isfinite(gradient).all() for gradient in gradients(module).values())


def test_logits_beyond_float16_are_no_fallback_under_autocast(inputs):
    players, share, mask = inputs
    module = attention()
    with torch.no_grad():
        module.query.mul_(1e5)
    with torch.autocast("cpu", dtype=torch.float16):
        pooled = module(players, share, mask)
    assert not pooled.fallback.any()
    assert torch.isfinite(pooled.vector).all()


def test_keys_beyond_float16_fall_back_under_autocast_and_stay_finite(inputs):
    players, share, mask = inputs
    players = players.clone().requires_grad_()
    module = attention()
    with torch.no_grad():
        module.weights.key.weight.mul_(1e6)
    with torch.autocast("cpu", dtype=torch.float16):
        pooled = module(players, share, mask)
    assert pooled.fallback.all()
    pooled.vector.float().square().sum().backward()
    assert torch.isfinite(players.grad).all()
    assert module.query.grad.abs().sum() > 0


@variants
def test_a_reloaded_module_pools_exactly_alike(inputs, options):
    module = attention(**options)
    for _ in range(3):
        module(*inputs)
    module.eval()
    other = attention(seed=9, **options).eval()
    other.load_state_dict(module.state_dict())
    first, again, reloaded = (m(*inputs).vector for m in (module, module, other))
    assert torch.equal(first, again)
    assert torch.equal(first, reloaded)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"n_heads": 5}, "n_heads=5 must divide dim=12"),
        ({"pooling": "max"}, "pooling=max is none of attention, uniform, mean"),
        ({"query": "median"}, "query=median is none of seed, mean"),
        ({"fallback": "zeros"}, "fallback=zeros is none of minutes, uniform, error"),
        ({"temperature": 0.0}, r"temperature=0.0 must be positive"),
    ],
)
def test_arguments_are_checked(option, message):
    with pytest.raises(ValueError, match=message):
        attention(**option)

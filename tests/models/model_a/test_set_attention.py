import math
from dataclasses import asdict

import pytest
import torch
from made_sets import ATTENTION
from torch.nn.functional import scaled_dot_product_attention

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.set_attention import SetAttention

SETS, PLAYERS, DIM, HEADS = 5, 7, 12, 3
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
    return SetAttention(**{"dim": DIM, **asdict(ATTENTION), "n_heads": HEADS} | options)


@pytest.fixture
def inputs():
    """Players [N, P, D], minutes shares and mask [N, P]; sets of one to all seven players."""
    generator = torch.Generator().manual_seed(1)
    players = torch.randn(SETS, PLAYERS, DIM, generator=generator)
    mask = torch.arange(PLAYERS) < torch.tensor([7, 5, 3, 1, 6])[:, None]
    minutes = torch.rand(SETS, PLAYERS, generator=generator).masked_fill(~mask, 0)
    return players, minutes / minutes.sum(dim=1, keepdim=True), mask


def gradients(module):
    return {name: parameter.grad for name, parameter in module.named_parameters()}


# Against PyTorch


@pytest.mark.parametrize(
    ("power", "temperature", "learned"),
    [(0.0, 1.0, False), (0.7, 2.5, False), (0.7, 2.5, True)],
)
def test_it_is_scaled_dot_product_attention_with_the_prior_as_a_float_mask(
    inputs, power, temperature, learned
):
    players, share, mask = inputs
    module = attention(
        minutes_bias_weight=power, temperature=temperature, learn_temperature=learned
    )
    bias = (power * share.clamp_min(1e-4).log()).masked_fill(~mask, -torch.inf)
    keys, values = (
        layer(players).view(SETS, PLAYERS, HEADS, -1).transpose(1, 2)
        for layer in (module.weights.key, module.value)
    )
    pooled = scaled_dot_product_attention(
        module.query[None, :, None, :].expand(SETS, -1, -1, -1),
        keys,
        values,
        attn_mask=bias[:, None, None, :],
        scale=1 / (temperature * math.sqrt(DIM // HEADS)),
    )
    expected = module.output(pooled.reshape(SETS, DIM))
    torch.testing.assert_close(module(players, share, mask).vector, expected)
    # Only the shares of the minutes count.
    torch.testing.assert_close(module(players, 240 * share, mask).vector, expected)


def test_it_is_multihead_attention_with_the_mask_inverted(inputs):
    players, share, mask = inputs
    module = attention(minutes_bias_weight=0.0)
    key, value = module.weights.key, module.value
    torch_module = torch.nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    with torch.no_grad():
        # The query enters unprojected, and keys have no bias.
        torch_module.in_proj_weight.copy_(torch.cat([torch.eye(DIM), key.weight, value.weight]))
        torch_module.in_proj_bias.copy_(torch.cat([torch.zeros(2 * DIM), value.bias]))
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
def test_neither_the_order_of_the_players_nor_more_empty_places_change_the_output(inputs, options):
    module = attention(**options).eval()
    pooled = module(*inputs)
    order = torch.randperm(PLAYERS + 3, generator=torch.Generator().manual_seed(2))
    moved = module(
        *(torch.cat([each, torch.zeros_like(each[:, :3])], dim=1)[:, order] for each in inputs)
    )
    torch.testing.assert_close(moved.vector, pooled.vector)
    weights = torch.nn.functional.pad(pooled.weights, (0, 3))
    torch.testing.assert_close(moved.weights, weights[:, :, order])


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


@pytest.mark.parametrize("dropout", [0.0, 0.5])
@pytest.mark.parametrize(
    ("pooling", "minutes_bias_weight"), [("attention", 0.0), ("attention", 3.0), ("uniform", 1.0)]
)
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


def test_minutes_give_every_player_his_share_and_equal_weights_where_there_are_none(inputs):
    players, share, mask = inputs
    module = attention(pooling="minutes")
    share = share.masked_fill(~mask, 0)
    expected = share / share.sum(dim=1, keepdim=True)
    weights = module(players, share, mask).weights
    torch.testing.assert_close(weights, expected[:, None].expand_as(weights))
    equal = attention(pooling="uniform")(*inputs).weights
    torch.testing.assert_close(module(players, torch.zeros_like(share), mask).weights, equal)


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
        assert gradient.abs().sum() > 0, name


# Minutes


def test_a_player_without_minutes_has_a_small_weight(inputs):
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


def spoil(part, module, share):
    """Damages the weights or minutes; returns the minutes."""
    weights = module.weights
    with torch.no_grad():
        if part == "minutes missing":
            return torch.zeros_like(share)
        if part == "minutes not finite":
            return share.index_fill(1, torch.tensor(0), torch.nan)
        if part in ("keys inf", "keys nan"):
            weights.key.weight.fill_(float(part[5:]))
        elif part == "one key nan":
            weights.key.weight[0] = torch.nan
        elif part == "query inf":
            query(module, bias=True).fill_(torch.inf)
        elif part == "logits overflow":
            weights.key.weight.mul_(1e25)
            query(module).mul_(1e25)
        elif part == "temperature nan":
            weights.log_temperature.fill_(torch.nan)
        elif part == "all dropped":
            weights.dropout.p = 1.0
        elif part == "sum too small":
            weights.weight_sum_min = 2.0
    return share


def query(module, bias=False):
    """The seed, or the weight or bias of the query's projection."""
    if module.query is not None:
        return module.query
    return module.query_projection.bias if bias else module.query_projection.weight


causes = pytest.mark.parametrize(
    "cause",
    [
        "minutes missing", "minutes not finite", "keys inf", "keys nan", "one key nan", "query inf",
        "logits overflow", "temperature nan", "all dropped", "sum too small",
    ],
)  # fmt: skip


def train_with_dropout(inputs, seed=3, **options):
    module = attention(**options)
    torch.manual_seed(seed)
    return module(*inputs)


@causes
@pytest.mark.parametrize("kind", ["seed", "mean"])
@pytest.mark.parametrize("fallback", ["minutes", "uniform"])
def test_the_fallback_pools_and_passes_gradients_on(inputs, cause, fallback, kind):
    players, share, mask = inputs
    players = players.clone().requires_grad_()
    residual = cause == "query inf"
    module = attention(fallback=fallback, query=kind, learn_temperature=True, residual=residual)
    minutes = spoil(cause, module, share)
    pooled = module(players, minutes, mask)
    fallen = pooled.fallback
    assert (fallen[:, 0] if cause == "one key nan" else fallen).all()
    equal = mask / mask.sum(dim=1, keepdim=True)
    expected = share if fallback == "minutes" and torch.equal(minutes, share) else equal
    assert torch.equal(pooled.weights[fallen], expected[:, None].expand(-1, HEADS, -1)[fallen])
    # The weights alone reach query and keys, too.
    (pooled.weights * torch.arange(PLAYERS)).sum().backward(retain_graph=True)
    for _ in range(2):
        assert all(torch.isfinite(g).all() for g in gradients(module).values() if g is not None)
        assert query(module).grad.abs().sum() > 0
        assert module.weights.key.weight.grad.abs().sum() > 0
        assert torch.isfinite(players.grad).all()
        module.zero_grad()
        players.grad = None
        pooled.vector.square().sum().backward(retain_graph=True)
    assert players.grad.abs().sum() > 0
    assert torch.isfinite(pooled.vector).all()


def test_the_gradient_of_the_fallback_is_that_of_the_weights_replaced(inputs):
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
        module.weights.key.weight[DIM // HEADS] = torch.nan
    broken = module(players, share, mask)
    assert broken.fallback.tolist() == [[False, True, False]] * SETS
    assert torch.equal(broken.weights[:, [0, 2]], before.weights[:, [0, 2]])


def test_minutes_below_the_threshold_are_missing_unless_they_do_not_count(inputs):
    players, share, mask = inputs
    scale = torch.tensor([1.0, 0.51, 0.49, 1.0, 0.0])[:, None]
    fallback = attention(minutes_sum_min=0.5)(players, scale * share, mask).fallback
    assert fallback[:, 0].tolist() == [False, False, True, False, True]
    module = attention(minutes_bias_weight=0.0)
    pooled = module(players, torch.zeros_like(share), mask)
    assert not pooled.fallback.any()
    assert torch.equal(pooled.vector, module(players, share, mask).vector)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ("minutes missing", "minutes sum to less than"),
        ("keys inf", "logits are not finite"),
        ("all dropped", "weights sum to 0"),
        ("sum too small", "weights sum to 0 or less than 2"),
    ],
)
def test_the_error_names_sets_cause_and_remedy(inputs, cause, words):
    players, share, mask = inputs
    module = attention(fallback="error")
    assert not module(players, share, mask).fallback.any()
    share = spoil(cause, module, share)
    with pytest.raises(UserError, match=rf"5 set\(s\), such as \[0, 1, 2, 3, 4\]: {words}") as e:
        module(players, share, mask)
    assert "fallback be minutes or uniform" in str(e.value)


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
    if options == {}:
        assert attention(fallback="error").eval()(players, share, mask).empty[2]
        spoil("keys inf", module, share)
        fallback = module(players, share, mask).fallback
        assert fallback.any(dim=1).tolist() == [True, True, False, True, True]


# Precision, state and arguments

no_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
devices = pytest.mark.parametrize(
    "device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, no_cuda])]
)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@devices
@variants
def test_autocast_changes_nothing(inputs, options, dtype, device):
    players, share, mask = (tensor.to(device) for tensor in inputs)
    results = []
    for enabled in (False, True):
        players = players.detach().requires_grad_()
        module = attention(**options).to(device)
        if module.weights is not None:
            module.weights.key.weight.data.mul_(1e6)  # beyond float16
        with torch.autocast(device, dtype=dtype, enabled=enabled):
            pooled = module(players, share, mask)
        pooled.vector.square().sum().backward()
        results.append([pooled.vector, pooled.weights, players.grad, *gradients(module).values()])
    for exact, cast in zip(*results, strict=True):
        assert torch.equal(exact, cast)
        assert cast.isfinite().all()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"n_heads": 5}, "n_heads=5 must divide dim=12"),
        ({"pooling": "max"}, "pooling=max is none of attention, minutes, uniform, mean"),
        ({"query": "median"}, "query=median is none of seed, mean"),
        ({"fallback": "zeros"}, "fallback=zeros is none of minutes, uniform, error"),
        ({"temperature": 0.0}, r"temperature=0.0 must be positive"),
    ],
)
def test_arguments_are_checked(option, message):
    with pytest.raises(ValueError, match=message):
        attention(**option)

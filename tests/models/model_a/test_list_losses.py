import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from nba_rank.models.model_a.list_losses import LIST_LOSSES, list_mle, p_list_mle, soft_spearman

properties = settings(deadline=None, derandomize=True, max_examples=30)
score_values = st.floats(-5, 5, width=32)
every_loss = pytest.mark.parametrize("loss", LIST_LOSSES.values(), ids=LIST_LOSSES.keys())
likelihoods = pytest.mark.parametrize("loss", [list_mle, p_list_mle])


@st.composite
def lists(draw, min_teams=2, max_teams=8, max_lists=3):
    """Scores and distinct relevance, both [B, L]."""
    n_lists, n_teams = draw(st.integers(1, max_lists)), draw(st.integers(min_teams, max_teams))
    rows = st.lists(score_values, min_size=n_teams, max_size=n_teams)
    score = torch.tensor(draw(st.lists(rows, min_size=n_lists, max_size=n_lists)))
    orders = [draw(st.permutations(range(n_teams))) for _ in range(n_lists)]
    return score, torch.tensor(orders, dtype=torch.float32)


def everyone(score):
    return torch.ones(score.shape, dtype=torch.bool)


def loss_and_gradient(loss, score, relevance, mask=None):
    score = score.clone().requires_grad_()
    value = loss(score, relevance, everyone(score) if mask is None else mask)
    value.backward()
    return value.item(), score.grad


def brute_force(loss, ordered_scores):
    """Plackett-Luce: the best is drawn first, each with probability proportional to exp(s)."""
    odds = [math.exp(value) for value in ordered_scores]
    terms = [math.log(odds[i] / sum(odds[i:])) for i in range(len(odds))]
    weights = [1 / math.log2(i + 2) if loss is p_list_mle else 1 for i in range(len(terms))]
    return -sum(w * term for w, term in zip(weights, terms, strict=True)) / sum(weights)


def brute_force_soft_spearman(score, relevance):
    n = len(score)
    mean = sum(score) / n
    spread = math.sqrt(sum((s - mean) ** 2 for s in score) / n + 1)
    total = 0.0
    for i, true in enumerate(rankdata([-r for r in relevance])):
        soft = 1 + sum(
            1 / (1 + math.exp(-(score[j] - score[i]) / (0.25 * spread))) for j in range(n) if j != i
        )
        total += (soft - true) ** 2
    return 6 * total / (n * (n * n - 1))


# All losses


@every_loss
@properties
@given(case=lists(), constant=st.floats(-1000, 1000, width=32))
def test_adding_a_constant_changes_neither_loss_nor_gradient(loss, case, constant):
    score, relevance = case
    value, gradient = loss_and_gradient(loss, score, relevance)
    moved, moved_gradient = loss_and_gradient(loss, score + constant, relevance)
    assert moved == pytest.approx(value, abs=1e-3)
    assert gradient.sum(dim=1).abs().max() < 1e-5
    torch.testing.assert_close(moved_gradient, gradient, atol=2e-3, rtol=2e-2)


@every_loss
@properties
@given(
    case=lists(),
    n_padded=st.integers(1, 5),
    pad_score=st.floats(-1e6, 1e6, width=32) | st.just(math.nan),
    pad_relevance=st.floats(-5, 50, width=32) | st.just(math.nan),
)
def test_padding_changes_neither_loss_nor_gradient(loss, case, n_padded, pad_score, pad_relevance):
    score, relevance = case
    value, gradient = loss_and_gradient(loss, score, relevance)
    empty = (score.shape[0], n_padded)
    padded_score = torch.cat([torch.full(empty, pad_score), score], dim=1)
    padded_relevance = torch.cat([torch.full(empty, pad_relevance), relevance], dim=1)
    mask = torch.cat([torch.zeros(empty, dtype=torch.bool), everyone(score)], dim=1)
    padded, padded_gradient = loss_and_gradient(loss, padded_score, padded_relevance, mask)
    assert padded == pytest.approx(value, abs=1e-5)
    torch.testing.assert_close(padded_gradient[:, n_padded:], gradient, atol=1e-6, rtol=1e-5)
    assert (padded_gradient[:, :n_padded] == 0).all()


@every_loss
@properties
@given(case=lists(), random=st.randoms(use_true_random=False))
def test_the_order_of_the_teams_does_not_matter(loss, case, random):
    score, relevance = case
    order = list(range(score.shape[1]))
    random.shuffle(order)
    value, gradient = loss_and_gradient(loss, score, relevance)
    moved, moved_gradient = loss_and_gradient(loss, score[:, order], relevance[:, order])
    assert moved == pytest.approx(value, abs=1e-5)
    torch.testing.assert_close(moved_gradient, gradient[:, order], atol=1e-5, rtol=1e-4)


@every_loss
@properties
@given(case=lists())
def test_the_true_order_costs_less_than_its_reverse(loss, case):
    score, _ = case
    score = score + torch.arange(score.shape[1])  # no two alike, up to rounding
    right = loss(score, score, everyone(score)).item()
    wrong = loss(score, -score, everyone(score)).item()
    distinct = all(len(set(row.tolist())) > 1 for row in score)
    assert right < wrong if distinct else right <= wrong + 1e-6


@every_loss
def test_only_the_order_of_the_relevance_counts(loss):
    score = torch.tensor([[0.3, -1.0, 2.0]])
    small, large = torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([[-40.0, 0.0, 900.0]])
    assert loss(score, small, everyone(score)) == loss(score, large, everyone(score))


@every_loss
def test_equal_scores_have_a_gradient_that_raises_the_better_team(loss):
    score = torch.zeros(1, 6)
    relevance = torch.arange(6.0)[None]
    _, gradient = loss_and_gradient(loss, score, relevance)
    assert gradient[0].diff().max() < 0
    assert gradient.abs().max() < 10


@every_loss
@pytest.mark.parametrize("scale", [1e-6, 1e2, 1e4, 1e6])
def test_any_spread_of_the_scores_gives_a_finite_loss_and_gradient(loss, scale):
    score = scale * torch.randn(2, 30, generator=torch.Generator().manual_seed(4))
    relevance = torch.arange(30.0).expand(2, 30)
    mask = everyone(score)
    mask[1, 20:] = False
    value, gradient = loss_and_gradient(loss, score, relevance, mask)
    assert math.isfinite(value)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


@every_loss
def test_half_precision_scores_are_computed_in_float32(loss):
    score = torch.randn(3, 30, generator=torch.Generator().manual_seed(0)).bfloat16()
    relevance = torch.arange(30.0).expand(3, 30)
    value = loss(score, relevance, everyone(score))
    assert value.dtype == torch.float32
    assert value.item() == loss(score.float(), relevance, everyone(score)).item()


@every_loss
def test_the_loss_is_the_mean_over_lists(loss):
    score = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    relevance = torch.arange(5.0).expand(2, 5)
    both = loss(score, relevance, everyone(score)).item()
    each = [loss(row, relevance[:1], everyone(row)).item() for row in score[:, None]]
    assert both == pytest.approx(sum(each) / 2)


@every_loss
@pytest.mark.parametrize("n_teams", [0, 1])
def test_fewer_than_two_teams_are_refused(loss, n_teams):
    score = torch.zeros(2, 3)
    mask = everyone(score)
    mask[1, n_teams:] = False
    with pytest.raises(ValueError, match="fewer than two teams"):
        loss(score, torch.zeros(2, 3), mask)


# Likelihoods


@likelihoods
@properties
@given(values=st.lists(score_values, min_size=3, max_size=3), order=st.permutations([0, 1, 2]))
def test_three_teams_equal_the_brute_force_likelihood(loss, values, order):
    relevance = torch.empty(3)
    for place, team in enumerate(order):
        relevance[team] = -place
    score = torch.tensor([values])
    value = loss(score, relevance[None], everyone(score)).item()
    assert value == pytest.approx(brute_force(loss, [values[team] for team in order]), abs=1e-5)


@likelihoods
def test_ties_are_broken_in_both_orders_equally_often(loss):
    score = torch.tensor([[1.0, -1.0]])
    relevance = torch.zeros(1, 2)
    generator = torch.Generator().manual_seed(3)
    losses = [
        round(loss(score, relevance, everyone(score), generator).item(), 5) for _ in range(600)
    ]
    orders = sorted(brute_force(loss, order) for order in ([1.0, -1.0], [-1.0, 1.0]))
    assert sorted(set(losses)) == pytest.approx(orders, abs=1e-4)
    assert sum(losses) / len(losses) == pytest.approx(sum(orders) / 2, abs=0.15)


def test_position_aware_list_mle_weighs_the_top_more():
    relevance = -torch.arange(10.0)[None]
    top, bottom = relevance.clone(), relevance.clone()
    top[0, [0, 1]] = relevance[0, [1, 0]]
    bottom[0, [7, 8]] = relevance[0, [8, 7]]
    costs = {}
    for loss in (list_mle, p_list_mle):
        best = loss(relevance, relevance, everyone(relevance))
        costs[loss] = [(loss(s, relevance, everyone(s)) - best).item() for s in (top, bottom)]
    assert costs[p_list_mle][0] / costs[p_list_mle][1] > 2 * costs[list_mle][0] / costs[list_mle][1]


# Soft Spearman


@properties
@given(
    score=st.lists(score_values, min_size=3, max_size=3),
    relevance=st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=3, max_size=3),
)
def test_soft_spearman_of_three_teams_equals_the_direct_formula(score, relevance):
    value = soft_spearman(torch.tensor([score]), torch.tensor([relevance]), torch.ones(1, 3) > 0)
    assert value.item() == pytest.approx(brute_force_soft_spearman(score, relevance), abs=1e-5)


def test_soft_spearman_is_one_minus_spearman_where_scores_are_far_apart():
    score = torch.tensor([[4e3, -9e3, 2e3, 9e3, -5e3]])
    relevance = torch.tensor([[3.0, 1.0, 2.0, 5.0, 4.0]])
    value = soft_spearman(score, relevance, everyone(score)).item()
    assert value == pytest.approx(1 - spearmanr(score[0], relevance[0]).statistic, abs=0.1)
    ranks = torch.arange(15.0)[None]
    losses = [soft_spearman(factor * ranks, ranks, everyone(ranks)).item() for factor in (1, 0, -1)]
    assert losses == pytest.approx([0, 0.5, 2], abs=0.1)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_soft_spearman_recovers_from_the_reversed_order_at_any_spread(scale):
    relevance = torch.arange(15.0)[None]
    noise = 0.1 * torch.randn(1, 15, generator=torch.Generator().manual_seed(0))
    score = (scale * (noise - relevance / 4)).requires_grad_()
    optimiser = torch.optim.Adam([score], lr=0.1 * max(scale, 0.1))
    for _ in range(200):
        optimiser.zero_grad()
        soft_spearman(score, relevance, everyone(score)).backward()
        optimiser.step()
    assert spearmanr(score.detach()[0], relevance[0]).statistic > 0.99

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_rank.models.listmle import list_mle

properties = settings(deadline=None, derandomize=True, max_examples=40)
score_values = st.floats(-5, 5, width=32)


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


def loss_and_gradient(score, relevance, mask):
    score = score.clone().requires_grad_()
    loss = list_mle(score, relevance, mask)
    loss.backward()
    return loss.item(), score.grad


def log_likelihood(ordered_scores: list[float]) -> float:
    """Plackett-Luce: the best is drawn first, each with probability proportional to exp(s)."""
    weights = [math.exp(value) for value in ordered_scores]
    draws = (weights[i] / sum(weights[i:]) for i in range(len(weights)))
    return sum(math.log(probability) for probability in draws)


@properties
@given(lists(), st.floats(-50, 50, width=32))
def test_adding_a_constant_changes_neither_loss_nor_gradient(case, constant):
    score, relevance = case
    loss, gradient = loss_and_gradient(score, relevance, everyone(score))
    moved, moved_gradient = loss_and_gradient(score + constant, relevance, everyone(score))
    assert moved == pytest.approx(loss, abs=1e-4)
    torch.testing.assert_close(moved_gradient, gradient, atol=1e-4, rtol=1e-3)


def test_the_loss_does_not_fall_while_all_scores_rise():
    score = torch.randn(4, 15, generator=torch.Generator().manual_seed(0))
    relevance = torch.arange(15.0).expand(4, 15)
    losses = [
        list_mle(score + rise, relevance, everyone(score)).item() for rise in (0, 1, 10, 100, 1000)
    ]
    assert losses == pytest.approx([losses[0]] * 5, abs=1e-3)


@properties
@given(lists())
def test_the_gradient_of_each_list_sums_to_zero(case):
    score, relevance = case
    _, gradient = loss_and_gradient(score, relevance, everyone(score))
    assert gradient.sum(dim=1).abs().max() < 1e-5


@properties
@given(lists(), st.integers(1, 5), st.floats(-1e6, 1e6, width=32), st.floats(-5, 50, width=32))
def test_padding_reaches_neither_loss_nor_gradient(case, n_padded, pad_score, pad_relevance):
    score, relevance = case
    loss, gradient = loss_and_gradient(score, relevance, everyone(score))
    empty = (score.shape[0], n_padded)
    padded_score = torch.cat([torch.full(empty, pad_score), score], dim=1)
    padded_relevance = torch.cat([torch.full(empty, pad_relevance), relevance], dim=1)
    mask = torch.cat([torch.zeros(empty, dtype=torch.bool), everyone(score)], dim=1)
    padded_loss, padded_gradient = loss_and_gradient(padded_score, padded_relevance, mask)
    assert padded_loss == pytest.approx(loss, abs=1e-5)
    torch.testing.assert_close(padded_gradient[:, n_padded:], gradient, atol=1e-6, rtol=1e-5)
    assert (padded_gradient[:, :n_padded] == 0).all()


@properties
@given(st.lists(score_values, min_size=3, max_size=3), st.permutations([0, 1, 2]))
def test_three_teams_equal_the_brute_force_likelihood(values, order):
    relevance = torch.empty(3)
    for place, team in enumerate(order):
        relevance[team] = -place
    score = torch.tensor([values])
    loss = list_mle(score, relevance[None], everyone(score)).item()
    assert loss == pytest.approx(-log_likelihood([values[team] for team in order]) / 3, abs=1e-5)


@properties
@given(st.lists(score_values, min_size=3, max_size=3))
def test_the_likelihoods_of_all_orders_of_three_sum_to_one(values):
    score = torch.tensor([values])
    total = 0.0
    for ranks in itertools.permutations([0.0, 1.0, 2.0]):
        loss = list_mle(score, torch.tensor([ranks]), everyone(score)).item()
        total += math.exp(-3 * loss)
    assert total == pytest.approx(1, abs=1e-4)


@properties
@given(lists(), st.randoms(use_true_random=False))
def test_the_order_in_which_teams_are_given_does_not_matter(case, random):
    score, relevance = case
    order = list(range(score.shape[1]))
    random.shuffle(order)
    loss, gradient = loss_and_gradient(score, relevance, everyone(score))
    moved, moved_gradient = loss_and_gradient(score[:, order], relevance[:, order], everyone(score))
    assert moved == pytest.approx(loss, abs=1e-5)
    torch.testing.assert_close(moved_gradient, gradient[:, order], atol=1e-6, rtol=1e-4)


def test_only_the_order_of_the_relevance_counts():
    score = torch.tensor([[0.3, -1.0, 2.0]])
    small, large = torch.tensor([[0.1, 0.2, 0.3]]), torch.tensor([[-40.0, 0.0, 900.0]])
    losses = [list_mle(score, relevance, everyone(score)).item() for relevance in (small, large)]
    assert losses[0] == losses[1]


def test_ties_are_put_in_both_orders_equally_often():
    score = torch.tensor([[1.0, -1.0]])
    relevance = torch.zeros(1, 2)
    generator = torch.Generator().manual_seed(3)
    losses = [
        round(list_mle(score, relevance, everyone(score), generator).item(), 5) for _ in range(600)
    ]
    orders = sorted(-log_likelihood(order) / 2 for order in ([1.0, -1.0], [-1.0, 1.0]))
    assert sorted(set(losses)) == pytest.approx(orders, abs=1e-4)
    assert sum(losses) / len(losses) == pytest.approx(sum(orders) / 2, abs=0.12)


def test_teams_without_a_tie_keep_their_order_whatever_the_shuffle():
    score = torch.randn(2, 6, generator=torch.Generator().manual_seed(1))
    relevance = torch.rand(2, 6, generator=torch.Generator().manual_seed(2))
    losses = {
        list_mle(score, relevance, everyone(score), torch.Generator().manual_seed(seed)).item()
        for seed in range(20)
    }
    assert max(losses) - min(losses) < 1e-6


def test_the_same_generator_seed_breaks_ties_alike():
    score, relevance = torch.arange(12.0).view(1, 12), torch.zeros(1, 12)
    first, second, other = (
        list_mle(score, relevance, everyone(score), torch.Generator().manual_seed(seed)).item()
        for seed in (5, 5, 6)
    )
    assert first == second
    assert first != other


def test_half_precision_scores_are_computed_in_float32():
    score = torch.randn(3, 30, generator=torch.Generator().manual_seed(0)).bfloat16()
    relevance = torch.arange(30.0).expand(3, 30)
    loss = list_mle(score, relevance, everyone(score))
    assert loss.dtype == torch.float32
    assert loss.item() == list_mle(score.float(), relevance, everyone(score)).item()


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e6])
def test_large_scores_give_a_finite_loss_and_gradient(scale):
    score = scale * torch.randn(2, 30, generator=torch.Generator().manual_seed(4))
    relevance = torch.arange(30.0).expand(2, 30)
    mask = everyone(score)
    mask[1, 20:] = False
    loss, gradient = loss_and_gradient(score, relevance, mask)
    assert math.isfinite(loss)
    assert torch.isfinite(gradient).all()


@properties
@given(lists())
def test_the_true_order_costs_less_than_its_reverse(case):
    score, _ = case
    score = score + torch.arange(score.shape[1])  # no two alike, up to rounding
    right = list_mle(score, score, everyone(score)).item()
    wrong = list_mle(score, -score, everyone(score)).item()
    distinct = all(len(set(row.tolist())) > 1 for row in score)
    assert right < wrong if distinct else right <= wrong + 1e-6


@properties
@given(lists())
def test_a_step_against_the_gradient_lowers_the_loss(case):
    score, relevance = case
    loss, gradient = loss_and_gradient(score, relevance, everyone(score))
    after = list_mle(score - 0.01 * gradient, relevance, everyone(score)).item()
    assert after <= loss + 1e-6
    assert gradient.abs().sum() > 0


def test_the_loss_is_the_mean_over_lists():
    score = torch.randn(2, 5, generator=torch.Generator().manual_seed(0))
    relevance = torch.arange(5.0).expand(2, 5)
    both = list_mle(score, relevance, everyone(score)).item()
    each = [list_mle(row, relevance[:1], everyone(row)).item() for row in score[:, None]]
    assert both == pytest.approx(sum(each) / 2)


@pytest.mark.parametrize("n_teams", [0, 1])
def test_fewer_than_two_teams_are_refused(n_teams):
    score = torch.zeros(2, 3)
    mask = everyone(score)
    mask[1, n_teams:] = False
    with pytest.raises(ValueError, match="fewer than two teams"):
        list_mle(score, torch.zeros(2, 3), mask)

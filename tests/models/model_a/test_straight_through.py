import torch

from nba_rank.models.model_a.straight_through import where_straight_through


def test_values_are_replaced_and_gradients_pass_everywhere():
    tensor = torch.tensor([1.0, torch.nan, torch.inf, 4.0], requires_grad=True)
    replaced = where_straight_through(tensor, tensor.isfinite(), 9.0)
    assert replaced.tolist() == [1, 9, 9, 4]
    (replaced * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum().backward()
    assert tensor.grad.tolist() == [1, 2, 3, 4]


def test_gradients_that_are_not_finite_end_here():
    tensor = torch.ones(3, requires_grad=True)
    where_straight_through(tensor, tensor.isfinite(), 0.0).backward(
        torch.tensor([torch.nan, torch.inf, 2.0])
    )
    assert tensor.grad.tolist() == [0, 0, 2]


def test_the_stand_in_broadcasts_and_gets_no_gradient():
    tensor = torch.ones(2, 3, requires_grad=True)
    value = torch.tensor([5.0, 6.0, 7.0], requires_grad=True)
    replaced = where_straight_through(tensor, torch.tensor([[True], [False]]), value)
    assert replaced.tolist() == [[1, 1, 1], [5, 6, 7]]
    replaced.sum().backward()
    assert value.grad is None
    assert torch.equal(tensor.grad, torch.ones(2, 3))

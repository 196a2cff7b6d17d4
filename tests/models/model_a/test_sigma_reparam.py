import pytest
import torch

from nba_rank.models.model_a.sigma_reparam import SigmaLinear


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return SigmaLinear(6, 4)


def norm(layer):
    return torch.linalg.matrix_norm(layer.effective_weight(), ord=2).item()


def test_the_spectral_norm_is_the_gain(layer):
    assert norm(layer) == pytest.approx(1, abs=1e-5)
    with torch.no_grad():
        layer.gain.fill_(2.5)
    assert norm(layer) == pytest.approx(2.5, abs=1e-5)


def test_it_is_the_linear_layer_divided_by_its_norm(layer):
    x = torch.randn(3, 6)
    exact = layer.weight / torch.linalg.matrix_norm(layer.weight, ord=2)
    torch.testing.assert_close(layer(x), x @ exact.t() + layer.bias)


def test_the_norm_is_followed_while_the_weights_move(layer):
    generator = torch.Generator().manual_seed(1)
    for _ in range(200):
        with torch.no_grad():
            layer.weight.add_(0.03 * torch.randn(4, 6, generator=generator))
        layer(torch.zeros(1, 6))
    assert norm(layer) == pytest.approx(1, abs=0.05)
    start = SigmaLinear(6, 4)
    start.weight = layer.weight
    assert norm(start.eval()) != pytest.approx(1, abs=0.05)


def test_in_evaluation_nothing_moves(layer):
    with torch.no_grad():
        layer.weight.add_(torch.randn(4, 6))
    layer.eval()
    before = {name: tensor.clone() for name, tensor in layer.state_dict().items()}
    x = torch.randn(3, 6)
    assert torch.equal(layer(x), layer(x))
    for name, tensor in layer.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_a_reloaded_layer_gives_the_same(layer):
    for _ in range(3):
        layer(torch.zeros(1, 6))
    other = SigmaLinear(6, 4)
    other.load_state_dict(layer.state_dict())
    x = torch.randn(3, 6)
    assert torch.equal(other.eval()(x), layer.eval()(x))


def test_gradients_reach_weight_and_gain_and_ignore_the_size_of_the_weight(layer):
    x = torch.randn(3, 6)
    layer(x).square().sum().backward()
    assert layer.gain.grad.abs() > 0
    # The output does not change with the weight's size, so the gradient has no part along it.
    along = (layer.weight.grad * layer.weight).sum() / layer.weight.norm()
    assert layer.weight.grad.norm() > 0
    assert along.abs() < 1e-4 * layer.weight.grad.norm()


def test_two_steps_forward_can_go_back_together(layer):
    x = torch.randn(3, 6)
    (layer(x) + layer(x)).sum().backward()
    assert torch.isfinite(layer.weight.grad).all()


def test_a_weight_of_zero_stays_finite(layer):
    with torch.no_grad():
        layer.weight.zero_()
    output = layer(torch.randn(3, 6))
    output.sum().backward()
    assert torch.isfinite(output).all()
    assert torch.isfinite(layer.weight.grad).all()

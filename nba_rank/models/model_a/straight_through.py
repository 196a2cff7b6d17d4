"""Replace values without cutting the gradient."""

from typing import cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _WhereStraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, tensor: Tensor, keep: Tensor, value: Tensor) -> Tensor:
        return torch.where(keep, tensor, value)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].nan_to_num(0.0, 0.0, 0.0), None, None


def where_straight_through(tensor: Tensor, keep: Tensor, value: Tensor | float) -> Tensor:
    """Return `tensor` where `keep`, else `value`, with the gradient of `tensor` everywhere.

    `torch.where` would give no gradient where the value stands in, and
    `value + tensor - tensor.detach()` gives NaN where the tensor is not finite.

    Args:
        tensor: Any shape.
        keep: bool, broadcasts to the shape of `tensor`.
        value: Broadcasts likewise; receives no gradient.

    Returns:
        The shape of `tensor`. Gradients pass to `tensor` as they come, with 0 for each that is not
        finite.
    """
    value = torch.as_tensor(value, dtype=tensor.dtype, device=tensor.device)
    return cast(Tensor, _WhereStraightThrough.apply(tensor, keep, value.detach()))

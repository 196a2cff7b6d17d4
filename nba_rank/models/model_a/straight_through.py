"""Replaces values without cutting the gradient."""

from typing import cast

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx


class _WhereStraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, tensor: Tensor, keep: Tensor | None, value: Tensor) -> Tensor:
        return tensor.view_as(tensor) if keep is None else torch.where(keep, tensor, value)

    @staticmethod
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].nan_to_num(0.0, 0.0, 0.0), None, None


def where_straight_through(tensor: Tensor, keep: Tensor | None, value: Tensor | float) -> Tensor:
    """Return `tensor` where `keep` (None: everywhere), else `value`, with the gradient of `tensor`.

    Gradients that are not finite become 0; `keep` and `value` broadcast and receive none.
    `torch.where` gives no gradient where it replaces, and `value + tensor - tensor.detach()` gives
    NaN where the tensor is not finite.
    """
    value = torch.as_tensor(value, dtype=tensor.dtype, device=tensor.device)
    return cast(Tensor, _WhereStraightThrough.apply(tensor, keep, value.detach()))


def finite_or(tensor: Tensor, value: Tensor | float) -> Tensor:
    """Replace values that are not finite; gradients as in `where_straight_through`.

    A sum finds the usual case, all finite, in a tenth of the time of an elementwise test.
    """
    finite = bool(tensor.detach().sum().isfinite())
    return where_straight_through(tensor, None if finite else tensor.isfinite(), value)

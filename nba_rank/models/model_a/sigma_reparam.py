"""A linear layer with a learned spectral norm."""

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize


class SigmaLinear(nn.Linear):
    """A linear layer with weight `gain * W / sigma(W)`, sigma being the spectral norm.

    The gain bounds the logits of an attention, which keeps it from collapsing onto one player.
    Sigma is `left' W right`: the singular vectors are exact at the start, follow W by one power
    iteration in each training step and rest in evaluation. They receive no gradient.

    Source: Zhai et al. (2023), "Stabilizing Transformer Training by Preventing Attention Entropy
    Collapse", section 3; the power iteration as in Miyato et al. (2018), algorithm 1.
    """

    left: Tensor
    right: Tensor

    def __init__(self, in_features: int, out_features: int, *, bias: bool = True) -> None:
        super().__init__(in_features, out_features, bias=bias)
        self.gain = nn.Parameter(torch.ones(()))
        left, _, right = torch.linalg.svd(self.weight.detach(), full_matrices=False)
        self.register_buffer("left", left[:, 0].clone())
        self.register_buffer("right", right[0].clone())

    def forward(self, input: Tensor) -> Tensor:
        """Apply the layer to the last dimension."""
        return linear(input, self.effective_weight(), self.bias)

    def effective_weight(self) -> Tensor:
        """Return the scaled weight, [out_features, in_features]; updates sigma in training."""
        with torch.autocast(self.weight.device.type, enabled=False):
            if self.training:
                self._follow()
            # Copies, because the next update overwrites what the backward pass needs.
            sigma = torch.dot(self.left.clone(), torch.mv(self.weight, self.right.clone()))
            return self.weight * (self.gain / sigma.clamp_min(1e-12))

    @torch.no_grad()
    def _follow(self) -> None:
        self.left.copy_(normalize(torch.mv(self.weight, self.right), dim=0))
        self.right.copy_(normalize(torch.mv(self.weight.t(), self.left), dim=0))


def weight_of(layer: nn.Linear) -> Tensor:
    """Return the weight that a layer applies, [out_features, in_features]."""
    return layer.effective_weight() if isinstance(layer, SigmaLinear) else layer.weight

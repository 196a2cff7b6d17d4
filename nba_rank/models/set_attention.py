"""Attention pooling over a set of players.

Letters: N sets, P players, D model width, H heads.
"""

import math

import torch
from torch import Tensor, nn


class SetAttention(nn.Module):
    """Pool a set into one vector by attention from a learned seed query.

    Pooling by multi-head attention of the Set Transformer (Lee et al. 2019, eq. 11, PMA) with one
    seed, and log minutes share as a prior on the logits:
    `weights = softmax(q K^T / sqrt(D / H) + b log(share))`. The weights returned are the weights
    that pool.

    Args:
        dim: Model width D.
        n_heads: Heads H; divides D.
        minutes_bias_weight: b, 0 or more; at 0 minutes do not matter.
        uniform: Give every player the same weight and ignore queries, keys and minutes.

    Raises:
        ValueError: `n_heads` does not divide `dim`.
    """

    def __init__(
        self, *, dim: int, n_heads: int, minutes_bias_weight: float, uniform: bool = False
    ) -> None:
        super().__init__()
        if dim % n_heads:
            raise ValueError(f"n_heads={n_heads} must divide dim={dim}")
        self.n_heads = n_heads
        self.head_dim = dim // n_heads
        self.minutes_bias_weight = minutes_bias_weight
        self.uniform = uniform
        self.query = nn.Parameter(torch.randn(n_heads, self.head_dim))
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)
        self.output = nn.Linear(dim, dim)

    def forward(
        self, players: Tensor, minutes_share: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Pool each set.

        Args:
            players: Encoded players, [N, P, D].
            minutes_share: Share of the set's minutes, [N, P]; 0 is as good as the least known.
            mask: True for players, False for empty places, bool [N, P].

        Returns:
            Pooled vectors [N, D], and the weights that pooled them [N, H, P]: non-negative, sum 1
            over P, exactly 0 in empty places.

        Raises:
            ValueError: A set has no player.
        """
        if not bool(mask.any(dim=1).all()):
            raise ValueError("a set without players cannot be pooled: leave its date out")
        sets, places, _ = players.shape
        split = (sets, places, self.n_heads, self.head_dim)
        values = self.value(players).view(split)
        if self.uniform:
            logits = torch.zeros(sets, self.n_heads, places, device=players.device)
        else:
            keys = self.key(players).view(split)
            logits = torch.einsum("hd,nphd->nhp", self.query, keys) / math.sqrt(self.head_dim)
            prior = minutes_share.clamp_min(1e-4).log()
            logits = logits + self.minutes_bias_weight * prior[:, None, :]
        weights = logits.float().masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=-1)
        pooled = torch.einsum("nhp,nphd->nhd", weights.to(values.dtype), values)
        return self.output(pooled.reshape(sets, -1)), weights

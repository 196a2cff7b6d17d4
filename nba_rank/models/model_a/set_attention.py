"""Attention pooling over sets of players.

Letters: N sets, P players, D model width, H heads, d = D / H.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nba_rank.models.model_a.attention_weights import AttentionWeights, equal_weights
from nba_rank.models.model_a.sigma_reparam import SigmaLinear, weight_of
from nba_rank.models.model_a.straight_through import finite_or

_POOLINGS = ("attention", "minutes", "uniform", "mean")
_QUERIES = ("seed", "mean")


class Pooled(NamedTuple):
    """Pooled sets.

    Attributes:
        vector: [N, D].
        weights: The weights that pooled, after dropout and fallback, [N, H, P]; 0 in empty places.
        fallback: Whether the fallback's weights pooled, bool [N, H].
        empty: Whether the set has no player, bool [N]; its vector and weights are 0.
    """

    vector: Tensor
    weights: Tensor
    fallback: Tensor
    empty: Tensor


class SetAttention(nn.Module):
    """Pool a set into one vector by multi-head attention from one query.

    The heads pool the projected values with the weights of `AttentionWeights`, and the output
    projection mixes the heads; all in float32, under autocast too. Values that are not finite reach
    the vector. A set without players is an error in training and marked `empty` in evaluation.

    Args:
        dim: Model width D.
        pooling: `attention`; `minutes` and `uniform`, the same projections with weights by share
            of minutes or equal ones; or `mean`, the plain mean of the players.
        query: `seed`, a learned vector, or `mean`, a projection of the players' mean.
        n_heads: Heads H; divides D.
        sigma_reparam: Make the projections of query, key, value and output `SigmaLinear`.
        pre_norm: LayerNorm on the players before all projections.
        residual: As in the MAB of the Set Transformer, without its LayerNorms: `h`, the query plus
            the projected output, passes a residual layer, `h + relu(W h + c)`.
        **weights: Further arguments of `AttentionWeights`.

    Raises:
        ValueError: `n_heads` does not divide `dim`, or an argument is not one of its choices.

    Source: Lee et al. (2019), "Set Transformer", eq. 6 to 11: PMA with one seed.
    """

    def __init__(
        self,
        *,
        dim: int,
        pooling: str,
        query: str,
        n_heads: int,
        sigma_reparam: bool,
        pre_norm: bool,
        residual: bool,
        **weights: Any,  # noqa: ANN401
    ) -> None:
        super().__init__()
        if dim % n_heads:
            raise ValueError(f"n_heads={n_heads} must divide dim={dim}")
        if pooling not in _POOLINGS:
            raise ValueError(f"pooling={pooling} is none of {', '.join(_POOLINGS)}")
        if query not in _QUERIES:
            raise ValueError(f"query={query} is none of {', '.join(_QUERIES)}")
        self.n_heads, self.pooling = n_heads, pooling
        # DDP refuses parameters without gradient, so only those that act are made.
        attends, projects = pooling == "attention", pooling != "mean"
        queries = attends or (projects and residual)
        linear = SigmaLinear if sigma_reparam else nn.Linear
        self.norm = nn.LayerNorm(dim) if pre_norm and projects else nn.Identity()
        # The seed is not projected: a projected learned vector is a learned vector.
        seed = torch.randn(n_heads, dim // n_heads)
        self.query = nn.Parameter(seed) if queries and query == "seed" else None
        self.query_projection = linear(dim, dim) if queries and query == "mean" else None
        self.value = linear(dim, dim) if projects else None
        self.output = linear(dim, dim) if projects else nn.Identity()
        self.feed_forward = nn.Linear(dim, dim) if residual and projects else None
        self.weights: AttentionWeights | None = None
        if attends:
            self.weights = AttentionWeights(
                dim=dim, n_heads=n_heads, sigma_reparam=sigma_reparam, **weights
            )

    def forward(self, players: Tensor, minutes_share: Tensor, mask: Tensor) -> Pooled:
        """Pool each set.

        Args:
            players: Encoded players, [N, P, D].
            minutes_share: Share of the set's minutes, 0 or more, [N, P]; normalised here.
            mask: True for players, False for empty places, bool [N, P].

        Raises:
            ValueError: A set has no player, in training; or weights cannot pool and `fallback` is
                `error`.
        """
        empty = ~mask.any(dim=1)
        if self.training and bool(empty.any()):
            sets = empty.nonzero().flatten().tolist()
            raise ValueError(
                f"{len(sets)} set(s) without players cannot be trained on, such as {sets[:5]}: "
                "leave their dates out"
            )
        # The places of an empty set count as players until the end, so that its sums are finite.
        valid = mask | empty[:, None]
        minutes_share = minutes_share.float().masked_fill(empty[:, None], 1)
        with torch.autocast(players.device.type, enabled=False):
            # 0 * NaN in an empty place would reach the sums and the gradients.
            players = self.norm(players.float().masked_fill(~mask[..., None], 0))
            # Query and keys that overflow must send no NaN to the encoder; values may.
            content = finite_or(players, 0.0)
            query = self._query(content, valid)
            if query is not None and self.weights is not None:
                weights, fallback = self.weights(query, content, minutes_share, valid)
            else:
                plain = equal_weights(valid)
                if self.pooling == "minutes":
                    minutes = minutes_share.masked_fill(~valid, 0)
                    total = minutes.sum(dim=1, keepdim=True)
                    plain = torch.where(total > 0, minutes / total.clamp_min(1e-9), plain)
                weights = plain[:, None, :].expand(-1, self.n_heads, -1)
                fallback = torch.zeros_like(weights[..., 0], dtype=torch.bool)
            weights = weights.masked_fill(~mask[:, None, :], 0)
            vector = self._pool(weights, players)
            if query is not None and self.feed_forward is not None:
                hidden = finite_or(query, 1.0).flatten(-2) + vector
                vector = hidden + self.feed_forward(hidden).relu()
        return Pooled(
            vector.masked_fill(empty[:, None], 0), weights, fallback & ~empty[:, None], empty
        )

    def _query(self, content: Tensor, valid: Tensor) -> Tensor | None:
        """Return the query, [N, H, d] or, for all sets alike, [H, d]; None without one."""
        if self.query is not None or self.query_projection is None:
            return self.query
        mean = (equal_weights(valid)[..., None] * content).sum(dim=1)
        return self.query_projection(mean).unflatten(-1, (self.n_heads, -1))

    def _pool(self, weights: Tensor, players: Tensor) -> Tensor:
        """Pool players by each head, and project and mix the heads: [N, D].

        `sum w (V x + b) = V sum w x + b sum w`: one projection a head instead of one a player.
        """
        pooled = weights @ players
        if self.value is None:
            return pooled[:, 0]
        projection, bias = (
            part.unflatten(0, (self.n_heads, -1))
            for part in (weight_of(self.value), self.value.bias)
        )
        heads = torch.einsum("nhi,hdi->nhd", pooled, projection)
        heads = heads + weights.sum(dim=-1, keepdim=True) * bias
        return self.output(heads.flatten(1))

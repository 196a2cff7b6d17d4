"""Attention weights from a query, players and their minutes.

Letters: N sets, P players, D model width, H heads, d = D / H.

They are those of PyTorch's `scaled_dot_product_attention` (SDPA) and `MultiheadAttention`, except:

- Mask: True is a player, as in SDPA; `key_padding_mask` means the opposite.
- Scaling: `q k / (temperature sqrt(d))`.
- Minutes prior: added after scaling, as SDPA adds a float `attn_mask`, so that the temperature does
  not touch it: weights are proportional to `share ** minutes_bias_weight`.
- Keys have no bias: the softmax takes no notice of what all players share.

SDPA itself is not called, because it does not return its weights, which a fallback may replace.
"""

import math

import torch
from torch import Tensor, nn

from nba_rank.core.errors import UserError
from nba_rank.models.model_a.sigma_reparam import SigmaLinear, weight_of
from nba_rank.models.model_a.straight_through import finite_or, where_straight_through

SHARE_FLOOR = 1e-4
"""Share of a player without minutes, so that his logit is finite."""

# Bounds a learned log temperature, so that neither its exponential nor the inverse overflows.
_LOG_TEMPERATURE_MAX = 10.0
_FALLBACKS = ("minutes", "uniform", "error")


def equal_weights(valid: Tensor) -> Tensor:
    """Return one weight for all players of a set, float32 [N, P], from bool [N, P]."""
    return valid.float() / valid.sum(dim=1, keepdim=True)


class AttentionWeights(nn.Module):
    """`softmax(q k / (temperature sqrt(d)) + minutes_bias_weight log(share))`, or the fallback.

    Keys k are projected players; shares are normalised over the set's players. The fallback
    replaces weights that are not finite, all zero or sum to less than `weight_sum_min`, and those
    of a set whose minutes are missing though the prior counts.

    The fallback's gradient is that of the softmax that it replaces, before dropout and without
    prior where minutes are missing, so query and keys keep learning. Where logits are not finite
    it is that of equal logits, as a softmax of huge ones would be saturated.

    Args:
        dim: Model width D.
        n_heads: Heads H; divides D.
        minutes_bias_weight: 0 or more; at 0 minutes do not matter and cannot be missing.
        minutes_sum_min: Sum of a set's minutes below which they are missing, as they are where it
            is 0 or not finite.
        temperature: Positive; where it is learned, its start.
        learn_temperature: Learn one temperature a head, kept between exp(-10) and exp(10).
        dropout: Share of the weights dropped in training.
        sigma_reparam: Make the projection to keys a `SigmaLinear`.
        fallback: `minutes`, the shares, or equal weights where minutes are missing; `uniform`,
            equal weights; or `error`.
        weight_sum_min: Sum of the weights after dropout below which they cannot pool.

    Raises:
        ValueError: The temperature is not positive or the fallback is unknown.
    """

    def __init__(
        self,
        *,
        dim: int,
        n_heads: int,
        minutes_bias_weight: float,
        minutes_sum_min: float,
        temperature: float,
        learn_temperature: bool,
        dropout: float,
        sigma_reparam: bool,
        fallback: str,
        weight_sum_min: float,
    ) -> None:
        super().__init__()
        if not temperature > 0:
            raise ValueError(f"temperature={temperature} must be positive")
        if fallback not in _FALLBACKS:
            raise ValueError(f"fallback={fallback} is none of {', '.join(_FALLBACKS)}")
        self.minutes_bias_weight = minutes_bias_weight
        self.minutes_sum_min = minutes_sum_min
        self.temperature = temperature
        self.fallback = fallback
        self.weight_sum_min = weight_sum_min
        self.key = (SigmaLinear if sigma_reparam else nn.Linear)(dim, dim, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.log_temperature: nn.Parameter | None = None
        if learn_temperature:
            self.log_temperature = nn.Parameter(torch.full((n_heads, 1), math.log(temperature)))

    def forward(
        self, query: Tensor, players: Tensor, minutes_share: Tensor, valid: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return the weights and where they are the fallback's.

        Args:
            query: [N, H, d], or [H, d] for all sets alike.
            players: Finite, [N, P, D].
            minutes_share: Minutes or their share, 0 or more, [N, P].
            valid: True for players, bool [N, P]; at least one a set.

        Returns:
            Weights, [N, H, P], 0 where not valid; and the fallback, bool [N, H].

        Raises:
            UserError: Weights cannot pool and the fallback is `error`.
        """
        equal = equal_weights(valid)
        share, minutes_known = self._shares(minutes_share, valid, equal)
        content, finite = self._content(query, players)
        prior = self.minutes_bias_weight * share.clamp_min(SHARE_FLOOR).log()
        logits = (content + prior[:, None, :]).masked_fill(~valid[:, None, :], -torch.inf)
        # For rows this short `softmax` takes four times as long.
        odds = (logits - logits.detach().amax(dim=-1, keepdim=True)).exp()
        soft = odds / odds.sum(dim=-1, keepdim=True)
        raw = self.dropout(soft)
        total = raw.sum(dim=-1)
        low = (total == 0) | (total < self.weight_sum_min)
        missing = ~minutes_known & (self.minutes_bias_weight > 0)
        fallback = ~finite | low | missing
        if self.fallback == "error":
            self._refuse(
                {
                    f"minutes sum to less than {self.minutes_sum_min:g}": missing,
                    "logits are not finite": ~finite,
                    f"weights sum to 0 or less than {self.weight_sum_min:g}": low,
                }
            )
        if not bool(fallback.any()):
            return raw, fallback
        instead = share if self.fallback == "minutes" else equal
        straight_through = instead[:, None, :] + (soft - soft.detach())
        return torch.where(fallback[..., None], straight_through, raw), fallback

    def _shares(self, minutes: Tensor, valid: Tensor, equal: Tensor) -> tuple[Tensor, Tensor]:
        """Return shares [N, P] of sum 1, equal where minutes are missing; and known [N, 1]."""
        minutes = minutes.masked_fill(~valid, 0)
        total = minutes.sum(dim=1, keepdim=True)
        known = total.isfinite() & (total > 0) & (total >= self.minutes_sum_min)
        return minutes.where(known, equal) / total.where(known, 1.0), known

    def _content(self, query: Tensor, players: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits without prior [N, H, P] and where they are finite [N, H]; elsewhere 0."""
        heads = query.shape[-2:]
        query_finite = query.isfinite()
        temperature: float | Tensor = self.temperature
        if self.log_temperature is not None:
            query_finite = query_finite & self.log_temperature.isfinite()
            learned = finite_or(self.log_temperature, 0.0)
            temperature = learned.clamp(-_LOG_TEMPERATURE_MAX, _LOG_TEMPERATURE_MAX).exp()
        safe_query = where_straight_through(query, query_finite, 1.0)
        safe_query = safe_query / (temperature * math.sqrt(heads[-1]))
        weight = weight_of(self.key)
        weight_finite = weight.unflatten(0, heads).isfinite().all(dim=2)
        # Keys that are not finite are replaced by the players, which keeps the query's gradient.
        safe_weight = finite_or(weight, torch.eye(len(weight), device=weight.device))
        # q (W x) = (q W) x: one row a head and set instead of a key a player.
        rows = torch.einsum("...hd,hdi->...hi", safe_query, safe_weight.unflatten(0, heads))
        logits = (players @ rows.mT).transpose(1, 2)
        finite = logits.sum(dim=-1).isfinite() & (query_finite & weight_finite).all(dim=-1)
        keep = None if bool(finite.all()) else finite[..., None]
        return where_straight_through(logits, keep, 0.0), finite

    def _refuse(self, causes: dict[str, Tensor]) -> None:
        for cause, found in causes.items():
            sets = found.any(dim=1).nonzero().flatten().tolist()
            if sets:
                raise UserError(
                    f"attention cannot pool {len(sets)} set(s), such as {sets[:5]}: {cause}; mend "
                    "the minutes or lower the learning rate, or let "
                    "model.model_a.attention.fallback be minutes or uniform"
                )

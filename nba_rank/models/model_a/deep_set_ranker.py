"""Scores teams by their players: embed, encode, pool by attention, score.

Letters: B lists, L teams, P players, F player columns, K prior columns, D model width, H heads.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from nba_rank.models.model_a.dropout import Dropout
from nba_rank.models.model_a.set_attention import SetAttention


class Ranked(NamedTuple):
    """Scored lists and the layers behind the scores.

    Attributes:
        score: Higher is better, float32 [B, L]; 0 for padding, NaN for a team without players
            (in evaluation only).
        skip: Part of the score that the team prior gives, float32 [B, L]; 0 without one.
        weights: Attention weights, float32 [B, L, H, P]; 0 in empty places and for padding.
        fallback: Whether the weights are the fallback's, bool [B, L, H]; False for padding.
        encoded: Encoded players, [B, L, P, D]; arbitrary in empty places and for padding.
        pooled: Pooled players, [B, L, D]; 0 for padding and for a team without players.
    """

    score: Tensor
    skip: Tensor
    weights: Tensor
    fallback: Tensor
    encoded: Tensor
    pooled: Tensor


class DeepSetRanker(nn.Module):
    """A permutation-invariant scorer of player sets (Zaheer et al. 2017, "Deep Sets").

    With prior columns the score is `skip(team_prior) + scorer(pooled)`. The skip is fitted
    beforehand and does not train, and the last layer of the scorer starts at zero, so that the set
    adds nothing to the prior at first. Until that layer has moved, the gradients of encoder and
    attention are zero.

    Args:
        stat_dim: Player columns F.
        vocabulary_size: Rows of the embedding, row 0 shared by unknown players.
        n_prior: Prior columns K; 0: the players alone.
        embedding_dim: Size of a player's embedding; 0: no embedding.
        encoder_dims: Widths of the encoder's layers; the last is D.
        dropout: Dropout share in the encoder.
        attention: Arguments of `SetAttention` except `dim`.
    """

    def __init__(
        self,
        *,
        stat_dim: int,
        vocabulary_size: int,
        n_prior: int,
        embedding_dim: int,
        encoder_dims: list[int],
        dropout: float,
        attention: Mapping[str, Any],
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_dim) if embedding_dim else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=0.02)
        layers: list[nn.Module] = []
        width = stat_dim + embedding_dim
        for dim in encoder_dims:
            layers += [nn.Linear(width, dim), nn.ReLU(), Dropout(dropout)]
            width = dim
        self.encoder = nn.Sequential(*layers)
        self.attention = SetAttention(dim=width, **attention)
        last = nn.Linear(width, 1)
        self.scorer = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), last)
        self.skip = nn.Linear(n_prior, 1, bias=False) if n_prior else None
        if self.skip is not None:
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.skip.requires_grad_(requires_grad=False)

    def forward(
        self,
        stats: Tensor,
        player: Tensor,
        player_mask: Tensor,
        minutes_share: Tensor,
        team_prior: Tensor,
        team_mask: Tensor,
    ) -> Ranked:
        """Score the teams of each list; values in empty places and padding have no effect.

        Args:
            stats: Standardised player columns, [B, L, P, F]; finite in empty places, too.
            player: Embedding rows, int64 [B, L, P]; 0 for unknown players and in empty places.
            player_mask: True for players, bool [B, L, P].
            minutes_share: Share of the team's minutes, [B, L, P]; a player may have 0.
            team_prior: Standardised prior columns, [B, L, K].
            team_mask: True for teams, bool [B, L].

        Raises:
            ValueError: In training, a team has no player; or see `SetAttention`.
        """
        padding = ~team_mask
        present = player_mask & team_mask[..., None]
        encoded = self._encode(stats, player)
        # Padding is pooled as unknown players with equal minutes: neither empty nor a fallback.
        vector, weights, fallback, empty = self.attention(
            encoded.flatten(0, 1),
            minutes_share.masked_fill(padding[..., None], 1).flatten(0, 1),
            (present | padding[..., None]).flatten(0, 1),
        )
        pooled = vector.unflatten(0, team_mask.shape)
        # In float32 under autocast too: three digits of bfloat16 do not tell teams apart.
        with torch.autocast(stats.device.type, enabled=False):
            score = self.scorer(pooled.float()).squeeze(-1)
            skip = torch.zeros_like(score)
            if self.skip is not None:
                prior = team_prior.masked_fill(padding[..., None], 0).float()
                skip = self.skip(prior).squeeze(-1)
        score = (score + skip).masked_fill(empty.view(team_mask.shape), torch.nan)
        return Ranked(
            score=score.masked_fill(padding, 0),
            skip=skip,
            weights=weights.unflatten(0, team_mask.shape).masked_fill(padding[..., None, None], 0),
            fallback=fallback.unflatten(0, team_mask.shape) & team_mask[..., None],
            encoded=encoded,
            pooled=pooled.masked_fill(padding[..., None], 0),
        )

    def _encode(self, stats: Tensor, player: Tensor) -> Tensor:
        """Encode players, [B, L, P, D].

        The first layer reads statistics and embedding apart: together, its backward pass would
        compute the gradient of the statistics as well, which nobody needs.
        """
        first, n_stats = cast(nn.Linear, self.encoder[0]), stats.shape[-1]
        encoded = linear(stats, first.weight[:, :n_stats], first.bias)
        if self.embedding is not None:
            encoded = encoded + linear(self.embedding(player), first.weight[:, n_stats:])
        for layer in list(self.encoder)[1:]:
            encoded = layer(encoded)
        return encoded

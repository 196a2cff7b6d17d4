"""Scores teams from their players: embed, encode, pool by attention, score.

Letters: B lists, L teams, P players, F player columns, H heads.
"""

import torch
from torch import Tensor, nn

from nba_rank.models.set_attention import SetAttention


class DeepSetRanker(nn.Module):
    """A permutation-invariant scorer of player sets (Zaheer et al. 2017, "Deep Sets").

    Args:
        stat_dim: Player columns F.
        vocabulary_size: Rows of the embedding, row 0 shared by unknown players.
        embedding_dim: Size of a player's embedding.
        encoder_dims: Widths of the encoder's layers.
        n_heads: Attention heads H.
        minutes_bias_weight: Weight of log minutes share in the attention logits.
        dropout: Dropout share.
        uniform_attention: Pool every player alike.
    """

    def __init__(
        self,
        *,
        stat_dim: int,
        vocabulary_size: int,
        embedding_dim: int,
        encoder_dims: list[int],
        n_heads: int,
        minutes_bias_weight: float,
        dropout: float,
        uniform_attention: bool,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_dim)
        nn.init.normal_(self.embedding.weight, std=0.02)
        layers: list[nn.Module] = []
        width = stat_dim + embedding_dim
        for dim in encoder_dims:
            layers += [nn.Linear(width, dim), nn.ReLU(), nn.Dropout(dropout)]
            width = dim
        self.encoder = nn.Sequential(*layers)
        self.attention = SetAttention(
            dim=width,
            n_heads=n_heads,
            minutes_bias_weight=minutes_bias_weight,
            uniform=uniform_attention,
        )
        self.scorer = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1)
        )

    def forward(
        self, stats: Tensor, player: Tensor, minutes_share: Tensor, team_mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Score the teams of each list.

        Args:
            stats: Standardised player columns, [B, L, P, F].
            player: Embedding rows, int64 [B, L, P].
            minutes_share: Share of the team's minutes, [B, L, P]; 0 marks an empty place.
            team_mask: True for teams, bool [B, L]; padding repeats any team with players.

        Returns:
            Scores [B, L], higher is better and 0 for padding; attention weights [B, L, H, P].
        """
        lists, teams, places, _ = stats.shape
        encoded = self.encoder(torch.cat([stats, self.embedding(player)], dim=-1))
        share = minutes_share.flatten(0, 1)
        pooled, weights = self.attention(encoded.flatten(0, 1), share, share > 0)
        score = self.scorer(pooled).view(lists, teams).masked_fill(~team_mask, 0.0)
        return score, weights.view(lists, teams, -1, places)

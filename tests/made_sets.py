"""Made-up player sets, their relevance, and what else is known of their teams."""

import numpy as np
import pandas as pd

from nba_rank.config.schema import AttentionConfig, GamesConfig
from nba_rank.features.roster import PlayerSets
from nba_rank.samples.dataset import PROGRESS

N_TEAMS, N_PLACES, N_COLUMNS = 12, 6, 4
ATTENTION = AttentionConfig(
    pooling="attention",
    query="seed",
    n_heads=2,
    minutes_bias_weight=1.0,
    minutes_sum_min=1e-6,
    temperature=1.0,
    learn_temperature=False,
    dropout=0.0,
    sigma_reparam=False,
    pre_norm=False,
    residual=False,
    fallback="minutes",
    weight_sum_min=1e-6,
)
"""Plain attention, every option off."""

GAMES = GamesConfig(
    enabled=False, n_heads=2, value_penalty=0.01, content_penalty=1.0,
    iterations=10,
)  # fmt: skip


def made_up_sets(
    seasons: list[str],
    seed: int = 0,
    n_dates: int = 3,
    first_player: int = 100,
) -> tuple[PlayerSets, np.ndarray]:
    """Player sets whose first column is skill, and the relevance that minutes and skill give.

    Twelve teams in two conferences, four to six players each; the players of a team stay for all
    seasons, so the embeddings have something to learn as well.
    """
    rng = np.random.default_rng(seed)
    skill = rng.normal(size=(N_TEAMS, N_PLACES))
    frames, ids, shares, stats, relevance = [], [], [], [], []
    for season in seasons:
        skill = skill + 0.3 * rng.normal(size=skill.shape)
        for date in pd.date_range(f"{season[:4]}-12-01", periods=n_dates, freq="30D", unit="us"):
            taken = np.arange(N_PLACES) < rng.integers(4, N_PLACES + 1, N_TEAMS)[:, None]
            minutes = np.where(taken, rng.uniform(0.1, 1, skill.shape), 0)
            share = minutes / minutes.sum(axis=1, keepdims=True)
            columns = rng.normal(size=(N_TEAMS, N_PLACES, N_COLUMNS))
            columns[..., 0] = skill + 0.1 * columns[..., 0]
            columns[..., 1] = np.where(columns[..., 1] > 1.5, np.nan, columns[..., 1])
            player = first_player + np.arange(N_TEAMS * N_PLACES).reshape(skill.shape)
            strength = (share * skill).sum(axis=1)
            frames.append(
                pd.DataFrame(
                    {
                        "season": pd.Series([season] * N_TEAMS, dtype="str"),
                        "as_of_date": date,
                        "team_id": np.arange(N_TEAMS) + 1,
                        "conference": np.where(np.arange(N_TEAMS) % 2, "West", "East"),
                    }
                )
            )
            ids.append(np.where(taken, player, 0))
            shares.append(share)
            stats.append(np.where(taken[..., None], columns, np.nan))
            relevance.append(strength.argsort().argsort() / (N_TEAMS - 1))
    sets = PlayerSets(
        frame=pd.concat(frames, ignore_index=True),
        player_id=np.concatenate(ids).astype(np.int64),
        minutes_share=np.concatenate(shares).astype(np.float32),
        stats=np.concatenate(stats).astype(np.float32),
        columns=["skill", "sometimes_unknown", "noise_1", "noise_2"],
        dates_left_out=0,
    )
    return sets, np.concatenate(relevance).astype(np.float32)


def made_up_prior(sets: PlayerSets, relevance: np.ndarray, seed: int = 0) -> pd.DataFrame:
    """Store features of the rows: a rating that knows much, and one that knows nothing."""
    rng = np.random.default_rng(seed)
    day = sets.frame["as_of_date"].dt.dayofyear
    return pd.DataFrame(
        {
            "rating": 1500 + 100 * (relevance + 0.2 * rng.normal(size=len(relevance))),
            "full_strength": np.where(
                rng.random(len(relevance)) < 0.2, np.nan, rng.normal(size=len(relevance))
            ),
            PROGRESS: ((day - 335) % 365 / 120).clip(0, 1),
        }
    )

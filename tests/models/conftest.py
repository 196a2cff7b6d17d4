from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from nba_rank.features.roster import PlayerSets

N_TEAMS, N_PLACES, N_COLUMNS = 12, 6, 4


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


@pytest.fixture(scope="session")
def make_sets() -> Callable[..., tuple[PlayerSets, np.ndarray]]:
    """Made-up player sets and their relevance: `make_sets(seasons, seed=0, ...)`."""
    return made_up_sets


@pytest.fixture(scope="session")
def three_seasons() -> tuple[PlayerSets, np.ndarray]:
    """Made-up player sets of three seasons and their relevance; not to be altered."""
    return made_up_sets(["2019-20", "2020-21", "2021-22"])

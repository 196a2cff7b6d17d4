from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import AttentionConfig, ModelAConfig
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.fit import fit_model_a
from nba_rank.samples.dataset import PROGRESS

N_TEAMS, N_PLACES, N_COLUMNS = 12, 6, 4

SMALL = ModelAConfig(
    list_scope="conference",
    loss="list_mle",
    team_prior=[],
    embedding_dim=3,
    encoder_dims=[12, 8],
    dropout=0.1,
    attention=AttentionConfig(
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
    ),
    unknown_player_share=0.1,
    learning_rate=0.01,
    weight_decay=0.01,
    lists_per_batch=4,
    dates_per_season=0,
    n_seeds=1,
    mc_dropout_samples=0,
)


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


def no_prior(sets: PlayerSets) -> pd.DataFrame:
    """No store feature of any row."""
    return pd.DataFrame(index=range(len(sets.frame)))


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


@pytest.fixture(scope="session")
def fit(compose_as_is):
    """Fits a small model A: `fit(sets, relevance, prior=None, epochs=2, seed=1, **knobs)`.

    Knobs are fields of `ModelAConfig`, or of `AttentionConfig` as `attention={...}`.
    """
    config = compose_as_is("trainer=cpu", "callbacks=quiet", "callbacks/not_learning=off")

    def run(
        sets, relevance, prior=None, epochs=2, patience=0, seed=1, on_epoch=lambda: None,
        clip=1.0, accelerator="cpu", watch=None, loggers=None, attention=None, **knobs,
    ):  # fmt: skip
        if attention:
            knobs["attention"] = replace(SMALL.attention, **attention)
        callbacks = replace(config.callbacks, early_stopping_patience=patience)
        if watch:
            callbacks = replace(callbacks, not_learning=replace(callbacks.not_learning, **watch))
        ready = replace(
            config,
            model=replace(config.model, model_a=replace(SMALL, **knobs)),
            trainer=replace(
                config.trainer,
                accelerator=accelerator,
                max_epochs=epochs,
                num_threads=1,
                gradient_clip_val=clip,
            ),
            callbacks=callbacks,
        )
        known = no_prior(sets) if prior is None else prior
        return fit_model_a(sets, known, relevance, ready, seed, on_epoch, logger_factory=loggers)

    return run


@pytest.fixture(scope="session")
def make_prior() -> Callable[..., pd.DataFrame]:
    """Made-up store features of player sets: `make_prior(sets, relevance, seed=0)`."""
    return made_up_prior


@pytest.fixture(scope="session", name="no_prior")
def without_prior() -> Callable[[PlayerSets], pd.DataFrame]:
    """No store features of player sets: `no_prior(sets)`."""
    return no_prior

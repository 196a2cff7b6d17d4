from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_sets import ATTENTION, GAMES, made_up_prior, made_up_sets

from nba_rank.config.schema import Config, ModelAConfig
from nba_rank.features.roster import PlayerSets
from nba_rank.models.model_a.fit import fit_model_a
from nba_rank.samples.dataset import Dataset

SMALL = ModelAConfig(
    list_scope="conference",
    loss="list_mle",
    team_prior=[],
    embedding_dim=3,
    encoder_dims=[12, 8],
    dropout=0.1,
    attention=ATTENTION,
    games=GAMES,
    unknown_player_share=0.1,
    learning_rate=0.01,
    weight_decay=0.01,
    lists_per_batch=4,
    dates_per_epoch=0,
    n_seeds=1,
    mc_dropout_samples=0,
)


@pytest.fixture(scope="session")
def make_sets() -> Callable[..., tuple[PlayerSets, np.ndarray]]:
    """Made-up player sets and their relevance: `make_sets(seasons, seed=0, ...)`."""
    return made_up_sets


@pytest.fixture(scope="session")
def three_seasons() -> tuple[PlayerSets, np.ndarray]:
    """Made-up player sets of three seasons and their relevance; not to be altered."""
    return made_up_sets(["2019-20", "2020-21", "2021-22"])


@pytest.fixture(scope="session")
def no_prior() -> Callable[[PlayerSets], pd.DataFrame]:
    """No store features of player sets: `no_prior(sets)`."""
    return lambda sets: pd.DataFrame(index=range(len(sets.frame)))


@pytest.fixture(scope="session")
def fit(compose_as_is, no_prior):
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


@pytest.fixture(scope="session")
def known(three_seasons) -> tuple[PlayerSets, pd.DataFrame, np.ndarray]:
    """Player sets, store features and relevance of three seasons; not to be altered."""
    sets, relevance = three_seasons
    return sets, made_up_prior(sets, relevance), relevance


@pytest.fixture(scope="session")
def fitted_a(fit, known):
    """Model A of two networks with a team prior and dropout samples; not to be altered."""
    sets, prior, relevance = known
    return fit(sets, relevance, prior, epochs=4, n_seeds=2, mc_dropout_samples=20)


@pytest.fixture(scope="session")
def data(three_seasons) -> Dataset:
    """Three made-up seasons: a store of ratings, and player sets in another order.

    The first date of each season has no player sets. Not to be altered.
    """
    sets, relevance = three_seasons
    store = made_up_prior(sets, relevance).rename(columns={"rating": "elo_rating"})
    finish = sets.frame.assign(relevance=relevance)
    finish = finish.groupby(["season", "team_id"], as_index=False)["relevance"].mean()
    first = sets.frame.groupby("season")["as_of_date"].transform("min")
    order = np.random.default_rng(0).permutation(len(relevance))
    later = order[(sets.frame["as_of_date"] > first).to_numpy()[order]]
    X = store.to_numpy(dtype=np.float32)
    return Dataset(sets.frame, list(store.columns), X, sets.take(later), finish)


@pytest.fixture(scope="session")
def small_config(compose_as_is) -> Config:
    """Members that are fitted at once, without a cache and without a team prior."""
    return compose_as_is(
        "trainer=cpu", "trainer.max_epochs=2", "trainer.num_threads=1", "callbacks=quiet",
        "callbacks/not_learning=off", "model.model_a.team_prior=[]", "model.model_a.n_seeds=1",
        "model.model_a.dropout=0.1", "model.model_a.encoder_dims=[8]",
        "model.model_a.mc_dropout_samples=4", "model.xgb.n_estimators=3",
        "model.rf.n_estimators=3", "model.rf.max_samples=0.5", "paths.members=null",
    )  # fmt: skip


@pytest.fixture(scope="session")
def changed() -> Callable[..., Config]:
    """Changes values of a config: `changed(config, {"model.xgb.max_depth": 2})`."""

    def change(config, values):
        for path, value in values.items():
            first, _, rest = path.partition(".")
            new = change(getattr(config, first), {rest: value}) if rest else value
            config = replace(config, **{first: new})
        return config

    return change

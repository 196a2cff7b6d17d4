"""Model A with something taken away, to see what that is worth."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.features.store import KEY
from nba_rank.models.members import Members
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import FoldPlan

C = TypeVar("C", bound=Config)

FULL = "full"
"""Name of the model that nothing is taken away from."""


@dataclass(frozen=True, kw_only=True)
class Variant:
    """One way to take something away from model A.

    Attributes:
        words: What is left or what is gone, as people read it.
        settings: Fields of `ModelAConfig` and the values they get.
        pooling: What `attention.pooling` becomes; None leaves it.
        columns: Patterns of the player columns that are taken out.
        prior_alone: Whether nothing is learned beyond the start of the linear skip on the team
            prior; the set, whose part starts at zero, then stays out of the score.
    """

    words: str
    settings: dict[str, Any] = field(default_factory=dict)
    pooling: str | None = None
    columns: tuple[str, ...] = ()
    prior_alone: bool = False

    def left_out(self, config: Config, data: Dataset) -> str | None:
        """Return why the full model's config and data make no such variant; None where they do."""
        prior, columns = known_prior(config, data), data.sets.columns
        if self.prior_alone and not prior:
            return "the model has no team prior"
        if not self._kept(columns):
            return "no player column would be left"
        known = _with_settings(config, team_prior=prior)
        if self.config(known) == known and self._kept(columns) == columns:
            return "it is the full model"
        return None

    def config(self, config: Config) -> Config:
        """Return the variant's config, given the full model's."""
        attention = config.model.model_a.attention
        attention = replace(attention, pooling=self.pooling or attention.pooling)
        epochs = 0 if self.prior_alone else config.trainer.max_epochs
        changed = _with_settings(config, attention=attention, **self.settings)
        return replace(changed, trainer=replace(config.trainer, max_epochs=epochs))

    def data(self, data: Dataset) -> Dataset:
        """Return the variant's data, given the full model's."""
        kept = self._kept(data.sets.columns)
        places = [data.sets.columns.index(name) for name in kept]
        sets = replace(data.sets, columns=kept, stats=data.sets.stats[..., places])
        return replace(data, sets=sets)

    def _kept(self, columns: list[str]) -> list[str]:
        return [
            name for name in columns if not any(fnmatch(name, pattern) for pattern in self.columns)
        ]


VARIANTS = {
    "without attention": Variant(
        words="the plain mean of the encoded players is scored", pooling="mean"
    ),
    "uniform weights": Variant(
        words="the attention's projections stay, every player has the same weight",
        pooling="uniform",
    ),
    "without embeddings": Variant(
        words="a player is his columns and nothing else", settings={"embedding_dim": 0}
    ),
    "without last season": Variant(
        words="no player column of last season",
        columns=("*_last_season", "returning_minutes_share"),
    ),
    "without plus-minus": Variant(
        words="no player column of on-court plus-minus", columns=("plus_minus_share_*",)
    ),
    "without impact ratings": Variant(
        words="no rating among the player columns; a team prior may still know it",
        columns=("prior_rating", "impact_rating"),
    ),
    "without expected minutes": Variant(
        words="no minutes among the player columns; they still choose and weigh the players",
        columns=("expected_minutes", "full_strength_minutes"),
    ),
    "without team prior": Variant(words="the players alone", settings={"team_prior": []}),
    "team prior alone": Variant(
        words="the ridge from which the linear skip starts, without any player",
        settings={"n_seeds": 1},
        prior_alone=True,
    ),
    "one network": Variant(words="one seed instead of an average", settings={"n_seeds": 1}),
}
"""Everything that is taken away from model A, by name, in the order of reports."""


def without_intervals(config: C) -> C:
    """Return the config without model A's intervals, for who reads its scores alone."""
    return _with_settings(config, mc_dropout_samples=0)


def scoring_only(config: Config) -> Config:
    """Return the config of a run that fits model A alone, for its scores and nothing else."""
    bare = without_intervals(config)
    callbacks = config.callbacks
    return replace(
        bare,
        model=replace(bare.model, members=["model_a"]),
        callbacks=replace(
            callbacks,
            attention_diagnostics=replace(
                callbacks.attention_diagnostics, enabled=False, attention_debug=False
            ),
            not_learning=replace(callbacks.not_learning, enabled=False),
        ),
    )


def known_prior(config: Config, data: Dataset) -> list[str]:
    """Return the features of the team prior whose group is on."""
    return [name for name in config.model.model_a.team_prior if name in data.columns]


def score_test_seasons(
    config: Config,
    data: Dataset,
    plan: FoldPlan,
    seed: np.random.SeedSequence,
    on_epoch: Callable[[], None],
) -> pd.DataFrame:
    """Score the test seasons by models that have not seen them.

    Args:
        config: A config of `scoring_only`, or a variant's.
        data: All seasons; a variant's own.
        plan: The folds; only the fits that predict test seasons are made.
        seed: Seed of the folds. With that of a run's folds the networks are the run's own.
        on_epoch: Called after each epoch of each network.

    Returns:
        Columns `season`, `as_of_date`, `team_id` and `score`, higher is better; NaN on dates
        without known players.
    """
    seeds = seed.generate_state(len(plan.fits)).tolist()
    seasons = {part.fit: part.seasons for part in plan.tests}
    parts = []
    for fit, fit_seed in zip(plan.fits, seeds, strict=True):
        if fit.name in seasons:
            fitted = Members.fit(data.of_seasons(fit.train), config, fit_seed, on_epoch)
            parts.append(fitted.predict(data.of_seasons(seasons[fit.name])).frame)
    scores = pd.concat(parts, ignore_index=True)[[*KEY, "model_a"]]
    return scores.rename(columns={"model_a": "score"})


def _with_settings(config: C, **settings: Any) -> C:  # noqa: ANN401
    """Return a config with other values of some fields of `ModelAConfig`."""
    model_a = replace(config.model.model_a, **settings)
    return replace(config, model=replace(config.model, model_a=model_a))

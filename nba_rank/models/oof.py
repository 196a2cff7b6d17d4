"""Out-of-fold scores: every fit of a plan, and what it says of the seasons that it has not seen."""

from collections.abc import Callable, Container, Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.features.store import KEY
from nba_rank.models.members import Members, Scores
from nba_rank.models.model_a.fit import LoggerFactory
from nba_rank.models.ranker import Ensemble, League
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import Fit, FoldPlan, TestPart


def n_steps(plan: FoldPlan, config: Config, only: Container[str] | None = None) -> int:
    """Return how often `fit_folds` calls `advance` where no training stops early."""
    n_fits = sum(only is None or fit.name in only for fit in plan.fits)
    return n_fits * (config.trainer.max_epochs * config.model.model_a.n_seeds + 1)


class Fitted(NamedTuple):
    """One fit of a plan and what it says of the seasons that it has not seen.

    Attributes:
        fit: Seasons fitted on and predicted.
        members: The fitted members.
        predicted: Predictions by season, of the seasons that the fit predicts.
    """

    fit: Fit
    members: Members
    predicted: dict[str, Scores]


def each_fit(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    advance: Callable[[], None],
    *,
    loggers: Callable[[str], LoggerFactory] | None = None,
    console: Console | None = None,
    only: Container[str] | None = None,
) -> Iterator[Fitted]:
    """Fit the folds one after another in the order of the plan, each when it is asked for.

    Who stops early saves the fits that are left, and what came before is as in a whole run.

    Args:
        plan: The folds; only test seasons are predicted with intervals.
        data: All seasons.
        config: The run's config.
        seed: Seed of the folds.
        advance: Called after each epoch of model A's networks and after each fit.
        loggers: Makes the loggers of a fit, given its name; None logs nowhere.
        console: Where model A's diagnostics are printed; None writes to the log.
        only: Names of the fits to make, each as among all; None makes all.
    """
    for fit, fit_seed in zip(plan.fits, seed.generate_state(len(plan.fits)), strict=True):
        if only is not None and fit.name not in only:
            continue
        members = Members.fit(
            data.of_seasons(fit.train),
            config,
            int(fit_seed),
            advance,
            logger_factory=loggers(fit.name) if loggers else None,
            console=console,
        )
        predicted = {
            season: members.predict(
                data.of_seasons([season]),
                with_intervals=season in plan.test_seasons,
                cache=config.paths.members,
            )
            for season in fit.predict
        }
        advance()
        yield Fitted(fit, members, predicted)


def fit_folds(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    advance: Callable[[], None],
    *,
    loggers: Callable[[str], LoggerFactory] | None = None,
    console: Console | None = None,
    only: Container[str] | None = None,
) -> tuple[dict[str, Members], dict[str, Scores]]:
    """Fit every fold; return the members by fit and the predictions by season.

    Arguments as in `each_fit`.
    """
    members: dict[str, Members] = {}
    predicted: dict[str, Scores] = {}
    for fitted in each_fit(
        plan, data, config, seed, advance, loggers=loggers, console=console, only=only
    ):
        members[fitted.fit.name] = fitted.members
        predicted |= fitted.predicted
    return members, predicted


def fit_ensemble(
    part: TestPart,
    oof: dict[str, Scores],
    relevance: pd.DataFrame,
    config: Config,
    league: League | None = None,
    *,
    without: str | None = None,
) -> Ensemble:
    """Fit the ensemble of a test part on its out-of-fold seasons.

    Args:
        part: The test part.
        oof: Predictions of `fit_folds` by season.
        relevance: Columns `season`, `team_id`, `relevance`.
        config: The config that the members were fitted with.
        league: As in `Ensemble.fit`; None fits the stack alone.
        without: Member to leave out of the stack; None: none.
    """
    known = pd.concat([oof[season].frame for season in part.stack_train])
    left_out = [] if without is None else [without]
    return Ensemble.fit(known.drop(columns=left_out), relevance, config, league)


def final_scores(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    predicted: dict[str, Scores],
    *,
    without: str | None = None,
) -> pd.DataFrame:
    """Score the test seasons by the stack of the members, fitted as in a run.

    Args:
        plan: The folds.
        data: What the members were fitted on.
        config: The same config.
        predicted: Predictions of `fit_folds` by season.
        without: Member to leave out of the stack; None: none.

    Returns:
        Columns `season`, `as_of_date`, `team_id` and `score`, higher is better.
    """
    names = [name for name in config.model.members if name != without]
    parts = []
    for part in plan.tests:
        ensemble = fit_ensemble(part, predicted, data.relevance, config, without=without)
        for season in part.seasons:
            frame = predicted[season].frame
            parts.append(frame[KEY].assign(score=ensemble.score(frame, names)))
    return pd.concat(parts, ignore_index=True)

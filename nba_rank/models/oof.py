"""Out-of-fold scores: every fit of a plan, and its predictions of seasons that it has not seen."""

from collections.abc import Callable, Container, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from rich.console import Console

from nba_rank.config.schema import Config
from nba_rank.core.workers import Tell, side_by_side, warm_up
from nba_rank.features.store import KEY
from nba_rank.models.members import Members, Scores
from nba_rank.models.model_a.device import device_of
from nba_rank.models.ranker import Ensemble, League
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

if TYPE_CHECKING:
    from nba_rank.models.model_a.fit import LoggerFactory


def prepare_workers(config: Config) -> None:
    """Begin the imports of the workers that `fit_folds` will need; returns at once."""
    if n_workers(config) > 1:
        warm_up()


def n_steps(plan: FoldPlan, config: Config, only: Container[str] | None = None) -> int:
    """Return how often `fit_folds` calls `advance` where no training stops early."""
    n_fits = sum(only is None or fit.name in only for fit in plan.fits)
    return n_fits * (config.trainer.max_epochs * config.model.model_a.n_seeds + 1)


class Fitted(NamedTuple):
    """One fit of a plan, its members, and its predictions by season."""

    fit: Fit
    members: Members
    predicted: dict[str, Scores]


class _Shared(NamedTuple):
    """What every fit of a plan needs."""

    data: Dataset
    config: Config
    intervals: list[str]
    prints: bool


class _Task(NamedTuple):
    """One fit of a plan, its seed and its loggers."""

    fit: Fit
    seed: int
    logger_factory: "LoggerFactory | None"


def _fit(shared: _Shared, task: _Task, tell: Tell) -> Fitted:
    """Fit the members and predict; tells None after a step, and what is to be printed."""
    config = shared.config
    members = Members.fit(
        shared.data.of_seasons(task.fit.train),
        config,
        task.seed,
        lambda: tell(None),
        logger_factory=task.logger_factory,
        console=_TellingConsole(tell) if shared.prints else None,
    )
    predicted = {
        season: members.predict(
            shared.data.of_seasons([season]),
            with_intervals=season in shared.intervals,
            cache=config.paths.members,
        )
        for season in task.fit.predict
    }
    tell(None)
    return Fitted(task.fit, members, predicted)


class _TellingConsole(Console):
    """Tells what it is given, to be printed by the parent."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell

    def print(self, *objects: Any, **style: Any) -> None:  # noqa: ANN401
        self._tell((objects, style))


def n_workers(config: Config) -> int:
    """Return how many processes may fit or predict with model A side by side."""
    # MLflow's database has one writer, and one process drives a GPU.
    alone = config.logger.name == "mlflow" or device_of(config.trainer).type == "cuda"
    return 1 if alone else config.trainer.num_threads


def each_fit(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    advance: Callable[[], None],
    *,
    newest_first: bool = False,
    loggers: "Callable[[str], LoggerFactory] | None" = None,
    console: Console | None = None,
    only: Container[str] | None = None,
) -> Iterator[Fitted]:
    """Fit the folds, `trainer.num_threads` of them side by side, and yield each in order.

    The caller may stop early; the fits that are left are then not made. Only test seasons are
    predicted with intervals.

    Args:
        plan: The folds.
        data: All seasons.
        config: The run's config.
        seed: Seed of the folds.
        advance: Called after each epoch of model A's networks and after each fit.
        newest_first: Begin at the end of the plan, whose fits take longest; this takes the least
            time in all.
        loggers: Makes the loggers of a fit, given its name.
        console: Where model A's diagnostics are printed; None writes to the log.
        only: Names of the fits to make; None makes all.
    """

    def hear(told: tuple[tuple[Any, ...], dict[str, Any]] | None) -> None:
        if told is None:
            advance()
        elif console is not None:
            objects, style = told
            console.print(*objects, **style)

    seeds = seed.generate_state(len(plan.fits)).tolist()
    tasks = [
        _Task(fit, fit_seed, loggers(fit.name) if loggers else None)
        for fit, fit_seed in zip(plan.fits, seeds, strict=True)
        if only is None or fit.name in only
    ]
    return side_by_side(
        _fit,
        _Shared(data, config, plan.test_seasons, console is not None),
        tasks[::-1] if newest_first else tasks,
        n_workers(config),
        hear,
    )


def fit_folds(
    plan: FoldPlan,
    data: Dataset,
    config: Config,
    seed: np.random.SeedSequence,
    advance: Callable[[], None],
    *,
    loggers: "Callable[[str], LoggerFactory] | None" = None,
    console: Console | None = None,
    only: Container[str] | None = None,
) -> tuple[dict[str, Members], dict[str, Scores]]:
    """Return the members by fit and the predictions by season; arguments as in `each_fit`."""
    fitted = [
        *each_fit(
            plan, data, config, seed, advance,
            newest_first=True, loggers=loggers, console=console, only=only,
        )
    ][::-1]  # fmt: skip
    members = {one.fit.name: one.members for one in fitted}
    return members, {season: own for one in fitted for season, own in one.predicted.items()}


def fit_ensemble(
    part: TestPart,
    oof: dict[str, Scores],
    relevance: pd.DataFrame,
    config: Config,
    league: League | None = None,
    *,
    without: str | None = None,
) -> Ensemble:
    """Fit the ensemble of a test part on its out-of-fold seasons, if asked without a member.

    `oof` holds the predictions of `fit_folds` by season; without `league` only the stack is fitted.
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
    """Score the test seasons by the stack of the members, fitted as in a run, or without one.

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

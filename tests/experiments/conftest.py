"""Programs run on the simulated league of `sim_tables`, in this process."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from programs import newest
from rich.console import Console

from nba_rank.data.calendar import expected_opening
from nba_rank.data.freshness import Basis
from nba_rank.experiments import inputs
from nba_rank.experiments.morning import Morning

TINY = [
    "data=nba",
    "data.as_of_every_days=120",
    "folds=walk_forward",
    "folds.n_test_seasons=1",
    "features.projection.n_simulations=20",
    "odds.n_simulations=20",
    "model.xgb.n_estimators=10",
    "model.rf.n_estimators=10",
    "trainer=cpu",
    "trainer.max_epochs=1",
    "trainer.num_threads=1",
    "model.model_a.n_seeds=1",
    "model.model_a.encoder_dims=[8]",
    "model.model_a.learning_rate=0.01",
    "callbacks=quiet",
    "callbacks/not_learning=off",
]


@pytest.fixture(scope="session")
def plain_morning() -> Callable[..., Morning]:
    """Makes the plain morning of a date without a run folder to read it from."""

    def make(season, date, *, ranker, config, tables, results, ratings) -> Morning:
        return Morning(
            season=season,
            as_of_date=date,
            ranker=ranker,
            config=config,
            tables=tables,
            results=results,
            ratings=ratings,
            days=0,
            basis=Basis.of(tables, season, date, expected_opening(tables, season)),
            data="",
            changed=[],
            forgotten=None,
        )

    return make


@pytest.fixture(scope="module")
def start(compose_fast, cache, sim_tables) -> Callable[..., SimpleNamespace]:
    """Runs a program: `start(program, outputs, *overrides, name="config")`.

    Returns its `result`, its `folder` and what was `shown`.
    """

    def run(program: Callable, outputs: Path, *overrides: str, name: str = "config"):
        paths = [f"paths.outputs={outputs}", f"paths.cache={cache}"]
        cfg = compose_fast(name, *TINY, *paths, *overrides)
        console = Console(file=StringIO(), width=200)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(inputs, "prepare_tables", lambda *_: SimpleNamespace(tables=sim_tables))
            result = program(cfg, console)
        return SimpleNamespace(result=result, folder=newest(outputs), shown=console.file.getvalue())

    return run

"""The ensembles and forecasts of many seasons, made side by side."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.models.members import Scores
from nba_rank.models.oof import fit_ensemble, n_workers
from nba_rank.models.ranker import Ensemble, League, Ranker
from nba_rank.odds.bracket import MisfitError
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import TestPart


class _Known(NamedTuple):
    """What the ensembles of all test parts are fitted on."""

    oof: dict[str, Scores]
    relevance: pd.DataFrame
    config: Config
    league: League


def fit_ensembles(
    parts: list[TestPart],
    oof: dict[str, Scores],
    relevance: pd.DataFrame,
    config: Config,
    league: League,
) -> Iterator[Ensemble]:
    """Yield the ensemble of each test part; arguments as in `fit_ensemble`."""
    known = _Known(oof, relevance, config, league.without_players())
    return side_by_side(_fit, known, parts, n_workers(config))


def complete_seasons(
    rankers: dict[str, Ranker],
    oof: dict[str, Scores],
    config: Config,
    league: League,
    on_date: Callable[[], None],
) -> dict[str, Scores]:
    """Return what `Ranker.complete` makes of the members' scores, by season."""
    tasks = [(ranker, oof[season]) for season, ranker in rankers.items()]
    workers, known = n_workers(config), league.without_players()
    found = side_by_side(_complete, known, tasks, workers, lambda told: on_date())
    return dict(zip(rankers, found, strict=True))


def predict_seasons(
    rankers: dict[str, Ranker], data: Dataset, config: Config, league: League
) -> dict[str, Scores | MisfitError]:
    """Predict the seasons of some rankers; playoff games that fit no bracket leave an error."""
    tasks = [(ranker, data.of_seasons([season])) for season, ranker in rankers.items()]
    found = side_by_side(_predict, league.without_players(), tasks, n_workers(config))
    return dict(zip(rankers, found, strict=True))


def _fit(known: _Known, part: TestPart, tell: Tell) -> Ensemble:
    return fit_ensemble(part, known.oof, known.relevance, known.config, known.league)


def _complete(league: League, season: tuple[Ranker, Scores], tell: Tell) -> Scores:
    ranker, predicted = season
    return ranker.complete(predicted, league, on_date=lambda: tell(None))


def _predict(league: League, season: tuple[Ranker, Dataset], tell: Tell) -> Scores | MisfitError:
    ranker, data = season
    rated = league.inputs["season"].isin(data.frame["season"])
    try:
        return ranker.predict(data, replace(league, inputs=league.inputs[rated]))
    except MisfitError as error:
        return error

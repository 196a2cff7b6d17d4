"""`python -m nba_rank.bench`: seconds of each part of a run on this machine."""

import resource
import statistics
import sys
import timeit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import Config, raw_dirs
from nba_rank.core.stages import Stages
from nba_rank.data.calendar import as_of_grid, as_of_points
from nba_rank.data.ingest import read_raw
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import prepare_tables
from nba_rank.data.tables import Tables, read_tables
from nba_rank.experiments.inputs import sets_of
from nba_rank.features.asof import Rows
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.registry import build_group, enabled_groups
from nba_rank.features.roster import PlayerSets, player_sets
from nba_rank.features.store import FeatureStore, build_store
from nba_rank.models.members import Members
from nba_rank.models.model_a.fit import fit_model_a
from nba_rank.models.trees import fit_rf, fit_xgb
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.projection import project, projected_seasons
from nba_rank.odds.season_sim import Situation, simulate
from nba_rank.report.format import console_table, print_table
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.target import relevance

REPEATS = 3


def bench(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Time every part `REPEATS` times and print minimum and median seconds."""
    config = as_config(cfg, Config)
    tables = prepare_tables(config.data, None).tables
    seasons = tables.seasons.loc[tables.seasons["complete"], "season"].tolist()
    grid = as_of_grid(tables, seasons, config.data.as_of_every_days)[["season", "as_of_date"]]
    rows = Rows.of(tables, grid)
    features, model = config.features, config.model
    ratings, data = before_models(tables, grid, config, console)
    train = data.of_seasons(seasons[:-1])
    last = grid[grid["season"] == seasons[-1]].tail(1)

    parts: dict[str, Callable[[], object]] = {
        "read and check raw files": lambda: read_raw(raw_dirs(config.data)),
        "read tables": lambda: read_tables(config.data.processed_dir),
        "outcomes of all seasons": lambda: outcomes(tables),
        **{
            f"features: {name}": partial(build_group, name, group, tables, ratings, rows)
            for name, group in enabled_groups(features)
        },
        "player ratings": lambda: player_ratings(tables, grid, features.impact),
        "player ratings of one date": lambda: player_ratings(tables, last, features.impact),
        "player sets": lambda: player_sets(tables, ratings, grid, features.roster),
        "strength inputs": lambda: strength_inputs(tables, ratings, grid),
        **_simulations(tables, strength_inputs(tables, ratings, grid), seasons, config),
        "fit model A": lambda: fit_model_a(
            train.sets,
            train.team_prior(model.model_a.team_prior),
            train.set_relevance(),
            config,
            0,
            lambda: None,
        ),
        "fit XGBoost": lambda: fit_xgb(
            train.X,
            train.store_relevance(),
            train.season,
            train.frame["as_of_date"].to_numpy(),
            model.xgb,
            0,
        ),
        "fit forest": lambda: fit_rf(train.X, train.store_relevance(), model.rf, 0),
        "predict a season": partial(
            Members.fit(train, config, 0, lambda: None).predict, data.of_seasons(seasons[-1:])
        ),
    }
    timed = []
    for name, part in parts.items():
        seconds = timeit.repeat(part, number=1, repeat=REPEATS)
        timed.append((name, min(seconds), statistics.median(seconds)))
    result = pd.DataFrame(timed, columns=["part", "min_s", "median_s"])
    console.print(f"{len(rows.frame):,} rows of features, {len(train.sets.frame):,} player sets")
    texts = {name: result[name].map("{:.3f}".format) for name in ("min_s", "median_s")}
    print_table(console_table(result.assign(**texts), f"Seconds, {REPEATS} runs"), console)
    return result


def before_models(
    tables: Tables, grid: pd.DataFrame, config: Config, console: Console
) -> tuple[pd.DataFrame, Dataset]:
    """Time the stages before the models once from an empty cache, and then one more date.

    Prints seconds and peak memory; returns player ratings, and the data without the projection.
    """
    features, seasons = config.features, sorted(grid["season"].unique())
    threads = config.trainer.num_threads
    stages = Stages(console, show=False)
    with TemporaryDirectory() as folder:
        cache = Path(folder)

        def build(dates: pd.DataFrame) -> tuple[pd.DataFrame, PlayerSets, FeatureStore]:
            ratings = cached_ratings(tables, dates, features, cache, threads)
            sets = sets_of(tables, ratings, dates, config)
            return ratings, sets, build_store(tables, ratings, dates, features)

        with stages.stage("features"):
            ratings, sets, store = build(grid)
            inputs = strength_inputs(tables, ratings, grid)
        stages.groups({name: group.seconds for name, group in store.groups.items()})
        with stages.stage("projection"):
            project(
                tables,
                inputs,
                {
                    season: [earlier for earlier in seasons if earlier < season]
                    for season in projected_seasons(inputs, seasons[-1:])
                },
                n_simulations=features.projection.n_simulations,
                seed=config.seed,
                cache=cache,
                threads=threads,
            )
        newest = grid[grid["season"] == seasons[-1]]
        middle = newest.iloc[[len(newest) // 2]]
        one_more = middle.assign(as_of_date=middle["as_of_date"] + pd.Timedelta(days=1))
        with stages.stage("one date"):
            strength_inputs(tables, build(one_more)[0], one_more)
    # In bytes on macOS, in KiB elsewhere.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30
    console.print(f"{'peak memory':<12} {peak:7.2f} GiB")
    return ratings, Dataset.of(store, sets, relevance(outcomes(tables), config.target.name))


def _simulations(
    tables: Tables, inputs: pd.DataFrame, seasons: list[str], config: Config
) -> dict[str, Callable[[], object]]:
    earlier = inputs[inputs["season"] < seasons[-1]]
    n = config.odds.n_simulations

    def fit() -> MonteCarloOdds:
        return MonteCarloOdds.fit(TrainingGames.of(tables, earlier), n_simulations=n, seed=0)

    half_way = as_of_points(tables, seasons[-1])["0.5"]
    situation = Situation.of(tables, seasons[-1], half_way)
    on_date = inputs[inputs["as_of_date"] == half_way].sort_values("team_id")
    strengths = next(fit().strengths(on_date, [2.0]))

    def play(n: int) -> object:
        return simulate(situation, strengths, n, np.random.default_rng(0))

    return {
        "fit strengths": fit,
        "situation of a date": lambda: Situation.of(tables, seasons[-1], half_way),
        f"{n:,} simulations from mid-season": lambda: play(n),
        "10,000 simulations from mid-season": lambda: play(10_000),
    }

"""What the models of a run rest on over its test seasons."""

from pathlib import Path

import numpy as np
import pandas as pd
from rich.progress import track

from nba_rank.config.schema import ExplainConfig
from nba_rank.core.errors import UserError
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.manifest import read_checked
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import seen
from nba_rank.experiments.finished_run import read_run
from nba_rank.experiments.inputs import inputs_on, ratings_on
from nba_rank.explain.seasons import (
    model_a_importance,
    over_seasons,
    partial_dependence,
    season_importance,
    strongest,
)
from nba_rank.features.store import build_store
from nba_rank.models.ranker import Ranker
from nba_rank.samples.dataset import PROJECTION
from nba_rank.samples.folds import FoldPlan


def importance(config: ExplainConfig) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measure what the members and the stack of a run rest on, on its as-of dates.

    Each test season is measured with the models that have not seen it. Returns `over_seasons` and
    `partial_dependence` of the strongest features of the trees.

    Raises:
        UserError: The run is missing or unfinished, has no test season, or the tables are missing.
    """
    folder = Path(config.run)
    manifest, run_config = read_run(folder)
    plan = FoldPlan.from_dict(manifest["folds"])
    if not plan.test_seasons:
        raise UserError(f"{folder} has no test season to explain: give a date, as_of=2024-01-15")
    processed_dir = Path(config.data.processed_dir or run_config.data.processed_dir)
    tables = seen(read_checked(processed_dir), run_config.data)
    results = outcomes(tables)
    grid = as_of_grid(tables, plan.test_seasons, run_config.data.as_of_every_days)
    ratings = ratings_on(tables, grid[["season", "as_of_date"]], run_config)
    rng = np.random.default_rng(run_config.seed)
    found, read = [], []
    for season in track(plan.test_seasons, "seasons", transient=True):
        dates = grid.loc[grid["season"] == season, ["season", "as_of_date"]]
        own = ratings[ratings["season"] == season].reset_index(drop=True)
        part = plan.part_of(season)
        assert part is not None
        ranker = Ranker.load(folder / "models" / part.fit)
        data, league = inputs_on(tables, own, dates, results, run_config)
        first = own[own["as_of_date"] == dates["as_of_date"].iloc[0]]
        store = build_store(tables, first, dates.head(1), run_config.features)
        groups = {name: group.columns for name, group in store.groups.items()}
        data = ranker.projected(data, league)
        if ranker.projection is not None:
            groups["projection"] = [*PROJECTION]
        truth = results.set_index(["season", "team_id"])["outcome_rank"]
        keys = pd.MultiIndex.from_frame(data.frame[["season", "team_id"]])
        rank = truth.reindex(keys).to_numpy(dtype=np.float64)
        members = ranker.members
        found.append(season_importance(members, ranker.ensemble, data, rank, groups, rng))
        if members.model_a is not None and len(data.sets.frame):
            of_sets = pd.MultiIndex.from_frame(data.sets.frame[["season", "team_id"]])
            of_sets_rank = truth.reindex(of_sets).to_numpy(dtype=np.float64)
            found.append(model_a_importance(members.model_a, data, of_sets_rank))
        read.append((members, data))
    table = pd.concat(found, ignore_index=True)
    return over_seasons(table), partial_dependence(read, strongest(table))

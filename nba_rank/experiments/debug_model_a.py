"""`python -m nba_rank.debug_model_a`: can model A learn? One batch, before any training.

The exit status is 1 if it cannot. Whether attention is alive shows after training only.
"""

import sys
from dataclasses import dataclass, replace
from math import ceil

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console
from rich.table import Table

from nba_rank.config.compose import as_config
from nba_rank.config.schema import DebugConfig
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import prepare_tables
from nba_rank.features.players.game_log import GameLog
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.players.names import player_names
from nba_rank.features.roster import player_sets
from nba_rank.features.store import KEY, FeatureStore, build_store
from nba_rank.models.model_a.callbacks.show import diagnostics_table
from nba_rank.models.model_a.checkup import GAME_STEPS, Checkup, check_up
from nba_rank.report.format import console_table, print_table
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.dummy import SEASON, dummy_season
from nba_rank.samples.target import relevance

SHOWN_PLAYERS = 5
"""Players shown for each team."""


@dataclass(frozen=True)
class BatchSource:
    """The data of a batch, which begins at the list `first` of the data.

    `players` are names by player id, `teams` abbreviations by team id; empty for dummy data.
    """

    season: str
    data: Dataset
    first: int
    players: pd.Series
    teams: pd.Series


def debug(cfg: DictConfig, console: Console) -> Checkup:
    """Look at one batch and print what was found."""
    config = as_config(cfg, DebugConfig)
    source = batch_source(config, console)
    found = check_up(source.data, source.first, config.model.model_a, config.trainer, config.seed)
    if found.stepped:
        console.print(
            "The set residual starts at zero beside the team prior, so that at first no gradient "
            "reaches attention and encoder: one optimiser step was made before this look."
        )
    title = f"Untrained model A, batch {config.batch} of {source.season}"
    console.print(diagnostics_table(title, found.diagnostics))
    print_table(_players_table(found, source), console)
    if found.game_losses:
        console.print(
            f"Attention over games: loss {found.game_losses[0]:.4f} untrained, "
            f"{min(found.game_losses):.4f} after {GAME_STEPS} steps."
        )
    if found.cause is None:
        console.print(f"[bold green]ready to learn[/], loss {found.loss:.4f}")
    else:
        console.print(f"[bold red]cannot learn: {found.cause}:[/]", end=" ")
        console.print(found.explanation, markup=False, highlight=False, soft_wrap=True)
    return found


def batch_source(config: DebugConfig, console: Console | None) -> BatchSource:
    """Build the data of the batch, from the newest complete season with player logs.

    Raises:
        ConfigError: There is no such batch.
        UserError: No complete season has player logs.
        IngestError: The raw files cannot be used.
    """
    if config.data.source == "dummy":
        model = config.model.model_a
        data = dummy_season(config.features.roster.size, model.team_prior, config.seed)
        _dates_of_batch(data.sets.frame, data.sets.frame, SEASON, config)
        first, unnamed = config.batch * model.lists_per_batch, pd.Series(dtype="str")
        return BatchSource(f"the made-up season {SEASON}", data, first, unnamed, unnamed)
    tables = prepare_tables(config.data, console).tables
    usable = tables.seasons["complete"] & tables.seasons["has_player_games"]
    if not usable.any():
        raise UserError(
            "no complete season has player logs, which model A needs: add the logs to "
            "data.raw_dir, or take data=sim or data=dummy"
        )
    season = str(tables.seasons.loc[usable, "season"].iloc[-1])
    grid = as_of_grid(tables, [season], config.data.as_of_every_days)
    logged = grid["as_of_date"] > tables.player_games["game_date"].min()
    teams = tables.teams[tables.teams["season"] == season]
    dates, first = _dates_of_batch(grid[logged], teams, season, config)
    features = config.features
    ratings = player_ratings(tables, dates, features.impact, with_stints=features.reads_stints)
    sets = player_sets(tables, ratings, dates, config.features.roster)
    if config.model.model_a.games.enabled:
        sets = replace(sets, games=GameLog.of(tables))
    store = FeatureStore(sets.frame, [], {})
    if config.model.model_a.team_prior:  # the one reader of store features
        store = build_store(tables, ratings, dates, config.features)
    return BatchSource(
        season=season,
        data=Dataset.of(store, sets, relevance(outcomes(tables, season), config.target.name)),
        first=first,
        players=player_names(tables),
        teams=teams.set_index("team_id")["abbreviation"],
    )


def _dates_of_batch(
    grid: pd.DataFrame, teams: pd.DataFrame, season: str, config: DebugConfig
) -> tuple[pd.DataFrame, int]:
    """Return the dates of a batch, and its first list among theirs."""
    model = config.model.model_a
    dates = grid[["season", "as_of_date"]].drop_duplicates(ignore_index=True)
    per_date = teams["conference"].nunique() if model.list_scope == "conference" else 1
    n_lists, size = len(dates) * per_date, model.lists_per_batch
    n_batches = ceil(n_lists / size)
    if config.batch >= n_batches:
        raise ConfigError(
            f"batch={config.batch}: {season} holds {n_batches} batches of {size} lists: "
            f"choose one from 0 to {n_batches - 1}"
        )
    start = config.batch * size
    end = min(start + size, n_lists)
    touched = dates.iloc[start // per_date : ceil(end / per_date)]
    return touched.reset_index(drop=True), start % per_date


def _players_table(found: Checkup, source: BatchSource) -> Table:
    """Show the players of most weight of the first, the middle and the last team of a list."""
    rows = []
    sets, score = source.data.sets, found.ranked.score[0].float().numpy()
    weights = found.ranked.weights[0].mean(dim=1)
    teams = np.flatnonzero(found.row[0] >= 0)
    order = teams[np.argsort(-score[teams], kind="stable")]
    for place in order[[0, len(order) // 2, -1]]:
        row, weight = found.row[0, place], weights[place]
        _, date, team = sets.frame.loc[row, KEY]
        top = weight.argsort(descending=True, stable=True)[:SHOWN_PLAYERS].tolist()
        shares = [(player, weight[one]) for one in top if (player := sets.player_id[row, one])]
        players = [f"{source.players.get(player, player)} {share:.0%}" for player, share in shares]
        team = source.teams.get(team, team)
        rows.append((f"{date:%Y-%m-%d}", team, f"{score[place]:.3f}", ", ".join(players)))
    texts = pd.DataFrame(rows, columns=["date", "team", "score", "players"])
    return console_table(texts, "Most weight, mean over heads")


def main(cfg: DictConfig, console: Console) -> None:
    """Exit with status 1 if model A cannot learn."""
    if debug(cfg, console).cause is not None:
        sys.exit(1)

"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from nba_rank.config.compose import as_config, config_from_yaml
from nba_rank.config.schema import PredictConfig
from nba_rank.core import escape
from nba_rank.core.errors import UserError
from nba_rank.core.files import write_frame
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import season_of_date, with_coming_season
from nba_rank.data.manifest import read_checked
from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import Tables
from nba_rank.evaluation.predictions import flat, predictions_table
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import build_store
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.inputs import strength_inputs
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import FoldPlan

CHANGED = "changed_tables"
"""Attribute of a ranking: names of the tables that are not those that the run learned from."""


def rank_date(config: PredictConfig) -> pd.DataFrame:
    """Rank the teams on a date with the models of a run that have not seen its season.

    Args:
        config: Run folder, date and, where they have moved, the tables.

    Returns:
        The predictions table of the date; its `attrs` name the tables that have `CHANGED`.

    Raises:
        UserError: The run folder or the tables are not there, the run did not finish, or the
            tables are not as an ingest has written them; or the date is none, lies outside the
            data, or its season was learned from.
    """
    folder = Path(config.run)
    plan = _plan_of_finished(folder)
    run_config = config_from_yaml(folder / "config.yaml")
    if run_config.model.members == [CLONE]:
        raise UserError(f"{folder} holds a {CLONE}, which ranks no teams: take another run")
    date = _date(config.as_of)
    tables = read_checked(Path(config.data.processed_dir or run_config.data.processed_dir))
    changed = _changed(tables, folder)
    tables = with_coming_season(tables, date)
    season = season_of_date(tables, date)
    part = plan.part_of(season)
    if part is None:
        raise UserError(
            f"every model of {folder} has learned from {season} or a later season; it ranks "
            f"dates from {plan.test_seasons[0]} on. To rank {config.as_of}, train with more test "
            "seasons, such as folds=walk_forward"
        )
    dates = pd.DataFrame({"season": [season], "as_of_date": pd.DatetimeIndex([date]).as_unit("us")})
    features = run_config.features
    ratings = cached_ratings(tables, dates, features, Path(run_config.paths.cache))
    data = Dataset.of(
        build_store(tables, ratings, dates, features),
        player_sets(tables, ratings, dates, features.roster),
        relevance=pd.DataFrame(),
    )
    ranker = Ranker.load(folder / "models" / part.fit)
    complete = tables.seasons.loc[tables.seasons["complete"], "season"].tolist()
    # Outcomes are only looked up for the season itself; before its end there are none to find.
    results = outcomes(tables, season if season in complete else max(complete, default=None))
    league = League(tables, strength_inputs(tables, ratings, dates), results)
    predicted = ranker.predict(data, league)
    table = predictions_table(predicted, data.sets, tables, league.results)
    table.attrs[CHANGED] = changed
    return table


def predict(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Rank a date, print the table and write it as CSV."""
    config = as_config(cfg, PredictConfig)
    table = rank_date(config)
    out = Path(config.out or Path(config.run) / f"predictions_{config.as_of}.csv")
    write_frame(out, flat(table))
    console.print(_rich_table(table, f"Strength on the morning of {config.as_of}"))
    if "assumption" in table and table["assumption"].iloc[0]:
        console.print(f"Assumed: {escape.terminal(table['assumption'].iloc[0])}")
    if table.attrs[CHANGED]:
        console.print(f"Tables that have changed since the run: {', '.join(table.attrs[CHANGED])}")
    console.print(f"Written to {escape.terminal(str(out))}")
    return table


def _changed(tables: Tables, folder: Path) -> list[str]:
    """Return the names of the tables that are not those of a run, as after new games."""
    known = read_manifest(folder)["tables"]
    return [name for name, content in tables.hashes().items() if known.get(name) != content]


def _date(text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d")
    except ValueError as error:
        raise UserError(f"as_of={text} is not a date of the form 2024-01-15") from error


def _plan_of_finished(folder: Path) -> FoldPlan:
    manifest = read_manifest(folder)
    if manifest["status"] != "finished":
        raise UserError(f"{folder} is no finished run: its status is {manifest['status']}")
    return FoldPlan.from_dict(manifest["folds"])


_SHOWN = {
    "playoffs": ("playoff_prob", "playoff_prob_platt"),
    "2nd rd": ("round_1_prob", "round_1_prob_platt"),
    "Finals": ("finals_prob", "finals_prob_platt"),
    "title": ("title_prob", "title_prob_platt"),
}
"""Printed columns, and where they come from: the simulation, or else calibration."""


def _rich_table(table: pd.DataFrame, title: str) -> Table:
    shown = Table(title=title, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    present = {
        header: next(name for name in names if name in table)
        for header, names in _SHOWN.items()
        if any(name in table for name in names)
    }
    with_wins, with_players = "expected_wins" in table, "top_players" in table
    headers = ["rank", "team", "conf", "score", *(["wins (90%)"] if with_wins else []), *present]
    for header in headers:
        justify: JustifyMethod = "left" if header in ("team", "conf") else "right"
        least = len("82.0 (82-82)") if header.startswith("wins") else len(header)
        shown.add_column(header, justify=justify, min_width=least, no_wrap=True)
    if with_players:
        shown.add_column("most attention to", no_wrap=True)
    for row in table.to_dict("records"):
        conference = f"{row['conference'][0]} {row['conference_rank']}"
        cells = [str(row["rank"]), escape.terminal(row["team"]), conference]
        cells.append(f"{row['score']:.3f}")
        if with_wins:
            low, high = row["wins_low"], row["wins_high"]
            cells.append(f"{row['expected_wins']:.1f} ({low:.0f}-{high:.0f})")
        cells += [f"{row[name]:.1%}" for name in present.values()]
        if with_players:
            surnames = [player["player"].split(" ", 1)[-1] for player in row["top_players"]]
            cells.append(escape.terminal(", ".join(surnames)))
        shown.add_row(*cells)
    return shown

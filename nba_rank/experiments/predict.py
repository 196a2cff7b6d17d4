"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config, config_from_yaml
from nba_rank.config.schema import Config, DataConfig, PredictConfig, manifest_path, raw_dirs
from nba_rank.core import escape
from nba_rank.core.content_hash import content_key
from nba_rank.core.errors import UserError
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import expected_opening, season_of_date, with_coming_season
from nba_rank.data.freshness import Basis
from nba_rank.data.manifest import is_stale, read_checked
from nba_rank.data.outcomes import decided, outcomes
from nba_rank.data.prepare import seen
from nba_rank.evaluation.date_forecast import DateForecast, beside
from nba_rank.evaluation.predictions import predictions_table
from nba_rank.experiments.inputs import ratings_on
from nba_rank.experiments.morning import Morning, one_date
from nba_rank.experiments.pages import publish
from nba_rank.experiments.what_if import assume
from nba_rank.explain.strength import reasons
from nba_rank.features.players.squads import squads
from nba_rank.features.store import KEY
from nba_rank.models.ranker import Ranker
from nba_rank.odds.coming_games import coming_games, with_absent
from nba_rank.odds.ended_today import ended_today
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.odds.series_state import bracket_table, series_table
from nba_rank.odds.strength_now import strength_now
from nba_rank.report.forecast_console import show_forecast, show_what_if
from nba_rank.samples.folds import FoldPlan


def rank_date(config: PredictConfig) -> DateForecast:
    """Rank the teams on a date with the models of a run that have not seen its season.

    Raises as `read_morning`.
    """
    return forecast_of(read_morning(config))


def read_morning(config: PredictConfig) -> Morning:
    """Read the morning of a date, without assumptions.

    Raises:
        UserError: The run is missing or unfinished, the tables are missing or altered, the date is
            none or outside the data, too many games before it are missing, or the models have
            learned from its season.
    """
    folder = Path(config.run)
    manifest, run_config = read_run(folder)
    plan = FoldPlan.from_dict(manifest["folds"])
    date = _date(config.as_of)
    processed_dir = Path(config.data.processed_dir or run_config.data.processed_dir)
    tables = seen(read_checked(processed_dir), run_config.data)
    known = manifest["tables"]
    hashes = tables.hashes()
    changed = [name for name, content in hashes.items() if known.get(name) != content]
    known_tables, tables = tables, with_coming_season(tables, date)
    season = season_of_date(tables, date)
    basis = Basis.of(tables, season, date, expected_opening(known_tables, season))
    basis.check(config.max_missed_days, "max_missed_days")
    part = plan.part_of(season)
    if part is None:
        raise UserError(
            f"every model of {folder} has learned from {season} or a later season; it ranks "
            f"dates from {plan.tests[0].fit} on. To rank {config.as_of}, train with more test "
            "seasons, such as folds=walk_forward"
        )
    lost = sorted({*plan.fit_of(part).train} - {*tables.seasons["season"]})
    if lost:
        raise UserError(
            f"{processed_dir} lacks {len(lost)} seasons that {folder} has learned from, such as "
            f"{lost[0]}: put their raw files back and ingest them, or train anew on what is there"
        )
    complete = tables.seasons.loc[tables.seasons["complete"], "season"].tolist()
    return Morning(
        season,
        date,
        Ranker.load(folder / "models" / part.fit),
        run_config,
        tables,
        # Outcomes are looked up for the season itself; before its end there are none.
        outcomes(tables, season if season in complete else max(complete, default=None)),
        ratings_on(tables, one_date(season, date), run_config),
        config.days,
        basis,
        content_key(__name__, [hashes]),
        changed,
        None if config.data.processed_dir else _forgotten(run_config.data),
    )


def forecast_of(morning: Morning) -> DateForecast:
    """Rank the teams on a morning, and forecast what comes."""
    tables, season, date = morning.tables, morning.season, morning.as_of_date
    ranker = morning.ranker
    data, league = morning.inputs
    predicted = ranker.predict(data, league)
    found: dict[str, pd.DataFrame] = {}
    odds, models, hypothesis = ranker.ensemble.odds, ranker.next_games, morning.hypothesis
    if isinstance(odds, MonteCarloOdds):
        found["seeds"] = predicted.frame[
            [*KEY, *[f"seed_{place}" for place in range(1, N_SEEDS + 1)]]
        ]
        rated = league.rated(predicted.frame)
        names = tables.teams[tables.teams["season"] == season].set_index("team_id")["abbreviation"]
        series = series_table(odds, rated, tables, hypothesis, models)
        if models is not None:  # a run of an earlier version has none
            games = coming_games(odds, models, rated, tables, morning.days, hypothesis)
            found["games"] = _named(games, names)
            kind = "regular" if (rated["progress"] < 1).any() else "playoffs"
            found["strengths"] = strength_now(models, rated, kind)
            if len(series):
                series = with_absent(series, tables)
        by_team = predicted.frame.set_index("team_id")
        wins = by_team["expected_wins"]
        bracket = bracket_table(odds, rated, tables, wins, hypothesis, models)
        found["series"], found["bracket"] = _named(series, names), _named(bracket, names)
        strength = by_team["regular_strength"]
        found["standings"] = ended_today(tables, season, date, strength, hypothesis)
        if len(morning.ratings):
            found["reasons"] = reasons(odds, rated, tables, morning.ratings)
    if len(morning.ratings):
        found["players"] = squads(tables, morning.ratings)
    return DateForecast(
        predictions_table(predicted, data.sets, tables, league.results),
        {name: table for name, table in found.items() if len(table)},
        decided(tables, season, date),
        morning.basis,
        morning.data,
        morning.changed,
        morning.forgotten,
        morning.hypothetical,
    )


def read_run(folder: Path) -> tuple[dict[str, Any], Config]:
    """Return the manifest and the config of a finished run that ranks teams.

    Raises:
        UserError: The folder holds none, or one of another version of the program.
    """
    manifest = read_manifest(folder)
    if manifest["status"] != "finished":
        raise UserError(f"{folder} is no finished run: its status is {manifest['status']}")
    if "kind" in manifest:
        raise UserError(f"{folder} holds {manifest['kind']} and no run: take another folder")
    config = config_from_yaml(folder / "config.yaml")
    if config.model.members == [CLONE]:
        raise UserError(f"{folder} holds a {CLONE}, which ranks no teams: take another run")
    return manifest, config


def predict(cfg: DictConfig, console: Console) -> DateForecast:
    """Rank a date, print the forecast, write its tables as CSV, and its page.

    The page goes into the folder of the season, beside the run. Under assumptions it is the
    hypothetical forecast that is written, under a name of its own, and what is printed is how it
    differs from the plain one.
    """
    config = as_config(cfg, PredictConfig)
    morning = read_morning(config)
    out = Path(config.out or Path(config.run) / f"predictions_{config.as_of}.csv")
    if any(vars(config.what_if).values()):
        hypothetical = assume(morning, config.what_if)
        forecast = beside(forecast_of(morning), forecast_of(hypothetical))
        out = out.with_name(f"{out.stem}_what_if{out.suffix}")
        show_what_if(forecast, console)
    else:
        forecast = forecast_of(morning)
        show_forecast(forecast, console)
    written = forecast.write(out)
    if forecast.forgotten:
        console.print(
            f"[yellow]The tables are older than the raw files[/]: "
            f"{escape.terminal(forecast.forgotten)}. Run `python -m nba_rank.ingest`"
        )
    if forecast.changed:
        console.print(f"Tables that have changed since the run: {', '.join(forecast.changed)}")
    run = Path(config.run)
    written.append(publish(forecast, morning, run, run.absolute().parent))
    console.print(f"Written to {escape.terminal(', '.join(map(str, written)))}")
    return forecast


def _named(table: pd.DataFrame, names: pd.Series) -> pd.DataFrame:
    """Put before each id of a team its abbreviation."""
    for place, column in reversed([*enumerate(map(str, table.columns))]):
        if column.endswith("_team_id"):
            table.insert(place, column.removesuffix("_team_id"), table[column].map(names))
    return table


def _forgotten(config: DataConfig) -> str | None:
    """Say why the tables of a run are not those of its raw files; None if they are or none lie."""
    folders = raw_dirs(config)
    if not all(folder.is_dir() for folder in folders):
        return None
    return is_stale(folders, Path(config.processed_dir), manifest_path(config))


def _date(text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d").as_unit("us")
    except ValueError as error:
        raise UserError(f"as_of={text} is not a date of the form 2024-01-15") from error

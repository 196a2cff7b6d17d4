"""`python -m nba_rank.today`: rank the day from new raw files, and remember the forecast."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import (
    DataConfig,
    FetchConfig,
    PredictConfig,
    PredictDataConfig,
    ServersConfig,
    TodayConfig,
    WhatIfConfig,
    raw_dirs,
)
from nba_rank.core import escape
from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import git_revision, newest_finished, now
from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data.fetch.run import LEAGUE_TIME
from nba_rank.data.prepare import prepare_tables
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.evaluation.predictions import flat
from nba_rank.experiments import history
from nba_rank.experiments.fetch import fetch_files
from nba_rank.experiments.finished_run import read_run
from nba_rank.experiments.morning import read_morning
from nba_rank.experiments.pages import publish, season_folder
from nba_rank.experiments.predict import forecast_of
from nba_rank.models.ranker import ENSEMBLE
from nba_rank.report.forecast_console import show_forecast
from nba_rank.report.season_in_progress import season_figures
from nba_rank.report.style import save
from nba_rank.samples.folds import FoldPlan

_SINCE = (1, 7)
"""Days looked back by the printed columns of movement."""


def today(cfg: DictConfig, console: Console) -> DateForecast:
    """Fetch, ingest, rank the day with a finished run, and append the forecast to its season.

    What could not be fetched is told, and the forecast is made from what is there, unless too much
    of the season is missing: the first line of a forecast says what it rests on.

    `outputs/season_YYYY-YY` holds `history.parquet` with every forecast of the season as it was
    made, the tables of each date as CSV, its page, and figures of the season up to the newest date;
    `index.html` is the page of the newest date.
    """
    config = as_config(cfg, TodayConfig)
    outputs = Path(config.outputs)
    run = Path(config.run) if config.run else newest_finished(outputs, f"models/*/{ENSEMBLE}")
    as_of = config.as_of or f"{datetime.now(LEAGUE_TIME):%Y-%m-%d}"
    console.print(f"Ranking {as_of} with {escape.terminal(str(run))}.")
    manifest, run_config = read_run(run)
    data = run_config.data
    if data.source == "raw":
        _check_folders(data, run)
        if config.fetch:
            _fetch(config, data, as_of, console)
    prepare_tables(data, console, brief=True)
    morning = read_morning(
        PredictConfig(
            run=str(run),
            as_of=as_of,
            data=PredictDataConfig(processed_dir=None),
            days=config.days,
            max_missed_days=config.max_missed_days,
            what_if=WhatIfConfig(out=[], back=[], trades=[], results=[]),
            out=None,
        )
    )
    forecast = forecast_of(morning)
    folder = season_folder(outputs, forecast.basis.season)
    rows = _remembered(forecast, run)
    made = history.append(folder / history.FILE, rows)
    made_at = made.loc[history.same(made, rows), "made_at"].iloc[0]
    forecast.write(folder / f"{as_of}.csv")
    _draw(forecast, made, folder)
    show_forecast(forecast, console, _moved(forecast, made))
    page = publish(forecast, morning, run, outputs, made_at)
    console.print(f"Remembered in {escape.terminal(str(folder))}, page {page.name}")
    _tell_learned(FoldPlan.from_dict(manifest["folds"]), forecast.basis.season, console)
    return forecast


def _check_folders(data: DataConfig, run: Path) -> None:
    """Refuse to go on where raw files of the run are gone: tables would be made of the rest."""
    for folder in raw_dirs(data):
        if not folder.is_dir():
            raise UserError(
                f"{folder}, a raw folder of {run}, is not there: put it back, or start this where "
                "the run was trained if its paths are relative"
            )


def _tell_learned(plan: FoldPlan, season: str, console: Console) -> None:
    """Say so where the models could have learned from a later season."""
    before = season_label(season_start_year(season) - 1)
    part = plan.part_of(season)
    learned = max(plan.fit_of(part).train) if part else before
    if learned < before:
        console.print(
            f"[yellow]The models have learned from seasons up to {learned} alone[/]: "
            f"train anew with folds=production to learn from all up to {before}"
        )


def _fetch(config: TodayConfig, data: DataConfig, as_of: str, console: Console) -> None:
    servers = {field.name: getattr(config, field.name) for field in fields(ServersConfig)}
    asked = FetchConfig(
        **servers, data=data, seasons=None, today=as_of, refresh=False, allow_fewer=False
    )
    try:
        fetch_files(asked, console)
    except UserError as error:
        told = "\n".join(escape.terminal(line) for line in str(error).splitlines())
        console.print(f"[yellow]Not everything was fetched[/]: {told}")


def _remembered(forecast: DateForecast, run: Path) -> pd.DataFrame:
    """Return the rows that the history keeps."""
    rows = flat(forecast.predictions)
    if "seeds" in forecast.tables:
        rows = rows.merge(forecast.tables["seeds"], validate="one_to_one")
    basis = forecast.basis
    return rows.assign(
        last_game=basis.last_game,
        missed_days=basis.missed,
        roster_date=basis.roster,
        injury_date=basis.injuries,
        run=run.name,
        git_revision=git_revision() or "",
        data=forecast.data,
        made_at=now(),
    )


def _draw(forecast: DateForecast, made: pd.DataFrame, folder: Path) -> None:
    """Draw the season as it was forecast up to the date."""
    teams = forecast.predictions.merge(forecast.decided, on="team_id")
    champion = teams.loc[teams["state"] == "champion", "team"]
    known = history.named_as(
        made[made["as_of_date"] <= forecast.basis.as_of_date], forecast.predictions
    )
    for name, figure in season_figures(known, next(iter(champion), None)).items():
        save(figure, folder / f"{name}.png")


def _moved(forecast: DateForecast, made: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the places that each team has won or lost since earlier forecasts, as text."""
    rank = forecast.predictions.set_index("team_id")["rank"]
    moved = {}
    for days in _SINCE:
        earlier = history.before(made, forecast.basis.as_of_date, days)
        if len(earlier):
            heading = f"since {earlier['as_of_date'].iloc[0]:%m-%d}"
            places = earlier.set_index("team_id")["rank"] - rank
            moved[heading] = places.map(lambda place: f"{place:+d}" if place else "=")
    return moved

"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import PredictConfig
from nba_rank.core import escape
from nba_rank.data.outcomes import decided
from nba_rank.evaluation.date_forecast import DateForecast, beside
from nba_rank.evaluation.predictions import predictions_table
from nba_rank.experiments.morning import Morning, read_morning
from nba_rank.experiments.pages import publish
from nba_rank.experiments.what_if import assume
from nba_rank.explain.strength import reasons
from nba_rank.features.players.squads import squads
from nba_rank.features.store import KEY
from nba_rank.odds.coming_games import coming_games, with_absent
from nba_rank.odds.ended_today import ended_today
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.odds.series_state import bracket_table, series_table
from nba_rank.odds.strength_now import strength_now
from nba_rank.report.forecast_console import show_forecast, show_what_if


def rank_date(config: PredictConfig) -> DateForecast:
    """Rank the teams on a date with the models of a run that have not seen its season.

    Raises as `read_morning`.
    """
    return forecast_of(read_morning(config))


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
            found["strengths"] = strength_now(models, rated, kind, hypothesis)
            if len(series):
                series = with_absent(series, tables)
        by_team = predicted.frame.set_index("team_id")
        wins = by_team["expected_wins"]
        bracket = bracket_table(odds, rated, tables, wins, hypothesis, models)
        found["series"], found["bracket"] = _named(series, names), _named(bracket, names)
        strength = by_team["regular_strength"]
        found["standings"] = ended_today(tables, season, date, strength, hypothesis)
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

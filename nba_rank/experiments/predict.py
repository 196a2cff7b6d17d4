"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config, config_from_yaml
from nba_rank.config.schema import DataConfig, PredictConfig, manifest_path, raw_dirs
from nba_rank.core import escape
from nba_rank.core.content_hash import content_key
from nba_rank.core.errors import UserError
from nba_rank.core.files import write_frame
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import read_manifest
from nba_rank.data.calendar import expected_opening, season_of_date, with_coming_season
from nba_rank.data.freshness import Basis
from nba_rank.data.manifest import is_stale, read_checked
from nba_rank.data.outcomes import decided, outcomes
from nba_rank.data.prepare import seen
from nba_rank.evaluation.predictions import flat, predictions_table
from nba_rank.experiments.inputs import inputs_on
from nba_rank.features.store import KEY
from nba_rank.models.ranker import Ranker
from nba_rank.odds.coming_games import coming_games
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.report.format import console_table, print_table, width_of
from nba_rank.samples.folds import FoldPlan


@dataclass(frozen=True)
class DateForecast:
    """The forecast of one date.

    Attributes:
        predictions: See `predictions_table`.
        seeds: `season`, `as_of_date`, `team_id` and the probability of each seed, `seed_1` to
            `seed_15`; empty where the run simulates nothing.
        games: `coming_games` of the next days with `home` and `away`, the abbreviations; empty
            where the run simulates nothing.
        decided: See `nba_rank.data.outcomes.decided`.
        basis: What the forecast rests on.
        data: Hash of the tables.
        changed: Tables that have changed since the run.
        forgotten: Why an ingest is needed, or None.
    """

    predictions: pd.DataFrame
    seeds: pd.DataFrame
    games: pd.DataFrame
    decided: pd.DataFrame
    basis: Basis
    data: str
    changed: list[str]
    forgotten: str | None


def rank_date(config: PredictConfig) -> DateForecast:
    """Rank the teams on a date with the models of a run that have not seen its season.

    Raises:
        UserError: The run is missing or unfinished, the tables are missing or altered, the date is
            none or outside the data, too many games before it are missing, or the models have
            learned from its season.
    """
    folder = Path(config.run)
    manifest = read_manifest(folder)
    if manifest["status"] != "finished":
        raise UserError(f"{folder} is no finished run: its status is {manifest['status']}")
    plan = FoldPlan.from_dict(manifest["folds"])
    run_config = config_from_yaml(folder / "config.yaml")
    if run_config.model.members == [CLONE]:
        raise UserError(f"{folder} holds a {CLONE}, which ranks no teams: take another run")
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
    dates = pd.DataFrame({"season": [season], "as_of_date": pd.DatetimeIndex([date]).as_unit("us")})
    ranker = Ranker.load(folder / "models" / part.fit)
    complete = tables.seasons.loc[tables.seasons["complete"], "season"].tolist()
    # Outcomes are looked up for the season itself; before its end there are none.
    results = outcomes(tables, season if season in complete else max(complete, default=None))
    data, league = inputs_on(tables, dates, results, run_config)
    predicted = ranker.predict(data, league)
    games = seeds = pd.DataFrame()
    if isinstance(ranker.ensemble.odds, MonteCarloOdds):
        seeds = predicted.frame[[*KEY, *[f"seed_{place}" for place in range(1, N_SEEDS + 1)]]]
        rated = league.rated(predicted.frame)
        games = coming_games(ranker.ensemble.odds, rated, tables, config.days)
        names = tables.teams[tables.teams["season"] == season].set_index("team_id")["abbreviation"]
        for place, side in ((1, "home"), (2, "away")):
            games.insert(place, side, games[f"{side}_team_id"].map(names))
    return DateForecast(
        predictions_table(predicted, data.sets, tables, league.results),
        seeds,
        games,
        decided(tables, season, date),
        basis,
        content_key(__name__, [hashes]),
        changed,
        None if config.data.processed_dir else _forgotten(run_config.data),
    )


def predict(cfg: DictConfig, console: Console) -> DateForecast:
    """Rank a date, print the table and the games of the next days, and write both as CSV."""
    config = as_config(cfg, PredictConfig)
    forecast = rank_date(config)
    games = forecast.games
    out = Path(config.out or Path(config.run) / f"predictions_{config.as_of}.csv")
    write_frame(out, flat(forecast.predictions))
    written = [out]
    if len(games):
        written.append(out.with_name(f"{out.stem}_games{out.suffix}"))
        write_frame(written[1], games)
    show(forecast, console)
    if forecast.forgotten:
        console.print(
            f"[yellow]The tables are older than the raw files[/]: "
            f"{escape.terminal(forecast.forgotten)}. Run `python -m nba_rank.ingest`"
        )
    if forecast.changed:
        console.print(f"Tables that have changed since the run: {', '.join(forecast.changed)}")
    console.print(f"Written to {escape.terminal(' and '.join(map(str, written)))}")
    return forecast


def show(
    forecast: DateForecast, console: Console, moved: Mapping[str, pd.Series] | None = None
) -> None:
    """Print a forecast: what it rests on, the ranking, the games of the next days.

    `moved` holds columns to print behind the rank, text by team id.
    """
    table, games = forecast.predictions, forecast.games
    console.print(escape.terminal(forecast.basis.line))
    title = f"Strength on the morning of {forecast.basis.as_of_date:%Y-%m-%d}"
    _print(table, forecast.decided, title, console, moved or {})
    if len(games):
        last = games["game_date"].max()
        _print_games(games, f"Games to {last:%Y-%m-%d}", console)
    if "assumption" in table and table["assumption"].iloc[0]:
        console.print(f"Assumed: {escape.terminal(table['assumption'].iloc[0])}")


def _forgotten(config: DataConfig) -> str | None:
    """Say why the tables of a run are not those of its raw files; None if they are or none lie."""
    folders = raw_dirs(config)
    if not all(folder.is_dir() for folder in folders):
        return None
    return is_stale(folders, Path(config.processed_dir), manifest_path(config))


def _date(text: str) -> pd.Timestamp:
    try:
        return pd.to_datetime(text, format="%Y-%m-%d")
    except ValueError as error:
        raise UserError(f"as_of={text} is not a date of the form 2024-01-15") from error


_SHOWN = {
    "playoffs": ("playoff_prob", "playoff_prob_platt"),
    "2nd rd": ("round_1_prob", "round_1_prob_platt"),
    "Finals": ("finals_prob", "finals_prob_platt"),
    "title": ("title_prob", "title_prob_platt"),
}
"""Printed columns: the simulation's, or else the calibrated ones."""


def _print_games(games: pd.DataFrame, title: str, console: Console) -> None:
    """Print the games of the next days."""
    texts = pd.DataFrame({"date": games["game_date"].dt.strftime("%Y-%m-%d")})
    texts["home"], texts["away"] = games["home"], games["away"]
    texts["home wins"] = games["home_win_prob"].map("{:.1%}".format)
    texts["margin"] = games["expected_margin"].map("{:+.1f}".format)
    print_table(console_table(texts, title), console)


def _print(
    ranking: pd.DataFrame,
    records: pd.DataFrame,
    title: str,
    console: Console,
    moved: Mapping[str, pd.Series],
) -> None:
    """Print the ranking, eliminated teams last; a narrow terminal leaves the players out."""
    rows = ranking.merge(records, on="team_id", validate="one_to_one")
    is_out = rows["state"] == "out"
    rows = pd.concat([rows[rows["state"] == "champion"], rows[rows["state"] == "in"], rows[is_out]])
    texts = pd.DataFrame({"team": rows["team"], "rank": rows["rank"].astype(str)})
    for heading, text in moved.items():
        texts[heading] = rows["team_id"].map(text).fillna("")
    texts["W-L"] = rows["wins"].astype(str) + "-" + rows["losses"].astype(str)
    texts["conf"] = rows["conference"].str[0] + " " + rows["conference_rank"].astype(str)
    texts["score"] = rows["score"].map("{:.3f}".format)
    if "expected_wins" in rows:
        bounds = zip(rows["expected_wins"], rows["wins_low"], rows["wins_high"], strict=True)
        texts["wins (90%)"] = [f"{mean:.1f} ({low:.0f}-{high:.0f})" for mean, low, high in bounds]
    for heading, names in _SHOWN.items():
        for name in [name for name in names if name in rows][:1]:
            texts[heading] = rows[name].map("{:.1%}".format)
    if is_out.any():
        texts[""] = rows["state"].where(rows["state"] != "in", "")
    styles = {place: "dim" for place, out in enumerate(sorted(is_out)) if out}
    if "top_players" in rows:
        surnames = [
            ", ".join(one["player"].split(" ", 1)[-1] for one in players)
            for players in rows["top_players"]
        ]
        whole = console_table(texts.assign(**{"most attention to": surnames}), title, styles)
        whole.columns[-1].justify = "left"
        if not console.is_terminal or width_of(whole, console) <= console.width:
            print_table(whole, console)
            return
    print_table(console_table(texts, title, styles), console)

"""The pages of seasons: one a date, the newest as `index.html`, the list of seasons."""

import re
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from nba_rank.core.files import write_text
from nba_rank.core.run_dir import git_revision, now, read_manifest
from nba_rank.data.tables import Tables
from nba_rank.evaluation.assessment import final_name
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.evaluation.evaluate import TIDY_COLUMNS
from nba_rank.evaluation.single_games import COLUMNS, KINDS
from nba_rank.evaluation.track_record import game_scores, newest_results, past_scores, played
from nba_rank.experiments import history
from nba_rank.experiments.morning import Morning
from nba_rank.experiments.why import why
from nba_rank.report.page import SeasonView, dates_list, season_page, turns
from nba_rank.report.render import block, link_seasons, with_block
from nba_rank.report.seasons_page import seasons_page
from nba_rank.samples.folds import FoldPlan

INDEX = "index.html"

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def publish(
    forecast: DateForecast,
    morning: Morning,
    run: Path,
    outputs: Path,
    made_at: str | None = None,
) -> Path:
    """Write the page of a forecast into the folder of its season.

    `index.html` is the page of the newest date that has one, and lists all; each page leads to the
    dates before and after it. `index.html` of `outputs` lists the seasons. A hypothetical forecast
    has a page of its own, `<date>_what_if.html`, that no other one links to. The run's report links
    to the seasons that it was tested on.

    Args:
        forecast: The forecast.
        morning: What it was made of; games of its date and later are not read.
        run: Folder of the run that made it.
        outputs: Folder that holds those of seasons.
        made_at: When the forecast was made, as `now` writes it; now if it is not given.

    Returns:
        The file of the date.
    """
    folder = season_folder(outputs, forecast.basis.season)
    date = f"{forecast.basis.as_of_date:%Y-%m-%d}"
    pages = sorted({*_dates(folder, ".html"), *([] if forecast.hypothetical else [date])})
    text = season_page(_view(forecast, morning, run, folder, pages, made_at or now()))
    path = folder / f"{date}{'_what_if' if forecast.hypothetical else ''}.html"
    write_text(path, text)
    if not forecast.hypothetical:
        place = pages.index(date)
        for other in (*pages[max(place - 1, 0) : place], *pages[place + 1 : place + 2]):
            _renew(folder / f"{other}.html", "turns", turns(pages, other))
        index = folder / INDEX
        if date == pages[-1] or not index.exists():
            write_text(index, with_block(text, "dates", dates_list(pages)))
        else:
            _renew(index, "dates", dates_list(pages))
            _renew(index, "turns", turns(pages, pages[-1]))
        _list_seasons(outputs)
        link_run(run, outputs, FoldPlan.from_dict(read_manifest(run)["folds"]).test_seasons)
    return path


def _renew(path: Path, name: str, content: Markup) -> None:
    """Write other content between the marks of a page."""
    old = path.read_text(encoding="utf-8")
    new = with_block(old, name, content)
    if new != old:
        write_text(path, new)


def _list_seasons(outputs: Path) -> None:
    """Write the list of the seasons that have pages, newest first."""
    seasons = []
    for folder in sorted(outputs.glob(season_folder(outputs, "*").name), reverse=True):
        if (dates := _dates(folder, ".html")) and (folder / INDEX).exists():
            lead = block((folder / INDEX).read_text(encoding="utf-8"), "lead")
            season = folder.name.removeprefix(season_folder(outputs, "").name)
            seasons.append((season, f"{folder.name}/{INDEX}", dates[-1], lead))
    write_text(outputs / INDEX, seasons_page(seasons))


def link_run(run: Path, outputs: Path, seasons: list[str]) -> None:
    """Link the report of a run to the pages of seasons that there are."""
    link_seasons(run, {season: season_folder(outputs, season) / INDEX for season in seasons})


def season_folder(outputs: Path, season: str) -> Path:
    """Return the folder of a season."""
    return outputs / f"season_{season}"


def _view(
    forecast: DateForecast,
    morning: Morning,
    run: Path,
    folder: Path,
    pages: list[str],
    made_at: str,
) -> SeasonView:
    """Gather what the season's folder and the run know beside a forecast."""
    basis = forecast.basis
    season, date = basis.season, basis.as_of_date
    ranker = final_name(morning.config)
    # A run that could hold out no season has tested none.
    tested = run / "metrics.csv"
    metrics = pd.read_csv(tested) if tested.exists() else pd.DataFrame(columns=TIDY_COLUMNS)
    known, from_run = _history(run, folder, season)
    if len(known):
        known = history.named_as(known[known["as_of_date"] < date], forecast.predictions)
    told = why(forecast, morning)
    games = _games(run, folder, morning.tables, season, date, ranker)
    return SeasonView(
        forecast,
        history=known,
        changes=told.changes,
        without=told.without,
        from_run=from_run,
        ranker=ranker,
        results=newest_results(games, morning.tables, ranker),
        record=game_scores(games, ranker),
        past=past_scores(metrics, ranker, season),
        made={
            "Models": run.name,
            "Program": (git_revision() or "")[:12],
            "Made": made_at.replace("T", " ").replace("+00:00", " UTC"),
        },
        pages=pages,
    )


def _history(run: Path, folder: Path, season: str) -> tuple[pd.DataFrame, bool]:
    """Return the forecasts of a season: as remembered, else the run's own test of it."""
    if (folder / history.FILE).exists():
        return pd.read_parquet(folder / history.FILE), False
    path = run / "predictions.parquet"
    if not path.exists():
        return pd.DataFrame(), False
    tested = pd.read_parquet(path)
    tested = tested[tested["season"] == season]
    return tested, len(tested) > 0


def _games(
    run: Path, folder: Path, tables: Tables, season: str, date: pd.Timestamp, ranker: str
) -> pd.DataFrame:
    """Return the games of a season before a date as they were forecast, with references.

    They are those of the run's own test of the season, else those in the files of earlier mornings.
    """
    path, forecasts = run / "games.csv", run / "game_forecasts.parquet"
    if path.exists():
        games = pd.read_csv(path, dtype={"game_id": "str"})
        if forecasts.exists():
            # Those of the play-in are not compared with others.
            own = pd.read_parquet(forecasts).rename(columns={"home_win_prob": "p_home"})
            own = own[~own["kind"].isin(KINDS)].assign(ranker=ranker)
            games = pd.concat([games, own[COLUMNS].astype({"game_id": "str"})], ignore_index=True)
        before = tables.games.loc[tables.games["game_date"] < date, "game_id"].astype("str")
        games = games[(games["season"] == season) & games["game_id"].isin(before)]
        if len(games):
            return games
    mornings = [
        {
            pd.Timestamp(name): pd.read_csv(folder / f"{name}{ending}", parse_dates=days)
            for name in _dates(folder, ending)
            if pd.Timestamp(name) < date
        }
        for ending, days in (("_games.csv", ["game_date"]), ("_series.csv", []))
    ]
    return played(mornings[0], tables, season, date, ranker, mornings[1])


def _dates(folder: Path, ending: str) -> list[str]:
    """Return the dates of a folder's files with an ending, oldest first."""
    names = (path.name.removesuffix(ending) for path in folder.glob(f"*{ending}"))
    return sorted(name for name in names if _DATE.fullmatch(name))

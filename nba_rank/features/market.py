"""What bookmakers say: preseason figures, and a rating from the closing lines of past games.

Letters: N rows, T teams of a season, K days with lines, G lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.config.schema import MarketConfig
from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data.league import scheduled_games
from nba_rank.data.tables import Tables
from nba_rank.data.venues import neutral_courts
from nba_rank.features.asof import DAY_SPAN, Rows, RunningSums, days, start_years

POINTS_PER_WIN = 0.3
"""Points of strength of a win more in 82 games, by win totals."""

FIRST_HOME_EDGE = 3.0
"""Points that bookmakers gave the home team before the first line is known."""

_MIN_PRICED = 0.5  # share of the season's games that need a line for a rating to be known


def build(tables: Tables, rows: Rows, config: MarketConfig) -> pd.DataFrame:
    """Build two preseason figures, the same on every date, and a rating; NaN where unknown.

    `market_win_pct`: the win total over scheduled games; `market_title_prob`: without the
    bookmaker's margin; `market_rating`: see `market_ratings`.
    """
    totals = tables.market_totals.set_index(["season", "team_id"])
    asked = pd.MultiIndex.from_frame(rows.frame[["season", "team_id"]])
    found = totals.reindex(asked).reset_index()
    return pd.DataFrame(
        {
            "market_win_pct": found["win_total"] / rows.scheduled(),
            "market_title_prob": found["title_prob"],
            "market_rating": market_ratings(tables, rows, config),
        }
    )


def market_ratings(tables: Tables, rows: Rows, config: MarketConfig) -> FloatArray:
    """Return the rating that explains the spreads of the season's games before each date, [N].

    Points above the average team, by ridge regression of closing home spreads on home less away
    team and the home edge. A line loses 1/e of its weight in `config.memory_days`. A season starts
    from its preseason win totals (`POINTS_PER_WIN`), without those of all teams from the share
    `config.carry_over` of last season's final rating; either counts for `config.prior_games` games
    of each team on the first day, and fades as lines do.

    A game's line is made at tip-off, so it is known from the next morning on. NaN: before the first
    line of a season with neither start, and while most games of the season so far have no line.
    """
    key = ("market_ratings", config.memory_days, config.prior_games, config.carry_over)
    seasons = tables.once(key, lambda: {one.year: one for one in _seasons(tables, config)})
    result = np.full(len(rows.frame), np.nan)
    for year in np.unique(rows.season):
        own, season = rows.season == year, seasons[int(year)]
        morning = np.searchsorted(season.days, rows.day[own], side="left")
        known = season.starts_known | (morning > 0)
        rating = season.ratings[morning, np.searchsorted(season.teams, rows.team[own])]
        result[own] = np.where(known, rating, np.nan)
    return np.where(_priced(tables, rows.season, rows.day), result, np.nan)


@dataclass(frozen=True)
class _Season:
    """Ratings of a season; `starts_known`: whether anything is known before its first line."""

    year: int
    teams: IntArray  # [T]
    days: IntArray  # days with lines, [K]
    ratings: FloatArray  # before the first such day and after each, points [K + 1, T]
    starts_known: bool


def _seasons(tables: Tables, config: MarketConfig) -> Iterator[_Season]:
    """Rate every season, the oldest first."""
    lines, games = _lines(tables), tables.games
    neutral = lines["game_id"].isin(games.loc[neutral_courts(games), "game_id"]).to_numpy()
    line_year, line_day = start_years(lines["season"]), days(lines["game_date"])
    sides = lines[["home_team_id", "away_team_id"]].to_numpy()
    favoured = -lines["home_spread"].to_numpy()
    # What the next season starts from, if the lines go on to the season's end.
    years = np.unique(start_years(tables.teams["season"]))
    to_the_end = dict(
        zip(years, _priced(tables, years, np.full_like(years, DAY_SPAN - 1)), strict=True)
    )
    last, edge = pd.Series(dtype="float64"), FIRST_HOME_EDGE
    for label, team_ids in tables.teams.groupby("season")["team_id"]:
        year, teams = int(str(label)[:4]), np.sort(team_ids.to_numpy())
        own = line_year == year
        start = _win_total_points(tables, str(label), teams)
        starts_known = start is not None or not last.empty
        if start is None:
            start = config.carry_over * last.reindex(teams).fillna(0.0).to_numpy()
        design = np.zeros((int(own.sum()), len(teams) + 1))
        home, away = np.searchsorted(teams, sides[own]).T
        line = np.arange(len(design))
        design[line, home], design[line, away], design[:, -1] = 1.0, -1.0, ~neutral[own]
        on, solved = _solutions(design, favoured[own], line_day[own], np.r_[start, edge], config)
        ratings = solved[:, :-1] - solved[:, :-1].mean(axis=1, keepdims=True)
        yield _Season(year, teams, on, ratings, starts_known)
        edge = float(solved[-1, -1])
        goes_on = len(on) > 0 and to_the_end[year]
        last = pd.Series(ratings[-1], teams) if goes_on else pd.Series(dtype="float64")


def _solutions(
    design: FloatArray, response: FloatArray, day: IntArray, start: FloatArray, config: MarketConfig
) -> tuple[IntArray, FloatArray]:
    """Return the days of G lines [K], and the regressions before and after each, [K + 1, T + 1].

    All weights fade alike, so that the solution stays the same until the next lines.
    """
    on = np.unique(day)
    cuts = np.searchsorted(day, on), np.searchsorted(day, on, side="right")
    gram, moment = np.zeros((len(on), len(start), len(start))), np.zeros((len(on), len(start)))
    known, explained = config.prior_games * np.eye(len(start)), config.prior_games * start
    for place, (begin, end) in enumerate(zip(*cuts, strict=True)):
        if place:
            kept = np.exp((on[place - 1] - on[place]) / config.memory_days)
            known, explained = kept * known, kept * explained
        lines = design[begin:end].T
        known, explained = known + lines @ lines.T, explained + lines @ response[begin:end]
        gram[place], moment[place] = known, explained
    solved = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    return on, np.concatenate([start[None], solved])


def _lines(tables: Tables) -> pd.DataFrame:
    """Return the lines with a spread."""
    return tables.market_lines[tables.market_lines["home_spread"].notna()]


def _win_total_points(tables: Tables, season: str, teams: IntArray) -> FloatArray | None:
    """Return the preseason win totals in points [T], or None where a team has none."""
    totals = tables.market_totals[tables.market_totals["season"] == season]
    share = totals.set_index("team_id")["win_total"].reindex(teams) / scheduled_games(season)
    points = POINTS_PER_WIN * 82 * (share - 0.5)
    return None if points.isna().any() else points.to_numpy()


def _priced(tables: Tables, season: IntArray, day: IntArray) -> BoolArray:
    """Return whether most games of the season before a day have a spread; none played counts."""
    played, priced = (
        RunningSums(start_years(frame["season"]), days(frame["game_date"]), []).games(season, day)
        for frame in (tables.games, _lines(tables))
    )
    return np.asarray(priced >= _MIN_PRICED * played)

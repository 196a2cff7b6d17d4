"""The charts of a page that show a season up to its date."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from markupsafe import Markup

from nba_rank.core.arrays import FloatArray
from nba_rank.report import charts
from nba_rank.report.format import undecided
from nba_rank.report.style import spread_apart

RACERS = 8
"""Teams whose title odds are drawn."""

_MOST_DATES = 100
"""Dates that are drawn: more could not be told apart."""

_GAP = 0.055
_ENDS = (
    (0.1, 6), (0.2, 5), (0.3, 4), (0.4, 5), (0.5, 6), (0.6, 4), (0.8, 5), (1.0, 5),
)  # fmt: skip
"""Ends of the axis of odds, and its ticks."""


@dataclass(frozen=True)
class History:
    """Forecasts of a season up to a date, by dates D and teams T.

    Attributes:
        dates: The dates.
        x: Their places, percent from the left [D].
        place: Column of each team.
        values: `rank`, `low`, `high` and `title`, those that there are; NaN where unknown [D, T].
    """

    dates: pd.DatetimeIndex
    x: FloatArray
    place: Mapping[str, int]
    values: Mapping[str, FloatArray]

    @classmethod
    def of(cls, history: pd.DataFrame, now: pd.DataFrame, title: str) -> Self:
        """Put the forecast of a date behind those of earlier dates.

        Args:
            history: Forecasts of the season as in `nba_rank.experiments.history`; may be empty.
            now: The forecast of the date, a row a team.
            title: Column of the title odds; empty where there are none.
        """
        names = {"rank": "rank", "low": "rank_low", "high": "rank_high", "title": title}
        names = {name: column for name, column in names.items() if column in now}
        own = ["as_of_date", "team", *names.values()]
        frame = now[own]
        if len(history):
            before = history[history["as_of_date"] < now["as_of_date"].iloc[0]]
            before = before.drop_duplicates(["as_of_date", "team"], keep="last")
            frame = pd.concat([before[[name for name in own if name in before]], frame])
        frame = _thinned(frame)
        row, dates = pd.factorize(frame["as_of_date"], sort=True)
        column, teams = pd.factorize(frame["team"])
        values = {}
        for name, source in names.items():
            values[name] = np.full((len(dates), len(teams)), np.nan)
            values[name][row, column] = frame[source].to_numpy(np.float64, na_value=np.nan)
        dates = pd.DatetimeIndex(dates)
        days = (dates - dates[0]).days.to_numpy()
        x = charts.share(days, 0, days[-1]) if len(days) > 1 else np.array([100.0])
        return cls(dates, x, {team: n for n, team in enumerate(teams)}, values)

    @property
    def dates_shown(self) -> Markup:
        """The first and the last date, as words below a chart."""
        ends = [(100, self.dates[-1])]
        if len(self.dates) > 1:
            ends.insert(0, (0, self.dates[0]))
        return Markup("".join(f'<span style="left:{at}%">{day:%b %-d}</span>' for at, day in ends))

    def ranks(self, team: str) -> Markup:
        """Draw the rank of a team, with the interval of its simulated outcomes.

        Nothing where a single date is known.
        """
        if len(self.dates) == 1:
            return Markup()
        at, last = self.place[team], len(self.place)
        y = {
            name: charts.share(self.values[name][:, at], 1, last)
            for name in ("rank", "low", "high")
            if name in self.values
        }
        shapes = [charts.rule(0), charts.rule(50), charts.rule(100)]
        if "low" in y:
            shapes.append(charts.band(self.x, y["low"], y["high"]))
        shapes.append(charts.line(self.x, y["rank"], "main"))
        ranks = self.values["rank"][:, at]
        known = np.flatnonzero(~np.isnan(ranks))
        told = f"{team} is number {ranks[-1]:.0f} of {last}"
        if len(known) > 1:
            first, best, worst = ranks[known[0]], np.nanmin(ranks), np.nanmax(ranks)
            told += (
                f", was number {first:.0f} on {self.dates[known[0]]:%B %-d}, best {best:.0f}, "
                f"worst {worst:.0f}"
            )
        return charts.drawing(shapes, told)

    def race(self, out: set[str]) -> dict[str, Any]:
        """Draw the title odds of the first teams; nothing where there are none, or of one date.

        Teams that are `out` come last, by the best that they had.
        """
        odds, teams = self.values.get("title"), np.array([*self.place])
        if odds is None or len(self.dates) == 1 or np.isnan(odds[-1]).any():
            return {}
        is_out = np.isin(teams, [*out])
        order = np.lexsort((-np.nanmax(odds, axis=0), np.where(is_out, 0, -odds[-1]), is_out))
        first = order[:RACERS]
        top = float(np.nanmax(odds[:, first]))
        high, n_ticks = next(end for end in _ENDS if end[0] >= min(top * 1.04, 1.0))
        ticks = np.linspace(0, high, n_ticks)
        shapes = [charts.rule(100 - 100 * tick / high) for tick in ticks]
        lines = [
            charts.line(self.x, 100 - charts.share(odds[:, team], 0, high), f"s{n}")
            for n, team in enumerate(first)
        ]
        said = ["out" if is_out[team] else undecided(odds[-1, team]) for team in first]
        if len(teams) - is_out.sum() == 1:
            said[0] = "won it"
        # Names are moved apart from the top down.
        down = np.argsort(-odds[-1, first], kind="stable")
        places = np.empty(len(first))
        places[down] = spread_apart(odds[-1, first][down] / high, _GAP, 0, 1)
        words = ", ".join(f"{teams[n]} {text}" for n, text in zip(first, said, strict=True))
        return {
            "chart": charts.drawing([*shapes, *reversed(lines)], f"Chance of the title: {words}"),
            "y": [(f"{100 - 100 * tick / high:.0f}", f"{tick:.0%}") for tick in ticks],
            "ends": [
                {"team": str(teams[n]), "chance": text, "place": f"{100 - 100 * place:.1f}"}
                for n, text, place in zip(first, said, places, strict=True)
            ],
        }


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave dates out, evenly, so that few enough are left; the last and the first stay."""
    dates = np.sort(frame["as_of_date"].unique())
    if len(dates) <= _MOST_DATES:
        return frame
    kept = np.unique(np.linspace(0, len(dates) - 1, _MOST_DATES).round().astype(int))
    return frame[frame["as_of_date"].isin(dates[kept])]

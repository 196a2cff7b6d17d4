"""Home edge in points, as it was known on a day.

The edge has fallen over the years and was smaller before empty stands, so it is estimated anew on
every day: the mean home margin of earlier seasons, recent ones weighing more, counts as
`PRIOR_GAMES` games beside those of the season so far.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.tables import Tables
from nba_rank.data.venues import neutral_courts
from nba_rank.features.asof import RunningSums, days, start_years

FIRST_EDGE = 3.0
"""Points; stands in for the seasons before the first of the tables (3.3 in 2000-05)."""

DECAY_SEASONS = 2.0
"""Seasons in which the weight of a season falls to 1/e."""

PRIOR_GAMES = 1000.0
"""Games that earlier seasons count for: the variance of a margin over that of the edge's yearly
change, about 13.3^2 and 0.4^2 points squared."""


@dataclass(frozen=True)
class HomeEdge:
    """Home edge by season and day.

    Attributes:
        first_season: Start year of the first season of the tables.
        prior: Edge that each season begins with, in points, by year from `first_season` on; the
            last is that of the season after the tables.
    """

    first_season: int
    prior: FloatArray
    _sums: RunningSums

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """Prepare the edge of all seasons from the regular games that had a home team."""
        return tables.once("home edge", lambda: cls._of(tables.games))

    @classmethod
    def _of(cls, games: pd.DataFrame) -> Self:
        counted = games[(games["kind"] == "regular") & ~neutral_courts(games)]
        margin = (counted["home_points"] - counted["away_points"]).to_numpy(dtype=np.float64)
        season = start_years(counted["season"])
        first = int(season.min())
        n = int(season.max()) - first + 1
        total = np.bincount(season - first, margin, n)
        count = np.bincount(season - first, minlength=n).astype(np.float64)
        # Weighted sums of the seasons before each; `FIRST_EDGE` counts as one season before all.
        keep = np.exp(-1 / DECAY_SEASONS)
        prior = np.empty(n + 1)
        weighted, games_weighted = FIRST_EDGE * PRIOR_GAMES, PRIOR_GAMES
        for year in range(n + 1):
            prior[year] = weighted / games_weighted
            if year < n:
                weighted = keep * (weighted + total[year])
                games_weighted = keep * (games_weighted + count[year])
        sums = RunningSums(season, days(counted["game_date"]), [margin])
        return cls(first, prior, sums)

    def at(self, season: IntArray, day: IntArray) -> FloatArray:
        """Return the edge as known on the mornings of days since 1970-01-01, points [N].

        `season` holds start years.
        """
        (total,), (count,) = self._sums.total(season, day)
        prior = self.prior[np.clip(season - self.first_season, 0, len(self.prior) - 1)]
        known = PRIOR_GAMES * prior + total
        return np.asarray(known / (PRIOR_GAMES + count))

    def on_dates(self, dates: pd.DataFrame) -> FloatArray:
        """Return `at` of the rows of a frame with `season` and `as_of_date`, points [N]."""
        return self.at(start_years(dates["season"]), days(dates["as_of_date"]))

"""How well scores tell the margins of single games."""

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from nba_rank.core.arrays import FloatArray
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.tables import Tables
from nba_rank.evaluation.evaluate import tidy_rows
from nba_rank.odds.past_games import RatedGames

MARGIN_ERROR = "margin_error"


def margin_errors(scores: pd.DataFrame, tables: Tables, rankers: list[str]) -> pd.DataFrame:
    """Judge scores by the squared error of the margins of the regular season's games to come.

    A game is expected to end by the home edge and the slope times the difference of the scores. The
    slope is that of least squares over the games of all earlier seasons after the same point.

    Args:
        scores: Columns `season`, `as_of_date`, `as_of_point`, `team_id` and the rankers, a row a
            team of every season and point; each season's scores by models that know earlier ones
            only.
        tables: The canonical tables.
        rankers: Columns of scores, in any unit.

    Returns:
        Tidy `margin_error`, points squared, the mean over the games from each point on, from the
        second season on, in the order of the points. The season's end has no games to come.
    """
    frame = scores.reset_index(drop=True)
    games = RatedGames.of(tables, frame, "regular")
    score = frame[rankers].to_numpy(dtype=np.float64)
    gap = score[games.home] - score[games.away]
    beyond = (games.margin - games.edge)[:, None]
    key = [frame[name].to_numpy()[games.home] for name in ("season", "as_of_point")]

    def by_point(values: FloatArray) -> DataFrameGroupBy:
        return pd.DataFrame(values, columns=rankers).groupby(key)

    product, square = (
        by_point(part).sum().groupby(level=1).transform(lambda own: own.cumsum().shift())
        for part in (gap * beyond, gap**2)
    )
    # Scores that have told no teams apart have a slope of 0.
    slopes = product / square.mask(square == 0, 1.0)
    slope = slopes.loc[pd.MultiIndex.from_arrays(key)].to_numpy()
    errors = by_point((beyond - slope * gap) ** 2).mean().dropna()
    errors.index.names = ["season", "as_of_point"]
    order = errors.index.get_level_values("as_of_point").map(AS_OF_POINTS.index)
    errors = errors.iloc[np.lexsort([order, errors.index.get_level_values("season")])]
    long = errors.melt(var_name="ranker", value_name=MARGIN_ERROR, ignore_index=False)
    return tidy_rows(long.set_index("ranker", append=True), scope="league")

"""What an older season weighs beside a newer one, wherever something is learned across seasons."""

import numpy as np

from nba_rank.core.arrays import FloatArray, IntArray


def season_weights(start_year: IntArray, half_life: float | None) -> FloatArray:
    """Return the weight of each row by the age of its season, `0.5 ** (age / half_life)`, [N].

    The newest season of the rows has age 0 and weighs 1, the one before it has age 1, and so on.
    None: all weigh 1.
    """
    if half_life is None or len(start_year) == 0:
        return np.ones(len(start_year))
    return np.asarray(0.5 ** ((start_year.max() - start_year) / half_life))

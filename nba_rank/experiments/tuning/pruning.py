"""Which trials are hopeless after their first validation seasons."""

from collections.abc import Sequence

import numpy as np


def is_hopeless(
    values: Sequence[float], finished: Sequence[Sequence[float]], *, maximize: bool
) -> bool:
    """Return whether a trial cannot become the best any more, by all that is known.

    Seasons differ far more from each other than trials do, and seldom order trials alike: a trial
    that lags after two seasons may lead after four. So a trial is given up only where it would
    still be behind the best with, on each season to come, the best value that any finished trial
    has had there.

    Args:
        values: The trial's objective on its first seasons, in order.
        finished: The same of what was judged on all seasons, the default among them, [N][seasons].
        maximize: Whether higher is better.
    """
    known = np.array(finished, dtype=np.float64) * (1.0 if maximize else -1.0)
    own = np.array(values, dtype=np.float64) * (1.0 if maximize else -1.0)
    hoped_for = np.concatenate([own, known[:, len(own) :].max(axis=0)])
    return bool(hoped_for.mean() < known.mean(axis=1).max())

"""How the ranks of models and outcomes agree, team by team."""

import numpy as np
import numpy.typing as npt


def agreement(ranks: npt.ArrayLike, n_teams: int) -> npt.NDArray[np.float64]:
    """How closely the models agree on each team's rank.

    Args:
        ranks: Shape (L, models); 1 is best, NaN where a model has none.
        n_teams: Teams that were ranked together, at least 2.

    Returns:
        Float, shape (L,): 1 - (worst rank - best rank) / (n_teams - 1); 1 where all models give
        the same rank, 0 where one puts the team first and another last.
    """
    by_model = np.asarray(ranks, dtype=np.float64)
    return 1 - (np.nanmax(by_model, axis=1) - np.nanmin(by_model, axis=1)) / (n_teams - 1)


def verdict(
    rank: npt.ArrayLike, actual_rank: npt.ArrayLike, tolerance: float
) -> npt.NDArray[np.object_]:
    """Say which teams were ranked better or worse than they finished.

    Args:
        rank: Predicted rank, shape (L,); 1 is best.
        actual_rank: Rank in the outcome, shape (L,); 1 is best, NaN while unknown.
        tolerance: Places that a rank may be off and still count as aligned.

    Returns:
        Shape (L,): `over-ranked` (predicted better than it finished), `under-ranked`, `aligned`,
        or None where the outcome is unknown.
    """
    places = np.asarray(actual_rank, dtype=np.float64) - np.asarray(rank, dtype=np.float64)
    return np.select(
        [np.isnan(places), places > tolerance, places < -tolerance],
        np.array([None, "over-ranked", "under-ranked"], dtype=object)[:, None],
        default="aligned",
    ).astype(object)

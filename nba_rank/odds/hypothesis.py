"""What is assumed of the games to come, on the morning of one date."""

from dataclasses import dataclass

import pandas as pd

from nba_rank.core.arrays import FloatArray


@dataclass(frozen=True)
class Hypothesis:
    """What the simulation takes as certain of the G games left of a regular season.

    Results that are assumed count in the standings; they are no evidence of strength. The
    strengths of a spell hold in the regular season alone.

    Attributes:
        results: Margins of the home teams, points, NaN where none is assumed [G]; in the order of
            `nba_rank.data.remaining.Remaining`.
        spells: Days since 1970-01-01, ascending, each with the rated teams in games before it,
            while some players are out; as `MonteCarloOdds.predict` reads them.
    """

    results: FloatArray
    spells: tuple[tuple[int, pd.DataFrame], ...] = ()

"""What a trial reports to its study."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialOutcome:
    """The result of a trial.

    Attributes:
        objective: By name, the mean over the validation seasons.
        seasons: Objectives by validation season and name.
        metrics: Of the final ranker, over all teams and over the playoff teams
            (`playoff16_<metric>`), and of the playoff classifier (`clone_<metric>`).
        pruned: Whether it stopped before the last validation season.
        seconds: Wall-clock time.
        tables: Hashes of the tables by name.
    """

    objective: dict[str, float]
    seasons: dict[str, dict[str, float]]
    metrics: dict[str, float]
    pruned: bool
    seconds: float
    tables: dict[str, str]

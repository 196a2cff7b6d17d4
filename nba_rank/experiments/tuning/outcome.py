"""What a trial reports to its study."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrialOutcome:
    """What a trial found.

    Attributes:
        objective: Value of each objective by name, the mean over the validation seasons that it was
            judged on.
        seasons: Objectives by validation season and name.
        metrics: Every metric of the final ranker, of all teams and of the playoff teams
            (`playoff16_<metric>`), and of the clone classifier (`clone_<metric>`), likewise.
        pruned: Whether it was given up before the last validation season.
        seconds: Wall-clock time.
        tables: Hashes of the tables that it was judged on, by name.
    """

    objective: dict[str, float]
    seasons: dict[str, dict[str, float]]
    metrics: dict[str, float]
    pruned: bool
    seconds: float
    tables: dict[str, str]

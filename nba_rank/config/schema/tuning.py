"""Options of sweeps."""

from dataclasses import dataclass, field
from typing import Any

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema.option import NOTHING, SWEEP, option


@dataclass(kw_only=True)
class TuningConfig:
    """How a sweep judges its trials."""

    objectives: list[str] = option(
        "What to optimise, see `nba_rank.config.objectives`; several: a Pareto front.",
        choices=tuple(OBJECTIVES),
        filled=True,
        role=SWEEP,
    )
    n_validation_seasons: int = option(
        "Last seasons before the first test season that trials are judged on.", low=1, role=SWEEP
    )
    prune_after: int | None = option(
        "Trials that are judged on all seasons before those that cannot become the best are "
        "given up, see `nba_rank.experiments.tuning.pruning`; null: none is. With several "
        "objectives none is either.",
        low=1,
        role=SWEEP,
    )
    margin: float = option(
        "Standard errors by which the best trial has to lead the default to be chosen, see "
        "`nba_rank.evaluation.sweeps.choose`.",
        low=0,
        role=SWEEP,
    )
    batch_id: str | None = option(
        "Name of the study and of its folder; null: made from what is asked, so that the same "
        "command goes on with the same study.",
        role=NOTHING,
    )
    trial: str | None = option("Folder of one job of a sweep; the sweeper sets it.", role=NOTHING)
    judged_on: str = option(
        "Seasons that a job of a sweep is judged on, `validation` or `test`; the sweeper sets it.",
        choices=("validation", "test"),
        role=NOTHING,
    )


@dataclass
class StudySweeperConf:
    """Options of the sweeper, under `hydra.sweeper`.

    Attributes:
        sampler: Optuna's sampler, `hydra/sweeper/sampler=tpe` or another.
        storage: Where the study is kept, see `nba_rank.experiments.tuning.storage.open_storage`;
            null: an SQLite file in the sweep's folder.
        n_trials: Trials of the study, all workers and all starts together.
        n_jobs: Trials that this worker runs at once; null: one, or with a launcher of processes as
            many as there are processors.
        params: The search space, by dotted key or config group, in Hydra's override grammar.
    """

    _target_: str = "nba_rank.experiments.tuning.sweeper.StudySweeper"
    defaults: list[Any] = field(default_factory=lambda: [{"sampler": "tpe"}])
    sampler: Any = "???"
    storage: str | None = None
    n_trials: int = 30
    n_jobs: int | None = None
    params: dict[str, Any] | None = None

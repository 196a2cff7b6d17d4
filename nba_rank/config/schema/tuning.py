"""Options of sweeps."""

from dataclasses import dataclass

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.schema.option import option


@dataclass(kw_only=True)
class TuningConfig:
    """How a sweep judges its trials."""

    objectives: list[str] = option(
        "What to optimise, see `nba_rank.config.objectives`; several: a Pareto front.",
        choices=tuple(OBJECTIVES),
        filled=True,
    )
    n_validation_seasons: int = option(
        "Last seasons before the first test season that trials are judged on.", low=1
    )
    prune_after: int | None = option(
        "Trials that are judged on all seasons before those that cannot become the best are "
        "given up, see `nba_rank.experiments.tuning.pruning`; null: none is. With several "
        "objectives none is either.",
        low=1,
    )
    margin: float = option(
        "Standard errors by which the best trial has to lead the default to be chosen, see "
        "`nba_rank.evaluation.choice.choose`.",
        low=0,
    )
    batch_id: str | None = option(
        "Name of the study and of its folder; null: made from what is asked, so that the same "
        "command goes on with the same study."
    )
    trial: str | None = option("Folder of one job of a sweep; the sweeper sets it.")
    judged_on: str = option(
        "Seasons that a job of a sweep is judged on, `validation` or `test`; the sweeper sets it.",
        choices=("validation", "test"),
    )

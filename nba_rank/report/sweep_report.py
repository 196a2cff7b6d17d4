"""The analysis of a sweep."""

from dataclasses import dataclass

import optuna
import pandas as pd
from rich.console import Console

from nba_rank.config import Config
from nba_rank.run_dir import RunDir
from nba_rank.tuning.choice import Candidate


@dataclass(frozen=True)
class SweepFindings:
    """What a sweep found.

    Attributes:
        batch_id: Name of the sweep.
        objectives: Names of what was optimised.
        space: Names of what was searched.
        candidates: All configurations that were judged on all validation seasons.
        chosen: The one of them that was chosen.
        trials: All trials, see `nba_rank.tuning.study.SharedStudy.table`.
        study: The study, for importances.
        tested: Tidy metrics of the whole runs by folder name.
        best_overrides: What was chosen, as words of the command line.
        config: What all trials have in common.
    """

    batch_id: str
    objectives: list[str]
    space: list[str]
    candidates: list[Candidate]
    chosen: Candidate
    trials: pd.DataFrame
    study: optuna.Study
    tested: dict[str, pd.DataFrame]
    best_overrides: list[str]
    config: Config


def write_sweep_report(findings: SweepFindings, run_dir: RunDir, console: Console) -> None:
    """Write figures and the next `ANALYSIS_NN.md`, and print what matters."""
    console.print("chosen:", findings.chosen.name, *findings.best_overrides)

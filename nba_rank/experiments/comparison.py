"""`python -m nba_rank.compare <run or sweep> ...`: finished runs and sweeps side by side.

Final rankers are compared on the seasons and as-of points that all runs share, paired by season
with a baseline run. The first epochs of model A show what another machine or device changes.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.paired import paired, season_means
from nba_rank.evaluation.past_forecasts import past_forecasts
from nba_rank.evaluation.past_runs import RunsError, common_scores, find_runs, pick, sweep_scores
from nba_rank.evaluation.past_training import first_epochs, learning_curves
from nba_rank.report.compare_report import Comparison, write_comparison


def compare(
    folders: Sequence[Path], out: Path, baseline: str | None, metric: str | None, console: Console
) -> pd.DataFrame:
    """Compare finished runs, write a run folder and return the differences, as `paired`.

    Args:
        folders: Runs and sweeps; of a sweep, its tests of the defaults and of the best trial.
        out: Folder of the new run folder.
        baseline: Name or folder of the reference run; None: the first.
        metric: Metric of the figures and first tables; None: the first that all runs have,
            Spearman before all others.
        console: Where the results are shown.

    Raises:
        RunsError: The runs cannot be compared or share no season or metric, or the baseline is
            none of them.
    """
    found = find_runs(folders)
    base = pick(found.runs, baseline)
    scores = common_scores({run.name: run.rows for run in found.runs}, base.standings)
    at_points = (scores["scope"] == "league") & scores["as_of_point"].isin(AS_OF_POINTS)
    known = scores.loc[at_points, "metric"].unique().tolist()
    if not known or (metric is not None and metric not in known):
        raise RunsError(
            f"--metric {metric} is not among what all runs have at the as-of points: "
            f"{', '.join(known) or 'nothing'}"
        )
    seasons = sorted(scores["season"].unique())
    with RunDir.reserve(out) as run_dir:
        run_dir.note(
            kind="comparison",
            runs={run.name: str(run.folder.resolve()) for run in found.runs},
            sweeps=[str(sweep.folder.resolve()) for sweep in found.sweeps],
            baseline=base.name,
            metric=metric or known[0],
            notes=found.notes,
        )
        comparison = Comparison(
            found=found,
            baseline=base.name,
            metric=metric or known[0],
            scores=scores,
            means=season_means(scores),
            differences=paired(scores, base.name),
            sweeps={sweep.folder.name: sweep_scores(sweep) for sweep in found.sweeps},
            forecasts=past_forecasts(found.runs, seasons, base.name),
            curves=learning_curves(found.runs),
            first_epochs=first_epochs({run.name: run.folder for run in found.runs}),
        )
        run_dir.write_frame("comparison.csv", scores)
        run_dir.write_frame("differences.csv", comparison.differences)
        more = {
            "reliability.csv": comparison.forecasts.reliability,
            "calibration.csv": comparison.forecasts.calibration,
            "first_epochs.csv": comparison.first_epochs,
        }
        for name, frame in more.items():
            if not frame.empty:
                run_dir.write_frame(name, frame)
        write_comparison(comparison, run_dir, console)
    return comparison.differences

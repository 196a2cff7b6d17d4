"""The results of a sweep: trials, the chosen configuration, its test, figures, an analysis."""

import shutil
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from filelock import FileLock, Timeout
from omegaconf import OmegaConf
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console

from nba_rank.config.rules import flat
from nba_rank.config.schema import Config
from nba_rank.config.schema.option import RESULT, RUN, roles
from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import RunDir, read_manifest
from nba_rank.evaluation.assessment import final_name
from nba_rank.evaluation.past_runs import read_metrics
from nba_rank.evaluation.sweeps import (
    BEST_FILE,
    CHOSEN,
    DEFAULT,
    TEST_BEST,
    TEST_DEFAULT,
    TRIALS_FILE,
    VALIDATION_FILE,
    Candidate,
    best_by,
    choose,
    sweep_result,
)
from nba_rank.experiments.tuning.space import to_overrides
from nba_rank.experiments.tuning.study import SharedStudy
from nba_rank.report.sweep_report import SweepFindings, write_sweep_report

_FEWEST_FOR_IMPORTANCES = 8


@dataclass(frozen=True)
class Sweep:
    """One sweep.

    Attributes:
        run_dir: Its folder, open.
        config: The config that all trials share.
        fixed: The overrides that all trials share.
        compose: Composes the program's config with overrides.
    """

    run_dir: RunDir
    config: Config
    fixed: list[str]
    compose: Callable[[Sequence[str]], Config]


def write_trials(sweep: Sweep, study: SharedStudy) -> None:
    """Write the table of trials so far and the best of them."""
    sweep.run_dir.write_frame(TRIALS_FILE, study.table())
    found = study.candidates()
    if not found:
        return
    objectives = study.objectives
    sweep.run_dir.write_text(
        BEST_FILE, _experiment(sweep, choose(found, objectives, sweep.config.tuning.margin))
    )
    for objective in objectives if len(objectives) > 1 else []:
        name = BEST_FILE.replace(".", f"_{objective}.")
        sweep.run_dir.write_text(name, _experiment(sweep, best_by(found, objective)))


def write_result(
    sweep: Sweep,
    study: SharedStudy,
    test: Callable[[Sweep, dict[str, list[str]]], None],
    console: Console,
) -> None:
    """Test the chosen configuration and the default once, and write the analysis.

    Args:
        sweep: The sweep, whose trials have all ended.
        study: Its study.
        test: Runs configurations on the test seasons, given their overrides by folder.
        console: Where progress and results are shown.
    """
    folder = sweep.run_dir.path
    try:
        alone = FileLock(folder / ".lock").acquire(blocking=False)
    except Timeout:
        console.print("Another worker is writing the result.")
        return
    with alone:
        found = study.candidates()
        chosen = choose(found, study.objectives, sweep.config.tuning.margin)
        tests = {TEST_DEFAULT: (DEFAULT, found[0])}
        if chosen.number is None:
            shutil.rmtree(folder / TEST_BEST, ignore_errors=True)
        else:
            tests[TEST_BEST] = (CHOSEN, chosen)
        validation = {name: one.objective for name, (_, one) in tests.items()}
        sweep.run_dir.write_json(VALIDATION_FILE, validation)
        jobs = {name: to_overrides(one.params) for name, (_, one) in tests.items()}
        missing = {n: o for n, o in jobs.items() if not _is_tested(sweep, n, o)}
        for name in missing:
            shutil.rmtree(folder / name, ignore_errors=True)
        if missing:
            console.print(f"Test seasons, once: {', '.join(missing)}")
            test(sweep, missing)
        tested = {kind: read_metrics(folder / name) for name, (kind, _) in tests.items()}
        ranker = final_name(sweep.config)
        findings = SweepFindings(
            batch_id=str(sweep.config.tuning.batch_id),
            result=sweep_result(found, chosen, study.objectives, tested, ranker),
            overrides=to_overrides(chosen.params),
            trials=study.table(),
            study=study.study,
            importances={name: importances(study, name) for name in study.objectives},
            margin=sweep.config.tuning.margin,
        )
        write_sweep_report(findings, sweep.run_dir, console)


def importances(study: SharedStudy, objective: str) -> dict[str, float]:
    """Return each dimension's share of the variance of an objective, the largest first.

    Returns:
        Nothing below `_FEWEST_FOR_IMPORTANCES` finished trials, or where all have the same value.
    """
    done = study.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    place = study.objectives.index(objective)

    def target(trial: FrozenTrial) -> float:
        return float(trial.values[place])

    if len(done) < _FEWEST_FOR_IMPORTANCES or len({target(t) for t in done}) < 2:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = get_param_importances(
            study.study, evaluator=FanovaImportanceEvaluator(seed=0), target=target
        )
    return {name: float(share) for name, share in found.items()}


def _is_tested(sweep: Sweep, name: str, overrides: list[str]) -> bool:
    """Return whether a folder holds a finished run of these choices on the same code."""
    try:
        manifest = read_manifest(sweep.run_dir.path / name)
    except UserError:
        return False
    of_trial = {*manifest.get("overrides", ())} - {*sweep.fixed}
    chosen = {word for word in of_trial if not word.startswith("tuning.")}
    return (
        manifest["status"] == "finished"
        and chosen == {*overrides}
        and manifest["git_revision"] == sweep.run_dir.manifest["git_revision"]
    )


def _experiment(sweep: Sweep, chosen: Candidate) -> str:
    """Return an experiment file: the options in which the choice differs from the defaults."""
    default = dict(flat(sweep.compose([])))
    role = roles(Config)
    values = OmegaConf.create({})
    for key, value in flat(sweep.compose([*sweep.fixed, *to_overrides(chosen.params)])):
        if value != default[key] and role[key] in (RESULT, RUN):
            OmegaConf.update(values, key, value)
    told = ", ".join(f"{name} {value:.4f}" for name, value in chosen.objective.items())
    seasons = sorted(chosen.seasons)
    path = sweep.run_dir.path / BEST_FILE
    header = (
        "# @package _global_\n"
        f"# {chosen.name} of sweep {sweep.config.tuning.batch_id}: {told}, the mean over the\n"
        f"# validation seasons {', '.join(seasons)}.\n"
        f"# python -m nba_rank.train experiment={path}\n"
    )
    return header + OmegaConf.to_yaml(values)

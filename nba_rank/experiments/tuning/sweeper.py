"""The Hydra sweeper of this project: Optuna's, made to be resumed, shared and looked at."""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import optuna
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode, TaskFunction
from hydra.utils import instantiate
from omegaconf import DictConfig, open_dict
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from nba_rank.config.compose import as_config
from nba_rank.config.objectives import OBJECTIVES
from nba_rank.config.rules import flat
from nba_rank.config.schema import Config
from nba_rank.config.schema.option import RESULT, SWEEP, roles
from nba_rank.core.content_hash import code_hash
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.core.exits import exit_on_user_error
from nba_rank.core.names import CLONE
from nba_rank.core.passwords import redact_password
from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.evaluation.sweeps import DEFAULT
from nba_rank.experiments.train import train
from nba_rank.experiments.tuning.pruning import pruner, storage_url
from nba_rank.experiments.tuning.result import Sweep, write_result, write_trials
from nba_rank.experiments.tuning.space import draw, search_space, to_overrides
from nba_rank.experiments.tuning.study import SharedStudy, TrialOutcome
from nba_rank.experiments.tuning.trial import TrialInputs, run_trial

_FAILURES_TO_STOP = 5  # in a row


def register_sweeper() -> None:
    """Let Hydra build the sweeper that `hydra/sweeper=study` names."""
    Plugins.instance().register(StudySweeper)


class StudySweeper(Sweeper):
    """Runs trials until the study has enough, then tests its choice.

    Beyond Optuna's own Hydra sweeper: the number of trials is that of all workers and starts
    together; jobs know their trial's number and can stop a hopeless one; trials of dead workers are
    lost, neither counted nor repeated; draws are seeded by the trial's number, so that no worker
    repeats another's.

    Arguments as in `nba_rank.config.schema.StudySweeperConf`.
    """

    def __init__(
        self,
        sampler: DictConfig,
        storage: str | None,
        n_trials: int,
        n_jobs: int | None,
        params: DictConfig | None,
    ) -> None:
        self._sampler = sampler
        self._n_trials = n_trials
        self._n_jobs = n_jobs
        self._params = [f"{name!s}={value}" for name, value in (params or {}).items()]
        self._console = Console()

    def setup(
        self,
        *,
        hydra_context: HydraContext,
        task_function: TaskFunction,
        config: DictConfig,
    ) -> None:
        """Make the launcher, whose jobs share their inputs within a process."""
        self._launcher = Plugins.instance().instantiate_launcher(
            config=config,
            hydra_context=hydra_context,
            task_function=partial(_run_job, trial_inputs=TrialInputs()),
        )
        self._hydra_config = config
        self._loader = hydra_context.config_loader

    def sweep(self, arguments: list[str]) -> None:
        """Run the sweep, given the overrides of the command line."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        for name in ("hydra", "hydra_plugins"):
            logging.getLogger(name).setLevel(logging.WARNING)  # the sweep tells of its trials
        with exit_on_user_error(self._console):
            space, fixed = search_space([*self._params, *arguments])
            if not space:
                raise UserError(
                    "the search space is empty: take hparams_search=quick or another, or sweep a "
                    "value such as model.xgb.max_depth=choice(2,3,4)"
                )
            config = self._named(space)
            url = storage_url(self._hydra_config.hydra)
            folder = Path(self._hydra_config.hydra.sweep.dir)
            folder.mkdir(parents=True, exist_ok=True)
            try:
                with RunDir(folder) as run_dir:
                    self._run(Sweep(run_dir, config, fixed, self._composed), space, url)
            except KeyboardInterrupt:
                self._console.print("The same command goes on from here.")
                raise

    def _named(self, space: dict[str, BaseDistribution]) -> Config:
        """Validate the common config and name the sweep after its question."""
        config = _typed(self._hydra_config)
        ranks = config.model.members != [CLONE]
        if not ranks and not all(OBJECTIVES[name].from_clone for name in config.tuning.objectives):
            raise ConfigError(
                f"tuning.objectives={config.tuning.objectives}: the playoff classifier ranks no "
                "teams: take clone_auc or clone_brier"
            )
        role = roles(Config)
        self._question = {
            key: json.dumps(value) for key, value in flat(config) if role[key] in (RESULT, SWEEP)
        }
        self._question |= {f"space of {name}": str(chosen) for name, chosen in space.items()}
        self._question["code"] = code_hash(run_trial.__module__)
        if config.tuning.batch_id is None:
            name = self._hydra_config.hydra.runtime.choices.get("hparams_search") or "sweep"
            asked = json.dumps(sorted(self._question.items())).encode()
            self._hydra_config.tuning.batch_id = f"{name}_{hashlib.sha256(asked).hexdigest()[:8]}"
            config.tuning.batch_id = self._hydra_config.tuning.batch_id
        return config

    def _run(self, sweep: Sweep, space: dict[str, BaseDistribution], url: str) -> None:
        config, run_dir, console = sweep.config, sweep.run_dir, self._console
        console.print(f"Sweep folder: {run_dir.path}")
        console.print(f"Study: {redact_password(url)}", soft_wrap=True)
        batch_id = str(config.tuning.batch_id)
        study = SharedStudy(url, batch_id, config.tuning.objectives)
        study.check_same_question(self._question)
        run_dir.note(
            kind="sweep",
            objectives=config.tuning.objectives,
            storage=redact_password(url),
            space={name: str(chosen) for name, chosen in space.items()},
            overrides=sweep.fixed,
        )
        default = study.default
        if default is None:
            console.print("The default configuration first, which trials have to beat.")
            overrides = [*sweep.fixed, *_job(sweep, DEFAULT, "validation")]
            [job] = self._launcher.launch([overrides], initial_job_idx=0)
            default = job.return_value
            study.check_same_tables(default.tables)
            study.default = default
        console.print(f"default: {_told(default.objective)}", highlight=False)
        write_trials(sweep, study)
        try:
            with _bar(console, self._n_trials) as bar:
                self._trials(study, sweep, space, bar)
        finally:
            write_trials(sweep, study)
        running = [trial.number for trial in study.trials(TrialState.RUNNING)]
        if running:
            console.print(f"Other workers are at trials {running}: the last one writes the result.")
            return
        write_result(sweep, study, self._test, console)

    def _composed(self, overrides: Sequence[str]) -> Config:
        name = self._hydra_config.hydra.job.config_name
        return _typed(self._loader.load_configuration(name, [*overrides], RunMode.RUN))

    def _trials(
        self,
        study: SharedStudy,
        sweep: Sweep,
        space: dict[str, BaseDistribution],
        bar: Callable[[int, str], None],
    ) -> None:
        """Run trials until the study has enough."""
        failures = 0
        while True:
            for number in study.fail_stale_trials():
                self._console.print(f"trial {number}: lost, its worker has gone")
            counted = len(study.trials())
            bar(counted, study.best_so_far())
            batch = min(self._at_once(), self._n_trials - counted)
            if batch < 1:
                return
            trials = [self._asked(study, space) for _ in range(batch)]
            numbers = [trial.number for trial in trials]
            overrides = [
                [*sweep.fixed, *to_overrides(one.params), *_job(sweep, one.number, "validation")]
                for one in trials
            ]
            try:
                with study.alive(numbers):
                    jobs = self._launcher.launch(overrides, initial_job_idx=numbers[0])
            except BaseException:  # Ctrl-C too must leave no trial running; the error goes on
                for number in numbers:
                    study.lose(number)
                raise
            for number, job in zip(numbers, jobs, strict=True):
                failures = 0 if self._tell(study, number, job) else failures + 1
            write_trials(sweep, study)
            if failures >= _FAILURES_TO_STOP:
                raise UserError(
                    f"{failures} trials in a row have failed: mend the cause, told above, and "
                    "start the same command again"
                )

    def _tell(self, study: SharedStudy, number: int, job: JobReturn) -> bool:
        """End a trial and print its outcome; return whether it gave a result."""
        try:
            outcome = job.return_value
        except Exception as error:
            told = redact_password(f"{type(error).__name__}: {error}")
            study.fail(number, told)
            self._console.print(f"trial {number}: failed, {told}", markup=False, soft_wrap=True)
            return False
        study.check_same_tables(outcome.tables)
        study.tell(number, outcome)
        found = _told(outcome.objective)
        if outcome.pruned:
            found = f"given up after {len(outcome.seasons)} validation season(s)"
        self._console.print(
            f"trial {number}: {found} in {outcome.seconds:.1f} s; {study.best_so_far()}",
            highlight=False,
            soft_wrap=True,
        )
        return True

    def _asked(self, study: SharedStudy, space: dict[str, BaseDistribution]) -> optuna.Trial:
        """Begin a trial and draw its values."""
        trial = study.ask()
        study.study.sampler = self._seeded_sampler(trial.number)
        draw(trial, space)
        return trial

    def _seeded_sampler(self, number: int) -> optuna.samplers.BaseSampler:
        seed = np.random.SeedSequence([self._hydra_config.seed, number]).generate_state(1)[0]
        sampler = instantiate(
            self._sampler,
            seed=int(seed),
            _execution_whitelist_=("hydra_plugins.hydra_optuna_sweeper.*", "optuna.samplers.*"),
        )
        if not isinstance(sampler, optuna.samplers.BaseSampler):
            raise UserError(
                "hydra/sweeper/sampler=grid knows no seed and no number of trials: for a grid "
                "sweep values without hparams_search, as in -m model.xgb.max_depth=2,3,4"
            )
        return sampler

    def _at_once(self) -> int:
        if self._n_jobs is not None:
            return self._n_jobs
        in_process = self._hydra_config.hydra.runtime.choices["hydra/launcher"] == "basic"
        return 1 if in_process else os.cpu_count() or 1

    def _test(self, sweep: Sweep, jobs: dict[str, list[str]]) -> None:
        """Run configurations on the test seasons; `jobs` are overrides by folder."""
        overrides = [
            [*sweep.fixed, *chosen, *_job(sweep, name, "test")] for name, chosen in jobs.items()
        ]
        for job in self._launcher.launch(overrides, initial_job_idx=0):
            _ = job.return_value  # raises the error of a failed job


def _run_job(cfg: DictConfig, trial_inputs: TrialInputs) -> object:
    def judge(config: Config, run_dir: RunDir) -> TrialOutcome:
        stages = Stages(Console(quiet=True), False)
        return run_trial(config, run_dir, stages, pruner(config), trial_inputs)

    return train(cfg, Console(), judge)


def _typed(cfg: DictConfig) -> Config:
    """Return a composed config without Hydra's part, validated."""
    plain = cfg.copy()
    with open_dict(plain):
        del plain["hydra"]
    return as_config(plain, Config)


@contextmanager
def _bar(console: Console, total: int) -> Iterator[Callable[[int, str], None]]:
    """Show a bar of trials and the best so far; yields the function that updates it."""
    columns = "trials", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    shown = console.is_terminal
    with Progress(
        *columns, "{task.description}", console=console, transient=True, disable=not shown
    ) as progress:
        task = progress.add_task("", total=total)
        yield lambda n, text: progress.update(task, completed=n, description=text)


def _job(sweep: Sweep, name: str | int, judged_on: str) -> list[str]:
    return [
        f"tuning.batch_id={sweep.config.tuning.batch_id}",
        f"tuning.trial={name}",
        f"tuning.judged_on={judged_on}",
    ]


def _told(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.4f}" for name, value in values.items())

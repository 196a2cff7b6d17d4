"""A study that several workers share."""

import os
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal, cast

import optuna
import pandas as pd
from optuna.trial import FrozenTrial, TrialState

from nba_rank.config.objectives import OBJECTIVES
from nba_rank.core.files import is_alive
from nba_rank.evaluation.sweeps import Candidate, best
from nba_rank.experiments.tuning.storage import StudyError, open_storage, storage_lock

BEAT_SECONDS = 15.0
"""Seconds between the heartbeats of a worker."""

SILENT_SECONDS = 120.0
"""Seconds without a heartbeat after which a trial is lost."""

_WORKER, _BEAT, _LOST = "worker", "beat", "lost"
_SEASONS, _METRICS, _SECONDS, _ERROR = "seasons", "metrics", "seconds", "error"
_QUESTION, _DEFAULT, _TABLES = "question", "default", "tables"


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


class SharedStudy:
    """One study, as one of its workers sees it.

    Args:
        url: Its storage, see `nba_rank.experiments.tuning.storage`.
        name: Its name there.
        objectives: Names of `OBJECTIVES`, in order.
    """

    def __init__(self, url: str, name: str, objectives: Sequence[str]) -> None:
        self.objectives = list(objectives)
        self._url = url
        self._storage = open_storage(url)
        self.study = optuna.create_study(
            storage=self._storage,
            study_name=name,
            directions=cast(
                list[Literal["minimize", "maximize"]],
                [OBJECTIVES[objective].direction for objective in objectives],
            ),
            load_if_exists=True,
        )
        self._worker = {"host": socket.gethostname(), "pid": os.getpid()}

    def check_same_question(self, question: Mapping[str, str]) -> None:
        """Store the question of a new study; refuse to continue one with another question.

        Args:
            question: All that decides a trial's result, by dotted key.

        Raises:
            StudyError: Names the keys that differ.
        """
        if differing := self._differing(_QUESTION, question):
            lines = "\n".join(
                f"  - {key}: {then} then, {now} now" for key, (then, now) in differing.items()
            )
            raise StudyError(
                f"the study {self.study.study_name} was begun with another question:\n{lines}\n"
                "Take the same values, or another tuning.batch_id"
            )

    def check_same_tables(self, tables: Mapping[str, str]) -> None:
        """Store the hashes of the first tables; refuse others with a `StudyError`."""
        if differing := self._differing(_TABLES, tables):
            raise StudyError(
                f"the study {self.study.study_name} was begun on other data: "
                f"{', '.join(differing)} differ(s). Restore the data, or take another "
                "tuning.batch_id"
            )

    def _differing(self, name: str, now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Store facts that no worker has stored yet; return those that differ, then and now."""
        then = self.study.user_attrs.get(name)
        if then is None:
            with storage_lock(self._url):
                then = self.study.user_attrs.get(name)
                if then is None:
                    then = dict(now)
                    self.study.set_user_attr(name, then)
        both = {
            key: (then.get(key, "absent"), now.get(key, "absent")) for key in sorted({*then, *now})
        }
        return {key: pair for key, pair in both.items() if pair[0] != pair[1]}

    @property
    def default(self) -> TrialOutcome | None:
        """The outcome of the default configuration, once known."""
        found = self.study.user_attrs.get(_DEFAULT)
        return TrialOutcome(**found) if found else None

    @default.setter
    def default(self, outcome: TrialOutcome) -> None:
        self.study.set_user_attr(_DEFAULT, asdict(outcome))

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Return the trials in these states (all if none), without lost ones."""
        found = self.study.get_trials(deepcopy=False, states=states or None)
        return [trial for trial in found if _LOST not in trial.user_attrs]

    def ask(self) -> optuna.Trial:
        """Begin a trial of this worker."""
        trial = self.study.ask()
        trial.set_user_attr(_WORKER, self._worker)
        trial.set_user_attr(_BEAT, time.time())
        return trial

    def tell(self, number: int, outcome: TrialOutcome) -> None:
        """End a trial with its outcome."""
        trial_id = self._id(number)
        told = {_SEASONS: outcome.seasons, _METRICS: outcome.metrics, _SECONDS: outcome.seconds}
        for name, value in told.items():
            self._storage.set_trial_user_attr(trial_id, name, value)
        if outcome.pruned:
            self.study.tell(number, state=TrialState.PRUNED)
        else:
            self.study.tell(number, [outcome.objective[name] for name in self.objectives])

    def fail(self, number: int, error: str) -> None:
        """End a trial that gave no result; it stays in the study and never wins."""
        self._storage.set_trial_user_attr(self._id(number), _ERROR, error)
        self.study.tell(number, state=TrialState.FAIL)

    def lose(self, number: int) -> None:
        """End a trial whose worker was stopped; it does not count."""
        self._storage.set_trial_user_attr(self._id(number), _LOST, True)
        self.study.tell(number, state=TrialState.FAIL)

    def fail_stale_trials(self) -> list[int]:
        """End the running trials whose worker is gone, as lost; return their numbers."""
        gone = [trial.number for trial in self.trials(TrialState.RUNNING) if self._is_gone(trial)]
        for number in gone:
            self.lose(number)
        return gone

    def _is_gone(self, trial: FrozenTrial) -> bool:
        worker = trial.user_attrs.get(_WORKER, {})
        here = worker.get("host") == self._worker["host"]
        if here and not is_alive(int(worker["pid"])):
            return True
        begun = trial.datetime_start.timestamp() if trial.datetime_start else 0.0
        return time.time() - float(trial.user_attrs.get(_BEAT, begun)) > SILENT_SECONDS

    @contextmanager
    def alive(self, numbers: Iterable[int]) -> Iterator[None]:
        """Say every `BEAT_SECONDS` that running trials of this worker are alive."""
        ids = [self._id(number) for number in numbers]
        ended = threading.Event()

        def beat() -> None:
            while not ended.wait(BEAT_SECONDS):
                for trial_id in ids:
                    self._storage.set_trial_user_attr(trial_id, _BEAT, time.time())

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _id(self, number: int) -> int:
        study_id = self._storage.get_study_id_from_name(self.study.study_name)
        return self._storage.get_trial_id_from_study_id_trial_number(study_id, number)

    def candidates(self) -> list[Candidate]:
        """Return the default, once known, and all trials that were judged on all seasons."""
        found = []
        if (default := self.default) is not None:
            judged = default.objective, default.seasons, default.metrics
            found.append(Candidate(None, {}, *judged))
        for trial in self.trials(TrialState.COMPLETE):
            values = dict(zip(self.objectives, trial.values, strict=True))
            judged = values, trial.user_attrs[_SEASONS], trial.user_attrs[_METRICS]
            found.append(Candidate(trial.number, trial.params, *judged))
        return found

    def best_so_far(self) -> str:
        """Describe the best candidate in a few words; empty while there is none."""
        if not (found := self.candidates()):
            return ""
        first = best(found, self.objectives)
        values = ", ".join(f"{name} {first.objective[name]:.4f}" for name in self.objectives)
        return f"best {values} ({first.name})"

    def table(self) -> pd.DataFrame:
        """Return all trials, one row each, lost ones too.

        Returns:
            `number`, `state` (`complete`, `pruned`, `failed`, `lost`, `running`), the objectives,
            `params.<key>`, `metrics.<name>`, `seasons.<season>.<objective>`, `seconds`, `started`,
            `worker` (`host/pid`) and `error`.
        """
        rows = [self._row(trial) for trial in self.study.get_trials(deepcopy=False)]
        columns = ["number", "state", *self.objectives]
        table = pd.DataFrame(rows, columns=None if rows else columns)
        for kind in ("params.", "metrics.", "seasons."):
            columns += sorted(name for name in map(str, table) if name.startswith(kind))
        return table[columns + [name for name in table if name not in columns]]

    def _row(self, trial: FrozenTrial) -> dict[str, object]:
        told, state = trial.user_attrs, trial.state.name.lower()
        values = trial.values or [None] * len(self.objectives)  # noqa: PD011
        worker = told.get(_WORKER, {})
        return {
            "number": trial.number,
            "state": "lost" if _LOST in told else "failed" if state == "fail" else state,
            **dict(zip(self.objectives, values, strict=True)),
            **{f"params.{name}": value for name, value in trial.params.items()},
            **{f"metrics.{name}": value for name, value in told.get(_METRICS, {}).items()},
            **{
                f"seasons.{season}.{name}": value
                for season, values_of in told.get(_SEASONS, {}).items()
                for name, value in values_of.items()
            },
            "seconds": told.get(_SECONDS),
            "started": trial.datetime_start,
            "worker": f"{worker.get('host')}/{worker.get('pid')}",
            "error": told.get(_ERROR),
        }

"""Independent work side by side on the CPU, in processes of one thread each.

Threads help little inside one small network and, beside another process, wait for each other.
Processes, because torch draws dropout from one source a process.
"""

import logging
import multiprocessing
import os
import pickle
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess, SpawnProcess
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any, TypeVar

from threadpoolctl import threadpool_limits

from nba_rank.core.errors import UserError

Shared = TypeVar("Shared")
Task = TypeVar("Task")
Result = TypeVar("Result")
Tell = Callable[[object], None]
"""Sends a message to the parent."""

_PRELOADED = "nba_rank.experiments.preload"
_HAS_SERVER = "forkserver" in multiprocessing.get_all_start_methods()
_TOLD, _DONE, _FAILED = "told", "done", "failed"


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch, BLAS and OpenMP use one thread, so that no sum depends on the machine."""
    import torch  # takes a second, and who only reads needs none

    before = torch.get_num_threads()
    with threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)


def warm_up() -> None:
    """Start the process that workers are forked from, without waiting for its imports.

    It inherits a mask for Ctrl-C, which is for the parent to answer.
    """
    if not _HAS_SERVER:
        return
    multiprocessing.set_forkserver_preload([_PRELOADED])
    resource_tracker.ensure_running()  # it would lift the mask
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def side_by_side(
    work: Callable[[Shared, Task, Tell], Result],
    shared: Shared,
    tasks: Sequence[Task],
    n_workers: int,
    hear: Callable[[Any], None] = lambda told: None,
) -> Iterator[Result]:
    """Yield the result of each task, in the order of the tasks, with one thread for each.

    The workers are killed when the caller stops early or Ctrl-C is pressed. An error of a task is
    raised in its turn, as if the tasks had been done one by one.

    Args:
        work: A function of a module; called with what is shared, a task and the way to tell.
        shared: What all tasks need; goes to each worker once.
        tasks: Started in this order.
        n_workers: Processes; 1 works in this one. The results do not depend on it.
        hear: Receives what `work` tells, in this process.

    Raises:
        UserError: A worker was killed, such as for want of memory.
    """
    n_workers = min(n_workers, len(tasks))
    if n_workers < 2:
        for task in tasks:
            with one_thread():
                result = work(shared, task, hear)
            yield result
        return
    warm_up()
    workers: list[_Worker] = []
    waiting = deque(enumerate(tasks))
    finished: dict[int, tuple[str, Any]] = {}
    try:
        for _ in range(n_workers):
            workers.append(_Worker.start(work, shared))
            workers[-1].take(waiting)
        for number in range(len(tasks)):
            while number not in finished:
                _listen(workers, waiting, finished, hear)
            kind, content = finished.pop(number)
            if kind == _FAILED:
                raise content
            yield content
    finally:
        for worker in workers:
            worker.process.kill()
            worker.process.join()
            worker.connection.close()


@dataclass
class _Worker:
    """A process, and the number of its task; None: it is idle."""

    process: BaseProcess
    connection: Connection
    number: int | None = None

    @classmethod
    def start(cls, work: Callable[..., Any], shared: object) -> "_Worker":
        here, there = multiprocessing.Pipe()
        kind = ForkServerProcess if _HAS_SERVER else SpawnProcess
        process = kind(target=_serve, args=(work, there), daemon=True)
        with _main_hidden():
            process.start()
        there.close()  # so that the end of the process is the end of the pipe
        _send(here, shared)
        return cls(process, here)

    def take(self, waiting: "deque[tuple[int, Any]]") -> None:
        """Begin the next task, if one is left."""
        self.number = None
        if waiting:
            self.number, task = waiting.popleft()
            _send(self.connection, task)


@contextmanager
def _main_hidden() -> Iterator[None]:
    """Hide the main module from multiprocessing, whose children would run it again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _send(connection: Connection, content: object) -> None:
    """Send by plain pickle: torch's own way keeps a file open for each tensor."""
    connection.send_bytes(pickle.dumps(content, pickle.HIGHEST_PROTOCOL))


def _listen(
    workers: list[_Worker],
    waiting: "deque[tuple[int, Any]]",
    finished: dict[int, tuple[str, Any]],
    hear: Callable[[Any], None],
) -> None:
    """Wait for messages, and hand out new tasks."""
    busy = {worker.connection: worker for worker in workers if worker.number is not None}
    for connection in wait(list(busy)):
        worker = busy[connection]  # type: ignore[index]  # `wait` returns what it was given
        try:
            kind, content = pickle.loads(worker.connection.recv_bytes())
        except (EOFError, ConnectionResetError):
            worker.process.join()
            kind = _FAILED
            content = UserError(
                f"a worker ended with status {worker.process.exitcode}, perhaps for want of "
                "memory: lower trainer.num_threads"
            )
        if kind == _TOLD:
            hear(content)
            continue
        assert worker.number is not None
        finished[worker.number] = (kind, content)
        if kind == _FAILED:
            waiting.clear()
        worker.take(waiting)


def _serve(work: Callable[..., Any], connection: Connection) -> None:
    """Do tasks until the parent closes the pipe or kills this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent answers Ctrl-C
    # An optimiser looks for GPUs in each step: a tenth of the time where there is no driver.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    for name in ("pytorch_lightning", "lightning.pytorch"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with one_thread():
        shared = pickle.loads(connection.recv_bytes())
        while True:
            try:
                task = pickle.loads(connection.recv_bytes())
            except EOFError:
                return
            try:
                result = work(shared, task, lambda content: _send(connection, (_TOLD, content)))
            except Exception as error:
                if not isinstance(error, UserError):
                    error.add_note("In a worker:\n" + "".join(traceback.format_exception(error)))
                _send(connection, (_FAILED, error))
            else:
                _send(connection, (_DONE, result))

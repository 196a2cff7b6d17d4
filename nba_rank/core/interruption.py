"""Ctrl-C and SIGTERM end a program, even where a library loses the exception."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_PATIENCE = 1.0  # seconds before a lost interruption is raised again


class Terminated(KeyboardInterrupt):
    """The process was told to end by SIGTERM."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise `KeyboardInterrupt` on Ctrl-C and `Terminated` on SIGTERM until one gets through.

    Python drops an exception raised in a destructor or by the garbage collector, so it is raised
    again every second until this context is left.
    """
    waiting: list[threading.Timer] = []
    main = threading.get_ident()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if waiting and isinstance(sys.exc_info()[1], KeyboardInterrupt):
            return  # it got through: the program is cleaning up
        timer = threading.Timer(_PATIENCE, signal.pthread_kill, [main, number])
        timer.daemon = True
        waiting.append(timer)
        timer.start()
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt

    before = {
        number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for timer in waiting:
            timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)

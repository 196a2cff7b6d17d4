"""The end of a program on an error that its user can mend: told plainly, without a traceback."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nba_rank.core.errors import UserError
from nba_rank.core.interruption import Terminated

if TYPE_CHECKING:
    from rich.console import Console

_REMEDIES = {
    errno.ENOSPC: "free some space, or take another folder",
    errno.EDQUOT: "free some space, or take another folder",
    errno.EACCES: "take a folder that may be read and written, see paths.outputs and paths.cache",
    errno.EPERM: "take a folder that may be read and written, see paths.outputs and paths.cache",
    errno.EROFS: "take a folder that can be written, see paths.outputs and paths.cache",
}


@contextmanager
def exit_on_user_error(console: "Console | None" = None) -> Iterator[None]:
    """End the process without a traceback where somebody can mend the cause.

    Status 1 after an error to mend, 130 after Ctrl-C, 143 after SIGTERM. Any other error goes on.

    Args:
        console: Where the error is told; None: on the standard output.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        _tell(console, "[yellow]interrupted[/]", "")
        sys.exit(143 if isinstance(error, Terminated) else 130)
    except Exception as error:
        told = _plain(error)
        if told is None:
            raise
        _tell(console, "[bold red]error:[/] ", told)
        sys.exit(1)


def _plain(error: Exception) -> str | None:
    """Say what there is to mend; None for a mistake in the code."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, MemoryError):
        return (
            f"memory ran out ({error}): close other programs, or ask for less, such as fewer "
            "simulations or trees"
        )
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}: {_REMEDIES[error.errno]}"
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    if isinstance(error, YAMLError):
        return f"a config file cannot be read as YAML: {error}"
    if isinstance(error, HydraException | OmegaConfBaseException):
        cause = error.__cause__
        return f"{error}\n{cause}" if isinstance(cause, OmegaConfBaseException) else str(error)
    return None


def _tell(console: "Console | None", label: str, text: str) -> None:
    from rich.console import Console
    from rich.markup import escape

    (console or Console()).print(label + escape(text), highlight=False, soft_wrap=True)

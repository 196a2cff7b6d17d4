import pytest
from rich.console import Console

from nba_rank.config.program import exit_on_user_error
from nba_rank.core.errors import ConfigError, UserError


@pytest.mark.parametrize("error", [UserError("take another [run]"), ConfigError("seed=-1")])
def test_what_a_user_can_mend_is_told_without_a_traceback(error):
    console = Console(record=True, width=200)
    with pytest.raises(SystemExit) as ended, exit_on_user_error(console):
        raise error
    assert ended.value.code == 1
    assert console.export_text() == f"error: {error}\n"


@pytest.mark.parametrize("kind", [ValueError, KeyError, FileNotFoundError, RuntimeError])
def test_a_mistake_in_the_code_keeps_its_traceback(kind):
    with pytest.raises(kind), exit_on_user_error(Console(quiet=True)):
        raise kind("a mistake")

import json
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
from pathlib import Path
from nba_rank.core.exits import exit_on_user_error
from nba_rank.core import run_dir
from nba_rank.core.interruption import interruptible

run_dir._environment = dict  # torch takes seconds to import


class Figure:
    # Python drops exceptions raised in here.
    def __del__(self):
        print("busy", flush=True)
        time.sleep(0.3)


with interruptible(), exit_on_user_error(), run_dir.RunDir(Path(sys.argv[1])) as run:
    if sys.argv[2] == "destructor":
        Figure()
    print("busy", flush=True)
    time.sleep(20)
"""


@pytest.mark.parametrize(
    ("place", "number", "status"),
    [("code", signal.SIGINT, 130), ("destructor", signal.SIGTERM, 143)],
)
def test_an_interruption_always_ends_a_run_and_marks_it(tmp_path, place, number, status):
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), place], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "busy\n"
    process.send_signal(number)
    assert process.wait(timeout=15) == status
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert (manifest["pid"], process.stdout.read()[-12:]) == (process.pid, "interrupted\n")

import re
import shlex
from pathlib import Path

import pytest
import yaml

from nba_rank.config.compose import as_config
from nba_rank.config.schema import Config, FetchConfig, TodayConfig

ROOT = Path(__file__).parents[2]
KINDS = {"fetch": FetchConfig, "train": Config, "today": TodayConfig}


@pytest.fixture(scope="module")
def job():
    text = (ROOT / ".github/workflows/nightly.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["jobs"]["today"]


def test_its_programs_take_the_words_that_it_gives_them(job, compose_file, monkeypatch):
    monkeypatch.delenv("NBA_RANK_RAW_DIR", raising=False)
    script = "\n".join(step.get("run", "") for step in job["steps"])
    calls = re.findall(r"-m nba_rank\.(\w+)(.*)", script.replace("$SEASON", "2026-27"))
    assert {name for name, _ in calls} == {*KINDS}
    for name, words in calls:
        config = compose_file("config" if name == "train" else name, *shlex.split(words))
        as_config(config, KINDS[name])


def test_it_runs_in_no_fork_by_accident(job):
    assert job["if"] == "vars.NBA_RANK_NIGHTLY == 'true'"

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.calibration import calibration_table, reliability_tables, season_scores
from nba_rank.evaluation.paired import paired, season_means
from nba_rank.report.calibration_report import CalibrationReport, write_calibration_report

SEASONS = [f"20{year}-{year + 1}" for year in range(12, 20)]
EVENTS = ("win", "playoff", "round_1", "round_2", "finals", "title")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report in which Platt of the stack is plainly worse: its text and what was printed."""
    rng = np.random.default_rng(0)
    rows = []
    for season in SEASONS:
        for event in EVENTS:
            chance = rng.uniform(0.05, 0.95, 40)
            happened = rng.random(40) < chance
            for variant, noise in (("none", 0.02), ("platt_stack", 0.5), ("platt_per_model", 0.02)):
                p = np.clip(chance + noise * rng.normal(size=40), 0.01, 0.99)
                rows += [(variant, event, season, "all", i, *pair)
                         for i, pair in enumerate(zip(p, happened, strict=True))]  # fmt: skip
    columns = ["variant", "event", "season", "as_of_point", "team_id", "p", "happened"]
    forecasts = pd.DataFrame(rows, columns=columns)
    order = pd.DataFrame(
        [(season, point, "league", variant, "spearman", 0.7 + 0.1 * i, "order")
         for season in SEASONS for i, point in enumerate(("open", "end"))
         for variant in ("none", "platt_stack", "platt_per_model")],
        columns=["season", "as_of_point", "scope", "ranker", "metric", "value", "part"],
    )  # fmt: skip
    scores = pd.concat([season_scores(forecasts), order], ignore_index=True)
    report = CalibrationReport(
        ranker="stack",
        seasons=SEASONS,
        reliability=reliability_tables(forecasts, ["variant", "event"]),
        means=season_means(scores),
        differences=paired(scores, "none"),
        calibration=calibration_table(forecasts, rng),
    )
    console = Console(file=io.StringIO(), width=120)
    path = write_calibration_report(report, RunDir(tmp_path_factory.mktemp("run")), console)
    return path.read_text(encoding="utf-8"), console.file.getvalue()


def section(text, title):
    return text.split(f" {title}\n")[1].split("\n## ")[0]


def test_differences_come_first_by_event_and_way(written):
    text, _ = written
    table = section(text, "Difference to the simulation alone")
    head, _, *lines = [line for line in table.splitlines() if line.startswith("|")]
    assert head == "| event | Platt of the stack | Platt of each model |"
    events = ["wins a given game", "makes the playoffs", "wins round 1"]
    assert [line.split(" | ")[0].strip("| ") for line in lines[:3]] == events
    assert all("\\* |" in line.split(" | Platt")[0] for line in lines[:6])
    assert "| +0.1" in lines[0]


def test_every_event_has_its_scores_and_the_console_their_brier_scores(written):
    text, shown = written
    title = section(text, "Wins the title")
    head = "| way | forecasts | Brier score ↓ | log loss ↓ | ECE | ECE floor | reliability | "
    assert title.split("\n")[1].startswith(head)
    assert "| simulation alone | 320 | 0." in title
    assert shown.index("wins a given game") < shown.index("wins the title")
    order = section(text, "Skill of the order")
    assert "| simulation alone | 0.700 | 0.800 |" in order
    assert "| Platt of the stack | +0.000 | +0.000 |" in order

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.sweeps import choose, sweep_result
from nba_rank.experiments.tuning.result import importances
from nba_rank.experiments.tuning.study import SharedStudy, TrialOutcome
from nba_rank.report.sweep_report import SweepFindings, write_sweep_report

SEASONS = ("2019-20", "2020-21", "2021-22")
POINTS = ("open", "0.25", "end")


def outcome(value: float, luck: float = 0.0, **more: float) -> TrialOutcome:
    """What a trial found: objectives that rise by a hundredth a season, and luck in the last."""
    values = {"spearman": value, **more}
    seasons = {
        season: {name: v + 0.01 * i + luck * (i == 2) for name, v in values.items()}
        for i, season in enumerate(SEASONS)
    }
    means = {name: float(np.mean([of[name] for of in seasons.values()])) for name in values}
    return TrialOutcome(means, seasons, {"kendall": value}, False, 2.0, {"games": "a"})


def tidy(value: float, seasons: tuple[str, ...]) -> pd.DataFrame:
    """Spearman of the stack and the standings on test seasons."""
    rows = [
        (season, point, "league", ranker, metric, level + 0.01 * i)
        for i, season in enumerate(seasons)
        for point in POINTS
        for ranker, level in (("stack", value), ("standings", 0.5))
        for metric in ("spearman", "ndcg_16")
    ]
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def report(tmp_path, drawn):
    """Writes the report of a study with trials of three kinds of dimensions."""

    def make(
        default: float,
        objectives: tuple[str, ...] = ("spearman",),
        seasons: tuple[str, ...] = ("2022-23", "2023-24"),
        luck: float = 0.0,
    ) -> tuple[str, set[str], str]:
        study = SharedStudy(f"sqlite:///{tmp_path / 'study.db'}", "made", [*objectives])
        more = {name: 0.0 for name in objectives if name != "spearman"}
        study.default = outcome(default, **more)
        rng = np.random.default_rng(2)
        for i in range(9):
            trial = study.ask()
            depth = trial.suggest_int("model.xgb.max_depth", 2, 5)
            trial.suggest_float("model.xgb.learning_rate", 0.01, 0.1, log=True)
            trial.suggest_categorical("features/elo", ["on", "off"])
            more = {name: float(rng.normal()) for name in more}
            study.tell(trial.number, outcome(0.6 + 0.02 * depth + 0.001 * i, luck, **more))
        found = study.candidates()
        chosen = choose(found, study.objectives, 1.0)
        tested = {"default": tidy(0.70, seasons), "chosen": tidy(0.72, seasons)}
        if chosen.number is None:
            del tested["chosen"]
        findings = SweepFindings(
            batch_id="made",
            result=sweep_result(found, chosen, study.objectives, tested, "stack"),
            overrides=["model.xgb.max_depth=5"],
            trials=study.table(),
            study=study.study,
            importances={name: importances(study, name) for name in objectives},
            margin=1.0,
        )
        console = Console(file=StringIO(), width=120)
        with RunDir(tmp_path) as run_dir:
            write_sweep_report(findings, run_dir, console)
        text = (tmp_path / "ANALYSIS_01.md").read_text()
        figures = {path.name for path in Path(tmp_path / "figures").iterdir()}
        return text, figures, console.file.getvalue()

    return make


def section(text, title):
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_the_first_lines_say_what_was_chosen_and_what_it_is_worth(report):
    text, figures, told = report(0.5)
    verdict = text.split("## ")[0]
    assert "**Chosen: trial" in verdict
    assert "(2019-20 to 2021-22, 3 seasons)" in verdict
    assert "\npython -m nba_rank.train model.xgb.max_depth=5\n" in verdict
    gains = section(text, "What the choice is worth")
    assert "| spearman | test | 0.7250 | 0.7050 | +0.0200 | too few seasons | 0.5050 |" in gains
    assert "The test seasons (2022-23 to 2023-24, 2 seasons) were looked at once" in gains
    assert "| chosen | 0.725 | 0.725 | 0.725 |" in gains
    assert "| standings | 0.505 | 0.505 | 0.505 |" in gains
    assert figures == {"history.png", "parallel.png", "slices.png"}
    assert "Chosen: trial" in told
    assert "model.xgb.max_depth=5" in told
    assert "| spearman | 1.00 |" in section(text, "How far validation seasons agree")
    assert "9 complete. Median 2.0 s" in section(text, "Trials")
    first = next(line for line in section(text, "What mattered").splitlines()
                 if line.startswith("| model"))  # fmt: skip
    assert "model.xgb.max\\_depth" in first or "model.xgb.max_depth" in first


def test_a_sweep_that_finds_nothing_better_says_so(report):
    text, _, _ = report(0.9)
    assert "**Keep the default: no trial beats it** on the validation seasons" in text
    assert "of 9 that were judged on all of them" in text
    assert "| spearman ↑ | 0.9100 | 0.9100 | 0.0000 | 0.0000 |" in text


def test_a_lead_that_may_be_luck_is_told_and_not_taken(report):
    # The best trial is behind in two seasons and leads by luck in the third.
    text, _, _ = report(0.72, luck=0.6)
    assert "**Keep the default: no trial beats it by 1 standard error(s)** on the" in text
    assert "| 0.2000 |" in text.split("## ")[0]


def test_enough_test_seasons_give_a_verdict(report):
    seasons = tuple(f"{year}-{year - 1999}" for year in range(2012, 2024))
    text, _, _ = report(0.5, seasons=seasons)
    assert "| spearman | test | 0.7750 | 0.7550 | +0.0200 | better |" in text


def test_two_objectives_have_a_front_and_figures_each(report):
    text, figures, _ = report(0.5, objectives=("spearman", "ndcg16"))
    assert "pareto_front.png" in figures
    assert {"history_spearman.png", "history_ndcg16.png"} <= figures
    assert "The Pareto front:" in text
    assert "The best by each objective:" in text

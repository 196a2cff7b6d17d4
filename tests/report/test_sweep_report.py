from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.choice import choose
from nba_rank.experiments.tuning.choice import candidates
from nba_rank.experiments.tuning.outcome import TrialOutcome
from nba_rank.experiments.tuning.study import SharedStudy
from nba_rank.report.sweep_figures import Searched
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
        (season, point, "league", ranker, "spearman", level + 0.01 * i)
        for i, season in enumerate(seasons)
        for point in POINTS
        for ranker, level in (("stack", value), ("standings", 0.5))
    ]
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def report(tmp_path, compose_as_is):
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
        found = candidates(study)
        chosen = choose(found, study.objectives, 1.0)
        tested = {"default": tidy(0.70, seasons), "chosen": tidy(0.72, seasons)}
        if chosen.number is None:
            del tested["chosen"]
        findings = SweepFindings(
            batch_id="made",
            objectives=study.objectives,
            candidates=found,
            chosen=chosen,
            overrides=["model.xgb.max_depth=5"],
            trials=study.table(),
            study=study.study,
            tested=tested,
            ranker="stack",
            config=compose_as_is("evaluation.bootstrap_samples=200"),
        )
        console = Console(file=StringIO(), width=120)
        with RunDir(tmp_path) as run_dir:
            write_sweep_report(findings, run_dir, console)
        text = (tmp_path / "ANALYSIS_01.md").read_text()
        figures = {path.name for path in Path(tmp_path / "figures").iterdir()}
        return text, figures, console.file.getvalue()

    return make


def test_the_first_lines_say_what_was_chosen_and_what_it_is_worth(report):
    text, figures, told = report(0.5)
    verdict = text.split("## ")[0]
    assert "**Chosen: trial" in verdict
    assert "On the validation seasons 2019-20, 2020-21, 2021-22: spearman" in verdict
    assert "On the test seasons 2022-23, 2023-24, looked at once, after the choice" in verdict
    assert "spearman 0.7250 against 0.7050 of the default, +0.0200" in verdict
    assert "too few for an interval" in verdict
    assert figures == {"history.png", "importances.png", "parallel.png", "slices.png"}
    assert "Chosen: trial" in told


def test_a_sweep_that_finds_nothing_better_says_so(report):
    text, _, _ = report(0.9)
    assert "**Keep the default: no trial beats it** on the validation seasons" in text
    assert "of 9 that were judged on all of them. It has spearman 0.9100." in text
    assert "On the test seasons 2022-23, 2023-24, looked at once, after the choice" in text


def test_a_lead_that_may_be_luck_is_told_and_not_taken(report):
    # The best trial is behind in two seasons and leads by luck in the third.
    text, _, _ = report(0.72, luck=0.6)
    assert "**Keep the default: no trial beats it by 1 standard error(s)** on the" in text
    assert "with a standard error of 0.2000" in text


def test_enough_test_seasons_give_an_interval(report):
    seasons = tuple(f"{year}-{year - 1999}" for year in range(2012, 2024))
    text, _, _ = report(0.5, seasons=seasons)
    assert "95% interval +0.0200 to +0.0200" in text


def test_the_standings_stand_beside_the_chosen_and_the_default(report):
    text, _, _ = report(0.5)
    section = text.split("## Test seasons by as-of point")[1].split("## ")[0]
    assert "| chosen | 0.725 | 0.725 | 0.725 |" in section
    assert "| standings | 0.505 | 0.505 | 0.505 |" in section


def test_seasons_that_order_trials_alike_are_told(report):
    text, _, _ = report(0.5)
    assert "a mean rank correlation of 1.00" in text


def test_what_mattered_is_told_by_share_of_variance(report):
    text, _, _ = report(0.5)
    section = text.split("## What mattered")[1]
    first = next(line for line in section.splitlines() if line.startswith("| model"))
    assert "model.xgb.max_depth" in first


def test_a_dimension_knows_its_default_and_its_name():
    taken = pd.Series([2, 3, 5])
    inside, outside = (Searched("model.xgb.max_depth", taken, False, value) for value in (3, 50))
    assert inside.holds_default
    assert not outside.holds_default
    assert inside.label == "xgb.max_depth"
    group = Searched("features/elo", pd.Series(["on", "off"]), False, "on")
    assert group.holds_default
    assert group.label == "features.elo"
    assert group.levels == ["off", "on"]
    assert group.position(pd.Series(["on", "off"])).tolist() == [1.0, 0.0]

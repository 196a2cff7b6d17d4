from itertools import product

import numpy as np
import pandas as pd
import pytest

from nba_rank.evaluation.sweeps import choose, sweep_result
from nba_rank.experiments.tuning.result import importances
from nba_rank.experiments.tuning.study import SharedStudy, TrialOutcome
from nba_rank.report.sweep_report import SweepFindings, write_sweep_report

SEASONS = ("2019-20", "2020-21", "2021-22")


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
    levels, points = {"stack": value, "standings": 0.5}, ("open", "0.25", "end")
    keys = product(enumerate(seasons), points, levels, ("spearman", "ndcg_16"))
    rows = [(season, point, "league", who, metric, levels[who] + 0.01 * i)
            for (i, season), point, who, metric in keys]  # fmt: skip
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture
def report(written, drawn, tmp_path):
    """Writes the report of a study with trials of three kinds of dimensions."""

    def make(default, objectives=("spearman",), seasons=("2022-23", "2023-24"), luck=0.0):
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
        return written(write_sweep_report, findings)

    return make


def test_a_sweep_says_what_was_chosen_and_what_it_is_worth(report, table, tmp_path):
    seasons = tuple(f"{year}-{year - 1999}" for year in range(2012, 2024))
    text, told = report(0.5, seasons=seasons)
    verdict = text.split("## ")[0]
    assert "**Chosen: trial" in verdict
    assert "(2019-20 to 2021-22, 3 seasons)" in verdict
    assert "\npython -m nba_rank.train model.xgb.max_depth=5\n" in verdict
    gains = table(text, "What the choice is worth")
    assert gains["spearman"] == ["test", "0.7750", "0.7550", "+0.0200", "better", "0.5550"]
    assert "The test seasons (2012-13 to 2023-24, 12 seasons) were looked at once" in text
    assert "| chosen | 0.775 | 0.775 | 0.775 |" in text
    assert table(text, "How far validation seasons agree")["spearman"] == ["1.00"]
    assert "9 complete. Median 2.0 s" in text
    assert list(table(text, "What mattered"))[2].startswith("model.xgb.max")
    assert "Chosen: trial" in told
    assert "model.xgb.max_depth=5" in told
    figures = {path.name for path in (tmp_path / "figures").iterdir()}
    assert figures == {"history.png", "parallel.png", "slices.png"}


def test_a_sweep_keeps_the_default_where_nothing_beats_it_beyond_luck(report):
    text, _ = report(0.9)
    assert "**Keep the default: no trial beats it** on the validation seasons" in text
    assert "of 9 that were judged on all of them" in text
    assert "| spearman ↑ | 0.9100 | 0.9100 | 0.0000 | 0.0000 |" in text


def test_a_lead_that_may_be_luck_is_told_and_not_taken(report):
    # The best trial is behind in two seasons and leads by luck in the third.
    text, _ = report(0.72, luck=0.6)
    assert "**Keep the default: no trial beats it by 1 standard error(s)** on the" in text
    assert "| 0.2000 |" in text.split("## ")[0]


def test_two_objectives_have_a_front_and_figures_each(report, tmp_path):
    text, _ = report(0.5, objectives=("spearman", "ndcg16"))
    figures = {path.name for path in (tmp_path / "figures").iterdir()}
    assert figures >= {"pareto_front.png", "history_spearman.png", "history_ndcg16.png"}
    assert "The Pareto front:" in text
    assert "The best by each objective:" in text

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.ablations import TIDY_COLUMNS, paired_gains
from nba_rank.report.ablation_report import (
    AblationReport,
    plot_ablations,
    print_costs,
    write_ablation_analysis,
)
from nba_rank.report.labels import POINT_LABELS


def report_of(costs, n_seasons=6, **changes):
    """A report on variants whose cost is the given one at each point, give or take some noise.

    Args:
        costs: By variant: mean cost by point, and its spread over seasons.
        n_seasons: Test seasons.
        changes: Other fields of the report.
    """
    seasons = [f"20{10 + i}-{11 + i}" for i in range(n_seasons)]
    wave = np.resize([1.0, -1.0], n_seasons)
    wave -= wave.mean()
    rows = []
    for variant, (cost, spread) in {"full": (0, 0), **costs}.items():
        for point, mean in zip(AS_OF_POINTS, np.broadcast_to(cost, len(AS_OF_POINTS)), strict=True):
            values = 0.7 - mean - spread * wave
            rows += [
                (variant, season, point, "league", v)
                for season, v in zip(seasons, values, strict=True)
            ]
    tidy = pd.DataFrame(rows, columns=TIDY_COLUMNS)
    fields = {
        "run": "run_007",
        "full": "full",
        "gains": paired_gains(
            tidy, {part: ("full", part) for part in costs}, np.random.default_rng(0), 500
        ),
        "words": {variant: f"what {variant} is" for variant in costs},
        "left_out": {},
        "seconds": dict.fromkeys(("full", *costs), 1.5),
        "seasons": seasons,
        "prior": ["some_rating"],
    }
    return AblationReport(**{**fields, **changes})


def analysis_of(tmp_path, report):
    path = tmp_path / "ANALYSIS_01.md"
    write_ablation_analysis(path, report, "figures/ablations.png")
    return path.read_text(encoding="utf-8")


def sentence(text, variant):
    (line,) = [line for line in text.splitlines() if line.startswith(f"- **{variant}**")]
    return line


def test_a_firm_cost_is_told_point_by_point(tmp_path):
    costs = [0.04, 0.03, 0, 0, 0, 0, -0.02]
    text = analysis_of(tmp_path, report_of({"mixed": (costs, 0.005)}))
    said = sentence(text, "mixed")
    assert "(what mixed is)" in said
    assert "the full model is ahead by 0.040 (opening), 0.030 (5%)" in said
    assert "the full model is behind by 0.020 (end)" in said
    assert "elsewhere it costs from +0.000" in said
    assert "6 test seasons cannot tell from zero" in said


def test_a_cost_that_seasons_cannot_tell_from_zero_is_no_finding(tmp_path):
    text = analysis_of(tmp_path, report_of({"vague": (0.01, 0.05)}))
    said = sentence(text, "vague")
    assert "at no point can 6 test seasons tell that from zero" in said
    assert "ahead" not in said


def test_a_cost_that_prints_as_zero_is_not_firm(tmp_path):
    text = analysis_of(tmp_path, report_of({"tiny": (-0.0003, 0.0)}))
    assert "at no point" in sentence(text, "tiny")
    assert "-0.000" not in text


def test_a_cost_at_every_point_leaves_nothing_elsewhere(tmp_path):
    said = sentence(analysis_of(tmp_path, report_of({"large": (0.1, 0.01)})), "large")
    assert all(f"0.100 ({label})" in said for label in POINT_LABELS.values())
    assert "elsewhere" not in said


def test_few_seasons_give_no_interval_and_the_text_says_so(tmp_path):
    text = analysis_of(tmp_path, report_of({"large": (0.1, 0.0)}, n_seasons=2))
    said = sentence(text, "large")
    assert "2 test seasons, fewer than 3, give no interval" in said
    assert "nan" not in text.lower()
    assert "by chance alone" not in text


def test_the_tables_hold_every_variant_and_point(tmp_path):
    text = analysis_of(tmp_path, report_of({"a": (0.04, 0.01), "b": (0.0, 0.01)}))
    header = "| variant | opening | 5% | 15% | 25% | 50% | 75% | end |"
    assert header in text.splitlines()
    assert f"{header[:-2]} | seconds |" in text.splitlines()
    assert text.count("| a | +0.040 (+0.0") == 1
    assert "| a | 0.660 |" in text
    assert "| full | 0.700 |" in text
    assert "| full | +" not in text
    assert "Of 14 intervals" in text


def test_what_was_left_out_and_the_prior_are_told(tmp_path):
    text = analysis_of(
        tmp_path, report_of({"a": (0, 0.01)}, left_out={"b": "it is the full model"})
    )
    assert "- **b** was left out: it is the full model." in text
    assert "some_rating" in text
    assert "team_prior=[]" in text
    assert "team_prior=[]" not in analysis_of(tmp_path, report_of({"a": (0, 0.01)}, prior=[]))


def test_the_printed_table_shows_costs_and_marks_the_firm_ones():
    console = Console(file=io.StringIO(), width=150, force_terminal=True)
    print_costs(console, report_of({"firm": (0.04, 0.001), "vague": (0.01, 0.05)}))
    shown = console.file.getvalue()
    assert shown.count("\x1b[1m+.040") == len(POINT_LABELS)
    assert "\x1b[1m+.010" not in shown
    assert shown.count("+.010") == len(POINT_LABELS)
    assert "test seasons; above zero" in shown


@pytest.mark.parametrize("n_seasons", [1, 6])
def test_the_figure_is_written(tmp_path, n_seasons):
    path = tmp_path / "figures" / "ablations.png"
    plot_ablations(report_of({"a": (0.04, 0.01), "b": (0.0, 0.01)}, n_seasons), path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == [path.name]

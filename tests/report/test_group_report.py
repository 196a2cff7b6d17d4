import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.ablations import LISTS, TIDY_COLUMNS, paired_gains
from nba_rank.evaluation.group_verdicts import verdicts
from nba_rank.report.group_report import GroupReport, print_groups, write_group_report

SECONDS = {"helps": 1.0, "idle": 0.5, "vague": 0.5, "dear": 8.0}
GAINS = {"helps": (0.04, 0.01), "idle": (-0.002, 0.01), "vague": (0.004, 0.05), "dear": (0.01, 0.1)}


def report_of(n_seasons=6, directions=("without", "alone"), lean=None, **changes):
    """A report on groups whose gain is the given one at each list, give or take some noise."""
    seasons = [f"20{10 + i}-{11 + i}" for i in range(n_seasons)]
    wave = np.resize([1.0, -1.0], n_seasons)
    wave -= wave.mean()

    def gains(direction, values):
        rows = [("base", season, *one, 0.7) for one in LISTS for season in seasons]
        for part, (gain, spread) in values.items():
            rows += [
                (part, season, *one, 0.7 + gain + spread * noise)
                for one in LISTS
                for season, noise in zip(seasons, wave, strict=True)
            ]
        tidy = pd.DataFrame(rows, columns=TIDY_COLUMNS)
        pairs = {part: (part, "base") for part in values}
        found = paired_gains(tidy, pairs, np.random.default_rng(0), 500)
        return found.assign(direction=direction)

    parts = [gains(direction, GAINS) for direction in directions]
    if lean is not None:
        parts.append(gains("lean", {"without all": lean}))
    table = pd.concat(parts, ignore_index=True)
    fields = {
        "run": "run_007",
        "ranker": "stack",
        "gains": table,
        "verdicts": verdicts(table[table["direction"] == "without"], SECONDS),
        "left_out": {},
        "seasons": seasons,
    }
    return GroupReport(**{**fields, **changes})


def analysis_of(tmp_path, report):
    path = write_group_report(report, RunDir(tmp_path))
    assert path == tmp_path / "ANALYSIS_01.md"
    return path.read_text(encoding="utf-8")


def line(text, words):
    (found,) = [one for one in text.splitlines() if words in one]
    return found


def test_the_first_lines_say_what_helps_and_what_should_be_off(tmp_path):
    text = analysis_of(tmp_path, report_of())
    first = text.splitlines()[2:6]
    assert first == [
        "- **More than noise beside all others**: helps (+0.040, 10.0% of the build time).",
        "- **Cost more than they bring, and should be off by default**: "
        "dear (+0.010, 80.0% of the build time), idle (-0.002, 5.0% of the build time).",
        "- **Cheap, above zero on average, not told from noise**: "
        "vague (+0.004, 5.0% of the build time).",
        "- **More than noise on top of the record**: helps.",
    ]
    assert "The rule: a group brings more than noise where" in text
    assert "more than 10% of the time" in text
    assert "6 test seasons, 2010-11 to 2015-16" in text


def test_tables_hold_every_group_and_list(tmp_path):
    text = analysis_of(tmp_path, report_of())
    lists = "mean | opening | 5% | 15% | 25% | 50% | 75% | end | inside the 16"
    assert f"| group | {lists} | build time |" in text
    assert f"| group | {lists} |" in text.splitlines()
    for group, seconds in SECONDS.items():
        rows = [one for one in text.splitlines() if one.startswith(f"| {group} |")]
        assert len(rows) == 2
        assert f"{seconds:.2f} s" in rows[0]
        assert rows[0].count(f" {GAINS[group][0]:+.3f} (") == len(LISTS)
    assert line(text, "| all groups |").count("0.7") == len(LISTS)
    assert line(text, "| record alone |").count("0.700") == len(LISTS)
    assert "Of 72 intervals" in text


def test_one_direction_is_reported_without_the_other(tmp_path):
    text = analysis_of(tmp_path / "a", report_of(directions=["alone"]))
    assert "beside all others**" not in text
    assert "**More than noise on top of the record**: helps." in text
    text = analysis_of(tmp_path / "b", report_of(directions=["without"]))
    assert "on top of the record**" not in text


@pytest.mark.parametrize(
    ("lean", "words"),
    [((0.02, 0.001), "stand in for each other"), ((0.001, 0.05), "no more than noise either")],
)
def test_what_should_be_off_is_judged_together_as_well(tmp_path, lean, words):
    text = analysis_of(tmp_path, report_of(lean=lean))
    assert words in line(text, "bring together")
    assert f"{lean[0]:+.3f}" in line(text, "bring together")


def test_few_seasons_tell_nothing_and_what_was_left_out_is_said(tmp_path):
    report = report_of(n_seasons=2, left_out={"without record": "it is the last"})
    text = analysis_of(tmp_path, report)
    assert "2 test seasons, fewer than 3, give no interval" in text
    assert "should be off" not in text
    assert "- Left out: without record, it is the last." in text.splitlines()
    assert "nan" not in text.lower()


def test_what_is_printed_fits_a_terminal():
    console = Console(file=io.StringIO(), width=80)
    print_groups(console, report_of(lean=(0.02, 0.001)))
    shown = console.file.getvalue()
    for group, (gain, _) in GAINS.items():
        (row, *_) = (one for one in shown.splitlines() if one.startswith(f" {group} "))
        assert row.count(f"{gain:+.3f}".replace("0.", ".", 1)) == len(LISTS)
    assert "…" not in shown
    assert "should be off by default: dear" in shown


@pytest.mark.parametrize("directions", [["without"], ["alone"], ["without", "alone"]])
def test_the_figure_is_drawn(tmp_path, directions):
    analysis_of(tmp_path, report_of(directions=directions))
    with Image.open(tmp_path / "figures" / "feature_groups.png") as image:
        assert image.width >= 1200

import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.calibration import compare_variants, summarise_calibration
from nba_rank.report import calibration_report
from nba_rank.report.calibration_report import (
    EVENT_LABELS,
    VARIANT_LABELS,
    CalibrationReport,
    print_calibration,
    write_calibration_report,
)
from nba_rank.report.labels import POINT_LABELS

ALL_EVENTS = [*EVENTS, "win"]
STACK, EACH = VARIANT_LABELS["platt_stack"], VARIANT_LABELS["platt_per_model"]
# How far each variant moves the log odds of the truth: 1 is calibrated, 3 boastful, 0.5 timid.
STRETCH = {"none": 1.0, "platt_stack": 3.0, "platt_per_model": 1.02}


def report_of(n_seasons=6, stretch=STRETCH, **changes):
    """A report on made-up forecasts of all events, each variant by its own stretch."""
    rng = np.random.default_rng(0)
    seasons = [f"20{10 + i}-{11 + i}" for i in range(n_seasons)]
    parts, ranking = [], []
    for season in seasons:
        for event in ALL_EVENTS:
            logit = rng.normal(scale=1.5, size=240)
            happened = rng.random(240) < 1 / (1 + np.exp(-logit))
            points = np.resize(AS_OF_POINTS, 240) if event != "win" else "all"
            parts += [
                pd.DataFrame(
                    {
                        "variant": variant,
                        "event": event,
                        "season": season,
                        "as_of_point": points,
                        "team_id": np.arange(240),
                        "p": 1 / (1 + np.exp(-factor * logit)),
                        "happened": happened,
                    }
                )
                for variant, factor in stretch.items()
            ]
        for place, variant in enumerate(stretch):
            skill = 0.7 + 0.01 * place + 0.02 * rng.normal(size=len(AS_OF_POINTS))
            ranking.append(
                pd.DataFrame({"as_of_point": AS_OF_POINTS, "spearman": skill}).assign(
                    variant=variant, season=season
                )
            )
    forecasts = pd.concat(parts, ignore_index=True)
    forecasts = forecasts.sort_values("variant", key=lambda names: names.map(list(stretch).index))
    fields = {
        "run": "run_007",
        "ranker": "stack",
        "seasons": seasons,
        "forecasts": forecasts,
        "summary": summarise_calibration(forecasts, rng, n_resamples=200, n_draws=100),
        "differences": compare_variants(forecasts, "none", rng, 200),
        "ranking": pd.concat(ranking, ignore_index=True),
        "seconds": {"models": 2.0},
    }
    return CalibrationReport(**{**fields, **changes})


@pytest.fixture(scope="module")
def report():
    """A report on six seasons; not to be altered."""
    return report_of()


@pytest.fixture
def no_figures(monkeypatch):
    """The titles of the figures that would have been drawn."""
    titles = []
    monkeypatch.setattr(
        calibration_report,
        "plot_reliability",
        lambda tables, path, title: titles.append((title, list(tables), path.name)),
    )
    return titles


def text_of(tmp_path, report):
    with RunDir.reserve(tmp_path) as run_dir:
        return write_calibration_report(report, run_dir).read_text(encoding="utf-8")


def sentence(text, event):
    (line,) = [line for line in text.splitlines() if line.startswith(f"- {EVENT_LABELS[event]}: ")]
    return line


def table_below(text, title):
    """The rows of the first table below a heading, as lists of cells."""
    lines = text.split(title, 1)[1].split("\n|", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in f"|{line}".strip("|").split("|")]
            for line in lines.split("\n|")]  # fmt: skip


def test_every_event_and_variant_has_words():
    assert set(EVENT_LABELS) == set(ALL_EVENTS)
    assert set(VARIANT_LABELS) == set(STRETCH)


def test_the_title_says_what_was_calibrated_and_on_what(tmp_path, report, no_figures):
    text = text_of(tmp_path, report)
    assert text.startswith("# run_007: ways to calibrate the stack\n")
    assert "6 test seasons, 2010-11 to 2015-16" in text
    alone = report_of(1)
    assert "(1 test season, 2010-11 to 2010-11)" in text_of(tmp_path, alone)


def test_the_better_variant_is_named_and_noise_is_called_noise(tmp_path, report, no_figures):
    text = text_of(tmp_path, report)
    brier = report.summary.set_index(["event", "variant"])["brier"]
    for event in ALL_EVENTS:
        said = sentence(text, event)
        for variant, label in VARIANT_LABELS.items():
            assert f"{label} {brier[event, variant]:.4f}" in said
        assert f"{STACK} is worse than the simulation." in said
    verdicts = report.differences
    verdicts = verdicts[(verdicts["score"] == "brier")].set_index(["event", "variant"])["verdict"]
    noise = f"{EACH} differs from the simulation by no more than noise."
    for event in ALL_EVENTS:
        told = noise in sentence(text, event)
        assert told == (verdicts[event, "platt_per_model"] == "no more than noise")
    assert noise in text
    best = [min(STRETCH, key=lambda variant: brier[event, variant]) for event in ALL_EVENTS]
    (said,) = [line for line in text.splitlines() if line.startswith("Of 6 events the best Brier")]
    for variant, label in VARIANT_LABELS.items():
        assert (label in said) == (variant in best)
        assert (f"{label} at {best.count(variant)}" in said) == (variant in best)


def test_a_calibration_that_helps_is_said_to_be_better(tmp_path, no_figures):
    text = text_of(tmp_path, report_of(stretch={"none": 3.0, "platt_stack": 1.0}))
    for event in ALL_EVENTS:
        assert f"{STACK} is better than the simulation." in sentence(text, event)
    assert f"Of 6 events the best Brier score has: {STACK} at 6." in text


def test_few_seasons_give_no_interval_and_the_text_says_so(tmp_path, no_figures):
    text = text_of(tmp_path, report_of(2))
    for event in ALL_EVENTS:
        said = sentence(text, event)
        assert "Fewer than 3 test seasons cannot tell a difference from noise." in said
        assert "no more than noise" not in said
    assert "nan" not in text.lower()


def test_calibration_errors_are_held_against_their_floor(tmp_path, report, no_figures):
    text = text_of(tmp_path, report)
    rows = report.summary.set_index(["event", "variant"])
    beyond = rows["ece"] > 2 * rows["ece_floor"]
    assert beyond.xs("platt_stack", level="variant").all()
    for event in ALL_EVENTS:
        names = [VARIANT_LABELS[name] for name in STRETCH if beyond[event, name]]
        assert sentence(text, event).endswith(f"ECE beyond twice its floor: {', '.join(names)}.")
    fine = text_of(tmp_path, report_of(stretch={"none": 1.0, "platt_per_model": 1.02}))
    assert fine.count("Every ECE is within twice its floor.") == 6


def test_a_table_of_scores_for_each_event(tmp_path, report, no_figures):
    text = text_of(tmp_path, report)
    for event in ALL_EVENTS:
        label = EVENT_LABELS[event]
        title = f"### {label[0].upper()}{label[1:]} (1,440 forecasts)"
        header, _, *rows = table_below(text, title)
        assert header == ["variant", "ECE", "floor", "Brier", "reliability", "resolution",
                          "uncertainty", "log loss", "95% interval"]  # fmt: skip
        assert [row[0] for row in rows] == list(VARIANT_LABELS.values())
        own = report.summary[report.summary["event"] == event].set_index("variant")
        for row, variant in zip(rows, VARIANT_LABELS, strict=True):
            known = own.loc[variant]
            assert row[1:4] == [
                f"{known['ece']:.3f}",
                f"{known['ece_floor']:.3f} ({known['ece_floor_95']:.3f})",
                f"{known['brier']:.4f}",
            ]
            assert row[7] == f"{known['log_loss']:.3f}"
            assert row[8] == f"{known['log_loss_low']:.3f} to {known['log_loss_high']:.3f}"


def test_the_differences_are_told_with_interval_and_verdict(tmp_path, report, no_figures):
    header, _, *rows = table_below(text_of(tmp_path, report), "## Difference to the simulation")
    assert header == ["event", "variant", "score", "difference", "95% interval", "verdict"]
    assert len(rows) == len(report.differences) == 6 * 2 * 2
    for row, known in zip(rows, report.differences.itertuples(), strict=True):
        assert row[:3] == [
            EVENT_LABELS[known.event], VARIANT_LABELS[known.variant], known.score.replace("_", " "),
        ]  # fmt: skip
        assert float(row[3]) == pytest.approx(known.difference, abs=6e-5)
        assert row[5] == known.verdict


def test_the_skill_of_the_order_is_the_mean_over_seasons_by_point(tmp_path, report, no_figures):
    header, _, *rows = table_below(text_of(tmp_path, report), "## Skill of the order")
    assert header == ["variant", *POINT_LABELS.values()]
    mean = report.ranking.groupby(["variant", "as_of_point"])["spearman"].mean()
    assert [row[0] for row in rows] == list(VARIANT_LABELS.values())
    for row, variant in zip(rows, VARIANT_LABELS, strict=True):
        assert row[1:] == [f"{mean[variant, point]:.3f}" for point in POINT_LABELS]


def test_each_variant_has_a_figure_of_every_event(tmp_path, report, no_figures):
    text = text_of(tmp_path, report)
    assert [(title, name) for title, _, name in no_figures] == [
        (f"How often it happened: {label}", f"reliability_{variant}.png")
        for variant, label in VARIANT_LABELS.items()
    ]
    for _, panels, name in no_figures:
        assert panels == list(EVENT_LABELS.values())
        assert f"](figures/{name})" in text


@pytest.mark.slow
def test_the_figures_are_written(tmp_path, report):
    with RunDir.reserve(tmp_path) as run_dir:
        path = write_calibration_report(report, run_dir)
        assert path.name == "ANALYSIS_01.md"
        assert write_calibration_report(report, run_dir).name == "ANALYSIS_02.md"
    for variant in STRETCH:
        figure = path.parent / "figures" / f"reliability_{variant}.png"
        assert figure.read_bytes().startswith(b"\x89PNG")


def test_the_printed_table_shows_every_brier_score(report):
    console = Console(file=io.StringIO(), width=120)
    print_calibration(console, report)
    shown = console.file.getvalue()
    assert "lower is better" in shown
    for label in (*VARIANT_LABELS.values(), *EVENT_LABELS.values()):
        assert label in shown
    lines = shown.splitlines()
    for event in ALL_EVENTS:
        (line,) = [line for line in lines if line.strip().startswith(EVENT_LABELS[event])]
        own = report.summary[report.summary["event"] == event]
        assert line.split()[-3:] == [f"{value:.4f}" for value in own["brier"]]

"""The analysis of a comparison of calibrations: ways to probabilities side by side."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.report.format import cells, console_table, differences, number, print_table, values
from nba_rank.report.labels import EVENT_LABELS, measure_label, sentence, span
from nba_rank.report.odds_figures import plot_reliability
from nba_rank.report.render import Album, write_analysis

VARIANT_LABELS = {
    "none": "simulation alone",
    "platt_stack": "Platt of the stack",
    "platt_per_model": "Platt of each model",
}
"""Words for the ways."""

_EVENTS = {"win": "wins a given game", **EVENT_LABELS}


@dataclass(frozen=True)
class CalibrationReport:
    """What there is to report.

    Attributes:
        reliability: Bins by `variant` and `event`, see
            `nba_rank.evaluation.calibration.reliability_tables`.
        means: Scores by variant as `ranker` and event as `part`, means over the seasons; the part
            `order` is the skill of ranking the teams by the sum of their probabilities.
        differences: The same scores minus those of the simulation alone.
        calibration: What `nba_rank.evaluation.calibration.calibration_table` returns.
    """

    ranker: str
    seasons: list[str]
    reliability: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame


def write_calibration_report(report: CalibrationReport, run_dir: RunDir, console: Console) -> Path:
    """Draw the figures, write the analysis and print the Brier scores; return its path."""
    album = Album(run_dir.path)
    for variant, rows in report.reliability.groupby("variant", sort=False):
        tables = {words: rows[rows["event"] == event] for event, words in _EVENTS.items()}
        words = VARIANT_LABELS[str(variant)]
        path = album.add(f"Reliability, {words}", f"reliability_{variant}")
        plot_reliability(tables, path, f"How often it happened: {words}")
    means, gaps, calibration = (
        _named(frame) for frame in (report.means, report.differences, report.calibration)
    )
    brier = values(means[means["metric"] == "brier"], "event", "way", "event")
    print_table(console_table(brier, "Brier score, lower is better"), console)
    of_events = gaps["part"] != "order"
    context = {
        "ranker": report.ranker,
        "seasons": span(report.seasons),
        "differences": [
            (measure_label(str(metric)), differences(rows, "event", "way", "event"))
            for metric, rows in gaps[of_events].groupby("metric", sort=False)
        ],
        "events": [
            (sentence(words), _scores(event, means, calibration))
            for event, words in _EVENTS.items()
        ],
        "order": values(means[means["part"] == "order"], "way", "list", "ranked by"),
        "order_differences": differences(gaps[~of_events], "way", "list", "ranked by"),
    }
    return write_analysis(run_dir, "calibration.md.j2", context, album.figures)


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """Add the words for ways and events, and put the events in order."""
    frame = frame.assign(way=frame["ranker"].map(VARIANT_LABELS), event=frame["part"].map(_EVENTS))
    order = [*_EVENTS, "order"]
    return frame.sort_values("part", key=lambda part: part.map(order.index), kind="stable")


def _scores(event: str, means: pd.DataFrame, calibration: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of one event as a table of text, a line a way."""
    own = calibration[calibration["part"] == event]
    table = pd.DataFrame({"way": own["way"].tolist(), "forecasts": cells(own, "n")})
    for metric, digits in (("brier", 4), ("log_loss", 3)):
        rows = means[(means["part"] == event) & (means["metric"] == metric)].set_index("way")
        table[measure_label(metric)] = cells(rows.loc[own["way"]], "value", f".{digits}f±")
    floors = zip(own["ece_floor"], own["ece_floor_95"], strict=True)
    table["ECE"] = cells(own, "ece")
    table["ECE floor"] = [f"{number(mean)} ({number(high)})" for mean, high in floors]
    for name in ("reliability", "resolution", "uncertainty"):
        table[name] = cells(own, name, ".4f")
    return table

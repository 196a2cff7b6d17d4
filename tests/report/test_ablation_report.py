import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.paired import paired
from nba_rank.report.ablation_report import AblationReport, write_ablation_report
from nba_rank.report.labels import LIST_LABELS

SECONDS = {"helps": 1.0, "idle": 0.5, "dear": 8.5}
GAINS = {"idle": (-0.002, 0.01), "dear": (0.01, 0.1), "helps": (0.04, 0.01)}


def gains_of(n_seasons=8, directions=("without", "alone"), rankers=("stack", "xgb"), gains=GAINS):
    """Gains at each list, give or take some noise."""
    wave = np.resize([1.0, -1.0], n_seasons)
    wave -= wave.mean()
    rows = [
        (part, f"20{10 + i}-{11 + i}", *one, side, 0.7 + (side == "with") * (gain + spread * noise))
        for part, (gain, spread) in gains.items()
        for one in LIST_LABELS
        for i, noise in enumerate(wave)
        for side in ("with", "without")
    ]
    columns = ["part", "season", "as_of_point", "scope", "ranker", "value"]
    found = paired(pd.DataFrame(rows, columns=columns).assign(metric="spearman"), "without")
    return pd.concat(
        found.assign(direction=direction, ranker=ranker)
        for direction in directions
        for ranker in rankers
    )


@pytest.fixture
def write(tmp_path):
    """Writes a report: `write(gains, **changes)`; returns its text and what was printed."""

    def run(gains, **changes):
        fields = {
            "kind": "feature groups",
            "gains": gains,
            "words": {"all groups": ""},
            "left_out": {},
            "seconds": {"all groups": 2.5},
            "build_seconds": SECONDS,
            "seasons": ["2010-11", "2017-18"],
            "prior": None,
        }
        console = Console(file=io.StringIO(), width=120)
        report = AblationReport(**{**fields, **changes})
        path = write_ablation_report(report, RunDir(tmp_path), console)
        return path.read_text(encoding="utf-8"), console.file.getvalue()

    return run


def test_gains_stand_by_ranker_the_largest_first_with_what_they_cost(write, tmp_path):
    text, shown = write(gains_of())
    section = text.partition("### B XGBoost")[2].partition("##")[0]
    head, _, *lines = (line for line in section.splitlines() if line.startswith("|"))
    assert head == "| part | " + " | ".join(LIST_LABELS.values()) + " | build time |"
    assert [line.split(" | ")[0] for line in lines[:3]] == ["| helps", "| dear", "| idle"]
    assert lines[0].count("+0.040 (+0.031 to +0.049)\\*") == len(LIST_LABELS)
    assert lines[0].endswith("| 1.00 s (10%) |")
    assert "\\*" not in lines[1] + lines[2]
    assert lines[-1].startswith("| everything | 0.698")
    assert shown.count("+0.040*") == 2 * 2 * len(LIST_LABELS)
    assert "On top of the record alone" in text
    for name in ("without", "alone"):
        with Image.open(tmp_path / "figures" / f"gains_{name}.png") as image:
            assert image.width >= 1200


def test_few_seasons_have_neither_interval_nor_star(write):
    text, _ = write(gains_of(n_seasons=3))
    tables = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    assert "+0.040 |" in tables
    assert " to " not in tables
    assert "\\*" not in tables
    assert "nan" not in text.lower()


def test_variants_in_words_are_told_and_so_is_what_was_left_out(write):
    words = {"full": "nothing is taken away", "idle": "no | columns"}
    text, _ = write(
        gains_of(directions=["without"], rankers=["model_a"]),
        words=words,
        seconds={"full": 2.5, "idle": 1.0},
        left_out={"one network": "it is the full model"},
        build_seconds={},
        prior=["projected_win_pct"],
    )
    assert "| idle | no \\| columns | 1.0 |" in text
    assert "- one network: it is the full model" in text
    assert "build time" not in text
    assert "The team prior (projected_win_pct) ranks well by itself" in text

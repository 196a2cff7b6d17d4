import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.playoff_forecasts import judge_playoff_forecasts
from nba_rank.report.playoff_report import PlayoffReport, write_playoff_report
from nba_rank.samples.playoff_splits import REFERENCE, WALK_FORWARD, PlayoffSplit

SEASONS = [f"20{year}-{year + 1}" for year in range(14, 20)]
SPLITS = [
    PlayoffSplit(REFERENCE, ["2012-13"], "2018-19", SEASONS[-1]),
    *[PlayoffSplit(WALK_FORWARD, ["2011-12", "2012-13"], "2013-14", season) for season in SEASONS],
]
NOISE = {CLONE: 0.15, "simulation": 0.0, "standings": 0.45, "elo": 0.15, "random": None}
"""How far each forecaster is from the true chances; None says the same of all."""


@pytest.fixture(scope="module")
def forecasts():
    rng = np.random.default_rng(8)
    parts = []
    for split in SPLITS:
        chance = rng.uniform(0.02, 0.98, 30)
        made = rng.random(30) < chance
        for point in AS_OF_POINTS:
            for ranker, noise in NOISE.items():
                p = 0.5 if noise is None else np.clip(chance + noise * rng.normal(size=30), 0, 1)
                parts.append(
                    pd.DataFrame(
                        {
                            "design": split.design,
                            "ranker": ranker,
                            "season": split.test,
                            "as_of_point": point,
                            "team_id": np.arange(30),
                            "p": p,
                            "made": made,
                        }
                    )
                )
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Writes a report on forecasts: `write(forecasts)`; returns text and what was printed."""

    def run(forecasts):
        own = forecasts[forecasts["ranker"] == CLONE]
        dates = {point: pd.Timestamp(2020, 1, day + 1) for day, point in enumerate(AS_OF_POINTS)}
        predictions = own.assign(
            as_of_date=own["as_of_point"].map(dates),
            name="Team | " + own["team_id"].astype(str),
            playoff_prob=own["p"],
            made_playoffs=own["made"].astype(bool),
        )
        report = PlayoffReport(
            splits=SPLITS,
            n_trees={split.name: 7 for split in SPLITS},
            forecasts=forecasts,
            predictions=predictions,
            found=judge_playoff_forecasts(forecasts, CLONE, np.random.default_rng(0)),
            seconds={"models": 1.25},
        )
        console = Console(file=io.StringIO(), width=120)
        folder = tmp_path_factory.mktemp("run_009")
        write_playoff_report(report, RunDir(folder), console)
        assert (folder / "figures/scores_over_season.png").read_bytes().startswith(b"\x89PNG")
        return (folder / "ANALYSIS_01.md").read_text(encoding="utf-8"), console.file.getvalue()

    return run


@pytest.fixture(scope="module")
def written(write, forecasts):
    return write(forecasts)


def part(text, start, end):
    return text.partition(start)[2].partition(end)[0]


def lines(text):
    """Lines of a table by their first cell."""
    cells = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {first: rest for first, *rest in cells}


def test_the_classifier_is_set_beside_each_other_forecaster(written):
    text, shown = written
    walk_forward = part(text, "## Walk-forward: 2014-15 to 2019-20, 6 seasons", "\n## ")
    gaps = lines(part(walk_forward, "minus the others", "###"))
    assert list(gaps) == [
        "minus", "---", "season simulator", "standings logistic", "Elo logistic", "chance",
    ]  # fmt: skip
    assert gaps["minus"] == ["playoffs Brier ↓", "playoffs AUC ↑", "playoffs log loss ↓"]
    brier, auc, _ = gaps["standings logistic"]
    assert brier.startswith("-0.")
    assert brier.endswith("\\*")
    assert auc.startswith("+0.")
    assert gaps["season simulator"][0].startswith("+0.")
    scores = lines(part(walk_forward, "### playoffs Brier ↓", "###"))
    assert scores["forecaster"][0] == "mean"
    assert list(scores)[2] == "playoff classifier"
    assert "standings logistic" in shown
    reference = lines(part(text, "## Reference split", "####"))
    assert not any("\\*" in cell for cells in reference.values() for cell in cells)


def test_a_forecaster_who_lacks_seasons_is_named_with_those_it_has(write, forecasts):
    late = (forecasts["ranker"] == "elo") & (forecasts["season"] < SEASONS[3])
    text, _ = write(forecasts[~late])
    assert "| Elo logistic (3 of 6 seasons) |" in text
    absent = forecasts["ranker"].isin(["elo", "standings", "simulation"])
    text, _ = write(forecasts[~absent])
    assert "Elo logistic" not in text
    assert "season simulator, and" not in text


def test_splits_surprises_and_timings_are_told(written):
    text, _ = written
    assert "| Walk-forward | 2011-12 to 2012-13, 2 seasons | 2013-14 | 2014-15 | 7 |" in text
    assert part(text, "## Furthest off", "##").count("Team \\| ") == 9
    assert "| models | 1.2 |" in text
    assert "nan" not in text.lower()

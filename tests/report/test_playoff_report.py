import numpy as np
import pandas as pd
import pytest

from nba_rank.core.names import CLONE
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
                parts.append(pd.DataFrame({
                    "design": split.design, "ranker": ranker, "season": split.test,
                    "as_of_point": point, "team_id": np.arange(30), "p": p, "made": made,
                }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def write(written, drawn):
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
        return written(write_playoff_report, report)

    return run


def test_the_classifier_is_set_beside_each_other_forecaster(write, forecasts, table):
    text, _ = write(forecasts)
    walk_forward, _, reference = text.partition("## Reference split")
    assert "## Walk-forward: 2014-15 to 2019-20, 6 seasons" in walk_forward
    gaps = table(walk_forward, "The classifier minus the others")
    others = ["season simulator", "standings logistic", "Elo logistic", "chance"]
    assert list(gaps) == ["minus", "---", *others]
    assert gaps["minus"] == ["playoffs Brier ↓", "playoffs AUC ↑", "playoffs log loss ↓"]
    brier, auc, _ = gaps["standings logistic"]
    assert (brier[:3], brier[-2:], auc[:3]) == ("-0.", "\\*", "+0.")
    assert gaps["season simulator"][0].startswith("+0.")
    scores = table(walk_forward, "playoffs Brier ↓")
    assert list(scores)[2] == "playoff classifier"
    ece = table(walk_forward, "Calibration error (ECE)")["playoff classifier"][0]
    assert 0 < float(ece.split()[0]) < 1
    assert "\\*" not in str(table(reference, "The classifier minus the others"))
    assert "| Walk-forward | 2011-12 to 2012-13, 2 seasons | 2013-14 | 2014-15 | 7 |" in text
    off = text.partition("## Furthest off")[2].partition("##")[0]
    assert off.count("Team \\| ") == 9
    own = forecasts[(forecasts["design"] == REFERENCE) & (forecasts["ranker"] == CLONE)]
    worst = (own["p"] - own["made"]).abs()[own["as_of_point"] == "0.25"].idxmax()
    assert off.splitlines()[4].startswith(f"| 25% | Team \\| {own['team_id'][worst]} |")
    assert "nan" not in text.lower()


def test_a_forecaster_who_lacks_seasons_is_named_with_those_it_has(write, forecasts):
    late = (forecasts["ranker"] == "elo") & (forecasts["season"] < SEASONS[3])
    absent = forecasts["ranker"].isin(["standings", "simulation"])
    text, _ = write(forecasts[~late & ~absent])
    assert "Not of all seasons: Elo logistic (3 of 6)." in text
    assert "standings logistic" not in text

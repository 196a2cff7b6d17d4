import re

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.names import CLONE
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.evaluation.playoff_forecasts import judge_playoff_forecasts
from nba_rank.report.playoff_report import PlayoffReport, analysis_text, plot_scores
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


def report_of(forecasts):
    own = forecasts[forecasts["ranker"] == CLONE]
    dates = {point: pd.Timestamp(2020, 1, day + 1) for day, point in enumerate(AS_OF_POINTS)}
    predictions = own.assign(
        as_of_date=own["as_of_point"].map(dates),
        name="Team " + own["team_id"].astype(str),
        playoff_prob=own["p"],
        made_playoffs=own["made"],
    )
    return PlayoffReport(
        run="run_009",
        splits=SPLITS,
        n_trees={split.name: 7 for split in SPLITS},
        forecasts=forecasts,
        predictions=predictions,
        found=judge_playoff_forecasts(forecasts, CLONE, np.random.default_rng(0), 500),
        seconds={"models": 1.25},
    )


@pytest.fixture(scope="module")
def text(forecasts):
    return analysis_text(report_of(forecasts), [("A figure", "figures/a.png")])


def part(text, start, end):
    return text.partition(start)[2].partition(end)[0]


def test_it_says_plainly_whom_the_classifier_beats(text):
    walk_forward = part(text, "**Walk-forward**", "**Reference split**")
    assert "(2014-15 to 2019-20, 6 seasons)" in walk_forward
    assert "Beats the standings logistic: Brier -0." in walk_forward
    assert "Loses to the season simulator: Brier +0." in walk_forward
    assert "old from the Elo logistic" in walk_forward
    assert "chance" not in walk_forward
    reference = part(text, "**Reference split**", "##")
    assert len(re.findall("fewer than 3 seasons cannot tell", reference)) == 3
    assert "Ahead of the standings logistic" in reference
    assert "Behind the season simulator" in reference


def test_it_says_where_probabilities_are_off(forecasts):
    own = forecasts["ranker"] == CLONE
    true = forecasts.loc[forecasts["ranker"] == "simulation", "p"].to_numpy()
    exact = forecasts.assign(p=forecasts["p"].mask(own))
    exact.loc[own, "p"] = true
    # At one point the classifier calls everything sure.
    sure = own & (forecasts["as_of_point"] == "0.25")
    wrong = exact.assign(p=exact["p"].mask(sure, (exact["p"] > 0.5).astype(float)))
    right, off = (
        part(analysis_text(report_of(rows), []), "**Walk-forward**", "**Reference split**")
        for rows in (exact, wrong)
    )
    told = "; at 25% it is above."
    assert told in off
    assert told not in right


def test_a_difference_that_is_more_than_noise_is_bold(text):
    section = part(part(text, "## Walk-forward", "## Reference"), "minus the others", "##")
    rows = {line.split(" | ")[0].strip("| "): line for line in section.splitlines() if "|" in line}
    assert rows["standings logistic"].count("**") >= 2
    assert "**+" in rows["season simulator"]


def test_a_forecaster_who_lacks_seasons_is_named_with_those_it_has(forecasts):
    late = (forecasts["ranker"] == "elo") & (forecasts["season"] < SEASONS[3])
    text = analysis_text(report_of(forecasts[~late]), [])
    assert "Elo logistic (3 of 6 seasons)" in text
    absent = forecasts["ranker"].isin(["elo", "standings"])
    text = analysis_text(report_of(forecasts[~absent]), [])
    assert "There is no standings logistic and no Elo logistic at all points" in text


def test_splits_surprises_figures_and_timings_are_told(text):
    assert "| Walk-forward | 2011-12 to 2012-13, 2 seasons | 2013-14 | 2014-15 | 7 |" in text
    surprises = part(text, "## Furthest off", "##")
    assert surprises.count("| Team ") == 9
    assert "![A figure](figures/a.png)" in text
    assert "| models | 1.2 |" in text
    assert "nan" not in text.lower()


def test_the_figure_is_drawn(forecasts, tmp_path):
    plot_scores(report_of(forecasts).found.summary, tmp_path / "scores.png")
    assert (tmp_path / "scores.png").read_bytes().startswith(b"\x89PNG")

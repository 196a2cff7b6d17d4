import numpy as np
import pandas as pd

from nba_rank.evaluation.calibration import calibration_table, reliability_tables, season_scores
from nba_rank.evaluation.paired import paired, season_means
from nba_rank.report.calibration_report import CalibrationReport, write_calibration_report
from nba_rank.report.labels import EVENT_LABELS

SEASONS = [f"20{year}-{year + 1}" for year in range(12, 20)]
NOISE = {"none": 0.02, "platt_stack": 0.5, "platt_per_model": 0.02}


def test_ways_are_compared_by_event_and_by_the_order_of_teams(written, table, drawn):
    rng = np.random.default_rng(0)
    rows = []
    for season in SEASONS:
        for event in ("win", *EVENT_LABELS):
            chance = rng.uniform(0.05, 0.95, 40)
            happened = rng.random(40) < chance
            for variant, noise in NOISE.items():
                p = np.clip(chance + noise * rng.normal(size=40), 0.01, 0.99)
                rows += [(variant, event, season, "all", i, *pair)
                         for i, pair in enumerate(zip(p, happened, strict=True))]  # fmt: skip
    columns = ["variant", "event", "season", "as_of_point", "team_id", "p", "happened"]
    forecasts = pd.DataFrame(rows, columns=columns)
    order = pd.DataFrame(
        [(season, point, "league", variant, "spearman", value, "order") for season in SEASONS
         for point, value in (("open", 0.7), ("end", 0.8)) for variant in NOISE],
        columns=["season", "as_of_point", "scope", "ranker", "metric", "value", "part"],
    )  # fmt: skip
    scores = pd.concat([season_scores(forecasts), order], ignore_index=True)
    report = CalibrationReport(
        ranker="stack",
        seasons=SEASONS,
        reliability=reliability_tables(forecasts, ["variant", "event"]),
        means=season_means(scores),
        differences=paired(scores, "none"),
        calibration=calibration_table(forecasts, rng),
    )
    text, shown = written(write_calibration_report, report)
    events = ["wins a given game", *EVENT_LABELS.values()]
    for metric in ("Brier score ↓", "log loss ↓"):
        gaps = table(text, metric)
        assert list(gaps) == ["event", "---", *events]
        assert gaps["event"] == ["Platt of the stack", "Platt of each model"]
        for event in events:
            stack, per_model = gaps[event]
            assert (stack[0], stack[-2:]) == ("+", "\\*")
            assert abs(float(per_model.split()[0])) < 0.03
    scores = table(text, "Wins the title")
    assert scores["way"] == ["Brier score ↓", "log loss ↓"]
    assert "| simulation alone | 320 | 0." in text.partition("### Wins the title")[2]
    assert table(text, "Skill of the order")["simulation alone"] == ["0.700", "0.800"]
    assert "| Platt of the stack | +0.000 | +0.000 |" in text
    assert shown.index("wins a given game") < shown.index("wins the title")

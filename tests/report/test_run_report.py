import io
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.result import evaluation_result
from nba_rank.report.run_report import Setting, write_report
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SEASON = "2023-24"
EMPTY = pd.DataFrame()
NO_MODEL_A = dict.fromkeys(["losses", "diagnostics", "occlusion", "health", "faithfulness"], EMPTY)
MODEL_A_FILES = {"losses.csv", "diagnostics.csv", "faithfulness.csv"}
MODEL_A_FIGURES = {"losses.png", "attention_diagnostics.png"}
ODDS_FILES = {"odds.parquet", "games.csv", "finishes.csv", "series.csv"}
EVIL = "<script>alert(1)</script> | [/red]"


def rankings(seasons):
    """Spearman: the stack leads the standings by .1 but at 75%, where it is as far behind."""
    rows = []
    for season in seasons:
        for point in AS_OF_POINTS:
            lead = -0.1 if point == "0.75" else 0.1
            for scope in ("league", "playoff16"):
                rows += [
                    (season, point, scope, ranker, "spearman", value + 0.001 * int(season[2:4]))
                    for ranker, value in (
                        ("stack", 0.5 + lead), ("standings", 0.5), ("without_model_a", 0.59),
                    )
                ]  # fmt: skip
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


@pytest.fixture(scope="module")
def make(forecasts, learning_curves, sound_diagnostics, occlusion):
    """Makes what a run of made-up forecasts of a kind found, and its tables; each kind once."""
    made = {}

    def of(n_seasons=1, **kind):
        key = (n_seasons, *sorted(kind.items()))
        if key not in made:
            made[key] = found_by(forecasts(n_seasons, **kind), kind)
        return made[key]

    def found_by(league, kind):
        predictions = league.predictions()
        if kind.get("odds") == "none":
            predictions = predictions.drop(columns=[n for n in predictions if n.endswith("_prob")])
        weights = [(SEASON, "opening", "model_a", 0.6), (SEASON, "opening", "xgb", 0.001)]
        found = evaluation_result(
            ranker="stack",
            rankings=rankings(league.seasons),
            probabilities=league.findings,
            more=EMPTY,
            predictions=predictions,
            completed=league.completed,
            tables=league.tables,
            results=league.results,
            weights=pd.DataFrame(weights, columns=["fit", "moment", "model", "weight"]),
            losses=learning_curves,
            diagnostics=sound_diagnostics,
            occlusion=occlusion,
            rng=np.random.default_rng(0),
        )
        seasons = pd.DataFrame(
            {
                "season": ["2022-23", SEASON],
                "first_date": pd.to_datetime(["2022-10-18", "2023-10-24"]),
                "has_player_games": True,
            }
        )
        games = pd.DataFrame({"season": ["2022-23"], "game_date": pd.to_datetime(["2023-06-12"])})
        return found, replace(league.tables, seasons=seasons, games=games)

    return of


@pytest.fixture
def write(make, compose_as_is, tmp_path):
    """Writes the report of a kind; returns its folder, its text and what is printed."""

    def run(n_seasons=1, *, config=(), changes=None, **kind):
        found, tables = make(n_seasons, **kind)
        plan = FoldPlan([Fit(SEASON, ["2022-23"], [SEASON])], [TestPart(SEASON, [SEASON], [])])
        setting = Setting(
            compose_as_is(*config), plan, tables, {"models": 1.0}, {"elo": 0.3, "record": 0.1}
        )
        run_dir, out = RunDir.reserve(tmp_path), io.StringIO()
        found = replace(found, **(changes or {}))
        write_report(found, setting, run_dir, Console(file=out, width=200))
        text = (run_dir.path / "ANALYSIS_01.md").read_text(encoding="utf-8")
        return run_dir.path, text, out.getvalue()

    return run


UNDRAWN = pytest.mark.usefixtures("drawn")


def files_of(folder):
    return {path.name for path in folder.iterdir()}


@UNDRAWN
def test_a_report_says_where_the_stack_is_ahead_and_behind(write):
    path, text, printed = write(6)
    assert "over 6 test seasons (2018-19 to 2023-24)" in text
    assert re.search(r"\| opening \| 0.620 \| 0.521 \| \+0.100 \| 0.031 \| better \|", text)
    assert re.search(r"\| Spearman ↑ \| .*standings 0.100\\\*", text)
    assert re.search(r"\| A attention \| \+0.010", text)
    assert not re.search(r"\b(nan|None|NaT)\b|-0\.000\b", text)
    assert "stack minus standings" in printed
    assert "Champion log loss, lower is better, stack: " in printed
    shown = re.findall(r"\]\(figures/(.*?)\)", text)
    assert sorted(shown) == sorted(files_of(path / "figures"))
    assert (path / "report.html").read_text(encoding="utf-8").count("<img src=") == len(shown)


def test_one_season_is_no_evidence_and_files_hold_what_was_found(write, make):
    path, text, _ = write()
    assert "over 1 test season (2023-24)" in text
    assert re.search(r"\| opening \| 0.623 \| 0.523 \| \+0.100 \| \S \| too few seasons \|", text)
    assert len((path / "report.html").read_text(encoding="utf-8")) < 4e6
    assert files_of(path) >= MODEL_A_FILES | ODDS_FILES | {"differences.csv", "metrics.csv"}
    assert files_of(path / "figures") >= MODEL_A_FIGURES | {
        f"title_race_{SEASON}.png", "reliability_odds.png", "reliability_calibration.png",
    }  # fmt: skip
    odds = pd.read_parquet(path / "odds.parquet")
    assert len(odds) == 2 * len(AS_OF_POINTS) * 30
    assert {*(f"{event}_prob" for event in EVENTS), "seed_1", "assumption", "team"} <= set(odds)
    assert not [name for name in odds if name.endswith(("_x", "_y", "_"))]
    found, _ = make()
    assert len(pd.read_csv(path / "games.csv")) == len(found.games)
    assert pd.read_csv(path / "finishes.csv")["team"].notna().all()
    assert {"host_team", "guest_team", "p_host"} <= set(pd.read_csv(path / "series.csv"))
    short = json.loads((path / "metrics.json").read_text(encoding="utf-8"))
    assert len(short["differences"]) == len(found.differences)
    assert {row["ranker"] for row in short["series"]} == {"simulation", "standings", "elo"}
    assert "nan" not in (path / "metrics.json").read_text(encoding="utf-8").lower()


@UNDRAWN
@pytest.mark.parametrize(
    ("kind", "figures", "absent"),
    [
        (
            {"odds": "softmax", "platt": False},
            {f"title_race_{SEASON}.png", "reliability_odds.png"}, "Playoff series",
        ),
        ({"odds": "none", "platt": False}, set(), "How far will each team go"),
        ({"odds": "none"}, {"reliability_calibration.png"}, "How sure"),
    ],
)  # fmt: skip
def test_what_is_not_forecast_is_not_reported(write, kind, figures, absent):
    path, text, _ = write(**kind)
    assert files_of(path) & ODDS_FILES == {"games.csv"}
    starts = ("title_race", "reliability")
    assert {name for name in files_of(path / "figures") if name.startswith(starts)} == figures
    assert absent not in text


@UNDRAWN
def test_networks_that_are_dead_or_add_nothing_are_counted(write, make):
    _, text, _ = write()
    assert "The set adds nothing to the team prior" not in text
    health = make()[0].health.assign(
        prior_gain=[0.1, 0.00005, 0.0, -0.2], alive=[False, True, True, True]
    )
    _, text, _ = write(changes={"health": health})
    assert "**The set adds nothing to the team prior in 3 of 4 networks**" in text
    assert "**Alive in 3 of 4 networks when training ends**, not in 2021-22 network 0." in text


@UNDRAWN
def test_a_run_without_model_a_or_attention_says_nothing_of_them(write):
    path, text, _ = write(changes=NO_MODEL_A)
    assert not files_of(path) & MODEL_A_FILES
    assert not files_of(path / "figures") & MODEL_A_FIGURES
    assert "## Model A" not in text
    _, text, _ = write(config=["model.model_a.attention.pooling=uniform"])
    assert "Players are pooled by `uniform`" in text
    assert "Is the attention faithful" not in text


@UNDRAWN
def test_names_from_raw_files_are_shown_literally(write):
    players = pd.DataFrame(
        {
            "season": SEASON, "player_name": [EVIL, "=cmd()"], "team": "BOS", "finish": "Champion",
            "games": 20, "minutes_share": 0.16, "box_rating": 20.0, "contribution": [3.2, np.nan],
            "change": -0.04, "reconstructed": [True, False], "unlogged_games": 0,
        }
    )  # fmt: skip
    path, text, _ = write(changes={"players": players})
    assert (
        "| \\<script\\>alert(1)\\</script\\> \\| \\[/red\\] | BOS | Champion | 20 | 16% | 20.0 | "
        "3.20 | +0.0 | yes |" in text
    )
    page = (path / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [/red]" in page
    assert page.count("<script>") == 1
    assert "'=cmd()" in (path / "playoff_players.csv").read_text(encoding="utf-8")

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
from nba_rank.report import run_report
from nba_rank.report.run_report import Setting, write_report
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SEASON = "2023-24"
EMPTY = pd.DataFrame()
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


@pytest.fixture
def make(compose_as_is, forecasts, learning_curves, diagnostics, occlusion):
    """Makes what a run of made-up forecasts of a kind found, and its setting."""

    def of(n_seasons=1, config=(), model_a=True, **kind):
        made = forecasts(n_seasons, **kind)
        predictions = made.predictions()
        if kind.get("odds") == "none":
            predictions = predictions.drop(columns=[n for n in predictions if n.endswith("_prob")])
        weights = [(SEASON, "opening", "model_a", 0.6), (SEASON, "opening", "xgb", 0.001)]
        found = evaluation_result(
            ranker="stack",
            rankings=rankings(made.seasons),
            probabilities=made.findings,
            more=EMPTY,
            predictions=predictions,
            completed=made.completed,
            tables=made.tables,
            results=made.results,
            weights=pd.DataFrame(weights, columns=["fit", "moment", "model", "weight"]),
            losses=learning_curves if model_a else EMPTY,
            diagnostics=diagnostics if model_a else EMPTY,
            occlusion=occlusion if model_a else EMPTY,
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
        plan = FoldPlan([Fit(SEASON, ["2022-23"], [SEASON])], [TestPart(SEASON, [SEASON], [])])
        tables = replace(made.tables, seasons=seasons, games=games)
        config = compose_as_is(*config)
        return found, Setting(config, plan, tables, {"models": 1.0}, {"elo": 0.3, "record": 0.1})

    return of


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes a report; returns its folder, the names of files and figures, and what is printed."""

    def write(found, setting, *, figures=True):
        run_dir, out = RunDir.reserve(tmp_path), io.StringIO()
        if not figures:
            (run_dir.path / "figures").mkdir()
            monkeypatch.setattr(run_report, "draw", lambda *_: [])
        write_report(found, setting, run_dir, Console(file=out, width=200))
        files, figures = (
            {path.name for path in folder.iterdir()}
            for folder in (run_dir.path, run_dir.path / "figures")
        )
        return run_dir.path, files, figures, out.getvalue()

    return write


def test_a_report_of_six_seasons_says_where_the_stack_is_ahead_and_behind(make, written):
    path, _, figures, printed = written(*make(6))
    text = (path / "ANALYSIS_01.md").read_text()
    assert "over 6 test seasons (2018-19 to 2023-24)" in text
    assert (
        "**All teams: ahead of the standings at 6 of 7 points of the season**; better at 6, "
        "worse at 1." in text
    )
    assert re.search(r"\| opening \| 0.620 \| 0.521 \| \+0.100 \| 0.031 \| better \|", text)
    assert re.search(r"\| Spearman ↑ \| .*standings 0.100\\\*", text)
    assert re.search(r"\| A attention \| \+0.010", text)
    assert not re.search(r"\b(nan|None|NaT)\b|-0\.000\b", text)
    assert "Stack minus standings" in printed or "stack minus standings" in printed
    assert "Champion log loss, lower is better, stack: " in printed
    shown = re.findall(r"\]\(figures/(.*?)\)", text)
    assert set(shown) == figures
    assert len(shown) == len(figures)
    page = (path / "report.html").read_text()
    assert page.count("<img src=") == len(figures)
    assert len(page) < 4e6


def test_files_hold_what_was_found(make, written):
    found, setting = make()
    path, files, figures, _ = written(found, setting)
    assert files >= MODEL_A_FILES | ODDS_FILES | {"differences.csv", "metrics.csv"}
    assert figures >= MODEL_A_FIGURES | {
        f"title_race_{SEASON}.png", "reliability_odds.png", "reliability_calibration.png",
        *[f"odds_{SEASON}_{point}.png" for point in ("open", "0.5", "end")],
    }  # fmt: skip
    odds = pd.read_parquet(path / "odds.parquet")
    assert len(odds) == 2 * len(AS_OF_POINTS) * 30
    assert {*(f"{event}_prob" for event in EVENTS), "seed_1", "assumption", "team"} <= set(odds)
    assert not [name for name in odds if name.endswith(("_x", "_y", "_"))]
    assert len(pd.read_csv(path / "games.csv")) == len(found.games)
    assert pd.read_csv(path / "finishes.csv")["team"].notna().all()
    assert {"host_team", "guest_team", "p_host"} <= set(pd.read_csv(path / "series.csv"))
    short = json.loads((path / "metrics.json").read_text())
    assert len(short["differences"]) == len(found.differences)
    assert {row["ranker"] for row in short["series"]} == {"simulation", "standings", "elo"}
    assert "nan" not in (path / "metrics.json").read_text().lower()


def test_one_season_is_no_evidence(make, written):
    path, *_ = written(*make(), figures=False)
    text = (path / "ANALYSIS_01.md").read_text()
    assert "over 1 test season (2023-24)" in text
    assert "; too few seasons at 7." in text


@pytest.mark.parametrize(
    ("kind", "files", "figures", "absent"),
    [
        (
            {"odds": "softmax", "platt": False}, {"games.csv"},
            {f"title_race_{SEASON}.png", "reliability_odds.png"}, "Playoff series",
        ),
        (
            {"odds": "none", "platt": False}, {"games.csv"}, set(),
            "How far will each team go",
        ),
        ({"odds": "none"}, {"games.csv"}, {"reliability_calibration.png"}, "How sure"),
    ],
)  # fmt: skip
def test_what_is_not_forecast_is_not_reported(make, written, kind, files, figures, absent):
    path, all_files, all_figures, _ = written(*make(**kind))
    assert all_files & ODDS_FILES == files
    starts = ("title_race", "odds_", "reliability")
    assert {name for name in all_figures if name.startswith(starts)} == figures
    assert absent not in (path / "ANALYSIS_01.md").read_text()


def test_networks_that_add_nothing_to_the_prior_are_counted(make, written):
    found, setting = make()
    said = "**The set adds nothing to the team prior in 3 of 4 networks**"
    path, *_ = written(found, setting)
    assert said not in (path / "ANALYSIS_01.md").read_text()
    idle = found.health.assign(prior_gain=[0.1, 0.00005, 0.0, -0.2])
    path, *_ = written(replace(found, health=idle), setting)
    assert said in (path / "ANALYSIS_01.md").read_text()


def test_without_model_a_nothing_is_said_of_it(make, written):
    path, files, figures, _ = written(*make(model_a=False))
    assert not files & MODEL_A_FILES
    assert not figures & MODEL_A_FIGURES
    assert "## Model A" not in (path / "ANALYSIS_01.md").read_text()


def test_other_pooling_is_not_judged_as_attention(make, written):
    path, *_ = written(*make(config=["model.model_a.attention.pooling=uniform"]), figures=False)
    text = (path / "ANALYSIS_01.md").read_text()
    assert "Players are pooled by `uniform`" in text
    assert "Is the attention faithful" not in text


def test_dead_attention_is_named(make, written):
    found, setting = make()
    dead = found.health.assign(alive=[False, True, True, True])
    path, *_ = written(replace(found, health=dead), setting, figures=False)
    said = "**Alive in 3 of 4 networks when training ends**, not in 2021-22 network 0."
    assert said in (path / "ANALYSIS_01.md").read_text()


def test_names_from_raw_files_are_shown_as_they_are(make, written):
    found, setting = make()
    players = pd.DataFrame(
        {
            "season": SEASON, "player_name": [EVIL, "=cmd()"], "team": "BOS", "finish": "Champion",
            "games": 20, "minutes_share": 0.16, "box_rating": 20.0, "contribution": [3.2, np.nan],
            "change": -0.04, "reconstructed": [True, False], "unlogged_games": 0,
        }
    )  # fmt: skip
    path, *_ = written(replace(found, players=players), setting, figures=False)
    text, page = (path / "ANALYSIS_01.md").read_text(), (path / "report.html").read_text()
    assert (
        "| \\<script\\>alert(1)\\</script\\> \\| \\[/red\\] | BOS | Champion | 20 | 16% | 20.0 | "
        "3.20 | +0.0 | yes |" in text
    )
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | [/red]" in page
    assert page.count("<script>") == 1
    assert "'=cmd()" in (path / "playoff_players.csv").read_text()

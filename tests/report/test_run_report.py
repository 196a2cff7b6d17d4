import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import league_teams
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.tables import SCHEMA, Tables, conform
from nba_rank.evaluation.compare import summarise
from nba_rank.report.run_report import RunReport, write_report
from nba_rank.samples.folds import Fit, FoldPlan, TestPart

SEASON = "2023-24"
EMPTY = pd.DataFrame()
MODEL_A_FILES = {"losses.csv", "diagnostics.csv", "contributions.csv", "faithfulness.csv"}
ODDS_FILES = {"odds.parquet", "games.csv", "finishes.csv", "series.csv"}
MODEL_A_FIGURES = {"losses.png", "attention_diagnostics.png", "attention_faithfulness.png"}


def metrics():
    """Spearman of stack and standings, and model A's intervals, in two test seasons."""
    rows = []
    for number, season in enumerate(("2022-23", SEASON)):
        for point in AS_OF_POINTS:
            key = (season, point, "league")
            rows += [
                (*key, "stack", "spearman", 0.8),
                (*key, "standings", "spearman", 0.7),
                (*key, "model_a", "rank_interval_coverage", 0.4 + 0.2 * number),
                (*key, "model_a", "rank_interval_width", 5.0 + number),
            ]
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    return pd.DataFrame(rows, columns=columns)


def predictions():
    parts = []
    for point in AS_OF_POINTS:
        teams = league_teams(SEASON).rename(columns={"abbreviation": "team"})
        place = teams.groupby("conference").cumcount() + 1
        parts.append(
            teams.assign(
                season=SEASON,
                as_of_date=pd.Timestamp("2023-12-01"),
                as_of_point=point,
                conference_rank=place,
                actual_conference_rank=place,
            )
        )
    return pd.concat(parts, ignore_index=True)


def tables():
    """As much of the tables as a report looks at."""
    seasons = pd.DataFrame(
        {
            "season": ["2022-23", SEASON],
            "first_date": pd.to_datetime(["2022-10-18", "2023-10-24"]),
            "has_player_games": True,
        }
    )
    games = pd.DataFrame({"season": ["2022-23"], "game_date": pd.to_datetime(["2023-06-12"])})
    players = pd.DataFrame({"season": [], "kind": []})
    given = {"games": games, "seasons": seasons, "player_games": players}
    empty = {name: conform(name, pd.DataFrame(columns=list(SCHEMA[name]))) for name in SCHEMA}
    return Tables(**empty | given)


@pytest.fixture
def report(
    compose_as_is, learning_curves, diagnostics, contributions, occlusion, occlusion_summary,
    forecasts,
):  # fmt: skip
    """The report of a run with model A, without probabilities."""
    found = metrics()
    made = forecasts(1, odds="none", platt=False)
    return RunReport(
        config=compose_as_is("logger=tensorboard"),
        ranker="stack",
        plan=FoldPlan([Fit(SEASON, ["2022-23"], [SEASON])], [TestPart(SEASON, [SEASON], [])]),
        tables=tables(),
        results=made.results,
        metrics=found,
        summary=summarise(found[found["metric"] == "spearman"], np.random.default_rng(0), 10),
        predictions=predictions(),
        probabilities=made.findings,
        completed=made.completed,
        contributions=contributions,
        learning_curves=learning_curves,
        diagnostics=diagnostics,
        occlusion=occlusion,
        occlusion_summary=occlusion_summary,
        rankers={},
        seconds={"models": 1.0},
        group_seconds={"elo": 0.3, "record": 0.1},
        resample=np.random.default_rng(0),
    )


@pytest.fixture
def of_odds(report, forecasts):
    """The same report with the probabilities of made-up forecasts of a kind."""

    def make(**kind):
        made = forecasts(1, **kind)
        return replace(
            report,
            tables=replace(report.tables, teams=made.tables.teams),
            predictions=made.predictions(),
            probabilities=made.findings,
            completed=made.completed,
        )

    return make


@pytest.fixture
def written(tmp_path):
    """Writes a report; returns the names of files and figures, and `metrics.json`."""

    def write(report, out=None):
        run_dir = RunDir.reserve(tmp_path)
        write_report(report, run_dir, Console(file=out or io.StringIO(), width=120))
        files, figures = (
            {path.name for path in folder.iterdir()}
            for folder in (run_dir.path, run_dir.path / "figures")
        )
        return run_dir.path, files, figures, json.loads((run_dir.path / "metrics.json").read_text())

    return write


def test_all_that_there_is_on_model_a_is_written(report, written):
    path, files, figures, short = written(report)
    assert files >= MODEL_A_FILES
    assert figures >= MODEL_A_FIGURES
    pd.testing.assert_frame_equal(pd.read_csv(path / "diagnostics.csv"), report.diagnostics)
    assert len(pd.read_csv(path / "faithfulness.csv")) == len(report.occlusion)
    assert len(short["contributions"]) == len(report.contributions)
    model_a = short["model_a"]
    assert (model_a["networks"], model_a["networks_alive"]) == (4, 4)
    assert model_a["last_epoch"][0]["statistic"] == "entropy_ratio"
    assert [row["as_of_point"] for row in model_a["faithfulness"]] == list(AS_OF_POINTS)
    assert model_a["rank_intervals"]["nominal_coverage"] == 0.9
    by_point = model_a["rank_intervals"]["by_point"]
    assert [row["as_of_point"] for row in by_point] == list(AS_OF_POINTS)
    first = {name: by_point[0][name] for name in ("coverage", "lowest", "highest", "width")}
    assert first == pytest.approx({"coverage": 0.5, "lowest": 0.4, "highest": 0.6, "width": 5.5})
    text = (path / "ANALYSIS_01.md").read_text()
    assert "hold the outcome of 50% to 50% of the teams" in text
    for name in MODEL_A_FIGURES:
        assert f"](figures/{name})" in text


def test_without_model_a_nothing_is_said_of_it(report, written):
    found = report.metrics[report.metrics["ranker"] != "model_a"]
    without = dict.fromkeys(
        ("learning_curves", "diagnostics", "occlusion", "occlusion_summary", "contributions"), EMPTY
    )
    path, files, figures, short = written(replace(report, metrics=found, **without))
    assert not files & (MODEL_A_FILES | ODDS_FILES - {"games.csv"})
    assert not figures & MODEL_A_FIGURES
    assert short["model_a"] is None
    assert short["contributions"] == []
    assert "attention" not in (path / "ANALYSIS_01.md").read_text()


def test_model_a_without_diagnostics_and_intervals(report, written):
    found = report.metrics[report.metrics["ranker"] != "model_a"]
    path, files, figures, short = written(replace(report, metrics=found, diagnostics=EMPTY))
    assert MODEL_A_FILES - files == {"diagnostics.csv"}
    assert MODEL_A_FIGURES - figures == {"attention_diagnostics.png"}
    assert short["model_a"]["last_epoch"] == []
    assert short["model_a"]["rank_intervals"]["by_point"] == []
    text = (path / "ANALYSIS_01.md").read_text()
    assert "Is the attention faithful" in text
    assert "Is the attention alive" not in text
    assert "How sure" not in text


def test_other_pooling_is_not_judged_as_attention(report, written, compose_as_is):
    config = compose_as_is("model.model_a.attention.pooling=uniform")
    _, files, figures, short = written(replace(report, config=config))
    assert files >= MODEL_A_FILES
    assert MODEL_A_FIGURES - figures == {"attention_faithfulness.png"}
    assert short["model_a"]["networks_alive"] is None


def test_all_that_there_is_on_odds_is_written(of_odds, written):
    report, out = of_odds(), io.StringIO()
    path, files, figures, short = written(report, out)
    assert files >= ODDS_FILES
    assert "playoff_players.csv" not in files
    assert figures >= {
        f"title_race_{SEASON}.png", "reliability_odds.png", "reliability_calibration.png",
        *[f"odds_{SEASON}_{point}.png" for point in ("open", "0.5", "end")],
    }  # fmt: skip
    odds = pd.read_parquet(path / "odds.parquet")
    assert len(odds) == 2 * len(AS_OF_POINTS) * 30
    assert {f"{event}_prob" for event in EVENTS} <= set(odds)
    assert {"seed_1", "seed_15", "assumption", "expected_wins", "team"} <= set(odds)
    assert not [name for name in odds if name.endswith(("_x", "_y", "_"))]
    whole = report.completed[SEASON].frame.set_index(["as_of_date", "team_id"])["title_prob"]
    read = odds.set_index(["as_of_date", "team_id"])["title_prob"]
    pd.testing.assert_series_equal(read, whole.reindex(read.index))
    assert len(pd.read_csv(path / "games.csv")) == len(report.probabilities.games)
    finishes = pd.read_csv(path / "finishes.csv")
    assert len(finishes) == len(report.probabilities.finishes)
    assert finishes["team"].notna().all()
    assert {"host_team", "guest_team", "p_host"} <= set(pd.read_csv(path / "series.csv"))

    cells = pd.DataFrame(short["probabilities"]).set_index(["metric", "as_of_point", "ranker"])
    assert {"champion_log_loss", "playoff_brier", "round_1_brier", "series_upset_auc",
            "rank_interval_coverage", "game_brier"} <= set(cells.index.levels[0])  # fmt: skip
    rows = report.probabilities.metrics
    rows = rows[(rows["metric"] == "champion_log_loss") & (rows["ranker"] == "stack")]
    loss = rows.set_index("as_of_point")["value"]
    assert cells.loc[("champion_log_loss", "0.5", "stack"), "value"] == pytest.approx(loss["0.5"])
    assert {"ece", "ece_floor"} <= set(short["calibration"][0])
    assert {row["ranker"] for row in short["series"]} == {"simulation", "standings", "elo"}

    printed = " ".join(out.getvalue().split())
    assert (
        f"Champion log loss (lower is better): stack {loss['open']:.3f} at opening, "
        f"{loss['0.5']:.3f} at 50%, {loss['end']:.3f} at end; standings "
    ) in printed
    text = (path / "ANALYSIS_01.md").read_text()
    assert text.index("## How far will each team go") < text.index("## What each member adds")
    assert f"](figures/title_race_{SEASON}.png)" in text


def test_softmax_draws_the_race_alone(of_odds, written):
    _, files, figures, short = written(of_odds(odds="softmax", platt=False))
    assert files & ODDS_FILES == {"games.csv"}
    assert {f"title_race_{SEASON}.png", "reliability_odds.png"} <= figures
    assert not [name for name in figures if name.startswith(("odds_", "reliability_cal"))]
    assert short["series"] == []


def test_without_any_odds_nothing_is_drawn_or_printed(of_odds, written):
    out = io.StringIO()
    path, files, figures, short = written(of_odds(odds="none", platt=False), out)
    assert files & ODDS_FILES == {"games.csv"}
    assert not [n for n in figures if n.startswith(("title_race", "odds_", "reliability"))]
    assert short["calibration"] == []
    assert "Champion log loss" not in out.getvalue()
    assert "How far will each team go" not in (path / "ANALYSIS_01.md").read_text()

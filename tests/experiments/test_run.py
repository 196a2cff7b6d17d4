import json
import re
import shutil
from dataclasses import replace
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from programs import files_of, newest, program, read
from rich.console import Console

from nba_rank.config.compose import config_from_yaml
from nba_rank.config.schema import PredictConfig, PredictDataConfig, WhatIfConfig
from nba_rank.core.errors import UserError
from nba_rank.core.names import PLATT
from nba_rank.core.run_dir import read_manifest
from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.data import manifest
from nba_rank.data.calendar import PLAYOFF_POINTS, PLAYOFFS
from nba_rank.data.outcomes import EVENTS, decided, outcomes
from nba_rank.data.quality import QualityReport
from nba_rank.data.tables import BOX_COLUMNS, SCHEMA, Tables, conform, read_tables, table_path
from nba_rank.evaluation.date_forecast import DateForecast
from nba_rank.evaluation.predictions import PROBABILITIES, SIMULATED, flat
from nba_rank.experiments import inputs, pages, why
from nba_rank.experiments import run as run_module
from nba_rank.experiments.predict import predict, rank_date
from nba_rank.experiments.today import today
from nba_rank.experiments.train import train
from nba_rank.experiments.why import Why
from nba_rank.models import members
from nba_rank.models.model_a import fit as model_a_fit
from nba_rank.models.model_a.lightning_module import ModelA
from nba_rank.models.ranker import Ranker
from nba_rank.report import run_report
from nba_rank.report.render import block, with_block
from nba_rank.samples.dataset import PROJECTED
from nba_rank.samples.folds import FoldPlan

TINY = [
    "experiment=quick",
    "data.sim.n_seasons=4",
    "data.as_of_every_days=60",
    "folds.n_oof_seasons=1",
    "model.xgb.n_estimators=20",
    "model.rf.n_estimators=10",
    "trainer=cpu",
    "trainer.max_epochs=2",
    "trainer.num_threads=1",
    "model.model_a.n_seeds=2",
    "features/impact=games",
    "features.projection.n_simulations=20",
    "odds.n_simulations=20",
    "callbacks=quiet",
]
TEST_SEASON = "2024-25"
FITS = ("2023-24", TEST_SEASON)
POINTS = ["open", "0.05", "0.15", "0.25", "0.5", "0.75", "end"]
ADVANCEMENT = (
    "playoff_brier", "round_1_brier", "round_2_brier", "finals_brier", "champion_brier",
    "playoff_log_loss", "champion_log_loss", "advancement_log_loss",
)  # fmt: skip
KNOWN_AFTERWARDS = ["actual_rank", "actual_conference_rank", "verdict"]


@pytest.fixture(scope="module")
def league(tmp_path_factory) -> SimpleNamespace:
    """A simulated league of four seasons, whose files come with the first run on it."""
    folder = tmp_path_factory.mktemp("league")
    paths = [
        f"data.raw_dir={folder / 'raw'}",
        f"data.processed_dir={folder / 'processed'}",
        f"paths.cache={folder / 'cache'}",
    ]
    return SimpleNamespace(folder=folder, overrides=[*TINY, *paths])


@pytest.fixture(scope="module")
def finished(league, tmp_path_factory) -> Path:
    """The folder of a run from the command line; not to be altered."""
    outputs, elsewhere = league.folder / "outputs3", tmp_path_factory.mktemp("elsewhere")
    done = program("train", *league.overrides, f"paths.outputs={outputs}", cwd=elsewhere)
    assert done.returncode == 0, (done.stdout + done.stderr)[-2000:]
    assert list(elsewhere.iterdir()) == []
    for stage in ("tables", "features", "models", "evaluation"):
        assert f"{stage} " in done.stdout
    assert "standings" in done.stdout
    return outputs / "run_001"


@pytest.fixture(scope="module")
def tables(league, finished) -> Tables:
    """The tables of the league; not to be altered."""
    return read_tables(league.folder / "processed")


@pytest.fixture
def run_again(league, finished, compose_as_is, tmp_path, monkeypatch):
    """Runs in this process on the league of the finished run; returns result and folder.

    Without figures, which take as long as all the rest.
    """
    monkeypatch.setattr(run_report, "draw", lambda *_: [])

    def run(*overrides: str):
        config = compose_as_is(
            *league.overrides, f"paths.outputs={tmp_path / 'outputs3'}", *overrides
        )
        result = train(OmegaConf.structured(config), Console(file=StringIO()))
        return result, newest(tmp_path / "outputs3")

    return run


def asked(run: Path, as_of: str, processed_dir: Path | None = None, out: Path | None = None):
    data = PredictDataConfig(processed_dir=processed_dir and str(processed_dir))
    return PredictConfig(
        run=str(run),
        as_of=as_of,
        data=data,
        days=7,
        max_missed_days=7,
        what_if=WhatIfConfig(out=[], back=[], trades=[], results=[]),
        out=out and str(out),
    )


def predictions_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "predictions.parquet")


def by_team(predictions: pd.DataFrame) -> pd.DataFrame:
    return predictions.set_index(["as_of_date", "team_id"])


def dates_of(folder: Path) -> list[str]:
    """The first, a middle and the last date of the regular season, and the last of the playoffs."""
    table = predictions_of(folder).drop_duplicates("as_of_date")
    dates = table["as_of_date"].dt.strftime("%Y-%m-%d").tolist()
    end = table["as_of_point"].tolist().index("end")
    return [dates[0], dates[end // 2], dates[end], dates[-1]]


def strict_json(path: Path):
    text = path.read_text(encoding="utf-8")
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} in {path}"))


def assert_predict_repeats(result, folder):
    """Hold `predict` on a date in mid-season against the run's own rows."""
    as_of = dates_of(folder)[1]
    rows = (result.predictions["as_of_date"] == pd.Timestamp(as_of)).to_numpy()
    expected = flat(result.predictions)[rows].reset_index(drop=True)
    got = flat(rank_date(asked(folder, as_of)).predictions)
    pd.testing.assert_frame_equal(got, expected, check_exact=True)


# The run folder.


def test_a_run_folder_is_complete(finished):
    networks = range(2)
    files = files_of(finished)
    assert files == {
        "manifest.json", "config.yaml", "metrics.csv", "metrics.json", "predictions.csv",
        "predictions.json", "predictions.parquet", "oof.parquet", "losses.csv", "ANALYSIS_01.md",
        ".hydra/config.yaml", ".hydra/overrides.yaml", ".hydra/hydra.yaml",
        "figures/skill_over_season.png", f"figures/predicted_vs_actual_{TEST_SEASON}.png",
        "figures/losses.png", "figures/attention_diagnostics.png",
        "report.html", "diagnostics.csv", "contributions.csv", "differences.csv",
        "faithfulness.csv", "odds.parquet", "games.csv", "series.csv", "finishes.csv",
        "game_forecasts.parquet", "playoff_players.csv", f"figures/title_race_{TEST_SEASON}.png",
        *[f"figures/reliability_{name}.png" for name in ("odds", "calibration")],
        *[f"models/{TEST_SEASON}/{name}"
          for name in (
              "features.json", "ensemble.json", "projection.json", "next_games.json", "xgb.ubj",
              "rf.npz",
          )],
        f"models/{TEST_SEASON}/model_a.json",
        *[f"models/{TEST_SEASON}/model_a_{network}.ckpt" for network in networks],
        *[f"logs/{fit}/network_{network}/{name}"
          for fit in FITS for network in networks for name in ("metrics.csv", "hparams.yaml")],
    }  # fmt: skip
    assert all((finished / name).stat().st_size > 0 for name in files)
    text = (finished / "ANALYSIS_01.md").read_text()
    assert all(name in text for name in files if name.startswith("figures/"))


def test_manifest_and_config_record_the_run(finished, league, tables, compose_as_is):
    manifest = read_manifest(finished)
    assert manifest["status"] == "finished"
    assert manifest["run"] == "run_001"
    assert manifest["seed"] == 42
    assert "data.sim.n_seasons=4" in manifest["overrides"]
    assert set(manifest["tables"]) == {name for name, _ in tables.items()}
    plan = FoldPlan.from_dict(manifest["folds"])
    assert plan.test_seasons == [TEST_SEASON]
    assert [fit.predict for fit in plan.fits] == [[season] for season in FITS]
    assert {"tables", "features", "models", "report"} <= manifest["seconds"].keys()
    outputs = f"paths.outputs={league.folder / 'outputs3'}"
    config = compose_as_is(*league.overrides, outputs)
    assert config_from_yaml(finished / "config.yaml") == config
    assert OmegaConf.load(finished / ".hydra" / "overrides.yaml")[-1] == outputs


def test_metrics_are_tidy_and_use_the_public_names(finished):
    metrics = read(finished, "metrics.csv")
    columns = ["season", "as_of_point", "scope", "ranker", "metric", "value"]
    assert metrics.columns.tolist() == columns
    assert not metrics.duplicated(columns[:-1]).any()
    # Series are also judged over all seasons at once.
    pooled = metrics["season"] == "all"
    assert metrics.loc[pooled, "metric"].str.startswith("series_").all()
    assert set(metrics.loc[~pooled, "season"]) == {TEST_SEASON}
    # Games have no point, and their kind as scope.
    of_games = metrics["metric"].str.startswith("game_")
    assert set(metrics.loc[of_games, "as_of_point"]) == {"all"}
    assert set(metrics.loc[of_games, "scope"]) == {"regular", "playoffs"}
    later = metrics["as_of_point"].isin(PLAYOFF_POINTS)
    assert metrics.loc[~of_games & ~later, "as_of_point"].drop_duplicates().tolist() == POINTS
    scopes = metrics.loc[~of_games & ~later, "scope"]
    assert set(scopes) == {"league", "playoff16", "east", "west"}
    # The playoffs have odds alone.
    assert set(metrics.loc[later, "scope"]) == {"playoffs"}
    assert not metrics.loc[later, "metric"].isin(["spearman", "rank_mae"]).any()
    of_title = metrics[later & (metrics["metric"] == "champion_log_loss")]
    for ranker in ("stack", "margins"):
        own = of_title[of_title["ranker"] == ranker]
        assert own["as_of_point"].tolist() == [*PLAYOFF_POINTS]
        assert (own["value"] >= 0).all()
    spearman = metrics[metrics["metric"] == "spearman"]
    assert len(spearman) == len(POINTS) * 4 * 13
    assert spearman["value"].between(-1, 1).all()
    assert set(spearman["ranker"]) == {
        "stack", "model_a", "xgb", "rf", PROJECTED,
        "standings", "elo", "massey", "srs", "net_rating", "margins", "last_season", "random",
    }  # fmt: skip
    assert set(metrics["ranker"]) - set(spearman["ranker"]) == {
        PLATT, "simulation", "random16", "always_home", "elo_fitted",
    }  # fmt: skip
    assert {
        "kendall", "rank_mae", "rank_rmse", "ndcg_4", "ndcg_10", "ndcg_16", "ndcg_20",
        "precision_4", "precision_8", "true_strength_spearman", "rank_interval_coverage",
        "rank_interval_width", "series_upset_auc", "series_brier", "series_log_loss", "game_brier",
        "game_log_loss",
    } < set(metrics["metric"])  # fmt: skip
    league = metrics[metrics["scope"] == "league"].set_index(["ranker", "metric"])
    for ranker in ("stack", PLATT):
        for metric in ADVANCEMENT:
            rows = league.loc[(ranker, metric)]
            assert rows["as_of_point"].tolist() == POINTS
            assert (rows["value"] >= 0).all()
    assert 0.7 < league.loc[("standings", "spearman"), "value"].iloc[-1] <= 1


def test_metrics_json_is_valid_json_without_nan(finished):
    metrics = strict_json(finished / "metrics.json")
    assert metrics["ranker"] == "stack"
    assert metrics["test_seasons"] == [TEST_SEASON]
    for part in ("means", "differences", "calibration", "series", "blend_weights", "seconds"):
        assert metrics[part], part
    weights = pd.DataFrame(metrics["blend_weights"])
    blended = {"model_a", "xgb", "rf", PROJECTED, "regressed_win_pct", "full_strength"}
    assert set(weights["model"]) == blended
    shares = weights["weight"].abs().groupby([weights["fit"], weights["moment"]]).sum()
    assert shares.tolist() == pytest.approx([1, 1, 1])


def test_predictions_are_the_same_in_every_format(finished):
    table = predictions_of(finished)
    csv = pd.read_csv(
        finished / "predictions.csv",
        dtype={"as_of_point": "str"},
        parse_dates=["as_of_date"],
        keep_default_na=False,
        na_values={name: [""] for name in KNOWN_AFTERWARDS},
    )
    pd.testing.assert_frame_equal(csv, table, check_dtype=False, check_exact=True)
    records = strict_json(finished / "predictions.json")
    assert list(records[0]) == table.columns.tolist()
    for name in ("season", "team_id", "rank", "score", *PROBABILITIES, *SIMULATED, "verdict"):
        assert [row[name] for row in records] == table[name].tolist()
    dates = table["as_of_date"].dt.strftime("%Y-%m-%d").tolist()
    assert [row["as_of_date"] for row in records] == dates


def test_predictions_rank_thirty_teams_a_date(finished):
    table = predictions_of(finished)
    assert set(table["season"]) == {TEST_SEASON}
    assert set(table["as_of_point"]) == {"", *POINTS, *PLAYOFF_POINTS, PLAYOFFS}
    assert not table.duplicated(["as_of_date", "team_id"]).any()
    for _, date in table.groupby("as_of_date"):
        assert date["rank"].tolist() == sorted(date["actual_rank"]) == list(range(1, 31))
        assert date["score"].is_monotonic_decreasing
        for _, teams in date.groupby("conference"):
            assert teams["conference_rank"].tolist() == list(range(1, 16))
        assert date["expected_wins"].sum() == pytest.approx(1230)
        assert date["projected_rank"].sum() == pytest.approx(465)
        assert date["strength_percentile"].tolist()[:: len(date) - 1] == [100, 0]
    for ending in ("prob", "prob_platt"):
        stages = table[[f"{event}_{ending}" for event in EVENTS]]
        assert stages.to_numpy().min() >= 0
        assert stages.to_numpy().max() <= 1
        assert (np.diff(stages) <= 1e-12).all()
        # Sixteen make the playoffs, half of them are left after each round.
        sums = stages.groupby(table["as_of_date"]).sum()
        assert sums.to_numpy() == pytest.approx(np.tile([16, 8, 4, 2, 1], (len(sums), 1)))
    assert table["expected_wins"].between(table["wins_low"], table["wins_high"]).all()
    assert (table["rank_low"] <= table["rank_high"]).all()
    assert (table["assumption"] == "").all()
    assert table["model_agreement"].between(0, 1).all()
    assert set(table["verdict"]) <= {"aligned", "over-ranked", "under-ranked"}
    assert (table["top_players"].str.count(";") == 2).all()


def test_out_of_fold_scores_come_from_models_that_have_not_seen_the_season(finished):
    oof = pd.read_parquet(finished / "oof.parquet")
    assert not oof.duplicated(["season", "as_of_date", "team_id"]).any()
    roles = oof.groupby("season")["role"].unique().map(list).to_dict()
    assert roles == {"2023-24": ["oof"], TEST_SEASON: ["test"]}
    assert np.isfinite(oof[["model_a", "xgb", "rf"]].to_numpy()).all()
    trained = {fit["name"]: fit["train"] for fit in read_manifest(finished)["folds"]["fits"]}
    for season, fit in oof[["season", "fit"]].drop_duplicates().itertuples(index=False):
        assert max(trained[fit]) < season


@pytest.mark.parametrize("cached", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_same_seed_gives_the_same_files_in_another_process(
    finished, run_again, monkeypatch, cached
):
    if cached:
        fits = (model_a_fit, "fit_model_a"), (members, "fit_xgb"), (members, "fit_rf")
        for place, name in fits:
            monkeypatch.setattr(place, name, lambda *_, **__: pytest.fail("fitted again"))
    _, again = run_again(*[] if cached else ["paths.members=null"])
    logs = [path.relative_to(finished) for path in (finished / "logs").rglob("*.*")]
    assert len(logs) == 8
    for name in ("metrics.csv", "predictions.csv", "losses.csv", "diagnostics.csv", *logs):
        assert (again / name).read_text() == (finished / name).read_text(), name
    oof = [pd.read_parquet(folder / "oof.parquet") for folder in (finished, again)]
    pd.testing.assert_frame_equal(*oof, check_exact=True)
    assert not (again / ".hydra").exists()


# The playoffs of the test season.


def playoffs_of(finished: Path, tables: Tables, printed: StringIO) -> list[pd.DataFrame]:
    """What the run of a folder would append to its predictions with a date every 15 days."""
    config = config_from_yaml(finished / "config.yaml")
    config = replace(config, data=replace(config.data, as_of_every_days=15))
    plan = FoldPlan.from_dict(read_manifest(finished)["folds"])
    rankers = {
        season: Ranker.load(finished / "models" / part.fit)
        for part in plan.tests
        for season in part.seasons
    }
    inputs = SimpleNamespace(config=config, tables=tables, results=outcomes(tables), plan=plan)
    return run_module._playoffs(rankers, inputs, Console(file=printed))


def test_title_odds_go_on_to_the_champion(finished, tables):
    (table,) = playoffs_of(finished, tables, StringIO())
    dates = table["as_of_date"].unique()
    assert len(dates) > 3
    assert set(table["as_of_point"]) == {*PLAYOFF_POINTS, PLAYOFFS}
    odds = table.set_index("team_id")[["as_of_date", *[f"{event}_prob" for event in EVENTS]]]
    sums = odds.groupby("as_of_date").sum()
    np.testing.assert_allclose(sums, np.tile([16, 8, 4, 2, 1], (len(dates), 1)))
    for date, on_date in odds.groupby("as_of_date"):
        state = decided(tables, TEST_SEASON, date).set_index("team_id")["state"]
        out = on_date.loc[state.index[state == "out"], "title_prob"]
        assert len(out) >= 10
        assert (out == 0).all()
    over = table[table["as_of_date"] == dates[-1]]
    np.testing.assert_array_equal(over["title_prob"], over["actual_rank"] == 1)
    # The run itself has some of these dates, and the same odds.
    of_run = predictions_of(finished)
    later = of_run["as_of_point"].isin([*PLAYOFF_POINTS, PLAYOFFS])
    of_run = of_run[later].reset_index(drop=True)
    shared = flat(table)[table["as_of_date"].isin(of_run["as_of_date"])].reset_index(drop=True)
    assert of_run["as_of_date"].iloc[-1] == dates[-1]
    pd.testing.assert_frame_equal(of_run, shared, check_exact=True)


def test_playoffs_without_play_in_games_end_the_title_odds_and_not_the_run(finished, tables):
    games = tables.team_games
    gone = (games["season"] == TEST_SEASON) & (games["kind"] == "playin")
    printed = StringIO()
    without = replace(tables, team_games=games[~gone].reset_index(drop=True))
    assert playoffs_of(finished, without, printed) == []
    text = " ".join(printed.getvalue().split())
    assert f"{TEST_SEASON}: no title odds after the regular season: " in text
    assert "playin_team_logs_2024_25" in text


# Predictions of a date.


def test_predict_reproduces_a_runs_rows_and_odds_exactly(finished, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "why", lambda *_: Why())  # takes longer than all the rest
    header, *lines = (finished / "predictions.csv").read_text().splitlines()
    assert {*PROBABILITIES, *SIMULATED} < set(header.split(","))
    last_regular = dates_of(finished)[2]
    for as_of in dates_of(finished):
        out = tmp_path / f"{as_of}.csv"
        console = Console(file=StringIO(), width=200)
        predict(OmegaConf.structured(asked(finished, as_of, out=out)), console)
        expected = [line for line in lines if f",{as_of}," in line]
        assert len(expected) == 30
        assert out.read_text().splitlines() == [header, *expected]
        shown = console.file.getvalue()
        for words in (as_of, "wins (90%)", "playoffs", "title"):
            assert words in shown
        assert str(out) in shown.replace("\n", "")
        # Games of the next days are written beside the ranking while there are any.
        games = tmp_path / f"{as_of}_games.csv"
        assert games.exists() == ("Games to " in shown) == (as_of < last_regular)
        # So are the play-in games and series, from the regular season's end to the title.
        series = tmp_path / f"{as_of}_series.csv"
        assert series.exists() == ("host wins series" in shown) == (as_of == last_regular)
        # And the standings.
        assert (tmp_path / f"{as_of}_standings.csv").exists()
        over = as_of >= last_regular
        assert ("East, final standings" in shown) == over
        assert ("East, if the season ended today" in shown) == (not over)
        assert "have changed" not in shown


def test_predict_ranks_a_date_between_those_of_the_run(finished):
    known = predictions_of(finished)
    day = pd.Timestamp(dates_of(finished)[1]) + pd.Timedelta(days=1)
    assert day not in known["as_of_date"].tolist()
    table = rank_date(asked(finished, f"{day:%Y-%m-%d}")).predictions
    assert flat(table).columns.tolist() == known.columns.tolist()
    assert table["rank"].tolist() == list(range(1, 31))
    assert set(table["as_of_point"]) == {""}


def test_predict_ranks_the_coming_season_without_a_schedule(finished):
    table = rank_date(asked(finished, "2025-09-20")).predictions
    assert set(table["season"]) == {"2025-26"}
    assert table["rank"].tolist() == list(range(1, 31))
    assert table[["actual_rank", "verdict"]].isna().all(axis=None)
    sums = [table[f"{event}_prob"].sum() for event in EVENTS]
    assert sums == pytest.approx([16, 8, 4, 2, 1])
    assert table["assumption"].iloc[0] != ""


def scrambled(tables: Tables, day: pd.Timestamp, *, same_champion: bool = False) -> Tables:
    """Other results, box scores and line-ups in all games on the day and after it.

    A season whose playoffs are scrambled has no champion, unless the winners of their games stay.
    """
    rng = np.random.default_rng(0)

    def spoiled(name, numbers, **values):
        frame = dict(tables.items())[name]
        values |= {number: rng.integers(0, 60, len(frame)) for number in numbers}
        later = frame["game_date"] >= day
        changed = {column: frame[column].mask(later, new) for column, new in values.items()}
        return conform(name, frame.assign(**changed))

    games, team_games, n_players = tables.games, tables.team_games, len(tables.player_games)
    home, away = rng.integers(80, 100, len(games)), rng.integers(100, 130, len(games))
    if same_champion:
        stays = (games["kind"] == "playoffs") & (games["home_points"] > games["away_points"])
        home, away = np.where(stays, (away, home), (home, away))
    is_home, place = (
        team_games["is_home"],
        games.set_index("game_id").index.get_indexer(team_games["game_id"]),
    )
    own, theirs = np.where(is_home, (home[place], away[place]), (away[place], home[place]))
    newcomers = tables.player_games["player_id"].max() + 1
    return replace(
        tables,
        games=spoiled("games", [], home_points=home, away_points=away),
        team_games=spoiled(
            "team_games", BOX_COLUMNS, points=own, opponent_points=theirs, won=own > theirs
        ),
        # So many newcomers that none plays twice in a game, and few enough to be rated soon.
        player_games=spoiled(
            "player_games",
            ["points", "plus_minus", "seconds", *BOX_COLUMNS],
            player_id=newcomers + np.arange(n_players) % 300,
        ),
    )


def cut(tables: Tables, day: pd.Timestamp) -> Tables:
    """Only what had happened on the morning of the day; its season is under way."""
    seasons = tables.seasons[tables.seasons["first_date"] < day].copy()
    last = seasons["season"] == seasons["season"].max()
    seasons.loc[last, ["champion_team_id", "runner_up_team_id", "n_playoffs", "n_playin"]] = 0
    seasons.loc[last, "complete"] = False
    return replace(
        tables,
        seasons=conform("seasons", seasons),
        **{
            name: table[table["game_date"] < day].reset_index(drop=True)
            for name, table in tables.items()
            if "game_date" in table and name != "schedule"
        },
        rosters=tables.rosters[tables.rosters["date"] <= day].reset_index(drop=True),
    )


def rank_with(tables: Tables, finished: Path, day: pd.Timestamp, folder: Path) -> DateForecast:
    """Rank a date by other tables than those of the run, written to a folder."""
    manifest.write(tables, QualityReport((), (), ()), folder, folder / "manifest.json")
    return rank_date(asked(finished, f"{day:%Y-%m-%d}", folder))


@pytest.mark.parametrize("place", [1, 2], ids=["middle", "end"])
@pytest.mark.parametrize("spoil", [scrambled, cut])
def test_a_poisoned_future_changes_no_prediction(finished, tables, tmp_path, spoil, place):
    known = predictions_of(finished)
    assert {*PROBABILITIES, *SIMULATED} < set(known)
    day = pd.Timestamp(dates_of(finished)[place])
    spoiled = spoil(tables, day)
    assert not spoiled.games.equals(tables.games)
    got = flat(rank_with(spoiled, finished, day, tmp_path).predictions)
    expected = known[known["as_of_date"] == day].reset_index(drop=True)
    # What a date is called depends on how long the season was in the end.
    later = [*KNOWN_AFTERWARDS, "as_of_point"]
    pd.testing.assert_frame_equal(
        got.drop(columns=later), expected.drop(columns=later), check_exact=True
    )


def test_an_altered_past_does_change_predictions(finished, tables, tmp_path):
    known = predictions_of(finished).set_index(["as_of_date", "team_id"])
    day = pd.Timestamp(dates_of(finished)[1])
    spoiled = scrambled(tables, day - pd.Timedelta(days=10))
    forecast = rank_with(spoiled, finished, day, tmp_path)
    got = forecast.predictions.set_index("team_id")
    assert {"games", "team_games"} <= set(forecast.changed) < set(SCHEMA)
    for name in ("score", "playoff_prob_platt", "regular_strength", "expected_wins", "title_prob"):
        assert not np.allclose(got[name], known.loc[day, name].loc[got.index]), name


@pytest.mark.slow
def test_a_test_seasons_future_changes_nothing_that_is_learned(finished, run_again, monkeypatch):
    known = predictions_of(finished)
    # The other results fit no bracket.
    later = known["as_of_point"].isin([*PLAYOFF_POINTS, PLAYOFFS])
    known = by_team(known[~later]).drop(columns=KNOWN_AFTERWARDS)
    day = pd.Timestamp(dates_of(finished)[1])
    prepare = inputs.prepare_tables

    def scrambling(*args):
        result = prepare(*args)
        return replace(result, tables=scrambled(result.tables, day, same_champion=True))

    monkeypatch.setattr(inputs, "prepare_tables", scrambling)
    result, _ = run_again()
    got = by_team(flat(result.predictions)).reindex(known.index).drop(columns=KNOWN_AFTERWARDS)
    before = known.index.get_level_values("as_of_date") <= day
    pd.testing.assert_frame_equal(got[before], known[before], check_exact=True)
    assert not np.allclose(got.loc[~before, "score"], known.loc[~before, "score"])


@pytest.mark.parametrize(
    ("as_of", "message"),
    [
        ("2021-12-01", rf"learned from 2021-22 .*from {TEST_SEASON} on.*folds=walk_forward"),
        ("2023-12-01", r"learned from 2023-24 "),
        ("15.01.2025", "not a date of the form 2024-01-15"),
        ("2025-02-31", "not a date of the form 2024-01-15"),
        ("1999-01-15", "outside the data"),
        ("2031-01-15", "outside the data"),
    ],
)
def test_predict_refuses_a_date_that_it_cannot_rank(finished, as_of, message):
    with pytest.raises(UserError, match=message):
        rank_date(asked(finished, as_of))


def test_predict_refuses_tables_that_were_edited(finished, tables, tmp_path):
    manifest.write(tables, QualityReport((), (), ()), tmp_path, tmp_path / "manifest.json")
    games = tables.games
    points = games["home_points"].mask(games.index == 0, games["away_points"] + 40)
    games.assign(home_points=points).to_parquet(table_path(tmp_path, "games"), index=False)
    for reason in ("table games was altered", "no manifest"):
        with pytest.raises(UserError, match=rf"{reason}.*nba_rank\.ingest"):
            rank_date(asked(finished, dates_of(finished)[1], tmp_path))
        (tmp_path / "manifest.json").unlink(missing_ok=True)


def test_predict_refuses_folders_without_a_finished_run(finished, tmp_path):
    with pytest.raises(UserError, match="no run folder"):
        rank_date(asked(tmp_path, "2025-01-15"))
    interrupted = read_manifest(finished) | {"status": "interrupted"}
    (tmp_path / "manifest.json").write_text(json.dumps(interrupted))
    with pytest.raises(UserError, match="interrupted"):
        rank_date(asked(tmp_path, "2025-01-15"))
    with pytest.raises(UserError, match=r"nba_rank\.ingest"):
        rank_date(asked(finished, "2025-01-15", tmp_path))


# Other configs.


@pytest.mark.slow
def test_a_single_member_ranks_without_a_stacker(run_again):
    result, folder = run_again("model=xgb", "calibration=none", "odds=none")
    assert {"stack", "model_a", "rf", PLATT, "simulation"}.isdisjoint(result.metrics["ranker"])
    absent = {*PROBABILITIES, *SIMULATED, "top_players", "model_a_rank", "rf_rank"}
    assert absent.isdisjoint(result.predictions.columns)
    own = result.metrics[result.metrics["ranker"] == "xgb"]
    assert {"playoff_brier", "champion_log_loss", "game_brier"}.isdisjoint(own["metric"])
    models = folder / "models" / TEST_SEASON
    assert files_of(models) == {"features.json", "ensemble.json", "projection.json", "xgb.ubj"}
    assert strict_json(models / "ensemble.json") == {}
    assert not (folder / "losses.csv").exists()
    assert (result.predictions["rank"] == result.predictions["xgb_rank"]).all()


@pytest.mark.slow
def test_a_run_up_to_a_season_is_that_of_files_that_end_with_it(league, run_again, tmp_path):
    raw, last = tmp_path / "raw", "2023-24"
    shutil.copytree(league.folder / "raw", raw)
    later = [
        path for path in raw.rglob("*") if "2024_25" in path.name or "2024-08" < path.name < "3"
    ]
    for path in (path for path in later if path.suffix in (".parquet", ".csv", ".json")):
        path.unlink()
    asked = ["folds.n_test_seasons=1", "data.source=raw"]
    _, cut = run_again(*asked, f"data.last_season={last}")
    folders = [f"data.raw_dir={raw}", f"data.processed_dir={tmp_path / 'processed'}"]
    _, ended = run_again(*asked, *folders)
    assert set(predictions_of(ended)["season"]) == {last}
    for name in ("predictions.csv", "metrics.csv", "losses.csv"):
        assert (cut / name).read_text() == (ended / name).read_text(), name


@pytest.mark.slow
def test_a_production_run_ranks_the_coming_season_by_all_complete_ones(run_again, tables):
    result, folder = run_again("folds=production", "folds.n_test_seasons=1")
    assert set(result.predictions["season"]) == {TEST_SEASON}
    assert_predict_repeats(result, folder)
    assert "later seasons" in (folder / "ANALYSIS_01.md").read_text()
    after = tables.games["game_date"].max() + pd.Timedelta(days=60)
    table = rank_date(asked(folder, f"{after:%Y-%m-%d}")).predictions
    assert set(table["season"]) == {"2025-26"}
    seen = {part.fit: part.stack_train for part in result.plan.tests}
    assert TEST_SEASON in seen["2025-26"]
    shutil.rmtree(folder / "models" / TEST_SEASON)
    pd.testing.assert_frame_equal(rank_date(asked(folder, f"{after:%Y-%m-%d}")).predictions, table)


@pytest.mark.slow
def test_two_seasons_are_enough_to_rank_the_third(run_again, tables):
    """No season is left to judge the models by, and the run says so."""
    third = sorted(set(tables.games["season"]))[2]
    second = season_label(season_start_year(third) - 1)
    result, folder = run_again("folds=production", f"data.last_season={second}")
    assert result.plan.test_seasons == []
    assert result.metrics.empty
    table = rank_date(asked(folder, f"{third[:4]}-10-10")).predictions
    assert set(table["season"]) == {third}
    assert table["rank"].tolist() == list(range(1, 31))


@pytest.mark.slow
@pytest.mark.parametrize("member", ["model_a", "rf"])
def test_each_member_alone_is_the_ranker_and_predicts(finished, run_again, member):
    result, folder = run_again(f"model={member}")
    assert member in set(result.metrics["ranker"])
    assert "stack" not in set(result.metrics["ranker"])
    assert ("top_players" in result.predictions) == (member == "model_a")
    assert_predict_repeats(result, folder)
    # The other members do not change how this one is fitted.
    stacked, alone = by_team(predictions_of(finished)), by_team(result.predictions)
    assert alone[f"{member}_rank"].equals(stacked[f"{member}_rank"].reindex(alone.index))


@pytest.mark.slow
@pytest.mark.parametrize(
    "knob",
    [
        "seed=7",
        "target=standings",
        "target=final_rank",
        "model.stack.vary_with_progress=false",
        "model.stack.alphas=[0.1]",
        "model.stack.shrinkage_targets=[xgb]",
        "features.projection.n_simulations=40",
    ],
)
def test_seed_target_and_options_of_the_stacker_change_the_final_scores(finished, run_again, knob):
    result, _ = run_again(knob)
    before, after = by_team(predictions_of(finished)), by_team(result.predictions)
    assert {*before.index} == {*after.index}
    scores = after["score"].reindex(before.index)
    assert not np.allclose(scores, before["score"], rtol=0, atol=1e-4)


@pytest.mark.slow
def test_options_of_odds_and_calibration_change_probabilities_and_no_score(finished, run_again):
    result, _ = run_again(
        "odds.n_simulations=40", "odds.playoff_residual=true", "calibration=platt_per_model"
    )
    before = by_team(predictions_of(finished))
    after = by_team(result.predictions).reindex(before.index)
    for moved in ("expected_wins", "playoffs_strength", "title_prob", "playoff_prob_platt"):
        assert not np.allclose(after[moved], before[moved], rtol=0, atol=1e-3), moved
    for same in ("score", "rank", "regular_strength"):
        assert after[same].equals(before[same]), same


@pytest.mark.slow
def test_a_feature_group_that_is_off_is_nowhere_in_the_run(finished, run_again):
    columns = read_manifest(finished)["store"]["columns"]
    assert any("elo" in name for name in columns)
    result, folder = run_again("features/elo=off")
    kept = read_manifest(folder)["store"]["columns"]
    assert set(kept) == {name for name in columns if "elo" not in name}
    weights = strict_json(folder / "metrics.json")["blend_weights"]
    assert not any("elo" in row["model"] for row in weights)
    assert "elo" in set(result.metrics["ranker"])  # the baseline stays


@pytest.mark.slow
def test_a_run_without_a_projection_uses_none(run_again):
    result, folder = run_again(
        "features/projection=off", "model.members=[xgb,rf]", "odds=softmax",
        "calibration=platt_per_model",
    )  # fmt: skip
    assert PROJECTED not in set(result.metrics["ranker"])
    assert PROJECTED not in pd.read_parquet(folder / "oof.parquet")
    assert not (folder / "models" / TEST_SEASON / "projection.json").exists()
    ensemble = strict_json(folder / "models" / TEST_SEASON / "ensemble.json")
    assert ensemble["stacker"]["inputs"] == ["xgb", "rf", "regressed_win_pct", "full_strength"]
    assert ensemble["calibration"]["weights"]["playoff"].keys() == {"xgb", "rf"}
    assert list(ensemble["odds"]) == ["softmax"]
    assert set(PROBABILITIES) < set(result.predictions)
    assert set(SIMULATED) & set(result.predictions) == {"title_prob"}
    sums = result.predictions.groupby("as_of_date")["title_prob"].sum()
    assert sums.to_numpy() == pytest.approx(1)
    assert_predict_repeats(result, folder)


@pytest.mark.slow
def test_kfold_stays_inside_the_training_seasons(run_again):
    result, folder = run_again("folds=kfold", "folds.k=2", "folds.n_test_seasons=1")
    plan = FoldPlan.from_dict(read_manifest(folder)["folds"])
    assert plan == result.plan
    predicted = sorted(season for fit in plan.fits for season in fit.predict)
    assert predicted == ["2022-23", "2023-24", TEST_SEASON]


@pytest.mark.slow
def test_walk_forward_saves_a_ranker_for_each_test_season_however_many_workers(run_again):
    folds = ["folds=walk_forward", "folds.n_test_seasons=2", "folds.n_oof_seasons=1"]
    result, folder = run_again(*folds)
    of_two, other = run_again(*folds, "trainer.num_threads=2")
    pd.testing.assert_frame_equal(of_two.predictions, result.predictions, check_exact=True)
    assert (other / "metrics.csv").read_text() == (folder / "metrics.csv").read_text()
    assert set(result.predictions["season"]) == set(FITS)
    for season in FITS:
        row = result.predictions[result.predictions["season"] == season].iloc[-1]
        got = rank_date(asked(folder, f"{row['as_of_date']:%Y-%m-%d}")).predictions
        assert set(got["season"]) == {season}
        assert got["score"].iloc[-1] == row["score"]


@pytest.fixture
def without_players(league, run_again, tmp_path):
    """Runs on the league without the player logs of a pattern."""

    def run(pattern: str):
        raw = tmp_path / "raw"
        shutil.copytree(league.folder / "raw", raw)
        for path in raw.glob(pattern):
            path.unlink()
        folders = (f"data.raw_dir={raw}", f"data.processed_dir={tmp_path / 'processed'}")
        return run_again("data.source=raw", *folders)

    return run


@pytest.mark.slow
def test_without_player_logs_model_a_is_left_out_with_a_note(without_players):
    result, folder = without_players("*player_logs*")
    note = read_manifest(folder)["left_out"]
    assert note == "model A is left out: no season has player game logs"
    rankers = set(result.metrics["ranker"])
    assert {"stack", "xgb", "rf", PROJECTED} < rankers
    assert "model_a" not in rankers
    assert result.predictions["score"].notna().all()
    assert_predict_repeats(result, folder)


@pytest.mark.slow
def test_a_season_without_player_logs_is_ranked_by_the_other_inputs(without_players):
    result, folder = without_players("*player_logs*2024_25*")
    stacker = strict_json(folder / "models" / TEST_SEASON / "ensemble.json")["teams_stacker"]
    assert not {"model_a", "full_strength"} & set(stacker["inputs"])
    tested = pd.read_parquet(folder / "oof.parquet").query("role == 'test'")
    assert tested["model_a"].isna().all()
    assert result.predictions["model_a_rank"].isna().all()
    assert (result.predictions["top_players"].map(len) == 0).all()
    assert result.predictions[["score", "title_prob"]].notna().all(axis=None)
    spearman = result.metrics.query("ranker == 'stack' and metric == 'spearman'")
    assert spearman["value"].notna().all()


def test_too_few_seasons_are_refused_with_the_remedy(run_again, tmp_path):
    with pytest.raises(UserError, match=r"folds\.n_test_seasons"):
        run_again("folds.n_test_seasons=3")
    assert list(tmp_path.glob("outputs3/run_*")) == []  # nothing has been done


def test_ctrl_c_during_training_marks_the_folder_as_interrupted(run_again, tmp_path, monkeypatch):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(ModelA, "training_step", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_again("model=model_a", "paths.members=null")
    assert read_manifest(newest(tmp_path / "outputs3"))["status"] == "interrupted"


@pytest.mark.slow
def test_a_multirun_writes_one_folder_per_job(finished, league, tmp_path):
    outputs = tmp_path / "outputs3"
    done = program(
        "train", "-m", *league.overrides, f"paths.outputs={outputs}", "model=xgb", "seed=1,2",
        cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (batch,) = (outputs / "sweeps").iterdir()
    for job, seed in (("0", 1), ("1", 2)):
        manifest = read_manifest(batch / job)
        assert (manifest["status"], manifest["seed"]) == ("finished", seed)
        assert f"seed={seed}" in manifest["overrides"]
        assert config_from_yaml(batch / job / "config.yaml").seed == seed
        assert (batch / job / "ANALYSIS_01.md").exists()
    metrics = [(batch / job / "metrics.csv").read_text() for job in ("0", "1")]
    assert metrics[0] != metrics[1]
    assert not list(outputs.glob("run_*"))


@pytest.mark.slow
def test_the_stack_recovers_true_strength_better_than_the_standings(compose):
    config = compose(
        "experiment=quick", "data=sim", "trainer=cpu", "callbacks=quiet", "folds=walk_forward",
        "data.sim.n_seasons=8", "folds.n_test_seasons=3", "folds.n_oof_seasons=2",
        "trainer.max_epochs=5",
    )  # fmt: skip
    metrics = train(OmegaConf.structured(config), Console(file=StringIO())).metrics
    found = metrics.query("metric == 'true_strength_spearman' and as_of_point == '0.25'")
    means = found.groupby("ranker")["value"].mean()
    assert found.groupby("ranker").size()["stack"] == 3
    assert means["stack"] > means["standings"] + 0.02
    assert abs(means["random"]) < 0.3 < means["standings"]


@pytest.mark.slow
def test_today_remembers_every_day_and_shows_what_moved(
    league, finished, tmp_path, compose_fast, monkeypatch
):
    monkeypatch.setattr(why, "_WITHOUT", 0)
    shutil.copytree(finished, tmp_path / "outputs3" / "run_001")
    (middle,) = dates_of(finished)[1:2]
    days = pd.date_range(middle, periods=9).strftime("%Y-%m-%d")
    shown = {}
    for as_of in (days[0], days[8], days[8]):
        console = Console(file=StringIO(), width=200)
        words = [f"as_of={as_of}", f"outputs={tmp_path / 'outputs3'}"]
        forecast = today(compose_fast("today", *words), console)
        shown[as_of] = console.file.getvalue()
    since = f"since {days[0][5:]}"
    assert since not in shown[days[0]]
    assert since in shown[days[8]]
    folder = tmp_path / "outputs3" / f"season_{TEST_SEASON}"
    history = pd.read_parquet(folder / "history.parquet")
    assert history["as_of_date"].dt.strftime("%Y-%m-%d").tolist() == [days[0]] * 30 + [days[8]] * 30
    newest = history.tail(30).set_index("team_id")
    table = forecast.predictions.set_index("team_id")
    assert newest["rank"].equals(table["rank"].reindex(newest.index))
    assert newest.filter(regex=r"^seed_\d+$").sum(axis=1).to_numpy() == pytest.approx(1)
    tables = {f"{day}{end}.csv" for day in (days[0], days[8]) for end in ("", "_games", "_seeds")}
    figures = {"ranks.png", "title_race.png", "seeds.png"}
    assert {"history.parquet"} | tables | figures <= files_of(folder)
    # The page tells what has changed, and the run's report leads to it.
    report = (tmp_path / "outputs3/run_001/report.html").read_text()
    [link] = re.findall(r'href="(\S*season_\S*)"', report)
    assert (tmp_path / "outputs3/run_001" / link).resolve() == folder / "index.html"
    page = (folder / "index.html").read_text()
    of_date = (folder / f"{days[8]}.html").read_text()
    assert with_block(page, "dates", block(of_date, "dates")) == of_date
    assert f"What changed since {pd.Timestamp(days[1]):%B %-d}" in page
    assert f'href="{days[0]}.html"' in block(page, "turns")
    assert TEST_SEASON in (tmp_path / "outputs3/index.html").read_text()

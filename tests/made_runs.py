"""Run folders and sweep folders written by hand: as much of them as a comparison reads."""

import json

import pandas as pd
from omegaconf import OmegaConf

from nba_rank.core.metrics import higher_is_better
from nba_rank.evaluation.evaluate import TIDY_COLUMNS

SEASONS = ["2019-20", "2020-21", "2021-22", "2022-23", "2023-24", "2024-25"]
POINTS = ["open", "0.5", "end"]
VALUES = {
    ("league", "spearman"): 0.7, ("league", "kendall"): 0.5, ("league", "rank_rmse"): 5.0,
    ("playoff16", "spearman"): 0.4, ("league", "champion_log_loss"): 1.5,
}  # fmt: skip
CONFIG = {
    "seed": 42,
    "model": {"members": ["model_a", "xgb"], "xgb": {"max_depth": 3, "learning_rate": 0.03}},
    "calibration": {"name": "platt_stack"},
    "paths": {"outputs": "outputs3"},
}
TABLES = {"games": "a" * 64, "rosters": "b" * 64}


def made_metrics(lift=0.0, seasons=SEASONS, points=POINTS, ranker="stack"):
    """Tidy metrics that are better by `lift` than without one, a little more in odd seasons.

    Standings are worse than the ranker by .1; series and games have one value a season.
    """
    rows = []
    for (scope, metric), base in VALUES.items():
        way = 1 if higher_is_better(metric) else -1
        for i, season in enumerate(seasons):
            for j, point in enumerate(points):
                value = base + 0.05 * j + 0.02 * i
                own = value + way * lift * (1 + 0.2 * (i % 2))
                rows.append((season, point, scope, ranker, metric, own))
                rows.append((season, point, scope, "standings", metric, value - way * 0.1))
    for season in seasons:
        rows.append((season, "all", "regular", ranker, "game_brier", 0.21 - lift / 100))
        rows.append((season, "end", "league", "simulation", "series_log_loss", 0.5 - lift))
        rows.append((season, "end", "league", "simulation", "rank_interval_width", 12.0))
    rows.append(("all", "end", "league", "simulation", "series_log_loss", 0.5))
    return pd.DataFrame(rows, columns=TIDY_COLUMNS)


def write_run(folder, lift=0.0, *, config=None, tables=TABLES, manifest=None, **metrics):
    """Write the folder of a finished run; `config` and `manifest` hold what is different."""
    folder.mkdir(parents=True)
    metrics = made_metrics(lift, **metrics)
    metrics.to_csv(folder / "metrics.csv", index=False)
    ranker = metrics["ranker"].iloc[0]
    (folder / "metrics.json").write_text(json.dumps({"ranker": ranker}))
    merged = OmegaConf.merge(CONFIG, config or {})
    (folder / "config.yaml").write_text(OmegaConf.to_yaml(merged))
    facts = {
        "run": folder.name,
        "status": "finished",
        "started": "2026-11-26T20:15:36+00:00",
        "git_revision": "1937f247d4212cf5e9e524efe6eafdb3d09b88d5",
        "python": "3.11.7",
        "versions": {"numpy": "2.4.6"},
        "tables": tables,
        "seconds": {"tables": 1.25, "models": 100.5},
    }
    (folder / "manifest.json").write_text(json.dumps(facts | (manifest or {})))
    return folder


VALIDATION = {
    "test_default": {"spearman": 0.71, "ndcg16": 0.9, "clone_auc": 0.5},
    "test_best": {"spearman": 0.75, "ndcg16": 0.92, "clone_auc": 0.6},
}


def write_sweep(folder, *, status="finished", runs=("test_default", "test_best"), trials=True):
    """Write the folder of a sweep that chose trees of depth 5 without calibration.

    On three validation seasons the first trial leads by .04 and the second one is behind by .02.
    """
    folder.mkdir(parents=True)
    objectives = [*VALIDATION["test_default"]]
    manifest = {"kind": "sweep", "status": status, "objectives": objectives}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    validation = {name: VALIDATION[name] for name in runs}
    (folder / "validation.json").write_text(json.dumps(validation))
    (folder / "default").mkdir()
    (folder / "default" / "manifest.json").write_text(json.dumps({"status": "finished"}))
    judged = made_metrics(seasons=["2016-17", "2017-18", "2018-19"])
    judged.to_csv(folder / "default" / "validation.csv", index=False)
    if trials:
        table = pd.DataFrame(
            {"state": ["complete", "complete", "pruned"], "params.model.xgb.max_depth": [5, 2, 9]}
        )
        own = judged.query("ranker == 'stack' and metric == 'spearman' and scope == 'league'")
        for season, value in own.groupby("season")["value"].mean().items():
            table[f"seasons.{season}.spearman"] = [value + 0.04, value - 0.02, None]
        table.to_csv(folder / "trials.csv", index_label="number")
    if "test_default" in runs:
        write_run(folder / "test_default")
    if "test_best" in runs:
        chosen = {"overrides": ["model.xgb.max_depth=5", "calibration=none"]}
        deeper = {"model": {"xgb": {"max_depth": 5}}, "calibration": {"name": "none"}}
        write_run(folder / "test_best", 0.01, config=deeper, manifest=chosen)
    return folder


def write_playoff_run(folder, lift=0.0):
    """Write the folder of a finished run of the playoff classifier, better by `lift`."""
    write_run(folder)
    better = {"playoff_brier": 0.1 - lift, "playoff_auc": 0.9 + lift}
    values = {
        "clone_classifier": better,
        "standings": better,
        "simulation": {"playoff_brier": 0.1, "playoff_auc": 0.9},
    }
    rows = [
        (part, season, point, "league", ranker, metric, value)
        for part in ("reference", "walk_forward")
        for season in SEASONS
        for point in POINTS
        for ranker, own in values.items()
        for metric, value in own.items()
    ]
    rows.append(("walk_forward", "all", "open", "league", "clone_classifier", "playoff_ece", 0.02))
    pd.DataFrame(rows, columns=["part", *TIDY_COLUMNS]).to_csv(folder / "metrics.csv", index=False)
    (folder / "metrics.json").write_text(json.dumps({"ranker": "clone_classifier"}))
    return folder


def write_losses(folder, shift=0.0, fits=("2021-22", "2022-23"), epochs=3):
    """Write the losses of two networks a fit, falling by .1 an epoch; the first fit has both."""
    rows = [
        (fit, network, epoch, 2 + shift - 0.1 * epoch + network,
         1.9 + shift + 0.1 * abs(epoch - 1) if fit == fits[0] else None)
        for fit in fits
        for network in (0, 1)
        for epoch in range(epochs)
    ]  # fmt: skip
    columns = ["fit", "network", "epoch", "train_loss", "val_loss"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "losses.csv", index=False)


def write_forecasts(folder, sure=0.8, n_teams=30, seasons=SEASONS):
    """Write forecasts of teams and games by a run that is more or less `sure`.

    Of 30 teams the first is champion and 16 make the playoffs; `sure` is the probability given to
    what happens. Home teams win two games of three.
    """
    teams = [
        (season, point, team, sure if team == 0 else (1 - sure) / 29,
         sure if team < 16 else 1 - sure, team + 1)
        for season in seasons
        for point in (*POINTS, "playoffs")
        for team in range(n_teams)
    ]  # fmt: skip
    columns = ["season", "as_of_point", "team_id", "title_prob", "playoff_prob", "actual_rank"]
    pd.DataFrame(teams, columns=columns).to_parquet(folder / "predictions.parquet", index=False)
    games = [
        (season, f"{season}-{number}", sure if number % 3 else 1 - sure, number % 3 > 0)
        for season in seasons
        for number in range(30)
    ]
    columns = ["season", "game_id", "home_win_prob", "home_won"]
    pd.DataFrame(games, columns=columns).to_parquet(folder / "game_forecasts.parquet", index=False)

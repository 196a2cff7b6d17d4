import sqlite3
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from nba_rank.config import rules
from nba_rank.config.schema import LoggerConfig
from nba_rank.core.errors import ConfigError
from nba_rank.models.model_a import loggers
from nba_rank.models.model_a.loggers import model_loggers


def write(name, folder):
    for network in range(2):
        for logger in model_loggers(LoggerConfig(name=name), folder, network):
            logger.log_metrics({"train_loss": 1.5, "entropy_ratio": float("nan")}, step=0)
            logger.log_metrics({"train_loss": 1.25, "entropy_ratio": 0.9}, step=3)
            logger.finalize("success")


def test_csv_is_one_flat_file_a_network(tmp_path):
    write("csv", tmp_path / "2019-20")
    for network in ("network_0", "network_1"):
        log = pd.read_csv(tmp_path / "2019-20" / network / "metrics.csv")
        assert log["train_loss"].tolist() == [1.5, 1.25]
        assert log["step"].tolist() == [0, 3]


def test_csv_is_written_while_training_goes_on(tmp_path):
    (logger,) = model_loggers(LoggerConfig(name="csv"), tmp_path, 0)
    logger.log_metrics({"train_loss": 1.5}, step=0)
    assert (tmp_path / "network_0" / "metrics.csv").exists()


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_a_missing_package_is_a_clear_error(name, tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "find_spec", lambda package: None)
    rules.check_logger(LoggerConfig(name="csv"))
    for refuse in (
        lambda: rules.check_logger(LoggerConfig(name=name)),
        lambda: model_loggers(LoggerConfig(name=name), tmp_path, 0),
    ):
        with pytest.raises(ConfigError, match=rf"pip install -e '\.\[{name}\]'"):
            refuse()


def test_the_extras_that_the_error_names_exist():
    project = Path(loggers.__file__).parents[3] / "pyproject.toml"
    extras = tomllib.loads(project.read_text())["project"]["optional-dependencies"]
    assert extras["tensorboard"]
    assert extras["mlflow"]


def test_tensorboard_gets_the_same_numbers(tmp_path):
    pytest.importorskip("tensorboard", reason="the tensorboard extra is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write("tensorboard", tmp_path / "2019-20")
    events = EventAccumulator(str(tmp_path / "2019-20" / "network_1")).Reload()
    losses = [(event.step, event.value) for event in events.Scalars("train_loss")]
    assert losses == [(0, 1.5), (3, 1.25)]
    assert (tmp_path / "2019-20" / "network_1" / "metrics.csv").exists()


@pytest.mark.slow
def test_mlflow_keeps_all_fits_of_a_run_in_one_file_inside_it(tmp_path):
    pytest.importorskip("mlflow", reason="the mlflow extra is not installed")
    write("mlflow", tmp_path / "logs" / "2019-20")
    with sqlite3.connect(tmp_path / "logs" / "mlflow.db") as database:
        runs = database.execute("select name, status from runs order by name").fetchall()
        losses = database.execute(
            "select step, value from metrics where key = 'train_loss' order by step"
        ).fetchall()
        experiments = database.execute("select name from experiments").fetchall()
    assert runs == [("network_0", "FINISHED"), ("network_1", "FINISHED")]
    assert losses == [(0, 1.5), (0, 1.5), (3, 1.25), (3, 1.25)]
    assert ("2019-20",) in experiments
    assert (tmp_path / "logs" / "2019-20" / "network_0" / "metrics.csv").exists()

"""Where Lightning logs model A's losses and diagnostics."""

from importlib.util import find_spec
from pathlib import Path

from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger

from nba_rank.config.schema import LoggerConfig
from nba_rank.core.errors import ConfigError
from nba_rank.models.model_a.lightning_module import ModelA


def check_logger(config: LoggerConfig) -> None:
    """Refuse a logger whose package is not there, before any time is spent.

    Raises:
        ConfigError: Names the package and how to install it.
    """
    if config.name != "csv" and find_spec(config.name) is None:
        raise ConfigError(
            f"logger={config.name} needs a package that is not installed: "
            f"pip install -e '.[{config.name}]' in the checkout, or take logger=csv"
        )


def model_loggers(config: LoggerConfig, folder: Path, network: int) -> list[Logger]:
    """Make the loggers of one network: CSV always, and the one that the config names.

    Files: `network_<k>/metrics.csv` and TensorBoard's beside it; MLflow gets one experiment a fit
    and one run a network in `mlflow.db` beside the folder, for all fits together, because making
    the database takes seconds (its plain files are refused by MLflow 3).

    Args:
        config: Which logger there is besides CSV.
        folder: Folder of one fit's logs, such as `outputs3/run_001/logs/2019-20`.
        network: Number of the network within the fit.

    Raises:
        ConfigError: The logger's package is not installed.
    """
    check_logger(config)
    name = f"network_{network}"
    loggers: list[Logger] = [CSVLogger(folder, name="", version=name, flush_logs_every_n_steps=1)]
    if config.name == "tensorboard":
        loggers.append(TensorBoardLogger(folder, name="", version=name, default_hp_metric=False))
    elif config.name == "mlflow":
        together = folder.parent.resolve()
        together.mkdir(parents=True, exist_ok=True)
        loggers.append(
            MLFlowLogger(
                experiment_name=folder.name,
                run_name=name,
                tracking_uri=f"sqlite:///{together / 'mlflow.db'}",
                artifact_location=(together / "mlflow_artifacts").as_uri(),
            )
        )
    return loggers


def log_again(network: ModelA, loggers: list[Logger]) -> None:
    """Give loggers what they would have got had the network just been trained."""
    health = {row["epoch"]: row for row in network.diagnostics}
    for logger in loggers:
        logger.log_hyperparams(dict(network.hparams))
        for epoch, row in health.items():
            if epoch < 0:  # before training
                logger.log_metrics(row, step=0)
        for row in network.losses:
            epoch, step = int(row["epoch"]), int(row["step"])
            known = {name: value for name, value in row.items() if name not in ("epoch", "step")}
            validation = {name: known.pop(name) for name in row if name.startswith("val_")}
            if validation:
                logger.log_metrics({**validation, "epoch": epoch}, step)
            own = health.get(row["epoch"], {})
            logger.log_metrics({**own, **known, "epoch": epoch}, step)
        logger.finalize("success")

"""Where Lightning logs model A's losses and diagnostics."""

from pathlib import Path

from pytorch_lightning.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger

from nba_rank.config.rules import check_logger
from nba_rank.config.schema import LoggerConfig
from nba_rank.models.model_a.network import Network


def model_loggers(config: LoggerConfig, folder: Path, network: int) -> list[Logger]:
    """Make the loggers of one network: CSV, and the one that the config names.

    CSV and TensorBoard write to `network_<k>`; MLflow to `mlflow.db` beside the folder, with one
    experiment a fit and one run a network. Fits share it, as making a database takes seconds.

    Args:
        config: Which logger there is besides CSV.
        folder: Folder of one fit's logs, such as `outputs3/run_001/logs/2019-20`.
        network: Number of the network in the fit.

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


def log_again(network: Network, loggers: list[Logger]) -> None:
    """Log what a training has logged, for a network that comes from a cache."""
    before = [row for row in network.diagnostics if row["epoch"] < 0]
    for logger in loggers:
        logger.log_hyperparams(network.arguments)
        for row in before:
            logger.log_metrics(row, step=0)
    for row in network.losses:
        network.log_epoch(row, loggers)
    for logger in loggers:
        logger.finalize("success")

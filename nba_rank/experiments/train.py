"""`python -m nba_rank.train`: from raw files to a ranked, evaluated run folder."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from rich.console import Console

from nba_rank.config.compose import as_config, config_yaml
from nba_rank.config.rules import check_logger
from nba_rank.config.schema import Config
from nba_rank.core.errors import ConfigError
from nba_rank.core.names import CLONE
from nba_rank.core.passwords import redact_password
from nba_rank.core.run_dir import RunDir
from nba_rank.core.startup import importing

if TYPE_CHECKING:
    from nba_rank.experiments.run import RunResult
    from nba_rank.experiments.tuning.study import TrialOutcome


def train(
    cfg: DictConfig,
    console: Console,
    run_trial: "Callable[[Config, RunDir], TrialOutcome] | None" = None,
) -> "RunResult | TrialOutcome | None":
    """Validate a composed config, reserve a run folder and fill it.

    Args:
        cfg: As Hydra composed it.
        console: Where progress and results are shown.
        run_trial: Judges a trial of a sweep.

    Returns:
        The result; for a job of a sweep only what the sweeper needs.
    """
    config = as_config(cfg, Config)
    check_logger(config.logger)
    _check_mode(config)
    in_sweep = config.tuning.trial is not None
    is_trial = in_sweep and config.tuning.judged_on == "validation"
    with _run_dir(Path(config.paths.outputs)) as run_dir:
        if not is_trial:
            console.print(f"Run folder: {run_dir.path}")
        run_dir.write_text("config.yaml", config_yaml(config))
        if HydraConfig.initialized():
            _write_hydra(run_dir, cfg)
        run_dir.note(seed=config.seed)
        if is_trial:
            assert run_trial is not None, "trials are jobs of a sweep"
            return run_trial(config, run_dir)
        with importing():  # after the first line of output
            from nba_rank.experiments import playoff_classifier, run
        program = playoff_classifier if config.model.members == [CLONE] else run
        result = program.run(config, run_dir, console)
        return None if in_sweep else result


def _check_mode(config: Config) -> None:
    """Refuse a search space or a trial without `-m`."""
    if not HydraConfig.initialized() or HydraConfig.get().mode == RunMode.MULTIRUN:
        return
    choices = HydraConfig.get().runtime.choices
    if choices["hydra/sweeper"] == "study":
        word = f"hparams_search={choices['hparams_search'] or 'quick'}"
        raise ConfigError(
            f"a search needs -m: python -m nba_rank.train -m {word}; a single run searches nothing"
        )
    if config.tuning.trial is not None:
        raise ConfigError("tuning.trial is set by a sweep: leave it out")


def _run_dir(outputs: Path) -> RunDir:
    if HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN:
        return RunDir(Path(HydraConfig.get().runtime.output_dir))
    return RunDir.reserve(outputs)


def _write_hydra(run_dir: RunDir, cfg: DictConfig) -> None:
    """Write what Hydra writes: the composed config, the overrides and Hydra's own config."""
    overrides = HydraConfig.get().overrides.task
    run_dir.note(overrides=[redact_password(word) for word in overrides])
    run_dir.write_text(".hydra/config.yaml", OmegaConf.to_yaml(cfg))
    run_dir.write_text(".hydra/overrides.yaml", OmegaConf.to_yaml(overrides))
    hydra = OmegaConf.create({"hydra": OmegaConf.to_container(HydraConfig.get(), resolve=False)})
    run_dir.write_text(".hydra/hydra.yaml", redact_password(OmegaConf.to_yaml(hydra)))

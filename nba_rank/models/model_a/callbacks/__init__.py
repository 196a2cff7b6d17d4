"""Lightning callbacks that watch model A while it trains."""

import pytorch_lightning as pl
from rich.console import Console

from nba_rank.config.schema import CallbacksConfig
from nba_rank.models.model_a.callbacks.attention_diagnostics import AttentionDiagnostics
from nba_rank.models.model_a.callbacks.batch_watch import BatchWatch
from nba_rank.models.model_a.callbacks.not_learning import NotLearning


def model_callbacks(
    config: CallbacksConfig, console: Console | None
) -> tuple[list[pl.Callback], NotLearning | None]:
    """Make the callbacks of one fit of one network.

    Args:
        config: Which are on, and their parameters.
        console: Where they print; None writes to the log.

    Returns:
        All callbacks for the trainer, and the one that judges the training; None where it is off.
    """
    health, judge, watch = config.attention_diagnostics, config.not_learning, BatchWatch()
    callbacks: list[pl.Callback] = []
    if health.enabled:
        debug = health.attention_debug
        callbacks.append(AttentionDiagnostics(watch, attention_debug=debug, console=console))
    not_learning = None
    if judge.enabled:
        not_learning = NotLearning(
            watch, min_delta=judge.min_delta, patience=judge.patience, console=console
        )
        callbacks.append(not_learning)
    return [watch, *callbacks] if callbacks else [], not_learning

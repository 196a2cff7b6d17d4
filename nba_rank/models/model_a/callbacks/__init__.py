"""Lightning callbacks that watch model A while it learns."""

from dataclasses import dataclass

import pytorch_lightning as pl
from rich.console import Console

from nba_rank.config.schema import CallbacksConfig
from nba_rank.models.model_a.callbacks.attention_diagnostics import AttentionDiagnostics
from nba_rank.models.model_a.callbacks.not_learning import NotLearning


@dataclass(frozen=True)
class ModelCallbacks:
    """The callbacks of one fit; those that the config switches off are None."""

    attention_diagnostics: AttentionDiagnostics | None
    not_learning: NotLearning | None

    @property
    def active(self) -> list[pl.Callback]:
        """Those that are on, for the trainer."""
        both = (self.attention_diagnostics, self.not_learning)
        return [callback for callback in both if callback is not None]


def model_callbacks(config: CallbacksConfig, console: Console | None) -> ModelCallbacks:
    """Make fresh callbacks for one fit of one network.

    Args:
        config: Which are on, and their parameters.
        console: Where they print; None writes to the log instead.
    """
    debug, watch = config.attention_diagnostics, config.not_learning
    return ModelCallbacks(
        AttentionDiagnostics(attention_debug=debug.attention_debug, console=console)
        if debug.enabled
        else None,
        NotLearning(min_delta=watch.min_delta, patience=watch.patience, console=console)
        if watch.enabled
        else None,
    )

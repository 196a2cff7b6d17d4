"""Options of model A's training: device, callbacks and logger."""

from dataclasses import dataclass

from nba_rank.config.schema.option import NOTHING, RUN, option


@dataclass(kw_only=True)
class TrainerConfig:
    """Lightning trainer of model A, and threads."""

    accelerator: str = option("Device of model A.", choices=("auto", "cpu", "gpu"), role=RUN)
    devices: int = option("Devices of a network; more than one is refused.", low=1, role=RUN)
    max_epochs: int = option("Epochs of model A.", low=1)
    precision: str = option("Number format.", choices=("32-true", "16-mixed", "bf16-mixed"))
    gradient_clip_val: float = option("Norm at which gradients are clipped; 0: never.", low=0)
    deterministic: bool = option("Use deterministic algorithms only, as the CPU does.")
    num_threads: int = option(
        "Fits side by side, each with one thread; the results do not depend on it.",
        low=1,
        role=NOTHING,
    )


@dataclass(kw_only=True)
class AttentionDiagnosticsConfig:
    """Health of model A by epoch, see `nba_rank.models.model_a.diagnostics`."""

    enabled: bool = option("Whether it is measured.")
    attention_debug: bool = option(
        "Also print the first batch before training, the first and the last epoch."
    )


@dataclass(kw_only=True)
class NotLearningConfig:
    """Stops model A where it does not learn, and names the most likely cause."""

    enabled: bool = option("Whether it is watched.")
    min_delta: float = option("Fall of the training loss that counts as learning.", low=0)
    patience: int = option("Epochs without such a fall or living attention before it stops.", low=1)
    restart: bool = option("Start once more with another seed before giving up.")


@dataclass(kw_only=True)
class CallbacksConfig:
    """Callbacks of model A's trainer."""

    progress: bool = option("Show a bar for each stage and fit.", role=NOTHING)
    early_stopping_patience: int = option(
        "Epochs without a lower validation loss before training stops; the validation season is "
        "the last training season. 0: train all epochs on all seasons.",
        low=0,
    )
    attention_diagnostics: AttentionDiagnosticsConfig
    not_learning: NotLearningConfig


@dataclass(kw_only=True)
class LoggerConfig:
    """Where model A's losses and diagnostics by epoch go."""

    name: str = option(
        "Always CSV; TensorBoard or MLflow, where named, too.",
        choices=("csv", "tensorboard", "mlflow"),
        role=NOTHING,
    )

"""The device that model A trains and predicts on."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from nba_rank.config.schema import TrainerConfig
from nba_rank.core.errors import ConfigError, UserError


def device_of(trainer: TrainerConfig) -> torch.device:
    """Return the device that the config asks for; `auto` is CUDA where available.

    Raises:
        ConfigError: There is no such device.
    """
    has_cuda = torch.cuda.is_available()
    if trainer.accelerator == "gpu" and not has_cuda:
        raise ConfigError("trainer=gpu, but torch finds no CUDA device: take trainer=cpu")
    return torch.device("cuda" if trainer.accelerator != "cpu" and has_cuda else "cpu")


@contextmanager
def gpu_memory(task: str, key: str) -> Iterator[None]:
    """Turn a lack of GPU memory into an error that names the remedy.

    Args:
        task: What needs the memory, such as `training model A`.
        key: Config key to lower.

    Raises:
        UserError: The GPU has run out of memory.
    """
    try:
        yield
    except torch.cuda.OutOfMemoryError as error:
        raise UserError(
            f"the GPU ran out of memory while {task}: lower {key}, free the GPU of other "
            f"processes, or take trainer=cpu ({error})"
        ) from error

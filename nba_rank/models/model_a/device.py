"""The device that model A trains and predicts on."""

import torch

from nba_rank.config.schema import TrainerConfig
from nba_rank.core.errors import ConfigError


def device_of(trainer: TrainerConfig) -> torch.device:
    """Return the device that the config asks for; `auto` is CUDA where there is some.

    Raises:
        ConfigError: There is no such device.
    """
    has_cuda = torch.cuda.is_available()
    if trainer.accelerator == "gpu" and not has_cuda:
        raise ConfigError("trainer=gpu, but torch finds no CUDA device: take trainer=cpu")
    return torch.device("cuda" if trainer.accelerator != "cpu" and has_cuda else "cpu")

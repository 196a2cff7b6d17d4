"""The machine that a run is made on, for its manifest."""

import os
import platform
from pathlib import Path


def environment() -> dict[str, str | int | None]:
    """Return operating system, CPU and GPU with its libraries; None: there is none."""
    import torch  # seconds, which programs that make no run folder need not wait for

    has_gpu = torch.cuda.is_available()
    return {
        "os": platform.platform(),
        "cpu": _cpu_name(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if has_gpu else None,
        "cuda": torch.version.cuda if has_gpu else None,
        "cudnn": torch.backends.cudnn.version() if has_gpu else None,
    }


def _cpu_name() -> str:
    """Return the model's name where the system tells, or else the architecture."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

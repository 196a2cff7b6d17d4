"""Renew requirements.lock and requirements-cuda.lock from pyproject.toml.

One resolution for all platforms, then split: packages that only CUDA builds of torch (and
XGBoost's multi-GPU training) need go to the second file. Needs `uv` on the path or in the
environment.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
CUDA = re.compile(r"^(nvidia-|cuda-|triton==)")
# torch's CPU build for Linux and Python 3.11 has the release's version number and its own hash.
CPU_TORCH = "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b"
HEADER = "# Made by `make lock`: names, versions and hashes. Installed with --require-hashes.\n"


def resolve() -> str:
    """Return pins with hashes for every platform."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--extra", "dev",
        "--universal", "--python-version", "3.11", "--generate-hashes",
        "--prerelease", "if-necessary-or-explicit",
        "--no-header", "--no-annotate", "--emit-build-options", "--quiet",
    ]  # fmt: skip
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Write both files."""
    blocks = re.findall(r"^\S+==.*(?:\n    .*)*", resolve(), flags=re.MULTILINE)
    blocks = [
        block.replace("    --hash", f"    --hash=sha256:{CPU_TORCH} \\\n    --hash", 1)
        if block.startswith("torch==")
        else block
        for block in blocks
    ]
    for name, cuda in (("requirements.lock", False), ("requirements-cuda.lock", True)):
        chosen = [block for block in blocks if bool(CUDA.match(block)) == cuda]
        (ROOT / name).write_text(HEADER + "\n".join(chosen) + "\n")


if __name__ == "__main__":
    main()

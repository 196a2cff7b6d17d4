import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def raw_dir() -> Path:
    """Folder of real game logs; tests that ask for it are skipped where there is none."""
    default = Path(__file__).parents[2] / "shared" / "nba" / "raw"
    folder = Path(os.environ.get("NBA_RANK_RAW_DIR", default))
    if not folder.is_dir():
        pytest.skip(f"no real league data in {folder}: set NBA_RANK_RAW_DIR to its folder")
    return folder

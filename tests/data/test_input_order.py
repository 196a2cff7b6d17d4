"""The order of rows and files does not matter."""

import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.content_hash import frame_hash
from nba_rank.data.ingest import read_raw
from nba_rank.data.raw import files as raw_files
from nba_rank.data.simulated.league import SimParams, simulate_league, write_league


@pytest.fixture
def raw(tmp_path_factory):
    """Raw files of a simulated season."""
    folder = tmp_path_factory.mktemp("order") / "raw"
    write_league(simulate_league(SimParams(seed=5, n_seasons=1)), folder)
    return folder


def shuffle_rows(source, target):
    """Copy a raw folder with the rows of every file in another order."""
    rng = np.random.default_rng(0)
    kinds = set()
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            frame.iloc[rng.permutation(len(frame))].to_parquet(copy, index=False)
        elif path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            frame.iloc[rng.permutation(len(frame))].to_csv(copy, index=False)
        elif path.parent.name == "injury_reports":
            reports = json.loads(path.read_text())
            for report in reports:
                report["injuries"].reverse()
            copy.write_text(json.dumps(reports[::-1]))
        elif path.is_file():
            copy.write_bytes(path.read_bytes())
        kinds.add(path.suffix)
    return kinds


def hashes(folder):
    tables, _ = read_raw(folder)
    return {name: frame_hash(table) for name, table in tables.items()}


def test_shuffled_rows_and_files_make_the_same_tables(raw, tmp_path, monkeypatch):
    expected = hashes(raw)
    assert {".parquet", ".csv", ".json"} <= shuffle_rows(raw, tmp_path)
    assert hashes(tmp_path) == expected
    discover = raw_files.discover
    monkeypatch.setattr(raw_files, "discover", lambda *arguments: discover(*arguments)[::-1])
    assert hashes(raw) == expected

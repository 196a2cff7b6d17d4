import base64
import io

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.report import render


@pytest.fixture(scope="session")
def png():
    """A picture of two by three pixels."""
    return base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAYAAAC56t6BAAAAEklEQVR4nGP8z8Dwn4GBgYEBAAoMAQNiUr1yAAAA"
        "AElFTkSuQmCC"
    )


@pytest.fixture
def drawn(monkeypatch, png):
    """Writes a tiny picture in place of each figure."""

    def keep(figure, path):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png)

    monkeypatch.setattr(render, "save", keep)


@pytest.fixture
def written(tmp_path):
    """Writes a report: `written(write, report)`; returns its text and what was printed."""

    def run(write, report):
        console = Console(file=io.StringIO(), width=120)
        write(report, RunDir(tmp_path), console)
        text = max(tmp_path.glob("ANALYSIS_*.md")).read_text(encoding="utf-8")
        assert (tmp_path / "report.html").exists()
        return text, console.file.getvalue()

    return run


@pytest.fixture(scope="session")
def table():
    """Reads the first table below a heading: the cells of each line by the first one."""

    def read(text, heading):
        below = text.partition(f"# {heading}\n")[2].partition("|")[2].partition("\n\n")[0]
        cells = [line.strip("| ").split(" | ") for line in below.splitlines()]
        return {first: rest for first, *rest in cells}

    return read


@pytest.fixture(scope="session")
def learning_curves():
    """Losses of two networks of two fits, of which one has a validation season."""
    return pd.DataFrame(
        [
            (fit, network, epoch, 2 - 0.1 * epoch + network, 2.1 if fit == "2021-22" else np.nan)
            for fit in ("2021-22", "2022-23")
            for network in (0, 1)
            for epoch in range(4)
        ],
        columns=["fit", "network", "epoch", "train_loss", "val_loss"],
    )

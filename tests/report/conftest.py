import base64
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.report import render

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
AXE = Path("node_modules/axe-core/axe.min.js")


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium; tests are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip("no Chromium on this machine: `apt-get install chromium`")
    with playwright.sync_playwright() as driver:
        # Root has no sandbox.
        chromium = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opens(browser) -> Iterator[Callable]:
    """Opens a page: `opens(file, width=1440, scheme="light")`; `page.heard` is what went wrong."""
    contexts = []

    def make(file, width: int = 1440, scheme: str = "light", place: str = "", *, script=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
        )
        contexts.append(context)
        page = context.new_page()
        page.heard = []
        page.on("console", lambda message: page.heard.append(message.text))
        page.on("pageerror", lambda error: page.heard.append(str(error)))
        page.on("dialog", lambda dialog: page.heard.append(dialog.message))
        page.on("request", lambda request: page.heard.append(request.url))
        page.goto(f"{file.as_uri()}{place}")
        page.heard = [one for one in page.heard if one != page.url and one != "data:,"]
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def serious() -> Callable:
    """Returns what axe finds in a page that is serious; tests are skipped where there is no axe."""
    axe = Path(os.environ.get("AXE_CORE", str(AXE)))
    if not axe.exists():
        pytest.skip(f"no axe-core: `npm install --no-save axe-core`, or AXE_CORE={AXE}")

    def found(page) -> list[tuple[str, str]]:
        page.evaluate(axe.read_text(encoding="utf-8"))
        violations = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [
            (one["id"], one["nodes"][0]["html"])
            for one in violations
            if one["impact"] in ("serious", "critical")
        ]

    return found


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

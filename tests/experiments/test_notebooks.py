"""The notebooks, executed as their readers do, on a small run and a sweep written by hand."""

import subprocess
import sys
from pathlib import Path

import jupytext
import nbformat
import pandas as pd
import pytest
from made_runs import write_sweep
from programs import environment

import nba_rank
from nba_rank.experiments.train import train

ROOT = Path(nba_rank.__file__).parents[1]
MOST_BYTES = 200_000


@pytest.fixture(scope="module")
def run(start, shared, tmp_path_factory) -> Path:
    outputs = tmp_path_factory.mktemp("outputs")
    return start(train, outputs, f"data.processed_dir={shared / 'sim'}").folder


@pytest.fixture(scope="module")
def shown(run, tmp_path_factory) -> dict[str, str]:
    """The text that each notebook shows, by its name."""
    folder = tmp_path_factory.mktemp("notebooks")
    sweep = write_sweep(folder / "sweep")
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "notebooks.py", folder],
        env=environment() | {"NBA_RANK_RUN": str(run), "NBA_RANK_SWEEP": str(sweep)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return {path.stem: text(nbformat.read(path, 4)) for path in folder.glob("*.ipynb")}


def text(notebook: nbformat.NotebookNode) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not any(output.output_type == "error" for output in outputs)
    assert any("image/png" in output.get("data", {}) for output in outputs)
    return "\n".join(
        output.get("text") or output.get("data", {}).get("text/plain", "") for output in outputs
    )


@pytest.mark.slow
def test_they_tell_what_the_run_holds(shown, run):
    metrics = pd.read_csv(run / "metrics.csv", dtype={"as_of_point": "str"})
    skill = metrics.query("metric == 'spearman' and scope == 'league' and ranker == 'stack'")
    for point in ("open", "0.5", "end"):
        [value] = skill.loc[skill["as_of_point"] == point, "value"]
        assert f"{value:.3f}" in shown["first_look"]
    predictions = pd.read_parquet(run / "predictions.parquet")
    champion = predictions.loc[predictions["actual_rank"] == 1].iloc[0]
    assert f"{champion['team']} in {champion['season']}" in shown["one_team"]
    own = predictions[predictions["team"] == champion["team"]].set_index("as_of_point")
    assert f"open    {own.loc['open', 'regular_strength']:.2f}" in shown["one_team"]


@pytest.mark.slow
def test_they_tell_what_the_sweep_promised_and_gave(shown):
    told = shown["tuning_and_luck"].splitlines()[-4:]
    values = {line.rsplit(maxsplit=1)[0]: float(line.rsplit(maxsplit=1)[1]) for line in told}
    luck = values.pop("by luck alone")
    assert list(values.values()) == [0.04, 0.04, 0.011]
    assert 0.02 < luck < 0.04


def test_what_is_kept_of_them_is_of_their_text_and_light():
    sources = sorted((ROOT / "notebooks").glob("*.py"))
    assert len(sources) == 3
    for source in sources:
        kept = source.with_suffix(".ipynb")
        assert kept.stat().st_size < MOST_BYTES
        cells = [cell.source for cell in nbformat.read(kept, 4).cells]
        assert cells == [cell.source for cell in jupytext.read(source).cells], (
            f"make notebooks: {kept}"
        )

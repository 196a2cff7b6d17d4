"""Execute the notebooks and write them with what they show: `notebooks.py [FOLDER]`.

The `.py` files are the source, the `.ipynb` files are made from them. `NBA_RANK_RUN` and
`NBA_RANK_SWEEP` name what is read. The same run gives the same files.
"""

import base64
import sys
from io import BytesIO
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SCALE, COLOURS = 0.7, 64


def small(png: str) -> str:
    """Return a picture with fewer pixels and colours, in base64 like the one given."""
    picture = Image.open(BytesIO(base64.b64decode(png))).convert("RGB")
    size = (round(picture.width * SCALE), round(picture.height * SCALE))
    picture = picture.resize(size, Image.Resampling.LANCZOS).quantize(
        COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    written = BytesIO()
    picture.save(written, format="png", optimize=True)
    return base64.b64encode(written.getvalue()).decode()


def executed(source: Path) -> nbformat.NotebookNode:
    """Return a notebook with the outputs of all cells."""
    notebook = jupytext.read(source)
    place = {"metadata": {"path": str(source.parent)}}
    NotebookClient(notebook, timeout=600, resources=place, record_timing=False).execute()
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = small(output.data["image/png"])
                output.metadata.clear()
    return notebook


def main() -> None:
    """Write all notebooks."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else NOTEBOOKS
    for source in sorted(NOTEBOOKS.glob("*.py")):
        nbformat.write(executed(source), folder / f"{source.stem}.ipynb")


if __name__ == "__main__":
    main()

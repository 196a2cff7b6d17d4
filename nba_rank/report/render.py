"""Analyses from templates: as Markdown, and as a web page that needs nothing but itself."""

import base64
import os
import re
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup
from matplotlib.figure import Figure
from rich.console import Console

from nba_rank.core import escape
from nba_rank.core.files import write_text
from nba_rank.core.run_dir import RunDir
from nba_rank.core.workers import Tell, side_by_side
from nba_rank.report import format as fmt
from nba_rank.report.labels import label, sentence
from nba_rank.report.style import save

PAGE = "report.html"
"""Name of the web page in a run folder: the newest analysis."""

IMAGE_BYTES = 3_600_000
"""Most that all figures of a page may take, so that it stays below 4 MB."""

_SMALLEST = 0.58
"""Part of its width to which a drawing may shrink."""

_STYLES = {
    "better": "good", "worse": "bad",
    "added:": "good new", "removed": "bad new", "changed:": "new", "same": "faint",
}  # fmt: skip
"""Classes of cells by their first word."""

_Tokens = Sequence[Token]
_Env = MutableMapping[str, Any]


class Drawing(NamedTuple):
    """A figure that is still to be drawn by `plot(*arguments)`, a function of a module."""

    caption: str
    name: str
    plot: Callable[..., Figure]
    arguments: tuple[object, ...]


class Album(list[tuple[str, str]]):
    """The figures of a run folder: caption, and path from the folder.

    Those of an `ending` of `svg` take the colours of a page that shows them, light or dark.
    """

    def __init__(self, run_dir: RunDir, ending: Literal["png", "svg"] = "png") -> None:
        super().__init__()
        self._folder, self._ending = run_dir.path, ending

    def add(self, caption: str, name: str, figure: Figure) -> None:
        """Write a figure into the run folder."""
        path = f"figures/{name}.{self._ending}"
        save(figure, self._folder / path)
        self.append((caption, path))

    def draw(self, drawings: Sequence[Drawing], threads: int) -> None:
        """Draw figures, `threads` at once, and write them into the run folder."""
        for _ in side_by_side(_draw, self._folder, drawings, threads):
            pass
        self += [(drawing.caption, _path(drawing.name)) for drawing in drawings]


def _path(name: str) -> str:
    return f"figures/{name}.png"


def _draw(folder: Path, drawing: Drawing, tell: Tell) -> None:
    save(drawing.plot(*drawing.arguments), folder / _path(drawing.name))


def write_analysis(
    run_dir: RunDir,
    template: str,
    context: Mapping[str, object],
    figures: Sequence[tuple[str, str]],
    console: Console,
) -> None:
    """Write the next analysis of a run folder, as `ANALYSIS_NN.md` and as `report.html`.

    Args:
        run_dir: The folder.
        template: Name of a template, such as `run.md.j2`.
        context: What the template speaks of; `run` (the folder's name) and `figures` are added.
        figures: As in `Album`.
        console: Where it says what was written.
    """
    text = render(template, {"run": run_dir.path.name, **context, "figures": figures})
    path = run_dir.next_analysis()
    run_dir.write_text(path.name, text)
    run_dir.write_text(PAGE, page(text, {src: run_dir.path / src for _, src in figures}))
    folder = escape.terminal(str(run_dir.path))
    console.print(f"Run folder: {folder}, analysis: {path.name}, {PAGE}")


def render(template: str, context: Mapping[str, object]) -> str:
    """Fill a template of Markdown.

    What a template prints is escaped; frames of text become tables. Its filters: `FILTERS` of
    `nba_rank.report.format`, `label`, `sentence` and `image`.

    Raises:
        UndefinedError: The template names a variable that the context lacks.
    """
    text = _markdown().get_template(template).render(context)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def page(text: str, images: Mapping[str, Path]) -> str:
    """Return Markdown as one HTML page: figures inside, no network, contents, sortable tables.

    Args:
        text: The analysis; its HTML is shown as text.
        images: Files of its figures by the path that it gives. Others are not loaded; nor are
            those beyond `IMAGE_BYTES`, of which the page names the file.
    """
    found: _Env = {"images": images, "left": IMAGE_BYTES, "headings": []}
    body = MarkdownIt("commonmark", renderer_cls=_Renderer).enable("table").render(text, found)
    headings = found["headings"]
    return (
        templates()
        .get_template("page.html.j2")
        .render(
            title=headings[0][2] if headings else "",
            contents=[(place, words) for tag, place, words in headings if tag == "h2"],
            body=Markup(body),
        )
    )


def link_seasons(run: Path, pages: Mapping[str, Path]) -> None:
    """Link the web page of a run folder to pages of seasons, those that there are.

    Args:
        run: The run folder; without a web page nothing is done.
        pages: Files by season.
    """
    path = run / PAGE
    found = {season: file for season, file in pages.items() if file.exists()}
    if not path.exists() or not found:
        return
    links = Markup(", ").join(
        Markup('<a href="{}">{}</a>').format(
            PurePosixPath(os.path.relpath(file, run)).as_posix(), season
        )
        for season, file in sorted(found.items())
    )
    words = Markup("<p>Forecasts of test seasons for readers: {}.</p>").format(links)
    old = path.read_text(encoding="utf-8")
    new = with_block(old, "seasons", words)
    if new != old:
        write_text(path, new)


def with_block(page: str, name: str, content: Markup) -> str:
    """Return a page with other content between its marks of a name; unchanged without marks."""
    marks = re.escape(f"<!-- {name} -->"), re.escape(f"<!-- /{name} -->")
    return re.sub(
        rf"(?s)({marks[0]}).*?({marks[1]})",
        lambda found: found[1] + str(content) + found[2],
        page,
        count=1,
    )


def block(page: str, name: str) -> Markup:
    """Return what stands between the marks of a name on a page of ours, nothing without marks."""
    found = re.search(rf"(?s)<!-- {re.escape(name)} -->(.*?)<!-- /{re.escape(name)} -->", page)
    return Markup(found[1]) if found else Markup()


class _Renderer(RendererHTML):
    """Adds to HTML what a page needs, and keeps its headings."""

    def heading_open(self, tokens: _Tokens, idx: int, options: OptionsDict, env: _Env) -> str:
        tokens[idx].attrSet("id", f"part-{idx}")
        env["headings"].append((tokens[idx].tag, f"part-{idx}", _words(tokens[idx + 1])))
        return self.renderToken(tokens, idx, options, env)

    def table_open(self, *_: object) -> str:
        return '<div class="table" tabindex="0">\n<table>\n'

    def table_close(self, *_: object) -> str:
        return "</table>\n</div>\n"

    def th_open(self, tokens: _Tokens, idx: int, options: OptionsDict, env: _Env) -> str:
        tokens[idx].attrSet("scope", "col")
        return self.renderToken(tokens, idx, options, env)

    def td_open(self, tokens: _Tokens, idx: int, options: OptionsDict, env: _Env) -> str:
        if tokens[idx - 1].type == "tr_open":  # the first cell names its row
            tokens[idx].tag = tokens[idx + 2].tag = "th"
            tokens[idx].attrSet("scope", "row")
        elif style := _STYLES.get(tokens[idx + 1].content.partition(" ")[0]):
            tokens[idx].attrSet("class", style)
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: _Tokens, idx: int, _: OptionsDict, env: _Env) -> str:
        source, words = str(tokens[idx].attrGet("src")), Markup.escape(_words(tokens[idx]))
        path = env["images"].get(source)
        raw = path.read_bytes() if path and path.exists() else b""
        vector = source.endswith(".svg")
        data = raw.decode() if vector else base64.b64encode(raw).decode("ascii")
        if not 0 < len(data) <= env["left"]:
            return f"<em>{words}: {Markup.escape(source)}</em>"
        env["left"] -= len(data)
        if vector:
            return _drawing(data, words)
        # Width and height stand at the same place in every PNG.
        width, height = (int.from_bytes(raw[start : start + 4]) for start in (16, 20))
        return (
            f'<img src="data:image/png;base64,{data}" alt="{words}" width="{width}" '
            f'height="{height}" loading="lazy"><span class="caption">{words}</span>'
        )


def _drawing(svg: str, words: Markup) -> str:
    """Return an SVG of `nba_rank.report.style.save` as a figure of a page, with words for it.

    It is as wide as it was drawn where there is room, and shrinks so far that its text can be read;
    on a narrower screen it scrolls by itself, as tables do.
    """
    size = re.search(r' width="([\d.]+)pt" height="[\d.]+pt"', svg)
    assert size is not None
    width = round(float(size[1]) * 4 / 3)
    head = f' role="img" aria-label="{words}" style="min-width: {round(_SMALLEST * width)}px"'
    return (
        f'<span class="figure" tabindex="0" style="max-width: {width}px">'
        f"{svg.replace(size[0], head, 1)}</span>"
    )


def templates(finalize: Callable[[object], Markup] | None = None) -> Environment:
    """Return an environment of the package's templates; what `finalize` leaves is escaped HTML."""
    return Environment(
        loader=PackageLoader("nba_rank.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
        finalize=finalize,
    )


@cache
def _markdown() -> Environment:
    # What `finalize` returns is safe, so that escaping for HTML, which keeps macros from being
    # escaped twice, has nothing to do.
    environment = templates(finalize=_markdown_safe)
    environment.filters |= fmt.FILTERS
    environment.filters |= {
        "image": lambda figure: Markup(f"![{escape.markdown(figure[0])}]({figure[1]})"),
        "label": lambda value, column: label(column, value),
        "sentence": sentence,
    }
    return environment


def _markdown_safe(value: object) -> Markup:
    if isinstance(value, pd.DataFrame):
        return fmt.markdown_table(value)
    return value if isinstance(value, Markup) else Markup(escape.markdown(str(value)))


def _words(inline: Token) -> str:
    """Return the text of a heading or of an image without its marks."""
    kinds = ("text", "code_inline", "text_special")
    return "".join(child.content for child in inline.children or () if child.type in kinds)

"""Analyses from templates: as Markdown, and as a web page that needs nothing but itself."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from nba_rank.core import escape
from nba_rank.core.run_dir import RunDir
from nba_rank.report import format as fmt
from nba_rank.report.labels import label, sentence

PAGE = "report.html"
"""Name of the web page in a run folder: the newest analysis."""

IMAGE_BYTES = 3_600_000
"""Most that all figures of a page may take, so that it stays below 4 MB."""

Figure = tuple[str, str]
"""Caption of a figure, and its path from the run folder."""


@dataclass
class Album:
    """The figures of a run folder."""

    folder: Path
    figures: list[Figure] = field(default_factory=list)

    def add(self, caption: str, name: str) -> Path:
        """Add a figure and return where to draw it."""
        path = f"figures/{name}.png"
        self.figures.append((caption, path))
        return self.folder / path


def write_analysis(
    run_dir: RunDir, template: str, context: Mapping[str, object], figures: Sequence[Figure]
) -> Path:
    """Write the next analysis of a run folder, as `ANALYSIS_NN.md` and as `report.html`.

    Args:
        run_dir: The folder.
        template: Name of a template, such as `run.md.j2`.
        context: What the template speaks of; `run` (the folder's name) and `figures` are added.
        figures: What was drawn.

    Returns:
        Path of the analysis.
    """
    text = render(template, {"run": run_dir.path.name, **context, "figures": figures})
    path = run_dir.next_analysis()
    run_dir.write_text(path.name, text)
    run_dir.write_text(PAGE, page(text, {src: run_dir.path / src for _, src in figures}))
    return path


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
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    contents: list[tuple[str, str]] = []
    title, left = "", IMAGE_BYTES
    shown: list[Token] = []
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            words = _words(tokens[place + 1])
            title = title or words
            token.attrSet("id", f"part-{place}")
            if token.tag == "h2":
                contents.append((f"part-{place}", words))
        elif token.type == "th_open":
            token.attrSet("scope", "col")
        elif token.type == "td_open" and tokens[place - 1].type == "tr_open":
            # The first cell names its row.
            token.tag = tokens[place + 2].tag = "th"
            token.attrSet("scope", "row")
        elif token.type == "inline":
            for child in token.children or ():
                if child.type == "image":
                    source = str(child.attrGet("src"))
                    data = _image(images.get(source), left)
                    left -= len(data)
                    _replace(child, _figure(source, _words(child), data))
        if token.type == "table_open":
            shown.append(_html('<div class="table" tabindex="0">'))
        shown.append(token)
        if token.type == "table_close":
            shown.append(_html("</div>"))
    body = MarkdownIt("commonmark").renderer.render(shown, MarkdownIt().options, {})
    return _page_template().render(title=title, contents=contents, body=Markup(body))


@cache
def _markdown() -> Environment:
    environment = Environment(
        loader=PackageLoader("nba_rank.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What `finalize` returns is safe, so that escaping for HTML, which keeps macros from being
        # escaped twice, has nothing to do.
        autoescape=True,
        finalize=_markdown_safe,
    )
    environment.filters |= fmt.FILTERS
    environment.filters |= {
        "image": lambda figure: Markup(f"![{escape.markdown(figure[0])}]({figure[1]})"),
        "label": lambda value, column: label(column, value),
        "sentence": sentence,
    }
    return environment


@cache
def _page_template() -> Template:
    loader = PackageLoader("nba_rank.report")
    environment = Environment(loader=loader, undefined=StrictUndefined, autoescape=True)
    return environment.get_template("page.html.j2")


def _markdown_safe(value: object) -> Markup:
    if isinstance(value, pd.DataFrame):
        return fmt.markdown_table(value)
    return value if isinstance(value, Markup) else Markup(escape.markdown(str(value)))


def _words(inline: Token) -> str:
    """Return the text of a heading or of an image without its marks."""
    kinds = ("text", "code_inline", "text_special")
    return "".join(child.content for child in inline.children or () if child.type in kinds)


def _image(path: Path | None, limit: int) -> str:
    """Return a picture as base64, or nothing where there is none or it takes too much."""
    if path is None or not path.exists():
        return ""
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return data if len(data) <= limit else ""


def _figure(source: str, caption: str, data: str) -> str:
    words = Markup.escape(caption)
    if not data:
        return f"<em>{words}: {Markup.escape(source)}</em>"
    # Width and height stand at the same place in every PNG.
    head = base64.b64decode(data[:32])
    width, height = (int.from_bytes(head[start : start + 4]) for start in (16, 20))
    return (
        f'<img src="data:image/png;base64,{data}" alt="{words}" width="{width}" '
        f'height="{height}" loading="lazy"><span class="caption">{words}</span>'
    )


def _replace(token: Token, content: str) -> None:
    """Make a token one of HTML that is written as it is."""
    token.type, token.tag, token.nesting, token.content = "html_inline", "", 0, content


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=f"{content}\n")

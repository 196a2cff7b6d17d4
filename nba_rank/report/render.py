"""Analyses from templates: as Markdown, and as a web page that needs nothing but itself."""

import base64
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from nba_rank.core import escape
from nba_rank.core.run_dir import RunDir
from nba_rank.report import differences
from nba_rank.report import format as fmt
from nba_rank.report.labels import sentence

PAGE = "report.html"
"""Name of the web page in a run folder: the newest analysis."""

IMAGE_BYTES = 3_600_000
"""Most that all figures of a page may take, so that it stays below 4 MB."""

Figure = tuple[str, str]
"""Caption of a figure, and its path from the run folder."""


def write_analysis(
    run_dir: RunDir, template: str, context: Mapping[str, object], figures: Iterable[Figure] = ()
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
    figures = list(figures)
    text = render(template, {"run": run_dir.path.name, **context, "figures": figures})
    path = run_dir.next_analysis()
    run_dir.write_text(path.name, text)
    run_dir.write_text(PAGE, page(text, {src: run_dir.path / src for _, src in figures}))
    return path


def render(template: str, context: Mapping[str, object]) -> str:
    """Fill a template of Markdown.

    All that a template prints is escaped, but for what `nba_rank.report.format.markdown_table`
    and `image` made. Its filters: `table` and `pivot` of that module, written as Markdown; `where`;
    the functions of `nba_rank.report.differences`, which return tables of text for `markdown`;
    `number`, `signed`, `percent`, `chance`, `label`, `sentence` and `image`.

    Args:
        template: Name of the template.
        context: Its variables; one that is missing is an error.
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
    return (
        _page_environment()
        .get_template("page.html.j2")
        .render(title=title, contents=contents, body=Markup(body))
    )


@cache
def _markdown() -> Environment:
    environment = Environment(
        loader=PackageLoader("nba_rank.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # What `finalize` returns is safe, so that escaping for HTML, which this makes sure that
        # macros are not escaped twice, finds nothing to do.
        autoescape=True,
        finalize=_markdown_safe,
    )
    environment.filters |= {
        "table": lambda *args, **kwargs: fmt.markdown_table(fmt.table(*args, **kwargs)),
        "pivot": lambda *args, **kwargs: fmt.markdown_table(fmt.pivot(*args, **kwargs)),
        "where": fmt.where,
        "values": differences.values,
        "differences": differences.differences,
        "leads": differences.leads,
        "fewer_seasons": differences.fewer_seasons,
        "markdown": fmt.markdown_table,
        "number": fmt.number,
        "signed": fmt.signed,
        "percent": fmt.percent,
        "chance": fmt.chance,
        "image": _markdown_image,
        "label": lambda value, column: fmt.label(column, value),
        "sentence": sentence,
    }
    return environment


@cache
def _page_environment() -> Environment:
    return Environment(
        loader=PackageLoader("nba_rank.report"), undefined=StrictUndefined, autoescape=True
    )


def _markdown_safe(value: object) -> Markup:
    return value if isinstance(value, Markup) else Markup(escape.markdown(str(value)))


def _markdown_image(figure: Figure) -> Markup:
    caption, source = figure
    return Markup(f"![{escape.markdown(caption)}]({source})")


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

import base64
import html
import io
import re
from collections import Counter

import pandas as pd
import pytest
from jinja2 import DictLoader, UndefinedError
from rich.console import Console

from nba_rank.core.run_dir import RunDir
from nba_rank.report import render as rendering
from nba_rank.report.style import BLUE, panels, save

EVIL = "Joe | <script>alert(1)</script> ![x](http://evil.example/x) [/red]\n# two\x1b[31m"
TEMPLATE = """# {{ run }}: {{ name }}

{% macro twice(x) %}{{ x }}, {{ x }}{% endmacro %}
{{ twice(name) }}
{% if absent %}
nothing
{% endif %}

## Table

{{ rows | table([("team", "team"), ("value", "value", "+.3f")]) }}

### Below

{% for figure in figures %}
{{ figure | image }}

{% endfor %}
"""


class Page:
    """The tags of a page, each with its attributes, and its text; unclosed ones fail."""

    def __init__(self, page):
        page = re.sub(r"(<(style|script)>).*?(</\2>)", r"\1\3", page, flags=re.DOTALL)
        found = re.findall(r"<(/?)(\w+)([^>]*?)(/?)>", page)
        self.tags = [(name, dict(re.findall(r'([\w-]+)="([^"]*)"', attributes)))
                     for closes, name, attributes, _ in found if not closes]  # fmt: skip
        self.text = html.unescape(re.sub(r"<[^>]*>", "", page))
        void = ("meta", "link", "img", "br", "hr")
        opened = Counter(
            tag for closes, tag, _, empty in found if not (closes or empty or tag in void)
        )
        assert opened == Counter(tag for closes, tag, *_ in found if closes)

    def of(self, *tags):
        return [attributes for tag, attributes in self.tags if tag in tags]


@pytest.fixture
def template(monkeypatch):
    monkeypatch.setattr(rendering._markdown(), "loader", DictLoader({"test.md.j2": TEMPLATE}))
    rendering._markdown().cache.clear()
    return "test.md.j2"


@pytest.fixture
def written(template, tmp_path, png):
    """Write an analysis of a hostile name with two figures; returns Markdown and page."""
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "a.png").write_bytes(png)
    context = {
        "name": EVIL, "absent": False,
        "rows": pd.DataFrame({"team": [EVIL, "=1"], "value": [0.5, -0.0001]}),
    }  # fmt: skip
    figures = [("One [figure]", "figures/a.png"), ("Lost", "figures/none.png")]
    console = Console(file=io.StringIO())
    rendering.write_analysis(RunDir(tmp_path), template, context, figures, console)
    return [(tmp_path / name).read_text(encoding="utf-8")
            for name in ("ANALYSIS_01.md", "report.html")]  # fmt: skip


def test_what_a_template_prints_is_escaped_once(written):
    text, page = written[0], Page(written[1])
    escaped = (
        "Joe \\| \\<script\\>alert(1)\\</script\\> !\\[x\\](http\\://evil.example/x) \\[/red\\] "
        "# two\ufffd\\[31m"
    )
    assert f"{escaped}, {escaped}\n" in text
    assert f"| {escaped} | +0.500 |\n| \\=1 | +0.000 |" in text
    assert "\n\n\n" not in text
    assert "\x1b" not in text + written[1]
    assert page.text.count("<script>alert(1)</script>") == 5
    assert len(page.of("script")) == 1
    assert "evil.example" not in str(page.tags)


def test_a_page_needs_nothing_but_itself(written, png):
    page = Page(written[1])
    assert page.of("link", "iframe") == [{"rel": "icon", "href": "data:,"}]
    image, *others = page.of("img")
    assert others == []
    assert image["src"] == f"data:image/png;base64,{base64.b64encode(png).decode()}"
    assert (image["alt"], image["width"], image["height"]) == ("One [figure]", "2", "3")
    assert "Lost: figures/none.png" in page.text
    assert not re.search(r"(src|href)=.?https?:", written[1])
    assert "prefers-color-scheme: dark" in written[1]


def test_a_page_has_contents_headings_in_order_and_headers_of_tables(written):
    page = Page(written[1])
    assert [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)] == ["h1", "h2", "h3"]
    ids = [attrs["id"] for attrs in page.of("h1", "h2", "h3")]
    assert [attrs["href"] for attrs in page.of("a")] == [f"#{ids[1]}"]
    assert [attrs["scope"] for attrs in page.of("th")] == ["col", "col", "row", "row"]


def test_figures_beyond_the_limit_are_named(written, monkeypatch, tmp_path):
    monkeypatch.setattr(rendering, "IMAGE_BYTES", 10)
    page = Page(rendering.page("![Far too large](a.png)", {"a.png": tmp_path / "figures/a.png"}))
    assert page.of("img") == []
    assert "Far too large: a.png" in page.text


def test_a_variable_that_is_missing_is_an_error(template):
    with pytest.raises(UndefinedError, match="run"):
        rendering.render(template, {"name": "", "figures": []})


@pytest.mark.filterwarnings("ignore:Glyph")  # of a control character
def test_a_drawing_is_part_of_the_page_in_its_colours(tmp_path):
    for name in ("a", "b"):
        figure, axes = panels(EVIL, "$ caption", (3, 2))
        axes.item().plot([1, 2], color=BLUE, marker="o", label="_hidden <b>")
        save(figure, tmp_path / f"{name}.svg")
    images = {f"{name}.svg": tmp_path / f"{name}.svg" for name in ("a", "b")}
    text = rendering.page('# Two\n\n![A "drawing"](a.svg)\n![B](b.svg)\n', images)
    page = Page(text)
    drawn = page.of("svg")
    assert [attrs["aria-label"] for attrs in drawn] == ["A &#34;drawing&#34;", "B"]
    assert {attrs["role"] for attrs in drawn} == {"img"}
    assert not {"width", "height"} & set(drawn[0])
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href="#|url\(#)([^")]+)', text)
    assert referred
    assert set(referred) <= set(ids)
    assert f"stroke: var(--c1, {BLUE.lower()})" in text
    assert not re.search(r"[^,] #[0-9a-f]{6}", text.split("<main>")[1])
    assert "<metadata>" not in text
    assert "\x1b" not in text
    assert len(page.of("style")) == 1
    assert "Joe | <script>alert(1)</script>" in page.text


def test_cells_have_the_look_of_their_first_word():
    rows = "| a | b |\n| --- | --- |\n| better | better than |\n| x | changed: 1 |\n| x | sure |\n"
    cells = Page(rendering.page(f"# One\n\n{rows}", {})).of("td")
    assert [cell.get("class") for cell in cells] == ["good", "new", None]

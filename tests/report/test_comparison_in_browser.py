"""The page of a comparison in a real browser, as that of a season in `test_page_in_browser`."""

import io
import itertools

import pytest
from made_runs import write_forecasts, write_losses, write_run, write_sweep
from rich.console import Console

from nba_rank.compare import main
from nba_rank.report.render import PAGE

WIDTHS, SCHEMES = (375, 1440), ("light", "dark")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The page of two runs, one with an evil name, and a sweep, with all that there can be."""
    folder = tmp_path_factory.mktemp("runs")
    evil = {"model": {"xgb": {"max_depth": 5}}, "<script>alert(1)</script>": "|"}
    folders = [write_run(folder / "run_001"),
               write_run(folder / "<script>alert(1)<|script>", 0.01, config=evil)]  # fmt: skip
    for one, shift in zip(folders, (0.0, 0.1), strict=True):
        write_losses(one, shift)
        write_forecasts(one, 0.8 + shift)
    folders.append(write_sweep(folder / "sweeps" / "quick_1a2b"))
    main([*map(str, folders), "--out", str(folder / "out")], Console(file=io.StringIO()))
    return folder / "out" / "run_001" / PAGE


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_loads_without_errors_or_requests_and_fits_the_screen(opens, file, width, scheme):
    page = opens(file, width, scheme)
    assert page.heard == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # What is wider than the screen is inside of what scrolls by itself.
    wide = page.evaluate("""[...document.querySelectorAll(
            'p, h1, h2, h3, li, .table, .figure')]
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1).length""")
    assert wide == 0
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))


def test_figures_and_text_have_the_colours_of_the_scheme(opens, file):
    for scheme, ink, paper in (("light", "rgb(20, 24, 31)", "rgb(255, 255, 255)"),
                               ("dark", "rgb(233, 237, 243)", "rgb(18, 22, 28)")):  # fmt: skip
        page = opens(file, scheme=scheme)
        fills = page.evaluate("""[...document.querySelectorAll('.figure text')]
            .map(one => getComputedStyle(one).fill)""")
        assert ink in fills
        assert "rgb(0, 0, 0)" not in fills
        ground = page.evaluate("getComputedStyle(document.querySelector('.figure svg path')).fill")
        assert ground == paper
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == paper


def test_a_click_sorts_and_the_verdict_comes_first(opens, file):
    page = opens(file)
    assert page.locator("h2").first.inner_text() == "Verdict"
    levels = page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3')].map(one => one.tagName[1])"
    )
    assert levels[0] == "1"
    assert all(int(b) <= int(a) + 1 for a, b in itertools.pairwise(levels))
    table = page.locator("table").first
    runs = table.locator("tbody th")
    first = runs.all_inner_texts()
    assert first[-1] == "quick_1a2b/test_default"
    heading = table.locator("thead th", has_text="difference")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert runs.all_inner_texts()[0] == "quick_1a2b/test_default"
    assert page.heard == []


def test_it_is_read_without_javascript(opens, file):
    page = opens(file, script=False)
    assert page.locator("svg[role=img][aria-label]").count() == 9
    for words in ("is better than run_001 by Spearman", "changed: 5", "Wins a given game"):
        assert page.get_by_text(words).first.is_visible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious(opens, serious, file, width, scheme):
    assert serious(opens(file, width, scheme)) == []

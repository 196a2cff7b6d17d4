"""The page in a real browser: headless Chromium of the system, driven by Playwright."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from made_forecasts import (
    NASTY,
    made_changes,
    made_forecast,
    made_history,
    made_standings,
    made_teams,
    made_what_if,
    made_without,
)

from nba_rank.report.page import SeasonView, season_page

WIDTHS, SCHEMES = (375, 1440), ("light", "dark")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> Path:
    """A page with everything on it, of a season of 200 dates."""
    pages = ["2024-01-14", "2024-01-15", "2024-01-16"]
    view = SeasonView(
        made_forecast(), made_history(200), made_changes(), made_without(), pages=pages
    )
    path = tmp_path_factory.mktemp("site") / "index.html"
    path.write_text(season_page(view), encoding="utf-8")
    return path


@pytest.fixture
def opened(opens, file) -> Callable:
    """Opens the page, as `opens`."""
    return partial(opens, file)


def first_cells(page) -> list[str]:
    return page.locator("table.ranking tbody tr:visible th a").all_inner_texts()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_loads_without_errors_or_requests_and_fits_the_screen(opened, width, scheme):
    page = opened(width, scheme)
    assert page.heard == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    # Text is nowhere cut: what is wider than the screen is inside of what scrolls by itself.
    wide = page.evaluate("""[...document.querySelectorAll('p, h1, h2, h3, li, dd, figcaption')]
        .filter(one => !one.closest('.table') && !one.closest('.skip'))
        .filter(one => one.getBoundingClientRect().right > innerWidth + 1).length""")
    assert wide == 0
    assert page.heard == []


def test_a_wide_screen_shows_all_seeds_and_a_narrow_one_the_stakes(opened):
    for width, names in {1440: ("Seeds, East", "Seeds, West"), 1024: ["Power ranking"]}.items():
        for name in names:
            table = opened(width).get_by_label(name, exact=True).last
            assert table.evaluate("one => one.scrollWidth <= one.clientWidth")
    page = opened(375)
    stake = page.locator(".games td.stake:visible").first.bounding_box()
    assert stake["x"] + stake["width"] <= 375


@pytest.mark.parametrize("over", [False, True])
def test_the_first_and_the_last_forecast_of_a_season_fit_the_screen_too(browser, tmp_path, over):
    path = tmp_path / "index.html"
    view = SeasonView(made_forecast())
    if over:
        champion = np.arange(30) == 0
        forecast = made_forecast(
            decided=view.forecast.decided.assign(state=np.where(champion, "champion", "out")),
            basis=replace(view.forecast.basis, over=True),
        )
        forecast.tables["standings"] = made_standings(left=0)
        view = SeasonView(forecast, made_history(200))
    path.write_text(season_page(view), encoding="utf-8")
    page = browser.new_page(viewport={"width": 375, "height": 900})
    page.goto(path.as_uri())
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.close()


def test_light_and_dark_have_their_colours(opened):
    colours = {
        scheme: opened(scheme=scheme).evaluate("getComputedStyle(document.body).backgroundColor")
        for scheme in SCHEMES
    }
    assert colours == {"light": "rgb(255, 255, 255)", "dark": "rgb(18, 22, 28)"}


def test_a_click_or_a_key_sorts_by_value(opened):
    page = opened()
    teams = made_teams()["abbreviation"].tolist()
    as_it_was = first_cells(page)
    heading = page.locator("table.ranking thead th", has_text="Title")
    heading.locator("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert first_cells(page)[:28] == [team for team in as_it_was if team not in teams[28:]]
    heading.locator("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    # Those who are out come first, the most likely last.
    assert set(first_cells(page)[:2]) == set(teams[28:])
    assert first_cells(page)[-3:] == teams[2::-1]
    heading.locator("button").press("Space")
    assert first_cells(page) == as_it_was
    by_name = page.locator("table.ranking thead th", has_text="Team")
    by_name.locator("button").click()
    assert by_name.get_attribute("aria-sort") == "ascending"
    assert first_cells(page) == sorted(as_it_was)
    moved = page.locator("table.ranking thead th", has_text="Moved").locator("button")
    moved.click()
    assert set(first_cells(page)[-3:]) == set(teams[-3:])


def test_the_filter_shows_a_conference_alone(opened):
    page = opened()
    west = made_teams().query("conference == 'West'")["abbreviation"]
    page.get_by_role("radio", name="West").check()
    assert sorted(first_cells(page)) == sorted(west)
    assert page.locator("details.team:visible").count() == 15
    page.get_by_role("radio", name="All").check()
    assert len(first_cells(page)) == 30


def test_teams_fold_out_by_link_click_and_key(opened):
    page = opened()
    team = made_teams()["abbreviation"].iloc[0]
    fold = page.locator(f"#team-{team}")
    assert not fold.locator("h4").first.is_visible()
    page.locator("table.ranking a").first.click()
    assert fold.locator("h4").first.is_visible()
    summary = fold.locator("summary")
    summary.press("Enter")
    assert not fold.locator("h4").first.is_visible()
    summary.click()
    for table in (f"Why {team} is as strong as it is", f"Players of {team}"):
        assert fold.get_by_label(table).get_by_text(NASTY[0], exact=True).is_visible()
    assert page.heard == []


def test_a_narrow_screen_shows_the_title_and_all_columns_on_demand(opened):
    page = opened(375, script=False)

    def shown() -> list[str]:
        return page.locator("table.ranking thead th:visible").all_inner_texts()

    few = shown()
    assert [words.strip() for words in few] == [
        "Team", "Rank", "Moved", "Wins", "Playoffs", "Finals", "Title",
    ]  # fmt: skip
    last = page.locator("table.ranking thead th").last.bounding_box()
    assert last["x"] + last["width"] <= 375
    page.locator("#all-columns").check()
    assert len(shown()) == 12
    assert not opened(1440).locator("#all-columns").is_visible()


def test_an_address_with_a_team_unfolds_it(opened):
    team = made_teams()["abbreviation"].iloc[3]
    page = opened(place=f"#team-{team}")
    assert page.locator(f"#team-{team} h4").first.is_visible()


def test_it_is_read_without_javascript(opened):
    page = opened(script=False)
    assert len(first_cells(page)) == 30
    assert not page.locator("#filter").is_visible()
    assert page.locator("svg[role=img]").first.count() == 1
    page.locator("details.team summary").first.click()
    assert page.locator("details.team h4").first.is_visible()


@pytest.fixture(scope="module")
def assumed(tmp_path_factory) -> Path:
    """A hypothetical page."""
    path = tmp_path_factory.mktemp("assumed") / "2024-01-15_what_if.html"
    path.write_text(season_page(SeasonView(made_what_if(), made_history(9))), encoding="utf-8")
    return path


@pytest.mark.parametrize("width", WIDTHS)
def test_what_an_assumption_changes_fits_the_screen_and_sorts(opens, assumed, width):
    page = opens(assumed, width)
    assert page.heard == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    for table in ("table.assumed", "table.ranking"):
        last = page.locator(f"{table} thead th:visible").last.bounding_box()
        assert last["x"] + last["width"] <= width
    first = page.locator("table.assumed tbody th").first
    assert first.locator("a").inner_text() == made_teams()["abbreviation"].iloc[1]
    page.locator("table.assumed thead th", has_text="Title").locator("button").click()
    assert first.locator("a").inner_text() == made_teams()["abbreviation"].iloc[2]
    page.get_by_role("radio", name="West").check()
    west = made_teams().query("conference == 'West'")["abbreviation"]
    assert {*page.locator("table.assumed tbody tr:visible a").all_inner_texts()} <= {*west}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious_under_assumptions(opens, serious, assumed, scheme):
    assert serious(opens(assumed, 375, scheme)) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_serious(opened, serious, width, scheme):
    page = opened(width, scheme)
    page.evaluate(
        "for (const one of [...document.querySelectorAll('details')].slice(0, 2)) one.open = true"
    )
    assert serious(page) == []

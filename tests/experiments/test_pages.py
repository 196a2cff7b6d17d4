import re
from types import SimpleNamespace

import pandas as pd
import pytest
from made_forecasts import (
    DATE,
    NASTY,
    made_changes,
    made_forecast,
    made_games,
    made_history,
    made_predictions,
    made_what_if,
    made_without,
)
from made_runs import write_run
from markupsafe import Markup

from nba_rank.core import escape
from nba_rank.core.files import write_frame
from nba_rank.experiments import history, pages
from nba_rank.experiments.why import Why
from nba_rank.report.render import block, page, with_block

DAY = pd.Timedelta(days=1)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run that was tested on the season, and has a report."""
    folder = write_run(tmp_path / "run_001")
    (folder / "report.html").write_text(page("# A run\n", {}), encoding="utf-8")
    monkeypatch.setattr(pages, "final_name", lambda _: "stack")
    plan = SimpleNamespace(test_seasons=["2022-23", "2023-24"])
    monkeypatch.setattr(pages, "FoldPlan", SimpleNamespace(from_dict=lambda _: plan))
    monkeypatch.setattr(pages, "read_manifest", lambda _: {"folds": None})
    monkeypatch.setattr(pages, "why", lambda *_: Why(made_changes(), made_without()))
    return folder


@pytest.fixture
def publish(run, tmp_path, sim_tables):
    morning = SimpleNamespace(tables=sim_tables, config=None)
    return lambda forecast, *made: pages.publish(forecast, morning, run, tmp_path, *made)


def dates_of(text: str, name="dates") -> list[str]:
    return re.findall(r'<li><a href="(.*?)">', block(text, name))


def test_the_index_is_the_page_of_the_newest_date_and_lists_all(publish, tmp_path):
    first = publish(made_forecast())
    folder = tmp_path / "season_2023-24"
    assert first == folder / "2024-01-15.html"
    index = folder / "index.html"

    def without_list() -> str:
        return with_block(index.read_text(), "dates", Markup())

    assert without_list() == first.read_text()
    newest = publish(made_forecast(DATE + DAY))
    assert without_list() == newest.read_text()
    assert dates_of(index.read_text()) == ["2024-01-15.html", "2024-01-16.html"]
    # An earlier date made later changes the list alone.
    publish(made_forecast(DATE - DAY))
    text = index.read_text()
    assert dates_of(text) == ["2024-01-14.html", "2024-01-15.html", "2024-01-16.html"]
    assert 'id="dates"' in text
    assert without_list() == newest.read_text()


def test_each_date_leads_to_the_one_before_and_after(publish, tmp_path):
    folder = tmp_path / "season_2023-24"
    for days in (0, 4, 2):  # the one between comes last
        publish(made_forecast(DATE + days * DAY))
    links = {path.stem: dates_of(path.read_text(), "turns") for path in folder.glob("*.html")}
    home, new, every = "../index.html", "index.html", "index.html#dates"
    assert links == {
        "2024-01-15": [home, every, "2024-01-17.html", new],
        "2024-01-17": [home, every, "2024-01-15.html", "2024-01-19.html", new],
        "2024-01-19": [home, every, "2024-01-17.html"],
        "index": [home, every, "2024-01-17.html"],
    }
    # What was forecast stays as it was written.
    first = (folder / "2024-01-15.html").read_text()
    assert 'Forecast on the morning of <time datetime="2024-01-15">' in first


def test_the_front_door_lists_the_seasons_with_their_favourites(publish, tmp_path):
    publish(made_forecast())
    publish(made_what_if(DATE + DAY))
    old = tmp_path / "season_2022-23"
    old.mkdir()
    (old / "2023-06-20.html").write_text("")
    (old / "index.html").write_text("<!-- lead -->Denver Nuggets are champions.<!-- /lead -->")
    (tmp_path / "season_2021-22").mkdir()  # of a season without a page
    publish(made_forecast(DATE + DAY))
    text = (tmp_path / "index.html").read_text()
    assert re.findall(r'<h2.*?><a href="(.*?)">(.*?)</a>', text) == [
        ("season_2023-24/index.html", "2023-24"), ("season_2022-23/index.html", "2022-23"),
    ]  # fmt: skip
    assert re.findall(r'<time datetime="(.*?)">', text) == ["2024-01-16", "2023-06-20"]
    assert "January 16, 2024</time>" in text
    found = re.findall(r"<p>(.*?)</p>", text)[1:]
    assert ", &gt;99% for the title; next " in found[0]
    assert found[1] == "Denver Nuggets are champions."
    assert not re.search(r"https?://|<script", text)


def test_a_page_says_when_its_forecast_was_made(publish):
    made = "2024-01-15T09:30:00+00:00"
    text = publish(made_forecast(), made).read_text()
    assert "2024-01-15 09:30:00 UTC" in text
    assert publish(made_forecast(), made).read_text() == text


def test_a_hypothetical_page_is_no_days_page(publish, tmp_path):
    publish(made_forecast())
    folder = tmp_path / "season_2023-24"
    index = (folder / "index.html").read_text()
    path = publish(made_what_if(DATE + DAY))
    assert path.name == "2024-01-16_what_if.html"
    assert "Tatum is out" in path.read_text()
    assert "2024-01-16.html" not in path.read_text()  # no plain page of the date
    assert (folder / "index.html").read_text() == index
    assert not (folder / "2024-01-16.html").exists()
    link = '<a href="2024-01-15.html">the plain forecast</a>'
    assert link in publish(made_what_if()).read_text()


def test_the_report_links_to_the_pages_that_there_are(publish, run):
    report = run / "report.html"
    before = report.read_text()
    publish(made_forecast())
    links = re.findall(r'<a href="([^"#]*)">(.*?)</a>', report.read_text())
    assert links == [("../season_2023-24/index.html", "2023-24")]
    publish(made_forecast(DATE + DAY))
    assert report.read_text().count("index.html") == 1
    assert len(report.read_text()) - len(before) < 200


def test_a_page_looks_back_on_what_was_remembered_before_its_date(publish, tmp_path):
    folder = tmp_path / "season_2023-24"
    later = made_predictions(DATE + 3 * DAY, 7)
    write_frame(folder / history.FILE, pd.concat([made_history(9), later]))
    text = publish(made_forecast()).read_text()
    assert "won or lost since January 8" in text
    assert "Jan 6" in text
    assert "Jan 18" not in text
    assert "own test of this season" not in text


def test_without_memory_it_looks_back_on_the_runs_own_test(publish, run):
    made_history(9).to_parquet(run / "predictions.parquet")
    text = publish(made_forecast()).read_text()
    assert "own test of this season" in text


def test_games_are_judged_by_the_files_of_earlier_mornings(publish, tmp_path, sim_tables):
    folder = tmp_path / "season_2023-24"
    games = sim_tables.games
    games = games[(games["season"] == "2023-24") & (games["game_date"] < DATE)].tail(40)
    told = games[["game_date", "home_team_id", "away_team_id"]].assign(home_win_prob=0.5)
    write_frame(folder / f"{games['game_date'].min():%Y-%m-%d}_games.csv", told)
    write_frame(folder / "2024-01-15_games.csv", made_games())  # of the day itself
    text = publish(made_forecast()).read_text()
    assert "40 games before this morning" in text
    assert ">0.2500<" in text  # the Brier score of one half
    assert f"Games of {games['game_date'].max():%A, %B %-d}</h3>" in text


def test_a_run_that_tested_no_season_has_a_page_too(publish, run):
    for name in ("metrics.csv", "metrics.json"):
        (run / name).unlink()
    assert "Nothing can be said yet" in publish(made_forecast()).read_text()


def test_names_that_would_do_harm_are_harmless_in_files_and_reports(tmp_path):
    forecast = made_forecast()
    forecast.write(tmp_path / "2024-01-15.csv")
    names = pd.read_csv(tmp_path / "2024-01-15_players.csv")["player"].tolist()
    assert names[: len(NASTY)] == [NASTY[0], "'=cmd()", NASTY[2], NASTY[3]]
    games = pd.read_csv(tmp_path / "2024-01-15_games.csv", keep_default_na=False)
    assert games["home_out"].tolist() == [NASTY[0], "", ""]
    shown = [escape.markdown(name) for name in NASTY]
    assert shown[:3] == [r"\<script\>alert(1)\</script\>", r"\=cmd()", r"a\|b"]
    html = page(f"# {shown[0]}\n\n| {' | '.join(shown)} |\n|{'---|' * 4}\n", {})
    for name in NASTY:
        assert name.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;") in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html

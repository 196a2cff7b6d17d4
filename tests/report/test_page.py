import itertools
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from made_forecasts import (
    NASTY,
    made_bracket,
    made_changes,
    made_forecast,
    made_history,
    made_predictions,
    made_standings,
    made_teams,
    made_what_if,
    made_without,
)

from nba_rank.evaluation.date_forecast import beside
from nba_rank.evaluation.track_record import ALL_GAMES, PRICED
from nba_rank.report.explained import first_parts
from nba_rank.report.format import summing, undecided
from nba_rank.report.page import SeasonView, season_page, turns
from nba_rank.report.page_parts import REASONS

VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Elements of a page by their tag, each with its attributes, text and path; checks nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[dict] = []
        self.found: list[dict] = []
        self.feed(text)
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        one = {"tag": tag, "text": "", "path": [each["tag"] for each in self.open], **dict(attrs)}
        self.found.append(one)
        if tag not in VOID:
            self.open.append(one)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1]["tag"] == tag, f"</{tag}> closes <{self.open[-1]['tag']}>"
        self.open.pop()

    def handle_data(self, data):
        for one in self.open:
            one["text"] += data

    def all(self, tag, **wanted):
        return [
            one
            for one in self.found
            if one["tag"] == tag and all(one.get(name) == value for name, value in wanted.items())
        ]

    def headings(self):
        return [(int(one["tag"][1]), one["text"].strip()) for one in self.found
                if re.fullmatch("h[1-6]", one["tag"])]  # fmt: skip

    def rows(self, label):
        """Return the texts of a table's lines by the first cell, below the heading's texts."""
        [region] = self.all("div", **{"aria-label": label})
        start = self.found.index(region)
        lines, line = {}, []
        for one in self.found[start + 1 :]:
            if one["tag"] == "div":
                break
            if one["tag"] == "tr":
                line = []
            if one["tag"] in ("th", "td"):
                line.append(one)
                if len(line) == 2:
                    lines[line[0]["text"].strip()] = line
        return lines


def page(forecast=None, **view) -> Page:
    return Page(season_page(SeasonView(forecast or made_forecast(), **view)))


@pytest.fixture(scope="module")
def text() -> str:
    pages = ["2024-01-14", "2024-01-15", "2024-01-17"]
    view = SeasonView(
        made_forecast(), made_history(10), made_changes(), made_without(), pages=pages
    )
    return season_page(view)


@pytest.fixture(scope="module")
def whole(text) -> Page:
    return Page(text)


def column(found: Page, heading: str, label="Power ranking") -> dict[str, dict]:
    lines = found.rows(label)
    head = next(iter(lines.values()))
    place = [cell["text"] for cell in head].index(heading)
    return {name.split()[0]: cells[place] for name, cells in [*lines.items()][1:]}


def test_headings_come_in_order_and_ids_are_unique(whole):
    levels = [level for level, _ in whole.headings()]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    ids = [one["id"] for one in whole.found if "id" in one]
    assert len(ids) == len(set(ids))
    links = [one["href"][1:] for one in whole.all("a") if one["href"].startswith("#")]
    assert len(links) > 35
    assert set(links) <= set(ids)


def test_every_part_is_there(whole):
    parts = [words for level, words in whole.headings() if level == 2]
    assert parts == [
        "What changed since January 8", "Power ranking", "Teams", "Title race", "Seeds",
        "Bracket", "Coming games", "If the season ended today", "How good has it been?",
        "What this rests on",
    ]  # fmt: skip


def test_every_table_names_itself_its_columns_and_its_lines(whole):
    assert len(whole.all("table")) == 1 + 4 * 30 - 24 + 2 + 2 + 2
    for one in whole.all("th"):
        assert one["scope"] == ("col" if "thead" in one["path"] else "row")
    for one in whole.all("div", **{"class": "table"}):
        assert one["tabindex"] == "0"
        assert one["aria-label"]


def test_nothing_is_asked_of_the_network(text, whole):
    kinds = {one["tag"] for one in whole.found}
    assert not kinds & {"img", "iframe", "object", "audio", "video", "source", "form"}
    assert [one["href"] for one in whole.all("link")] == ["data:,"]
    for one in whole.all("script"):
        assert "src" not in one
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org)", text)
    [policy] = whole.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy["content"].startswith("default-src 'none'")


def test_what_is_not_decided_is_never_0_or_100_percent(whole, text):
    title, playoffs = column(whole, "Title"), column(whole, "Playoffs")
    teams = made_teams()["abbreviation"].tolist()
    assert title[teams[0]]["text"] == ">99%"  # a chance of exactly 1 in the simulation
    assert playoffs[teams[0]]["text"] == "clinched"
    assert playoffs[teams[2]]["text"] == f"{made_predictions()['playoff_prob'][2]:.0%}"
    assert title[teams[27]]["text"] == "<1%"
    assert title[teams[29]]["text"] == "out"
    body = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    shown = re.findall(r">\s*(\d+%)\s*<", body)
    axis = {"0%", "20%", "25%", "40%", "50%", "60%", "75%", "80%", "100%"}
    assert {one for one in shown if one in ("0%", "100%")} <= axis
    cells = [one["text"] for one in whole.all("td")]
    assert not {"0%", "100%"} & set(cells)


def test_cells_sort_by_value_and_what_is_decided_stands_outside(whole):
    cells = column(whole, "Playoffs")
    keys = {team: float(cell["data-sort"]) for team, cell in cells.items()}
    teams = made_teams()["abbreviation"].tolist()
    expected = made_predictions().set_index("team")["playoff_prob"]
    for team in teams[2:28]:
        assert keys[team] == pytest.approx(expected[team], abs=1e-4)
    assert keys[teams[0]] == 2
    assert keys[teams[29]] == -1


def test_movement_is_said_in_words_and_sorts_by_places(whole):
    moved = column(whole, "Moved")
    first, *_, last = made_teams()["abbreviation"].tolist()
    # A week ago the ranks were three places on, the last three were the first.
    assert moved[first]["text"].split() == ["▲", "up", "3"] or "up 3" in moved[first]["text"]
    assert moved[first]["data-sort"] == "3"
    assert moved[last]["data-sort"] == "-27"


def test_what_is_certain_stands_in_words_beside_the_team(whole):
    names = [*whole.rows("Power ranking")]
    teams = made_teams()["abbreviation"].tolist()
    assert names[1].startswith(teams[0])
    assert names[1].endswith("clinched first seed")
    assert names[3].endswith("clinched play-in")
    assert sum(name.endswith("eliminated") for name in names) == 2
    assert all(name.endswith("eliminated") for name in names[-2:])


def test_names_that_would_do_harm_are_shown_as_they_are(text, whole):
    for name in NASTY:
        assert name not in text or "<" not in name
        assert name in [one["text"] for one in whole.all("th", scope="row")]
    assert NASTY[0] in "".join(one["text"] for one in whole.all("td", **{"class": "wrap"}))
    assert len(whole.all("script")) == 1
    assert not whole.all("img")


def test_a_team_has_its_players_games_seeds_and_ranks(whole):
    team = made_teams()["abbreviation"].iloc[0]
    players = whole.rows(f"Players of {team}")
    assert [cell["text"] for cell in players["a|b"]] == ["a|b", "+4.0 ± 1.5", "28", "28",
                                                         "Available"]  # fmt: skip
    assert len(players) == 1 + 8  # those of few minutes are left out
    assert [cell["text"] for cell in whole.rows(f"Next games of {team}")[
        f"v {made_teams()['abbreviation'].iloc[3]}"]][1:] == ["today", "78%"]  # fmt: skip
    [details] = whole.all("details", id=f"team-{team}")
    assert "41 games left, 20 at home" in details["text"]
    assert "-1.0 points on average, number 30 of 30" in details["text"]
    charts = [one["aria-label"] for one in whole.all("svg", role="img")]
    told = f"{team} is number 1 of 30, was number 11 on January 5, best 1, worst 11"
    assert told in charts


def test_coming_games_come_by_day_the_first_one_open(whole):
    [section] = whole.all("section", **{"aria-labelledby": "games"})
    teams = made_teams()["abbreviation"].tolist()
    days = whole.all("details", **{"class": "line"})
    assert ["open" in one for one in days] == [True, False]
    assert "Monday, January 15" in days[0]["text"]
    assert "1 game" in days[0]["text"]
    assert "2 games" in days[1]["text"]
    game = f"{teams[3]} at {teams[0]}"
    row = whole.rows("Games of Monday, January 15")[game]
    told = f"{teams[0]}\N{NO-BREAK SPACE}8%, {teams[3]}\N{NO-BREAK SPACE}8%"
    assert [cell["text"] for cell in row[1:4]] == ["78%", "+9.5", told]
    said = f"Most at stake for the playoffs: {game}, Mon Jan 15 ({told})."
    assert said in section["text"]
    rows = whole.rows("Games of Tuesday, January 16")
    assert [cell["text"] for cell in rows[f"{teams[4]} at {teams[1]}"]][3] == "–"  # noqa: RUF001
    assert f"{teams[5]} v {teams[2]}" in rows


def test_stakes_that_may_be_noise_are_not_told():
    forecast = made_forecast()
    games = forecast.tables["games"].copy()
    games["home_title_swing_se"] = games["away_title_swing_se"] = 0.041
    games["away_playoff_swing_se"] = 0.041
    found = page(replace(forecast, tables=forecast.tables | {"games": games}))
    home = made_teams()["abbreviation"].iloc[0]
    rows = found.rows("Games of Monday, January 15")
    heads, row = ([cell["text"] for cell in line] for line in rows.values())
    assert heads == ["Game", "Home wins", "Margin", "Playoffs at stake", "Out"]
    assert row[3].split() == [home, "8%"]


def lines_below(found: Page, heading: str) -> list[str]:
    """Return the texts of the list below a heading of the movers."""
    [start] = [n for n, one in enumerate(found.found)
               if one["tag"] == "h3" and one["text"] == heading]  # fmt: skip
    rest = found.found[start + 1 :]
    ends = [n for n, one in enumerate(rest) if one["tag"] in ("h2", "h3")]
    return [" ".join(one["text"].split()) for one in rest[: ends[0]] if one["tag"] == "li"]


def test_the_movers_stand_first_with_what_moved_them(whole):
    teams = made_teams()
    up, down = lines_below(whole, "Up"), lines_below(whole, "Down")
    # Of all that rose by three the one whose odds moved most comes first; two teams are out.
    assert len(up) == 3
    assert up[0] == (
        f"▲up 3 {teams['name'][0]} 4th to 1st, past {teams['abbreviation'][27]}, "
        f"{teams['abbreviation'][28]} and {teams['abbreviation'][29]} "
        "+3.0 by strength (<script>alert(1)</script> is back +2.4), +1.0 by new results (2–1), "  # noqa: RUF001
        "-1.0 by others' strength. Title 50% to >99%."
    )
    assert [line.split(" 1st to ")[0] for line in down] == [f"▼down 27 {teams['name'][27]}"]


def test_where_nothing_tells_results_from_strengths_scores_are_what_moved_a_team():
    changes = made_changes()
    names = {"strength_of_others": "scores_of_others", "new_results": "xgb"}
    found = page(changes=replace(changes, parts=changes.parts.replace({"part": names})))
    assert (
        "+4.0 by own score (<script>alert(1)</script> is back +2.4, B XGBoost +1.0), "
        "-1.0 by others' scores."
    ) in lines_below(found, "Up")[0]


def test_what_changed_of_a_team_adds_up_and_names_who_is_back(whole):
    team = made_teams()["abbreviation"].iloc[0]
    rows = whole.rows(f"What changed the strength of {team}")
    told = {name: cells[1]["text"] for name, cells in rows.items() if "playoffs" not in name}
    assert told == {
        "<script>alert(1)</script> is back": "+1.0", "point margin so far": "-0.4",
        "together": "+0.6",
    }  # fmt: skip
    [details] = whole.all("details", id=f"team-{team}")
    assert "From 4th to 1st, past" in details["text"]


def test_parts_that_are_shown_sum_to_what_is_shown():
    rng = np.random.default_rng(3)
    for values in rng.normal(size=(200, 9)):
        shown = summing(values, 1)
        assert sum(shown) == pytest.approx(round(values.sum(), 1), abs=1e-9)
        assert np.abs(np.array(shown) - values).max() < 0.1


def test_parts_that_are_nothing_as_shown_are_left_out():
    values = pd.Series({"a": 1.0, "b": 0.04, "c": -0.02, "d": 0.01})
    assert first_parts(values, 3) == [("a", 1.0), ("together", 1.0)]
    assert first_parts(values, 0) == [("all others", 1.0), ("together", 1.0)]


def test_without_whom_a_team_falls_is_said_in_words(whole):
    first, second = made_teams()["abbreviation"].iloc[:2]
    [details] = whole.all("details", id=f"team-{first}")
    said = "Without <script>alert(1)</script>: 2 places lower, 3.2 fewer wins, title >99% to 10%."
    assert said in details["text"]
    [details] = whole.all("details", id=f"team-{second}")
    assert "Without <script>alert(1)</script>: 1 place higher." in details["text"]


def lead(found: Page) -> dict[str, str]:
    [start] = [n for n, one in enumerate(found.found) if one.get("class") == "lead"]
    cells = [one["text"] for one in found.found[start + 1 :] if one["tag"] in ("dt", "dd")]
    head = found.all("header")[0]["text"]
    cells = [cell for cell in cells if cell in head]
    return dict(zip(cells[::2], cells[1::2], strict=True))


def test_the_first_words_say_who_how_sure_why_and_what_moved(whole):
    names = made_teams()["name"]
    shares = made_predictions()["title_prob"]
    said = lead(whole)
    assert said["Favourite"] == (
        f"{names[0]}, >99% for the title; next {names[1]} ({shares[1]:.0%}) and {names[2]} "
        f"({shares[2]:.0%})."
    )
    assert said["How sure"] == "It is more than 99 times as likely to win it as not."
    assert said["Why"] == (
        "+5.5 points a game against an average team until the playoffs: =cmd() +1.8, a|b +1.6 "
        "and <script>alert(1)</script> +1.5."
    )
    assert said["Since January 8"] == (
        f"{names[0]} 50% to >99% for the title. {names[27]} moved most, down 27 places, 1st to "
        "28th: -27.0 by strength, -9.0 by new results, +9.0 by others' strength."
    )


def test_how_sure_is_told_by_the_last_point_of_the_season_that_is_reached():
    past = pd.DataFrame(
        {
            "metric": "champion_log_loss", "scope": "league",
            "as_of_point": ["open", "0.25", "0.5", "0.75"], "reference": "standings",
            "value": np.log([5, 4, 3, 2]), "reference_value": np.log([20, 10, 8.2, 5]),
            "n_seasons": 8, "first": "2015-16", "last": "2022-23",
        }
    )  # fmt: skip
    said = lead(page(past=past))["How sure"]
    assert said.endswith(  # 41 of 82 games
        "After 50% of the games of 8 earlier seasons, such forecasts gave the later champion 33% "
        "(geometric mean), the standings 12%."
    )


def test_how_sure_is_even_near_a_half_and_odds_that_stay_are_said():
    forecast = made_forecast()
    for p, words in (
        (0.46, "about as likely as not to win it"),
        (0.43, "somewhat less likely than not to win it"),
        (0.57, "somewhat more likely than not to win it"),
        (0.3, "twice as likely not to win it as to win it"),
        (0.8, "4 times as likely to win it as not"),
        (0.999, "more than 99 times as likely to win it as not"),
    ):
        odds = forecast.predictions.assign(title_prob=[p] + [(1 - p) / 29] * 29)
        changes = made_changes()
        before = changes.before.assign(title_prob=odds["title_prob"])
        said = lead(page(replace(forecast, predictions=odds),
                         changes=replace(changes, before=before)))  # fmt: skip
        assert said["How sure"] == f"It is {words}."
        stays = f"{made_teams()['name'][0]} still {undecided(p)} for"
        assert said["Since January 8"].startswith(stays)


def test_the_page_of_a_date_leads_to_those_beside_it(whole):
    nav = [one for one in whole.all("nav") if one["aria-label"] == "Other dates"]
    start = whole.found.index(nav[0])
    links = [one["href"] for one in whole.found[start : start + 12] if one["tag"] == "a"]
    assert links == [
        "../index.html", "index.html#dates", "2024-01-14.html", "2024-01-17.html", "index.html",
    ]  # fmt: skip
    assert turns(["2024-01-15"], "2024-01-15").count("<a ") == 1
    assert "Newest" in turns(["2024-01-15"], "2024-01-16")  # a hypothetical page


def test_colours_leave_the_text_readable():
    text = season_page(SeasonView(made_forecast()))
    light, dark = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    for block in (light, dark):
        colour = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6});", block))
        for n in range(1, 11):
            assert contrast(colour["ink"], colour[f"h{n}"]) >= 4.5
        for name in ("ink", "faint", "accent"):
            assert contrast(colour[name], colour["paper"]) >= 4.5
            assert contrast(colour[name], colour["band"]) >= 4.5
        assert contrast(colour["ink"], colour["warn"]) >= 4.5
        for n in range(1, 5):
            assert contrast(colour[f"c{n}"], colour["paper"]) >= 3


def contrast(one: str, other: str) -> float:
    """Contrast of two colours (WCAG 2.2, relative luminance)."""
    shades = []
    for text in (one, other):
        digits = text[1:] if len(text) == 7 else "".join(2 * c for c in text[1:])
        part = np.array([int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)])
        linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
        shades.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(shades) / min(shades)


def test_a_hypothetical_page_says_so_first():
    found = page(made_what_if(hypothetical="=cmd() (BOS) is out <b>"))
    [note] = found.all("div", role="note")
    assert "=cmd() (BOS) is out <b>" in note["text"]
    assert found.headings()[0][1].startswith("What if?")
    assert found.all("title")[0]["text"].startswith("What if")


def test_what_an_assumption_changes_stands_first_and_by_team():
    teams = made_teams()
    names, codes = teams["name"], teams["abbreviation"].tolist()
    found = page(made_what_if())
    said = lead(found)
    assert next(iter(said)) == "What it changes"
    assert said["What it changes"] == (
        f"{names[1]} lose most: 2nd to 4th, title 73% to 43%, 3.0 fewer wins. "
        f"{names[2]} gain most: 3rd to 2nd, title 53% to 73%, 0.5 more wins."
    )
    rows = found.rows("What the assumption changes")
    told = {name.split()[0]: [cell["text"] for cell in cells][1:] for name, cells in rows.items()}
    # The largest first; nobody's chances of the playoffs change, those of the others by too little.
    assert told == {
        "Team": ["Rank", "Strength", "Wins", "Title"],
        codes[1]: ["-22nd to 4th", "-2.0+4.7 to +2.7", "-3.058.6 to 55.6", "-30.073% to 43%"],
        codes[2]: ["+13rd to 2nd", "=+4.4", "+0.557.2 to 57.7", "+20.053% to 73%"],
        codes[3]: ["+14th to 3rd", "+0.2+4.0 to +4.2", "=55.9", "+10.037% to 47%"],
    }
    assert list(told)[1:] == codes[1:4]
    keys = [float(cell["data-sort"]) for cell in rows[f"{codes[1]} {names[1]}"][1:]]
    assert keys == pytest.approx([-2, -2.0, -3.0, -0.3])
    [section] = found.all("section", **{"aria-labelledby": "assumed"})
    assert "no place, win or chance changes for 27 other teams" in section["text"]


def test_movement_is_against_the_plain_forecast_under_assumptions_and_not_since_a_week_before():
    codes = made_teams()["abbreviation"].tolist()
    found = page(made_what_if(), history=made_history(3))
    moved = column(found, "Against plain")
    assert {team: cell["data-sort"] for team, cell in moved.items()} == {
        **dict.fromkeys(codes, "0"), codes[1]: "-2", codes[2]: "1", codes[3]: "1",
    }  # fmt: skip
    assert "down 2" in moved[codes[1]]["text"]
    parts = [words for level, words in found.headings() if level == 2]
    assert parts[:2] == ["What the assumption changes", "Power ranking"]
    body = found.all("body")[0]["text"]
    assert not re.search(r"since|Since", body)
    assert "The last chances are under the assumption." in body


def test_an_assumption_that_changes_next_to_nothing_says_so():
    found = page(made_what_if(expected_wins=[0.05, -0.05], regular_strength=[-0.3]))
    assert lead(found)["What it changes"].startswith("Next to nothing")
    parts = [words for level, words in found.headings() if level == 2]
    assert parts[0] == "Power ranking"
    assert {cell["text"] for cell in column(found, "Against plain").values()} == {"="}


def test_what_is_decided_is_no_chance_under_assumptions_either():
    codes = made_teams()["abbreviation"].tolist()
    forecast = made_what_if(playoff_prob=[0.0, 0.0, 0.02], expected_wins=[1.0, 0.0, -1.0])
    rows = page(forecast).rows("What the assumption changes")
    told = {name.split()[0]: cells[2]["text"] for name, cells in rows.items()}
    # The first has clinched; the third is surer of the playoffs, and has fewer wins.
    assert told == {"Team": "Playoffs", codes[0]: "=clinched", codes[2]: "+2.093% to 95%"}


def test_a_run_that_knows_ranks_alone_tells_places():
    plain = made_what_if().predictions
    plain = plain[["as_of_date", "team_id", "team", "name", "conference", "rank", "assumption"]]
    names = made_teams()["name"]
    forecast = made_forecast(predictions=plain, tables={})
    swapped = plain.assign(rank=[2, 1, *range(3, 31)])
    found = page(beside(forecast, replace(forecast, predictions=swapped, hypothetical="so")))
    assert lead(found)["What it changes"] == (
        f"{names[0]} lose most: 1st to 2nd. {names[1]} gain most: 4th to 1st."
    )


def test_the_reasons_of_a_team_are_the_largest_parts_and_sum_to_its_strength(whole):
    team = made_teams()["abbreviation"].iloc[-1]
    rows = whole.rows(f"Why {team} is as strong as it is")
    told = {name: cells[1]["text"] for name, cells in rows.items() if name != "What"}
    # A player's parts count together: 2.0 - 0.5.
    assert list(told)[:3] == ["point margin so far", "=cmd()", "a|b"]
    assert told["point margin so far"] == "-5.0"
    assert told["<script>alert(1)</script>"] == "+1.5"
    assert told["all others"] == "+1.2"  # .6 + .4 + .2
    assert told["together"] == "+5.5"
    assert len(told) == REASONS + 2


def test_a_run_without_odds_has_ranks_players_and_no_chances():
    whole = made_forecast()
    plain = whole.predictions.drop(columns=[name for name in whole.predictions
                                            if name.endswith("_prob") or "wins" in name
                                            or name in ("rank_low", "rank_high")])  # fmt: skip
    forecast = replace(whole, predictions=plain, tables={"players": whole.tables["players"]})
    found = page(forecast, history=made_history(3))
    parts = [words for level, words in found.headings() if level == 2]
    assert parts == ["Power ranking", "Teams", "How good has it been?", "What this rests on"]
    head = [cell["text"] for cell in found.rows("Power ranking")["Team"]]
    assert head[:2] == ["Team", "Rank"]
    assert len(head) == 3
    # With a calibration alone there are its chances.
    platt = plain.assign(title_prob_platt=0.5)
    head = page(replace(forecast, predictions=platt)).rows("Power ranking")["Team"]
    assert [cell["text"] for cell in head][-1] == "Title"


def test_before_the_first_game_there_is_nothing_to_look_back_on():
    forecast = made_forecast()
    nobody = forecast.decided.assign(wins=0, losses=0)
    basis = replace(forecast.basis, last_game=None, injuries=None, fixtures=1230)
    found = page(replace(forecast, decided=nobody, basis=basis,
                         tables={k: t for k, t in forecast.tables.items()
                                 if k != "games"}))  # fmt: skip
    [record] = found.all("section", **{"aria-labelledby": "record"})
    assert "Nothing can be said yet" in record["text"]
    assert "Moved" not in [cell["text"] for cell in found.rows("Power ranking")["Team"]]
    # No standings, no lines of a single point; where the seasons end is said in words.
    parts = [words for level, words in found.headings() if level == 2]
    assert not {"Title race", "If the season ended today"} & set(parts)
    assert not found.all("svg")
    [first] = found.all("details", id=f"team-{made_teams()['abbreviation'].iloc[0]}")
    assert "1; 90% of the simulated seasons end on ranks 1 to 20." in first["text"]
    [rests] = found.all("section", **{"aria-labelledby": "basis"})
    assert "who is absent is inferred" in rests["text"]


def test_in_the_playoffs_rounds_that_are_won_stand_in_words():
    forecast = made_forecast()
    teams = made_teams()
    standings = made_standings(left=0)
    bracket = made_bracket(("decided", "known", "projected", "projected"))
    alive = {
        *bracket.loc[bracket["round"] == 2, ["host_team_id", "guest_team_id"]].to_numpy().ravel()
    }
    state = forecast.decided["team_id"].isin(alive).map({True: "in", False: "out"})
    found = page(
        replace(
            forecast,
            decided=forecast.decided.assign(state=state),
            tables=forecast.tables | {"standings": standings, "bracket": bracket},
        )
    )
    best, worst = teams["abbreviation"].iloc[0], teams["abbreviation"].iloc[29]
    assert [column(found, name)[best]["text"] for name in ("Playoffs", "2nd round")] == [
        "clinched", "reached",
    ]  # fmt: skip
    assert column(found, "Conf. finals")[best]["text"].endswith("%")
    beaten = bracket.loc[0, "guest"]
    assert column(found, "Playoffs")[beaten]["text"] == "clinched"
    assert column(found, "2nd round")[beaten]["text"] == "out"
    assert column(found, "Playoffs")[worst]["text"] == "out"
    # Who is out plays no next game; all have played their wins.
    assert column(found, "Next game")[worst]["text"] == "–"  # noqa: RUF001
    assert column(found, "Next game")[best]["text"] == "+5.0"
    heads = [cell["text"] for cell in found.rows("Power ranking")["Team"]]
    assert "Wins" not in "".join(heads)
    [section] = found.all("section", **{"aria-labelledby": "ranking"})
    assert "Teams that are out stand last." in section["text"]
    second = made_teams()["abbreviation"].iloc[2]
    assert found.rows("Standings, East")[f"{second} play-in"]
    cards = [one["text"] for one in found.all("li", **{"class": "card decided"})]
    assert len(cards) == 8
    assert f"{best} won" in cards[0] or any(f"{best} won" in card for card in cards)
    assert len(found.all("li", **{"class": "card known"})) == 4
    # What is over has no chances of seeds any more.
    assert "Seeds" not in [words for _, words in found.headings()]
    assert "Final standings" in [words for _, words in found.headings()]


def test_a_season_that_is_over_names_its_champions():
    forecast = made_forecast()
    champion = made_teams().iloc[1]
    state = np.where(forecast.decided["team_id"] == champion["team_id"], "champion", "out")
    bracket = made_bracket(("decided",) * 4)
    found = page(
        replace(
            forecast,
            decided=forecast.decided.assign(state=state),
            basis=replace(forecast.basis, over=True),
            tables={"standings": made_standings(left=0), "bracket": bracket,
                    **{name: forecast.tables[name] for name in ("strengths", "players")}},
        ),
        changes=made_changes(),
    )  # fmt: skip
    first = [*found.rows("Power ranking")][1]
    assert first.startswith(champion["abbreviation"])
    assert column(found, "Title")[champion["abbreviation"]]["text"] == "champions"
    assert {cell["text"] for cell in column(found, "Title").values()} == {"champions", "out"}
    assert f"{champion['name']} are champions" in found.all("header")[0]["text"]
    # Nothing is said of a next game, of what is expected, or of what changed in it.
    heads = [cell["text"] for cell in found.rows("Power ranking")["Team"]]
    assert heads[:4] == ["Team", "Rank", "W–L", "Full strength"]  # noqa: RUF001
    [caption] = [one["text"] for one in found.all("caption") if "All teams" in one["text"]]
    assert caption == "All teams by how far they went"
    assert "changed since" not in "".join(text for _, text in found.headings())
    assert len(found.rows(f"Players of {champion['abbreviation']}")["Player"]) == 4


def record(part, rankers) -> pd.DataFrame:
    rows = [(part, name, 40, brier, 0.6) for name, brier in rankers.items()]
    return pd.DataFrame(rows, columns=["part", "ranker", "n_games", "brier", "log_loss"])


def test_where_it_is_behind_is_said():
    games = pd.concat(
        [record(ALL_GAMES, {"stack": 0.21, "elo": 0.22}),
         record(PRICED, {"stack": 0.21, "elo": 0.22, "market": 0.2})]
    )  # fmt: skip
    past = pd.DataFrame(
        {
            "metric": ["champion_log_loss", "game_brier", "game_log_loss"],
            "scope": ["league", "regular", "regular"], "as_of_point": ["0.25", "all", "all"],
            "reference": ["elo", "standings", "elo"], "value": [1.7, 0.21, 0.62],
            "reference_value": [1.5, 0.21, 0.61], "n_seasons": [3, 1, 3],
            "first": "2020-21", "last": "2022-23",
        }
    )  # fmt: skip
    found = page(record=games, past=past)
    [said] = found.all("section", **{"aria-labelledby": "record"})
    assert "40 games before this morning. Ahead of Elo by Brier score." in said["text"]
    assert "Behind bookmakers by Brier score." in said["text"]
    assert (
        "It is behind in 2 of 3 comparisons: Elo on champion log loss, 25% of the season and game "
        "log loss."
    ) in said["text"]
    lines = found.rows("Earlier seasons")
    assert [cell["text"] for cell in lines["game Brier"]][4] == "level"


def test_the_newest_results_stand_beside_what_was_forecast_of_them():
    teams = made_teams()
    games = pd.DataFrame(
        {
            "game_date": pd.Timestamp("2024-01-14"), "home_team_id": teams["team_id"][:3],
            "away_team_id": teams["team_id"][3:6].to_numpy(), "neutral_site": [False, False, True],
            "home_points": [101, 90, 120], "away_points": [99, 95, 99], "p_home": [0.7, 0.8, 0.4],
        }
    )  # fmt: skip
    found = page(results=games)
    [said] = found.all("section", **{"aria-labelledby": "record"})
    assert "The likelier team won 1 of 3." in said["text"]
    team = teams["abbreviation"]
    rows = found.rows("Results of Sunday, January 14")
    told = {name: [cell["text"] for cell in cells[1:]] for name, cells in rows.items()}
    del told["Game"]
    assert told == {
        f"{team[3]} at {team[0]}": ["70%", f"{team[0]} 101–99"],  # noqa: RUF001
        f"{team[4]} at {team[1]}": ["80%", f"{team[4]} 95–90"],  # noqa: RUF001
        f"{team[5]} v {team[2]}": ["40%", f"{team[2]} 120–99"],  # noqa: RUF001
    }
    assert "Results of" not in season_page(SeasonView(made_forecast()))


def test_a_page_of_two_hundred_dates_is_small_and_quick():
    view = SeasonView(made_forecast(), made_history(200), pages=[f"{n}" for n in range(200)])
    season_page(view)
    started = time.process_time()
    text = season_page(view)
    assert time.process_time() - started < 1.0
    assert len(text.encode()) < 1_000_000


@pytest.mark.parametrize(("change", "told"), [(0.006, False), (0.012, True)])
def test_a_change_of_a_chance_below_one_percent_is_not_told(change, told):
    forecast, changes = made_forecast(), made_changes()
    found = page(
        replace(forecast, predictions=forecast.predictions.assign(playoff_prob=0.5)),
        changes=replace(changes, before=changes.before.assign(playoff_prob=0.5 - change)),
    )
    said = re.search("playoffs 49% to 50%", found.all("main")[0]["text"], re.IGNORECASE)
    assert bool(said) == told


def with_players(**columns):
    made = made_forecast()
    players = made.tables["players"].assign(**columns)
    return replace(made, tables=made.tables | {"players": players})


def test_a_page_without_a_current_report_says_so_though_some_are_known_to_be_out():
    inferred = "who is absent is inferred from who stopped appearing"
    old = with_players(availability=["Out for the season", *[""] * 299])
    # At the top, below the players, and in what it rests on.
    assert season_page(SeasonView(old)).count(inferred) == 3
    assert inferred not in season_page(SeasonView(made_forecast()))


def test_wins_are_whole_only_where_no_game_is_left():
    made = made_forecast()
    predictions = made.predictions.assign(expected_wins=63.96, wins_low=64, wins_high=64)
    standings = made.tables["standings"].assign(games_left=[0, *[1] * 29])
    found = page(
        replace(made, predictions=predictions, tables=made.tables | {"standings": standings})
    )
    wins = {team: cell["text"] for team, cell in column(found, "Wins (90%)").items()}
    assert wins.pop(standings["team"].iloc[0]) == "64"
    assert set(wins.values()) == {"64.0"}


def test_a_card_says_where_the_next_game_is():
    bracket = made_bracket(("known", "projected", "projected", "projected"))
    made = made_forecast()
    notes = []
    for table in (bracket, bracket.assign(next_home=None)):
        found = page(replace(made, tables=made.tables | {"bracket": table}))
        notes += [one["text"] for one in found.all("p") if one["text"].startswith("Next game")][:1]
    host = bracket["host"].iloc[0]
    assert notes == [
        f"Next game: at {host}, {host} wins 55%", f"Next game: neutral court, {host} wins 55%",
    ]  # fmt: skip

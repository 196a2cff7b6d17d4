import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.models.members import Scores
from nba_rank.report import odds_findings
from nba_rank.report.odds_findings import OddsFindings, gather_odds, interval_coverage
from nba_rank.report.odds_section import odds_sections

HEADINGS = [
    "## Odds: where they are worse than a reference",
    "## How far will each team go",
    "## Making the playoffs",
    "## Are the odds calibrated, round by round",
    "## Single games",
    "## Playoff series",
    "## How sure the simulation is",
    "## Likely and actual finishes, 2023-24",
    "## Players in the playoffs",
    "## What was assumed of the schedule",
]


def gathered(made, **changes) -> OddsFindings:
    given = {"found": made.findings, "completed": made.completed, "tables": made.tables}
    return gather_odds(
        **given | changes,
        results=made.results,
        ranker=made.ranker,
        rng=np.random.default_rng(0),
        n_resamples=200,
    )


@pytest.fixture
def sections(forecasts):
    """Text of each section by its heading, of made-up forecasts of a kind."""

    def of(findings):
        said = [section for section in odds_sections(findings) if section]
        return {section.split("\n")[0]: section for section in said}

    def make(findings=None, /, n_seasons=4, **kind):
        return of(findings or gathered(forecasts(n_seasons, **kind)))

    return make


def value(made, metric, ranker, point):
    rows = made.findings.metrics
    chosen = (rows["metric"] == metric) & (rows["ranker"] == ranker)
    return rows[chosen & (rows["as_of_point"] == point)].set_index("season")["value"]


def test_every_section_is_there_and_nothing_undefined_is_printed(sections):
    said = sections()
    assert list(said) == HEADINGS
    for text in said.values():
        assert not re.search(r"\b(nan|NaN|NaT|None|inf)\b", text)
    assert odds_sections(None) == []


@pytest.mark.parametrize(("noise", "word", "other"), [(0.1, "better", "worse"),
                                                      (4.0, "worse", "better")])  # fmt: skip
def test_the_verdict_says_who_is_ahead_and_by_how_much(sections, forecasts, noise, word, other):
    made = forecasts(noise=noise)
    verdict = sections(noise=noise)["## How far will each team go"].split("\n\n")[1]
    gaps = {
        point: (value(made, "champion_log_loss", "stack", point)
                - value(made, "champion_log_loss", "standings", point)).mean()
        for point in AS_OF_POINTS
    }  # fmt: skip
    assert all(gap < 0 if word == "better" else gap > 0 for gap in gaps.values())
    assert f"**Title odds (stack) are {word} than those of the standings at opening by " in verdict
    assert f"50% by {abs(gaps['0.5']):.3f}" in verdict
    assert "4 test seasons" in verdict
    assert f"{other} than" not in verdict


def test_what_is_worse_comes_first(sections, forecasts):
    made = forecasts(noise=4.0)
    lead = odds_sections(gathered(made))[0]
    gap = (
        value(made, "champion_log_loss", "stack", "open")
        - value(made, "champion_log_loss", "elo", "open")
    ).mean()
    assert f"worse than Elo at opening by {gap:.3f} (beyond noise)" in lead
    assert "- Champion log loss: worse than the standings at " in lead
    assert "Log loss of games, regular season: worse than the bookmakers by " in lead
    assert "Upset AUC over all playoff series: worse than Elo by " in lead
    series = sections()["## Playoff series"].split("\n\n")[1]
    assert "(AUC over 60 series" in series
    assert series.index("worse than Elo") < series.index("better than the standings")


def test_nowhere_worse(forecasts):
    made = gathered(forecasts())
    better = made.differences.assign(difference=-0.1)
    series = made.series.assign(series_upset_auc=[0.6, 0.7, 0.6])
    assert series.index.tolist() == ["elo", "simulation", "standings"]
    lead = odds_sections(replace(made, differences=better, series=series))[0]
    assert "\n\nNowhere.\n\n" in lead


def test_a_level_difference_is_neither(forecasts):
    made = gathered(forecasts())
    level = made.differences.assign(difference=0.0004, low=-0.1, high=0.1)
    text = "\n\n".join(odds_sections(replace(made, differences=level)))
    assert "level with those of the standings at opening, 5%" in text
    assert "worse than those" not in text


def test_few_seasons_have_no_intervals(sections):
    said = sections(n_seasons=2)
    for heading in HEADINGS[1:3]:
        assert "With fewer than 3 seasons no interval is given." in said[heading]
    for text in said.values():
        assert not re.search(r"\d \([+-]?\d\.\d+ to ", text)
        assert "(beyond noise)" not in text
    assert "2 test seasons, too few" in said[HEADINGS[0]]
    one = sections(n_seasons=1)
    assert list(one) == HEADINGS
    assert "1 test season, too few" in one[HEADINGS[0]]


def test_what_is_the_same_in_every_season_has_no_interval(sections):
    text = sections()["## How far will each team go"]
    assert "| random | 3.401 | 3.401 |" in text
    assert re.search(r"\| random playoff team \| – \|.*\| 2.773 \|\n", text)  # noqa: RUF001
    assert re.search(r"\| stack \| \d\.\d{3} \(\d\.\d{3} to \d\.\d{3}\) \|", text)


def test_softmax_gives_titles_alone(sections):
    said = sections(odds="softmax", platt=False)
    assert list(said) == [HEADINGS[i] for i in (0, 1, 3, 8)]
    calibrated = said[HEADINGS[3]]
    assert "wins the title" in calibrated
    assert "wins round 1" not in calibrated


def test_without_odds_calibration_is_spoken_of(sections):
    said = sections(odds="none")
    assert list(said) == [HEADINGS[i] for i in (0, 1, 2, 3, 4, 8)]
    assert "Title odds (Platt calibration) are " in said[HEADINGS[1]]
    assert "stack" not in "".join(said.values())
    games = said[HEADINGS[4]]
    assert "### Regular season" in games
    assert "### Playoffs" not in games


def test_without_odds_and_calibration_only_players_are_left(sections):
    assert list(sections(odds="none", platt=False)) == ["## Players in the playoffs"]


def test_a_single_member_is_named(sections):
    said = sections(ranker="xgb", n_seasons=3)
    assert "Title odds (B XGBoost) are " in said[HEADINGS[1]]
    assert "| B XGBoost |" in said[HEADINGS[4]]


def test_standings_without_odds_are_not_compared_with(forecasts):
    made = forecasts(2)
    found = made.findings
    without = replace(
        found,
        metrics=found.metrics[~found.metrics["ranker"].isin(["standings", "elo"])],
        odds=found.odds[~found.odds["ranker"].isin(["standings", "elo"])],
    )
    sections = odds_sections(gathered(made, found=without))
    assert "not compared with the standings, whose odds need 3 earlier seasons" in sections[1]
    assert "| random |" in sections[1]


def test_the_calibration_error_is_set_against_its_floor(sections, forecasts):
    made = forecasts(4)
    findings = gathered(made)
    assert "error is within twice its noise floor at every point" in sections(findings)[HEADINGS[2]]
    rows = findings.calibration
    off = (rows["event"] == "playoff") & (rows["as_of_point"] == "0.5")
    off &= rows["ranker"] == "stack"
    rows.loc[off, "ece"] = 2.1 * rows.loc[off, "ece_floor"]
    text = sections(replace(findings, calibration=rows))[HEADINGS[2]]
    assert (
        "**Stack: the calibration error is above twice its noise floor at 50% and within it at "
        "25%, 75%, 25% to 75% pooled.**"
    ) in text
    assert "**Platt calibration: the calibration error is within" in text
    pooled = rows[(rows["as_of_point"] == "pooled") & (rows["ranker"] == "stack")]
    assert pooled["n"].tolist() == [4 * 7 * 30] * 5
    pooled_middle = rows[(rows["as_of_point"] == "middle") & (rows["ranker"] == "stack")]
    assert pooled_middle["n"].tolist() == [4 * 3 * 30]
    # Three forecasts of a team share one outcome: more of them do not lower the floor to 1/sqrt 3.
    single = rows[(rows["as_of_point"] == "0.25") & (rows["ranker"] == "stack")]
    ratio = pooled_middle["ece_floor"].item() / single["ece_floor"].item()
    assert 0.62 < ratio < 1


def test_an_event_out_of_calibration_is_named(forecasts):
    findings = gathered(forecasts())
    rows = findings.calibration
    off = (rows["event"] == "round_2") & (rows["ranker"] == "platt")
    rows = rows.assign(ece=np.where(off, 1.0, 0.0))
    text = "\n".join(odds_sections(replace(findings, calibration=rows)))
    assert "**The calibration error is above twice its noise floor for: wins round 2 (Platt" in text


def test_games_are_paired(forecasts):
    made = forecasts()
    found = made.findings
    games = found.games
    unforecast = (games["ranker"] == "elo") & (games["game_id"] == games["game_id"].iloc[0])
    findings = gathered(made, found=replace(found, games=games[~unforecast]))
    assert findings.n_games == {
        "playoffs": 480, "playoffs_priced": 240, "regular": 479, "regular_priced": 239,
    }  # fmt: skip
    rows = findings.scores[findings.scores["metric"] == "game_brier"]
    counted = rows.groupby("scope")["ranker"].agg(set)
    plain = {"stack", "platt", "elo", "elo_fitted", "always_home"}
    assert counted["regular"] == plain
    assert counted["regular_priced"] == plain | {"market"}
    assert counted["playoffs"] == plain - {"platt"}
    shared = games[(games["kind"] == "regular") & (games["ranker"] == "stack")]
    shared = shared[shared["game_id"] != games["game_id"].iloc[0]]
    loss = (shared["p_home"] - shared["home_won"]) ** 2
    own = rows[(rows["scope"] == "regular") & (rows["ranker"] == "stack")]["value"].item()
    assert own == pytest.approx(loss.groupby(shared["season"]).mean().mean())


def test_games_that_nobody_has_priced(forecasts):
    made = forecasts()
    games = made.findings.games
    unpriced = replace(made.findings, games=games[games["ranker"] != "market"])
    text = "\n".join(odds_sections(gathered(made, found=unpriced)))
    assert "bookmakers" not in text


def test_differences_are_paired_by_season(forecasts):
    made = forecasts()
    found = made.findings
    late = (found.metrics["ranker"] == "standings") & (found.metrics["season"] == "2020-21")
    findings = gathered(made, found=replace(found, metrics=found.metrics[~late]))
    rows = findings.differences
    rows = rows[(rows["metric"] == "playoff_brier") & (rows["as_of_point"] == "end")]
    row = rows.set_index(["ranker", "reference"]).loc[("stack", "standings")]
    own, other = (value(made, "playoff_brier", name, "end")[1:] for name in ("stack", "standings"))
    assert row["difference"] == pytest.approx((own - other).mean())
    assert (row["n_seasons"], row["n_better"]) == (3, (own < other).sum())
    text = "\n".join(odds_sections(findings))
    assert "| standings (3 of 4 seasons) |" in text
    opening = found.metrics["as_of_point"] == "open"
    early = late & opening
    findings = gathered(made, found=replace(found, metrics=found.metrics[~early]))
    text = "\n".join(odds_sections(findings))
    assert re.search(r"\| standings \| \d\.\d+ \(\d\.\d+ to \d\.\d+\), 3 of 4 seasons \|", text)


def test_intervals_are_set_against_what_they_are_made_for(sections, forecasts):
    findings = gathered(forecasts())
    rows = forecasts().findings.metrics
    pd.testing.assert_frame_equal(findings.intervals, interval_coverage(rows, "simulation"))
    table = findings.intervals.assign(coverage=[0.7, 0.95, 0.9, 0.95, 0.95, 0.95, 0.89])
    text = sections(replace(findings, intervals=table))[HEADINGS[6]]
    assert "hold fewer than 90% of the outcomes at opening (70%), end (89%), and at least" in text
    assert "| opening | 70% |" in text
    held = sections(replace(findings, intervals=table.assign(coverage=0.93)))[HEADINGS[6]]
    assert "hold at least 90% of the outcomes at every point" in held


def test_finishes_of_the_playoff_teams(sections, forecasts):
    made = forecasts()
    text = sections()["## Likely and actual finishes, 2023-24"]
    rows = [line for line in text.splitlines() if line.startswith("| ")][2:]
    assert len(rows) == 16
    finishes = made.findings.finishes
    last = finishes[(finishes["season"] == "2023-24") & (finishes["as_of_point"] == "end")]
    hits = (last["likely_finish"] == last["finish"]).sum()
    assert f"Of all 30 teams {hits} finished as was likeliest" in text
    assert f"expected {last['likely_finish_prob'].sum():.1f}" in text
    champion = last[last["finish"] == "Champion"]["team_id"].item()
    team = made.teams.set_index(["season", "team_id"]).loc[("2023-24", champion), "abbreviation"]
    assert rows[0].startswith(f"| {team} |")
    assert "| Champion |" in rows[0]


def players_of(season, team_id):
    """Twelve players, the first with the most."""
    return pd.DataFrame(
        {
            "season": season,
            "team_id": team_id,
            "finish": "Champion",
            "player_name": [f"Player {number}" for number in range(12)],
            "games": 20,
            "minutes_share": 0.15,
            "box_rating": [np.nan, *range(11, 0, -1)],
            "contribution": [np.nan, *np.arange(11, 0, -1) / 10],
            "change": -1.0,
            "reconstructed": [False] * 11 + [True],
            "unlogged_games": 0,
        }
    )


def test_players_of_seasons_with_logs(sections, forecasts, monkeypatch):
    made = forecasts(2)
    team = made.teams[made.teams["season"] == "2023-24"].iloc[3]
    logs = pd.DataFrame({"season": ["2022-23", "2023-24"], "kind": ["regular", "playoffs"]})
    tables = replace(made.tables, player_games=logs)
    asked = []

    def contributions(tables, season):
        asked.append(season)
        return players_of(season, team["team_id"])

    monkeypatch.setattr(odds_findings, "playoff_contributions", contributions)
    findings = gathered(made, tables=tables)
    assert asked == ["2023-24"]
    text = sections(findings)["## Players in the playoffs"]
    assert "There are no player logs of the playoffs of 2022-23." in text
    assert "### 2023-24" in text
    assert "### 2022-23" not in text
    rows = [line for line in text.splitlines() if line.startswith("| Player")]
    assert len(rows) == 10
    assert rows[0] == (
        f"| Player 1 | {team['abbreviation']} | Champion | 20 | 15% | 11.0 | 1.10 | -1.0 |"
    )
    assert "| Player 10 |" in rows[-1]
    assert "An asterisk" in text


def test_assumptions_are_counted_by_season(sections, forecasts):
    made = forecasts(2)
    assert sections(n_seasons=2)[HEADINGS[9]].endswith(
        "Nothing: of every game that was simulated the day is known."
    )
    frame = made.completed["2023-24"].frame
    days = frame["as_of_date"].drop_duplicates().sort_values().iloc[:3]
    early = frame.assign(assumption=np.where(frame["as_of_date"].isin(days), "Made up.", ""))
    completed = made.completed | {"2023-24": Scores(early, None)}
    text = sections(gathered(made, completed=completed))[HEADINGS[9]]
    assert text.endswith("- 2023-24, 3 dates, the first: Made up.")

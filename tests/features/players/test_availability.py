from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.tables import STATUSES, conform
from nba_rank.features.players.availability import (
    MAX_REPORT_AGE_DAYS,
    SEASON_ENDING,
    STATUS_PLAY_PROB,
    has_report,
    reported_availability,
)

GAMES = [("2022-11-01", 1, 2, 110, 100), ("2022-11-05", 1, 2, 110, 100),
         ("2022-11-20", 1, 2, 110, 100)]  # fmt: skip
ACL = "torn ACL in left knee"


@pytest.fixture
def tables(small_tables):
    """Player 11 plays on 1, 5 and 20 November, player 12 on the 1st only."""
    players = [(date, 11, 1, 600) for date, *_ in GAMES] + [("2022-11-01", 12, 1, 600)]
    return small_tables(GAMES, players)


@pytest.fixture
def told(tables, with_reports, as_of):
    """(player, probability, season over) by date: `told(reports, dates, max_age_days=1)`."""

    def make(reports, dates, **more):
        # Neither the order of dates nor that of entries matters.
        asked = as_of(*dates[::-1], *dates)
        frame = reported_availability(with_reports(tables, *reports), asked, **more)
        assert frame["as_of_date"].is_monotonic_increasing
        return {
            str(date.date()): [
                (row.player_id, row.play_prob, row.season_out) for row in rows.itertuples()
            ]
            for date, rows in frame.groupby("as_of_date")
        }

    return make


def test_the_newest_report_counts_from_its_morning_for_three_days(
    tables, with_reports, told, as_of
):
    reports = (
        ("2022-11-02", [(12, 1, "Questionable", "illness"), (11, 1, "Out", "sore knee")]),
        ("2022-11-04", [(12, 1, "Probable", "illness")]),
    )
    dates = [f"2022-11-0{day}" for day in (1, 2, 3, 4, 7, 8)]
    first, second = [(11, 0.0, False), (12, 0.5, False)], [(12, 0.75, False)]
    known = dict(zip(dates[1:5], (first, first, second, second), strict=True))
    assert told(reports, dates) == known
    reported = has_report(with_reports(tables, *reports), as_of(*dates))
    assert reported.tolist() == [date in known for date in dates]


def test_nothing_is_known_of_a_team_that_had_not_submitted_its_injuries(
    tables, with_reports, as_of
):
    tables = with_reports(tables, ("2022-11-02", []), ("2022-11-03", []))
    dates = as_of("2022-11-02", "2022-11-02", "2022-11-03").assign(team_id=[1, 2, 1])
    row = {"date": dates["as_of_date"].iloc[:1], "season": "2022-23", "team_id": 1}
    silent = conform("unreported_teams", pd.DataFrame(row))
    tables = replace(tables, unreported_teams=silent)
    assert has_report(tables, dates).tolist() == [False, True, True]


def test_only_a_report_of_the_season_counts(tables, with_reports, as_of):
    assert reported_availability(tables, as_of("2022-11-02")).empty
    assert not has_report(tables, as_of("2022-11-02")).any()
    tables = with_reports(
        tables, ("2022-07-30", [(11, 1, "Out", ACL)]), ("2022-11-02", [(11, 1, "Out", "")]),
        ("2022-11-03", []),
    )  # fmt: skip
    # The last is empty: all are fit.
    dates = as_of("2022-08-01", "2022-11-03", season="2022-23")
    assert reported_availability(tables, dates).empty
    assert has_report(tables, dates).tolist() == [False, True]


def test_a_long_injury_ends_the_season_in_which_it_happened(told):
    report = ("2022-11-03", [(12, 1, "Out", ACL), (99, 2, "Out", ACL)])
    got = told([report], ["2022-11-03", "2023-05-01"])
    # Player 99 has not played this season: he may have been hurt long ago and come back.
    assert got["2022-11-03"] == [(12, 0.0, True), (99, 0.0, False)]
    # The report is old by May: it no longer tells who can play, but a season stays over.
    [(player, prob, over)] = got["2023-05-01"]
    assert (player, over) == (12, True)
    assert np.isnan(prob)


def test_a_player_who_plays_again_is_not_out_for_the_season(told):
    dates = ["2022-11-12", "2022-11-20", "2022-11-21"]
    got = told([("2022-11-10", [(11, 1, "Out", ACL)])], dates, max_age_days=30)
    # The game of the 20th is not known on its morning.
    assert [got[date] for date in dates] == [[(11, 0.0, over)] for over in (True, True, False)]


@pytest.mark.parametrize(
    ("reason", "over"),
    [
        ("torn ACL in left knee", True),
        ("Left Knee; ACL Tear", True),
        ("surgery to repair torn left Achilles tendon", True),
        ("ruptured left Achilles", True),
        ("sore left Achilles", False),
        ("sprained ACL in left knee", False),
        ("partially torn ACL in left knee", False),
        ("recovering from surgery on left knee to repair torn ACL", False),
        ("oracle tornado", False),
        ("sprained left ankle (out for season)", False),
        ("", False),
    ],
)
def test_which_reasons_end_a_season(told, reason, over):
    got = told([("2022-11-03", [(12, 1, "Out", reason)])], ["2022-11-03"])
    assert got == {"2022-11-03": [(12, 0.0, over)]}


def test_phrases_weights_and_age_can_be_given(told):
    reports, dates = [("2022-11-03", [(12, 1, "Out", "(out for season)")])], ["2022-11-05"]
    assert told(reports, dates, season_ending=["out for season"])[dates[0]] == [(12, 0.0, True)]
    assert told(reports, dates, max_age_days=1) == {}
    weights = {**STATUS_PLAY_PROB, "Out": 0.125}
    assert told(reports, dates, play_prob=weights)[dates[0]] == [(12, 0.125, False)]


def test_the_defaults_are_those_of_the_config(features):
    config = features().injuries
    assert tuple(config.season_ending) == SEASON_ENDING
    assert config.report_max_age_days == MAX_REPORT_AGE_DAYS
    assert tuple(STATUS_PLAY_PROB) == STATUSES
    assert {name.lower(): prob for name, prob in STATUS_PLAY_PROB.items()} == vars(
        config.status_weights
    )


@pytest.mark.real
def test_nobody_came_back_from_a_season_ending_injury_in_the_real_reports(real_tables):
    """The remark `(out for season)` was added in hindsight."""
    reports = real_tables.injury_reports
    if reports.empty:
        pytest.skip("no injury reports in the raw folder")
    dates = real_tables.injury_report_dates.rename(columns={"date": "as_of_date"})
    told = reported_availability(real_tables, dates)
    key = ["season", "player_id"]
    out = told[told["season_out"]].groupby(key)["as_of_date"].min()
    last = real_tables.player_games.groupby(key)["game_date"].max()
    assert len(out) >= 20
    assert (last.reindex(out.index) < out).all()

    remarked = reports[reports["reason"].str.contains("(out for season)", regex=False)]
    rows = remarked.merge(last.rename("last"), on=key)
    # A forecast would be wrong more often.
    assert (rows["last"] >= rows["date"]).mean() < 0.02

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.tables import STATUSES
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


def said(tables, dates, **more):
    """(player, probability, season over) by date."""
    told = reported_availability(tables, dates, **more)
    return {
        str(date.date()): [
            (row.player_id, row.play_prob, row.season_out) for row in rows.itertuples()
        ]
        for date, rows in told.groupby("as_of_date")
    }


def test_the_newest_current_report_counts_and_that_of_the_morning_is_one(
    tables, with_reports, as_of
):
    tables = with_reports(
        tables,
        ("2022-11-02", [(11, 1, "Out", "sore knee"), (12, 1, "Questionable", "illness")]),
        ("2022-11-04", [(12, 1, "Probable", "illness")]),
    )
    dates = as_of("2022-11-01", "2022-11-02", "2022-11-03", "2022-11-04", "2022-11-07",
                  "2022-11-08")  # fmt: skip
    first = [(11, 0.0, False), (12, 0.5, False)]
    second = [(12, 0.75, False)]
    assert said(tables, dates) == {
        "2022-11-02": first, "2022-11-03": first, "2022-11-04": second, "2022-11-07": second,
    }  # fmt: skip
    assert has_report(tables, dates).tolist() == [False, True, True, True, True, False]


def test_only_a_report_of_the_season_says_something(tables, with_reports, as_of):
    assert reported_availability(tables, as_of("2022-11-02")).empty
    assert not has_report(tables, as_of("2022-11-02")).any()
    tables = with_reports(
        tables, ("2022-07-30", [(11, 1, "Out", ACL)]), ("2022-11-02", [(11, 1, "Out", "")]),
        ("2022-11-03", []),
    )  # fmt: skip
    # The last is empty: all are fit.
    dates = as_of("2022-08-01", "2022-11-03", season="2022-23")
    assert said(tables, dates) == {}
    assert has_report(tables, dates).tolist() == [False, True]


def test_an_injury_of_this_season_that_takes_longer_ends_it(tables, with_reports, as_of):
    tables = with_reports(tables, ("2022-11-03", [(12, 1, "Out", ACL), (99, 2, "Out", ACL)]))
    # Player 99 has not played since he was hurt, which may be long ago: he may come back.
    dates = as_of("2022-11-03", "2023-05-01")
    assert said(tables, dates)["2022-11-03"] == [(12, 0.0, True), (99, 0.0, False)]
    # The report is old by May: it no longer tells who can play, but a season stays over.
    (player, prob, over), = said(tables, dates)["2023-05-01"]  # fmt: skip
    assert (player, over) == (12, True)
    assert np.isnan(prob)


def test_a_season_is_not_over_for_who_plays_again(tables, with_reports, as_of):
    tables = with_reports(tables, ("2022-11-10", [(11, 1, "Out", ACL)]))
    dates = as_of("2022-11-12", "2022-11-20", "2022-11-21")
    assert said(tables, dates, max_age_days=30) == {
        "2022-11-12": [(11, 0.0, True)],
        "2022-11-20": [(11, 0.0, True)],  # the game of the day is not known in the morning
        "2022-11-21": [(11, 0.0, False)],
    }


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
def test_which_reasons_end_a_season(tables, with_reports, as_of, reason, over):
    tables = with_reports(tables, ("2022-11-03", [(12, 1, "Out", reason)]))
    assert said(tables, as_of("2022-11-03"))["2022-11-03"] == [(12, 0.0, over)]


def test_phrases_weights_and_age_are_the_callers(tables, with_reports, as_of):
    tables = with_reports(tables, ("2022-11-03", [(12, 1, "Out", "ankle (out for season)")]))
    dates = as_of("2022-11-03", "2022-11-05")
    told = said(tables, dates, season_ending=["out for season"])
    assert told["2022-11-03"] == [(12, 0.0, True)]
    assert "2022-11-05" not in said(tables, dates, max_age_days=1)
    told = said(tables, dates, play_prob={**STATUS_PLAY_PROB, "Out": 0.125})
    assert told["2022-11-05"] == [(12, 0.125, False)]


def test_the_defaults_are_those_of_the_config(features):
    config = features().injuries
    assert tuple(config.season_ending) == SEASON_ENDING
    assert config.report_max_age_days == MAX_REPORT_AGE_DAYS
    assert tuple(STATUS_PLAY_PROB) == STATUSES
    assert {name.lower(): prob for name, prob in STATUS_PLAY_PROB.items()} == vars(
        config.status_weights
    )


def test_rows_are_in_order_whatever_the_order_of_dates(tables, with_reports, as_of):
    tables = with_reports(
        tables, ("2022-11-02", [(12, 1, "Out", ""), (11, 1, "Out", "")]),
        ("2022-11-04", [(11, 1, "Out", ACL)]),
    )  # fmt: skip
    days = ["2022-11-02", "2022-11-03", "2022-11-04", "2022-11-05"]
    frames = [
        reported_availability(tables, as_of(*order)) for order in (days, days[::-1], days * 2)
    ]
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frame, frames[0])
    assert frames[0]["season_out"].tolist() == [False] * 4 + [True] * 2


@pytest.mark.real
def test_season_ending_injuries_and_hindsight_in_the_real_reports(real_tables):
    """Nobody whose injury ends a season came back; the remark in the reasons was added later."""
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
    # Anyone who really knew would be wrong more often than once in a hundred.
    assert (rows["last"] >= rows["date"]).mean() < 0.02

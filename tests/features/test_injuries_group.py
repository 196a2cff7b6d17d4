from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_games import rated

from nba_rank.features.players.minutes import team_shares

NOW = ["available_strength", "absent_minutes_share", "absent_strength"]
COLUMNS = [*NOW, "season_strength", "injury_report_known"]
GAMES = [("2022-11-01", 1, 2, 110, 100)]
# (team, expected minutes, at full strength, impact rating): nine men of 20 minutes share 5/9 each.
# The logs have seen player 2 stop appearing; player 1 is the star.
PLAYERS = [
    (1, 20, 20, 9.0), (1, 5, 20, 1.8), *[(1, 20, 20, 0.0)] * 7,
    *[(2, 20, 20, 1.8)] * 9,
]  # fmt: skip
STAR_OUT = ("2022-11-02", [(1, 1, "Out", "")])


@pytest.fixture
def injuries(small_tables, with_reports, as_of, built):
    """The group by team on a date: `injuries(report, date, ratings=None, source="reports")`."""

    def make(report, date="2022-11-02", ratings=None, group="injuries", **change):
        tables = small_tables(GAMES, [("2022-11-01", 1, 1, 600)], n_teams=2)
        ratings = rated(date, PLAYERS) if ratings is None else ratings
        return built(group, with_reports(tables, report), as_of(date), ratings, **change).loc[date]

    return make


def test_a_reported_star_by_hand(injuries):
    got = injuries(STAR_OUT, source="reports")
    # Everyone: (9 + 1.8) x 5/9 = 6 and 9. Without the star eight men share: 1.8 x 5/8.
    available = np.array([1.125, 9.0])
    np.testing.assert_allclose(got["available_strength"], available - available.mean())
    np.testing.assert_allclose(got["absent_minutes_share"], [1 / 9, 0], atol=1e-12)
    np.testing.assert_allclose(got["absent_strength"], [6 - 1.125, 0], atol=1e-12)
    np.testing.assert_allclose(got["season_strength"], [-1.5, 1.5])
    assert (got["injury_report_known"] == 1).all()


def test_inferred_is_the_roster_strength_of_the_next_game(injuries):
    report = ("2022-11-02", [(1, 1, "Out", "torn ACL")])
    got = injuries(report, source="inferred")
    roster = injuries(report, group="roster_strength")
    np.testing.assert_array_equal(got["available_strength"], roster["roster_strength"])
    np.testing.assert_array_equal(got["season_strength"], roster["full_strength"])
    # Player 2 keeps a quarter of his minutes.
    np.testing.assert_allclose(got["absent_minutes_share"], [0.75 / 9, 0], atol=1e-12)
    assert (got["injury_report_known"] == 1).all()


def test_auto_takes_the_listed_from_the_report_and_the_others_from_the_logs(injuries):
    got = injuries(STAR_OUT)
    minutes = np.array([0, 5, *[20] * 7], dtype=float)
    share = team_shares(minutes, np.zeros(9, dtype=np.int64), 1)
    available = np.array([1.8 * share[1], 9.0])
    np.testing.assert_allclose(got["available_strength"], available - available.mean())
    np.testing.assert_allclose(got["absent_minutes_share"], [1.75 / 9, 0], atol=1e-12)


def test_a_report_that_is_too_old_says_nothing_of_now(injuries):
    later = injuries(STAR_OUT, "2022-11-20")
    pd.testing.assert_frame_equal(later, injuries(STAR_OUT, "2022-11-20", source="inferred"))
    assert (later["injury_report_known"] == 0).all()
    alone = injuries(STAR_OUT, "2022-11-20", source="reports")
    assert alone[NOW].isna().all(axis=None)
    np.testing.assert_allclose(alone["season_strength"], [-1.5, 1.5])


@pytest.mark.parametrize("date", ["2022-11-02", "2023-05-01"])
@pytest.mark.parametrize("source", ["auto", "reports"])
def test_a_season_ending_injury_counts_long_after_its_report(injuries, date, source):
    report = ("2022-11-02", [(1, 1, "Out", "torn ACL in left knee")])
    season = np.array([1.125, 9.0])
    got = injuries(report, date, source=source)
    np.testing.assert_allclose(got["season_strength"], season - season.mean())
    if source == "auto":
        # The logs have not seen the star miss a game.
        expected = injuries(STAR_OUT)["available_strength"]
        np.testing.assert_allclose(got["available_strength"], expected)


def test_teams_without_ratings_or_players_are_unknown(injuries):
    unrated = injuries(STAR_OUT, ratings=rated("2022-11-02", PLAYERS).assign(impact_rating=np.nan))
    strengths = ["available_strength", "absent_strength", "season_strength"]
    assert unrated[strengths].isna().all(axis=None)
    one_team = injuries(STAR_OUT, ratings=rated("2022-11-02", PLAYERS[:9]))
    assert one_team.loc[2, COLUMNS[:-1]].isna().all()
    assert one_team.loc[1].notna().all()


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({"source": "inferred"}, COLUMNS[:4]),
        ({"source": "reports"}, NOW),
        ({"report_max_age_days": 0}, [*NOW, "injury_report_known"]),
        ({"season_ending": []}, ["season_strength"]),
        ({"out": 0.25}, NOW),
        ({"doubtful": 0.75}, NOW),
        ({"questionable": 0.0}, NOW),
        ({"probable": 0.25}, NOW),
        ({"available": 0.25}, NOW),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_parameter_changes_its_columns_only(injuries, features, change, columns):
    statuses = ["Out", "Doubtful", "Questionable", "Probable", "Available"]
    listed = [(10 + place, 2, status, "") for place, status in enumerate(statuses)]
    report = ("2022-11-02", [*listed, (1, 1, "Out", "torn ACL")])
    # No two equal: whoever is missing changes the strength.
    players = [(*player[:3], player[3] + place / 7) for place, player in enumerate(PLAYERS)]
    ratings = rated("2022-11-03", players)
    config = features().injuries
    if not change.keys() & vars(config).keys():
        change = {"status_weights": replace(config.status_weights, **change)}
    got, expected = (injuries(report, "2022-11-03", ratings, **changed) for changed in (change, {}))
    assert [name for name in COLUMNS if not got[name].equals(expected[name])] == columns

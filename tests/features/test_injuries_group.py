from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.features import injuries, roster_strength
from nba_rank.features.asof import Rows
from nba_rank.features.players.minutes import team_shares

COLUMNS = ["available_strength", "absent_minutes_share", "absent_strength", "season_strength",
           "injury_report_known"]  # fmt: skip
GAMES = [("2022-11-01", 1, 2, 110, 100)]
# (team, expected minutes, at full strength, impact rating): nine men of 20 minutes share 5/9 each.
# The logs have seen player 2 stop appearing; player 1 is the star.
PLAYERS = [
    (1, 20, 20, 9.0), (1, 5, 20, 1.8), *[(1, 20, 20, 0.0)] * 7,
    *[(2, 20, 20, 1.8)] * 9,
]  # fmt: skip


def rated(date, players=PLAYERS):
    columns = ["team_id", "expected_minutes", "full_strength_minutes", "impact_rating"]
    frame = pd.DataFrame(players, columns=columns).astype("float64").astype({"team_id": "int64"})
    season = pd.Series(["2022-23"] * len(frame), dtype="str")
    return frame.assign(
        season=season, as_of_date=pd.Timestamp(date), player_id=range(1, len(frame) + 1)
    )


@pytest.fixture
def tables(small_tables):
    return small_tables(GAMES, [("2022-11-01", 1, 1, 600)], n_teams=2)


@pytest.fixture
def build(as_of, features):
    def make(tables, ratings, *dates, **change):
        config = replace(features().injuries, **change)
        rows = Rows.of(tables, as_of(*dates))
        frame = injuries.build(tables, ratings, rows, config)
        assert list(frame.columns) == COLUMNS
        return pd.concat([rows.frame, frame], axis=1).set_index("team_id")

    return make


def test_a_reported_star_by_hand(tables, with_reports, build):
    tables = with_reports(tables, ("2022-11-02", [(1, 1, "Out", "sore knee")]))
    got = build(tables, rated("2022-11-02"), "2022-11-02", source="reports")
    # Everyone: (9 + 1.8) x 5/9 = 6 and 9. Without the star eight men share: 1.8 x 5/8.
    available = np.array([1.125, 9.0])
    np.testing.assert_allclose(got["available_strength"], available - available.mean())
    np.testing.assert_allclose(got["absent_minutes_share"], [1 / 9, 0], atol=1e-12)
    np.testing.assert_allclose(got["absent_strength"], [6 - 1.125, 0], atol=1e-12)
    np.testing.assert_allclose(got["season_strength"], [-1.5, 1.5])
    assert (got["injury_report_known"] == 1).all()


def test_inferred_is_the_roster_strength_of_the_next_game(tables, with_reports, build, features):
    ratings = rated("2022-11-02")
    reported = with_reports(tables, ("2022-11-02", [(1, 1, "Out", "torn ACL")]))
    got = build(reported, ratings, "2022-11-02", source="inferred")
    rows = Rows.of(tables, got.reset_index()[["season", "as_of_date"]])
    roster = roster_strength.build(tables, ratings, rows, features().roster_strength)
    np.testing.assert_array_equal(got["available_strength"], roster["roster_strength"])
    np.testing.assert_array_equal(got["season_strength"], roster["full_strength"])
    # Player 2 keeps a quarter of his minutes.
    np.testing.assert_allclose(got["absent_minutes_share"], [0.75 / 9, 0], atol=1e-12)
    assert (got["injury_report_known"] == 1).all()


def test_auto_believes_the_report_of_the_listed_and_the_logs_of_the_others(
    tables, with_reports, build
):
    tables = with_reports(tables, ("2022-11-02", [(1, 1, "Out", "")]))
    ratings = rated("2022-11-02")
    got = build(tables, ratings, "2022-11-02")
    minutes = ratings["expected_minutes"].to_numpy() * (ratings["player_id"] != 1).to_numpy()
    share = team_shares(minutes[:9], np.zeros(9, dtype=np.int64), 1)
    available = np.array([1.8 * share[1], 9.0])
    np.testing.assert_allclose(got["available_strength"], available - available.mean())
    np.testing.assert_allclose(got["absent_minutes_share"], [1.75 / 9, 0], atol=1e-12)
    # A report that is too old leaves what the logs say.
    later = build(tables, rated("2022-11-20"), "2022-11-20")
    inferred = build(tables, rated("2022-11-20"), "2022-11-20", source="inferred")
    pd.testing.assert_frame_equal(later, inferred)
    assert (later["injury_report_known"] == 0).all()


def test_where_no_report_is_current_reports_alone_know_nothing_of_now(tables, with_reports, build):
    tables = with_reports(tables, ("2022-11-02", [(1, 1, "Out", "")]))
    got = build(tables, rated("2022-11-20"), "2022-11-20", source="reports")
    now = ["available_strength", "absent_minutes_share", "absent_strength"]
    assert got[now].isna().all(axis=None)
    np.testing.assert_allclose(got["season_strength"], [-1.5, 1.5])


@pytest.mark.parametrize("date", ["2022-11-02", "2023-05-01"])
@pytest.mark.parametrize("source", ["auto", "reports"])
def test_a_season_is_over_for_good(tables, with_reports, build, date, source):
    tables = with_reports(tables, ("2022-11-02", [(1, 1, "Out", "torn ACL in left knee")]))
    got = build(tables, rated(date), date, source=source)
    season = np.array([1.125, 9.0])
    np.testing.assert_allclose(got["season_strength"], season - season.mean())


def test_the_unknown_is_nan(tables, with_reports, build):
    unrated = rated("2022-11-02").assign(impact_rating=np.nan)
    got = build(tables, unrated, "2022-11-02")
    assert got[["available_strength", "absent_strength", "season_strength"]].isna().all(axis=None)
    nobody = build(tables, rated("2022-11-02")[lambda frame: frame["team_id"] == 1], "2022-11-02")
    assert nobody.loc[2, COLUMNS[:-1]].isna().all()
    assert nobody.loc[1, COLUMNS].notna().all()


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({"source": "inferred"}, COLUMNS[:4]),
        ({"source": "reports"}, COLUMNS[:3]),
        ({"report_max_age_days": 0}, [*COLUMNS[:3], "injury_report_known"]),
        ({"season_ending": []}, ["season_strength"]),
        ({"out": 0.25}, COLUMNS[:3]),
        ({"doubtful": 0.75}, COLUMNS[:3]),
        ({"questionable": 0.0}, COLUMNS[:3]),
        ({"probable": 0.25}, COLUMNS[:3]),
        ({"available": 0.25}, COLUMNS[:3]),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_every_parameter_changes_its_columns_only(
    tables, with_reports, build, features, change, columns
):
    tables = with_reports(
        tables,
        ("2022-11-02", [
            (3, 1, "Out", ""), (10, 2, "Doubtful", ""), (11, 2, "Questionable", ""),
            (12, 2, "Probable", ""), (13, 2, "Available", ""), (1, 1, "Out", "torn ACL"),
        ]),
    )  # fmt: skip
    # No two equal: whoever is missing changes the strength.
    players = [(*player[:3], player[3] + place / 7) for place, player in enumerate(PLAYERS)]
    ratings = rated("2022-11-03", players)
    weights = features().injuries.status_weights
    if not change.keys() & vars(features().injuries).keys():
        change = {"status_weights": replace(weights, **change)}
    got, expected = (
        build(tables, ratings, "2022-11-03", **changed)[COLUMNS] for changed in (change, {})
    )
    assert [name for name in COLUMNS if not got[name].equals(expected[name])] == columns

from dataclasses import replace

import pandas as pd
import pytest

from nba_rank.data.calendar import game_days
from nba_rank.data.tables import conform
from nba_rank.features.players.impact import player_ratings
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.mornings import morning_inputs, mornings_entry

SEASON = "2022-23"


@pytest.fixture(scope="module")
def features(compose_as_is):
    return compose_as_is().features


@pytest.fixture(scope="module")
def dates(sim_tables) -> pd.DataFrame:
    """Mornings of a season: one early, one late, and three of the playoffs."""
    days = game_days(sim_tables, [SEASON])
    return days.iloc[[30, -50, -20, -10, -1]].reset_index(drop=True)


@pytest.fixture(scope="module")
def ratings(sim_tables, dates, features) -> pd.DataFrame:
    return player_ratings(sim_tables, dates, features.impact)


@pytest.fixture(scope="module")
def mornings(sim_tables, ratings, dates, features) -> pd.DataFrame:
    return morning_inputs(sim_tables, ratings, dates, features)


def test_the_inputs_of_strengths_stay_what_they_are(sim_tables, ratings, dates, mornings):
    inputs = strength_inputs(sim_tables, ratings, dates)
    pd.testing.assert_frame_equal(mornings[inputs.columns], inputs)


def test_whom_a_report_of_that_morning_names_as_out_is_not_counted_on(
    sim_tables, ratings, dates, features
):
    date = dates["as_of_date"].iloc[0]
    nothing = replace(
        sim_tables,
        injury_reports=sim_tables.injury_reports.iloc[:0],
        injury_report_dates=sim_tables.injury_report_dates.iloc[:0],
    )
    unknown = morning_inputs(nothing, ratings, dates, features)
    own = ratings[ratings["as_of_date"] == date]
    best = own.loc[(own["impact_rating"] * own["expected_minutes"]).idxmax()]
    listed = pd.DataFrame(
        {"date": [date], "season": SEASON, "player_id": best["player_id"],
         "team_id": best["team_id"], "status": "Out", "reason": ""}
    )  # fmt: skip
    reported = replace(
        sim_tables,
        injury_reports=conform("injury_reports", listed),
        injury_report_dates=conform("injury_report_dates", listed[["date", "season"]]),
    )
    told = morning_inputs(reported, ratings, dates, features)
    lost = unknown["available_strength"] - told["available_strength"]
    of_team = (told["as_of_date"] == date) & (told["team_id"] == best["team_id"])
    assert lost[of_team].item() > 0.5
    # The others are measured against a mean that is lower without him.
    assert (lost[~of_team] <= 1e-12).all()
    assert told["full_strength"].equals(unknown["full_strength"])


def test_series_and_absences_are_counted_from_games_before_the_date(sim_tables, mornings):
    games = sim_tables.team_games
    games = games[(games["season"] == SEASON) & (games["kind"] == "playoffs")]
    for date, own in mornings.groupby("as_of_date"):
        before = games[games["game_date"] < date]
        wins = before.groupby(["team_id", "opponent_team_id"])["won"].sum()
        beaten = {team for _, team in wins.index[wins == 4]}
        told = set(own.loc[own["closing"] == 1, "team_id"]) - beaten
        assert told == {team for team, _ in wins.index[wins == 3]} - beaten
        fresh = ~own["team_id"].isin(before["team_id"])
        assert (own.loc[fresh, "absences"] == 0).all()
    assert mornings["closing"].sum() > 0
    assert (mornings["absences"] < 0).any()


def test_only_places_that_are_settled_leave_nothing_to_play_for(dates, mornings):
    early = mornings["as_of_date"] == dates["as_of_date"].iloc[0]
    assert (mornings.loc[early, "idle"] == 0).all()
    late = mornings["as_of_date"] == dates["as_of_date"].iloc[1]
    assert 0 < mornings.loc[late, "idle"].mean() < 1


@pytest.mark.parametrize("place", [1, 3])
def test_games_of_the_date_and_later_play_no_part(
    sim_tables, ratings, dates, features, mornings, poison, place
):
    date = dates["as_of_date"].iloc[place]
    told = morning_inputs(poison(sim_tables, date), ratings, dates, features)
    past = mornings["as_of_date"] <= date
    pd.testing.assert_frame_equal(told[past], mornings[past], check_exact=True)


def test_dates_without_players_know_the_rest(sim_tables, ratings, dates, features):
    told = morning_inputs(sim_tables, ratings.iloc[:0], dates, features)
    assert told[["available_strength", "absences"]].isna().all(axis=None)
    assert told[["elo_margin", "idle", "closing"]].notna().all(axis=None)


def test_mornings_come_from_the_cache_again(sim_tables, mornings, features, tmp_path):
    def entry(**changes):
        injuries = replace(features.injuries, **changes)
        changed = replace(features, injuries=injuries)
        return mornings_entry(sim_tables, [SEASON], changed, tmp_path)

    assert entry().load() is None
    entry().keep(mornings)
    pd.testing.assert_frame_equal(entry().load(), mornings)
    assert entry(source="inferred").load() is None
    assert mornings_entry(sim_tables, ["2021-22"], features, tmp_path).load() is None

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.ingest import read_raw
from nba_rank.data.simulated.league import SimParams, simulate_league, write_league


@pytest.fixture(scope="module")
def sim():
    return simulate_league(SimParams(seed=5, n_seasons=1))


@pytest.fixture(scope="module")
def reports(sim):
    return sim.files["injury_reports/2021_22"]


def test_there_is_a_report_on_every_morning_of_the_regular_season(sim, reports):
    log = sim.files["team_logs_2021_22"]
    mornings = pd.date_range(log["GAME_DATE"].min(), periods=reports["date"].nunique())
    assert reports["date"].unique().tolist() == [str(day.date()) for day in mornings]
    assert mornings[-1] > pd.Timestamp(log["GAME_DATE"].max())
    assert 20 < reports.groupby("date").size().mean() < 80


def test_nobody_who_is_listed_plays_and_who_is_out_for_long_is_said_to_be(sim, reports):
    log = sim.files["player_logs_2021_22"]
    played = set(zip(log["GAME_DATE"], log["PLAYER_ID"], strict=True))
    listed = list(zip(reports["date"], reports["player_id"], strict=True))
    assert not played.intersection(listed)
    assert set(reports["status"]) == {"Out", "Doubtful"}
    lost = reports[reports["reason"].str.startswith("torn ACL")]
    assert 0 < lost["player_id"].nunique() < 30
    # Of whoever is lost to his team from a day on, no later game is in the logs.
    first = lost.groupby("player_id")["date"].min()
    last = log.groupby("PLAYER_ID")["GAME_DATE"].max()
    assert (last.reindex(first.index).fillna("") < first).all()


def test_a_league_without_injuries_reports_that_all_are_fit(tmp_path):
    healthy = simulate_league(
        SimParams(seed=5, n_seasons=1, injury_rate=0.0, shutdown_rate=0.0, trade_rate=0.0)
    )
    write_league(healthy, tmp_path)
    tables, _ = read_raw(tmp_path)
    assert tables.injury_reports.empty
    assert len(tables.injury_report_dates) == 175


def test_records_are_those_of_the_log_and_ratings_solve_their_equation(sim):
    log = sim.files["team_logs_2021_22"]
    records = sim.files["Team_Records_2021_22"].set_index("Team")
    teams = log.groupby("TEAM_NAME")
    won = teams["WL"].agg(lambda results: (results == "W").sum())
    assert records["W"].to_dict() == won.to_dict()
    assert (records["W"] + records["L"] == 82).all()
    mov = teams["PLUS_MINUS"].mean()
    np.testing.assert_allclose(records["MOV"], mov.reindex(records.index), atol=0.0051)
    np.testing.assert_allclose(records["SRS"], records["MOV"] + records["SOS"], atol=0.011)
    # The schedule's strength is the mean rating of the opponents.
    other = log["TEAM_NAME"].to_numpy().reshape(-1, 2)[:, ::-1].ravel()
    faced = records["SRS"].reindex(other).groupby(log["TEAM_NAME"].to_numpy()).mean()
    np.testing.assert_allclose(records["SOS"], faced.reindex(records.index), atol=0.011)


def test_the_ingest_understands_what_the_simulation_writes(sim, reports, tmp_path):
    write_league(sim, tmp_path)
    tables, report = read_raw(tmp_path)
    assert not report.warnings
    assert len(tables.injury_reports) == reports["player_id"].notna().sum()
    assert len(tables.team_records) == 30
    assert tables.raptor.empty

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.content_hash import frame_hash
from nba_rank.data import league, standings
from nba_rank.data.ingest import read_raw
from nba_rank.data.simulated import games, players, rosters, schedule
from nba_rank.data.simulated.league import (
    SimParams,
    holds_league,
    params_hash,
    simulate_league,
    write_league,
)
from nba_rank.data.simulated.reports import as_json

PARAMS = SimParams(seed=7, n_seasons=2)
FIRST, SECOND = "2021_22", "2022_23"
YEARS = pytest.mark.parametrize("years", [FIRST, SECOND])


@pytest.fixture(scope="module")
def sim():
    return simulate_league(PARAMS)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(3)
    pool = players.first_pool(PARAMS, rng)
    season = rosters.season_rosters(pool, PARAMS, rng, rng)
    return games.make_world(PARAMS, pool, season, rng)


@pytest.fixture(scope="module")
def played(world):
    """A regular season of that world."""
    rng = np.random.default_rng(5)
    fixtures = schedule.make_schedule(league.league_teams("2021-22"), 2021, rng)
    rested = np.zeros((len(fixtures.day), 2), dtype=bool)
    return games.play(world, fixtures, rested, rng)


def logs(sim, kind):
    return pd.concat([frame for stem, frame in sim.files.items() if f"{kind}_logs" in stem])


def at_home(log):
    return log["MATCHUP"].str.contains(" vs. ")


def content(sim):
    return {stem: frame_hash(frame) for stem, frame in sim.files.items()}


def test_the_same_seed_gives_the_same_league_whatever_comes_after(sim):
    longer = simulate_league(dataclasses.replace(PARAMS, n_seasons=3))
    assert content(sim).items() < content(longer).items()
    truth = longer.true_strength[: len(sim.true_strength)]
    pd.testing.assert_frame_equal(truth, sim.true_strength)
    assert params_hash(longer.params) != params_hash(PARAMS)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8}, {"first_season_year": 2030}, {"back_to_back_cost": 3.0},
        {"talent_spread": 2.5}, {"shooting_luck": 0.8}, {"injury_rate": 0.5}, {"trade_rate": 5.0},
        {"shutdown_rate": 0.0}, {"movement_rate": 0.6},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_every_parameter_changes_the_league(sim, change):
    n_seasons = 2 if "movement_rate" in change else 1
    other = simulate_league(dataclasses.replace(PARAMS, n_seasons=n_seasons, **change))
    years = SECOND if n_seasons == 2 else FIRST
    expected = sim.files[f"team_logs_{years}"]
    assert not other.files.get(f"team_logs_{years}", pd.DataFrame()).equals(expected)
    assert params_hash(other.params) != params_hash(PARAMS)


def test_home_edge_moves_home_wins(sim):
    even = simulate_league(dataclasses.replace(PARAMS, n_seasons=1, home_edge=0.0))
    for world, low, high in ((even, 0.45, 0.53), (sim, 0.54, 0.62)):
        log = world.files[f"team_logs_{FIRST}"]
        assert low <= (log.loc[at_home(log), "WL"] == "W").mean() <= high


def test_file_names_columns_and_dtypes(sim):
    starts = (
        "team_logs_", "player_logs_", "playin_team_logs_", "playoffs_team_logs_",
        "playoffs_player_logs_", "rosters/opening_", "injury_reports/", "Team_Records_",
    )  # fmt: skip
    assert set(sim.files) == {start + years for start in starts for years in (FIRST, SECOND)}
    for start, prefix in {"": "00221", "playin_": "00521", "playoffs_": "00421"}.items():
        log = sim.files[f"{start}team_logs_{FIRST}"]
        assert log["GAME_ID"].str.fullmatch(prefix + r"\d{5}").all()
        assert (log.groupby("GAME_ID").size() == 2).all()
        assert (log["SEASON_ID"] == prefix[2] + "2021").all()
        assert not log.isna().any(axis=None)
    log = sim.files[f"team_logs_{FIRST}"]
    assert log["GAME_DATE"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert log["MATCHUP"].str.fullmatch(r"[A-Z]{3} (vs\.|@) [A-Z]{3}").all()
    assert {str(log[c].dtype) for c in ("TEAM_ID", "PTS", "MIN", "PLUS_MINUS")} == {"int64"}
    assert "Boston Sim" in set(log["TEAM_NAME"])
    log = sim.files[f"player_logs_{FIRST}"]
    dtypes = {"PLAYER_ID": "Int64", "MIN": "float32"} | dict.fromkeys(
        ("PTS", "PLUS_MINUS"), "Int16"
    )
    assert {name: str(log[name].dtype) for name in dtypes} == dtypes
    assert log["PLAYER_ID"].min() >= 1
    assert log.groupby("PLAYER_ID")["PLAYER_NAME"].nunique().max() == 1
    assert len({players.player_name(i) for i in range(1, 5001)}) == 5000


def test_box_scores_add_up(sim):
    team, player = logs(sim, "team"), logs(sim, "player")
    for log in (team, player):
        assert (log["PTS"] == 2 * log["FGM"] + log["FG3M"] + log["FTM"]).all()
        assert (log["REB"] == log["OREB"] + log["DREB"]).all()
        assert (log["FG3M"] <= log["FGM"]).all()
        assert (log["FGM"] - log["FG3M"] <= log["FGA"] - log["FG3A"]).all()
        for kind in ("FG", "FG3", "FT"):
            assert (log[f"{kind}M"] <= log[f"{kind}A"]).all()
        counts = log.select_dtypes("number").drop(columns="PLUS_MINUS")
        assert (counts.min() >= 0).all()
    assert player["PF"].max() <= 6
    sums = player.groupby(["GAME_ID", "TEAM_ID"]).sum(numeric_only=True).astype("float64")
    paired = team.set_index(["GAME_ID", "TEAM_ID"]).loc[sums.index].astype({"MIN": "float64"})
    same = ["MIN", "FGM", "FGA", "FG3M", "FG3A", "FTM", "FTA", "OREB", "DREB", "REB", "AST"]
    same += ["STL", "BLK", "PF", "PTS"]
    assert (sums[same] == paired[same]).all(axis=None)
    assert (sums["TOV"] <= paired["TOV"]).all()
    assert (sums["PLUS_MINUS"] == 5 * paired["PLUS_MINUS"]).all()
    assert (paired["AST"] <= paired["FGM"]).all()


def test_the_two_sides_of_a_game_agree(sim):
    team = logs(sim, "team").sort_values(["GAME_ID", "TEAM_ID"])
    a, b = team.iloc[::2].set_index("GAME_ID"), team.iloc[1::2].set_index("GAME_ID")
    assert (a["PLUS_MINUS"] == a["PTS"] - b["PTS"]).all()
    assert (a["PLUS_MINUS"] == -b["PLUS_MINUS"]).all()
    assert (a["PLUS_MINUS"] != 0).all()
    assert ((a["PLUS_MINUS"] > 0) == (a["WL"] == "W")).all()
    assert ((a["WL"] == "W") != (b["WL"] == "W")).all()
    assert (a["MIN"] == b["MIN"]).all()
    assert (a["STL"] <= b["TOV"]).all()
    assert (a["BLK"] <= b["FGA"] - b["FGM"]).all()


def test_minutes_are_those_of_regulation_and_overtimes(sim):
    sides = logs(sim, "player").groupby(["GAME_ID", "TEAM_ID"])["MIN"].agg(["max", "sum"])
    assert ((sides["sum"] - 240) % 25 == 0).all()
    assert (sides["sum"] >= 240).all()
    assert 0.005 < (sides["sum"] > 240).mean() < 0.1
    assert (sides["max"] <= sides["sum"] / 5).all()


@YEARS
def test_the_schedule_is_that_of_the_league(sim, years):
    log = sim.files[f"team_logs_{years}"]
    assert len(log) == 2 * 1230
    assert (log.groupby("TEAM_ID").size() == 82).all()
    assert (log[at_home(log)].groupby("TEAM_ID").size() == 41).all()
    assert not log.duplicated(["TEAM_ID", "GAME_DATE"]).any()
    dates = pd.to_datetime(log["GAME_DATE"])
    assert (dates.min().day_name(), dates.min().month, dates.max().month) == ("Tuesday", 10, 4)
    assert 160 <= dates.nunique() <= 174
    assert all(schedule.opening_day(year).weekday() == 1 for year in range(2021, 2046))
    ordered = log.assign(date=dates).sort_values(["TEAM_ID", "date"]).groupby("TEAM_ID")["date"]
    rest = ordered.diff().dt.days
    assert 0.08 < (rest == 1).mean() < 0.25
    assert ordered.diff(2).dt.days.min() > 2
    teams = league.league_teams(years.replace("_", "-")).set_index("team_id")
    opponent = log.merge(log, on="GAME_ID", suffixes=("", "_OPP")).query("TEAM_ID != TEAM_ID_OPP")
    meetings = opponent.groupby(["TEAM_ID", "TEAM_ID_OPP"]).size().reset_index(name="n")
    a, b = (teams.loc[meetings[c]].reset_index() for c in ("TEAM_ID", "TEAM_ID_OPP"))
    division = a["division"] == b["division"]
    conference = a["conference"] == b["conference"]
    assert (meetings["n"][division] == 4).all()
    assert meetings["n"][conference & ~division].value_counts().to_dict() == {4: 180, 3: 120}
    assert (meetings["n"][~conference] == 2).all()


@YEARS
def test_the_play_in_decides_the_last_berths(sim, years):
    log = sim.files[f"playin_team_logs_{years}"]
    assert len(log) == 12
    assert log["GAME_DATE"].min() > sim.files[f"team_logs_{years}"]["GAME_DATE"].max()
    assert log["GAME_DATE"].max() < sim.files[f"playoffs_team_logs_{years}"]["GAME_DATE"].min()
    field = set(sim.files[f"playoffs_team_logs_{years}"]["TEAM_ID"])
    # East, then West: seventh against eighth, ninth against tenth, the last berth.
    for first, second, last in (("101", "111", "201"), ("121", "131", "211")):
        rows = {c: log[log["GAME_ID"].str.endswith(c)].set_index("WL") for c in (first, second)}
        final = log[log["GAME_ID"].str.endswith(last)]
        host = at_home(final)
        assert final.loc[host, "TEAM_ID"].item() == rows[first].loc["L", "TEAM_ID"]
        assert final.loc[~host, "TEAM_ID"].item() == rows[second].loc["W", "TEAM_ID"]
        in_playoffs = {rows[first].loc["W", "TEAM_ID"], final.set_index("WL").loc["W", "TEAM_ID"]}
        assert in_playoffs <= field
        assert rows[second].loc["L", "TEAM_ID"] not in field


@YEARS
def test_the_playoffs_are_four_rounds_of_best_of_seven(sim, years):
    log = sim.files[f"playoffs_team_logs_{years}"].assign(
        stage=lambda f: f["GAME_ID"].str[7].astype(int),
        series=lambda f: f["GAME_ID"].str[7:9],
        game=lambda f: f["GAME_ID"].str[9].astype(int),
    )
    assert log["TEAM_ID"].nunique() == 16
    assert not log.duplicated(["TEAM_ID", "GAME_DATE"]).any()
    assert log.groupby("stage")["series"].nunique().to_dict() == {1: 8, 2: 4, 3: 2, 4: 1}
    wins = log[log["WL"] == "W"].groupby(["stage", "series", "TEAM_ID"]).size()
    assert (wins.groupby("series").max() == 4).all()
    assert (log.groupby("series")["game"].max() == log.groupby("series").size() / 2).all()
    for stage in (1, 2, 3):
        through = set(wins[wins == 4].loc[stage].index.get_level_values("TEAM_ID"))
        assert through == set(log.loc[log["stage"] == stage + 1, "TEAM_ID"])
    champion = wins.groupby("TEAM_ID").sum()
    assert (champion == 16).sum() == 1
    hosts = log[at_home(log)]
    first_host = hosts[hosts["game"] == 1].set_index("series")["TEAM_ID"]
    at_first = hosts["TEAM_ID"] == hosts["series"].map(first_host)
    assert (at_first == hosts["game"].isin([1, 2, 5, 7])).all()
    records = sim.files[f"team_logs_{years}"].assign(won=lambda f: f["WL"] == "W")
    record = records.groupby("TEAM_ID")["won"].sum()
    guests = log[~at_home(log) & (log["game"] == 1)].set_index("series")
    assert (record[first_host].to_numpy() >= record[guests.loc[first_host.index, "TEAM_ID"]]).all()
    teams = league.league_teams(years.replace("_", "-")).set_index("team_id")["conference"]
    before_finals = log[log["stage"] < 4]
    conferences = before_finals["TEAM_ID"].map(teams).groupby(before_finals["series"]).nunique()
    assert (conferences == 1).all()
    assert log.loc[log["stage"] == 4, "TEAM_ID"].map(teams).nunique() == 2


def test_true_strength_covers_every_date_and_team(sim):
    truth = sim.true_strength
    keys = {"season": "str", "as_of_date": "datetime64[us]", "team_id": "int64"}
    values = dict.fromkeys(("true_strength", "true_strength_available"), "float64")
    assert truth.dtypes.astype("str").to_dict() == keys | values
    for years in (FIRST, SECOND):
        rows = truth[truth["season"] == years.replace("_", "-")]
        dates = pd.to_datetime(sim.files[f"team_logs_{years}"]["GAME_DATE"])
        expected = pd.date_range(dates.min(), dates.max() + pd.Timedelta(days=1))
        assert sorted(rows["as_of_date"].unique()) == list(expected)
        assert len(rows) == 30 * len(expected)
    assert not truth.duplicated(["as_of_date", "team_id"]).any()
    means = truth.groupby("as_of_date")["true_strength"].mean()
    np.testing.assert_allclose(means, 0.0, atol=1e-9)
    assert (truth["true_strength_available"] <= truth["true_strength"] + 1e-9).all()


def test_true_strength_is_the_expected_margin_in_points(sim):
    truth = sim.true_strength.rename(columns={"team_id": "TEAM_ID"})
    truth["GAME_DATE"] = truth["as_of_date"].dt.strftime("%Y-%m-%d")
    team_logs = pd.concat([sim.files[f"team_logs_{years}"] for years in (FIRST, SECOND)])
    rows = team_logs.merge(truth, on=["TEAM_ID", "GAME_DATE"]).sort_values(["GAME_ID", "MATCHUP"])
    a, b = rows[at_home(rows)].set_index("GAME_ID"), rows[~at_home(rows)].set_index("GAME_ID")
    edge = (a["true_strength_available"] - b["true_strength_available"]).loc[a.index]
    slope, intercept = np.polyfit(edge, a["PLUS_MINUS"], 1)
    assert slope == pytest.approx(1.0, abs=0.12)
    assert intercept == pytest.approx(PARAMS.home_edge, abs=1.0)
    assert 11.5 < (a["PLUS_MINUS"] - slope * edge).std() < 14.5
    for _, season in rows.groupby("season"):
        means = season.groupby("TEAM_ID")[["true_strength", "PLUS_MINUS"]].mean()
        assert means.corr().iloc[0, 1] > 0.85
        assert 3.0 < means["true_strength"].std() < 7.0


def test_points_wins_and_top_scorers_are_as_in_the_real_league(sim):
    log = sim.files[f"team_logs_{SECOND}"]
    assert log["PTS"].mean() == pytest.approx(112, abs=3)
    wins = log.assign(won=log["WL"] == "W").groupby("TEAM_ID")["won"].mean()
    assert 0.09 < wins.std() < 0.2
    scorers = sim.files[f"player_logs_{SECOND}"].groupby("PLAYER_ID")["PTS"].agg(["mean", "size"])
    assert 26 < scorers.loc[scorers["size"] > 40, "mean"].max() < 36


def test_box_scores_show_skill(world, played):
    on = played.minutes > 0
    per_minute = games.points_of(played.box)[on] / played.minutes[on]
    frame = pd.DataFrame({"player": played.players[on], "points": per_minute})
    rate = frame.groupby("player")["points"].mean()
    assert np.corrcoef(rate, world.style.offense[rate.index])[0, 1] > 0.6


def test_players_play_for_the_team_of_the_day(world, played):
    table, fixtures = world.rosters.players, played.fixtures
    sizes = (table >= 0).sum(axis=-1)
    assert players.MIN_ROSTER <= sizes.min() <= sizes.max() <= players.MAX_ROSTER
    for day in (0, 60, 120):
        members = table[day][table[day] >= 0]
        assert len(np.unique(members)) == len(members)
    teams = np.stack([fixtures.home, fixtures.away], axis=1)
    rosters_then = table[fixtures.day[:, None], teams]
    there = (played.players[..., :, None] == rosters_then[..., None, :]).any(axis=-1)
    assert there[played.minutes > 0].all()


def test_traded_players_stay_with_their_new_team(sim):
    log = sim.files[f"player_logs_{FIRST}"].sort_values(["PLAYER_ID", "GAME_DATE"])
    log["changed"] = log["TEAM_ID"] != log.groupby("PLAYER_ID")["TEAM_ID"].shift()
    of_player = log.groupby("PLAYER_ID").agg(
        blocks=("changed", "sum"), teams=("TEAM_ID", "nunique")
    )
    assert (of_player["teams"] > 1).sum() > 10
    # Only a player who returns to a former team has more blocks of games than teams.
    assert (of_player["blocks"] == of_player["teams"]).mean() > 0.99


def test_an_injured_star_weakens_his_team(world):
    full, available = world.rosters.strengths(world.skill)
    table = world.rosters.players
    best = np.where(table >= 0, world.skill[table], -np.inf).argmax(axis=-1)
    star = np.take_along_axis(table, best[..., None], axis=-1)[..., 0]
    day = np.arange(len(table))[:, None]
    out = ~np.take_along_axis(world.rosters.available, best[..., None], axis=-1)[..., 0]
    long_out = out & (world.rosters.days_out[star, day] > 30)
    assert long_out.any()
    assert (available[long_out] < full[long_out] - 0.5).all()
    assert (available <= full + 1e-9).all()


def test_opening_rosters_are_whole_teams_and_change_over_the_summer(sim):
    files = [sim.files[f"rosters/opening_{years}"] for years in (FIRST, SECOND)]
    for rows, years in zip(files, (FIRST, SECOND), strict=True):
        assert list(rows) == ["DATE", "TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"]
        assert rows.groupby("TEAM_ID").size().between(13, 15).all()
        assert rows["TEAM_ID"].nunique() == 30
        assert not rows["PLAYER_ID"].duplicated().any()
        assert rows["DATE"].unique().tolist() == [sim.files[f"team_logs_{years}"].GAME_DATE.min()]
    both = files[0].merge(files[1], on="PLAYER_ID")
    assert 0.3 < (both["TEAM_ID_x"] == both["TEAM_ID_y"]).mean() < 0.9
    assert len(files[1]) - len(both) >= 30


def test_a_written_league_is_read_back_and_understood_by_the_ingest(sim, tmp_path):
    files = {stem: frame for stem, frame in sim.files.items() if stem.endswith(FIRST)}
    truth = sim.true_strength[sim.true_strength["season"] == "2021-22"]
    params = dataclasses.replace(PARAMS, n_seasons=1)
    write_league(
        dataclasses.replace(sim, params=params, files=files, true_strength=truth), tmp_path
    )
    reports = files.pop(f"injury_reports/{FIRST}")
    path = tmp_path / f"injury_reports/{FIRST}.json"
    assert json.loads(path.read_text()) == as_json(reports)
    for stem, frame in {**files, "true_strength": truth}.items():
        csv, parquet = (tmp_path / f"{stem}{ending}" for ending in (".csv", ".parquet"))
        back = pd.read_csv(csv) if csv.exists() else pd.read_parquet(parquet)
        pd.testing.assert_frame_equal(back, frame)
    record = json.loads((tmp_path / "sim.json").read_text())
    assert SimParams(**record["params"]) == params
    assert holds_league(tmp_path, params)
    assert not holds_league(tmp_path, PARAMS)
    tables, report = read_raw(tmp_path)
    assert not report.warnings
    assert len(tables.injury_reports) == reports["player_id"].notna().sum()
    assert len(tables.team_records) == 30
    assert tables.raptor.empty


@pytest.mark.parametrize("season", ["2021-22", "2022-23"])
def test_the_bracket_follows_the_standings(sim_tables, season):
    table = standings.standings(sim_tables.team_games, sim_tables.teams, season)
    table = table.set_index("team_id")
    played = sim_tables.games[sim_tables.games["season"] == season].set_index("game_id")
    seeds = pd.DataFrame(
        {side: played[f"{side}_team_id"].map(table["seed"]) for side in ("home", "away")}
    )
    playin = seeds[played["kind"] == "playin"].sort_index()
    assert playin[playin.index.str[-3] == "1"].to_numpy().tolist() == [[7, 8], [9, 10]] * 2
    first = seeds[played.index.str.fullmatch(r"004\d{4}1\d1")].sort_index()
    assert first["home"].tolist() == [1, 2, 3, 4] * 2
    assert first["away"].iloc[[2, 3, 6, 7]].tolist() == [6, 5, 6, 5]
    conferences = played.loc[first.index, "home_team_id"].map(table["conference"])
    assert conferences.tolist() == ["East"] * 4 + ["West"] * 4


def test_there_is_a_report_on_every_morning_of_the_regular_season(sim):
    log, reports = sim.files[f"team_logs_{FIRST}"], sim.files[f"injury_reports/{FIRST}"]
    mornings = pd.date_range(log["GAME_DATE"].min(), periods=reports["date"].nunique())
    assert reports["date"].unique().tolist() == [str(day.date()) for day in mornings]
    assert mornings[-1] > pd.Timestamp(log["GAME_DATE"].max())
    assert 20 < reports.groupby("date").size().mean() < 80


def test_listed_players_do_not_play_and_long_absences_say_so(sim):
    log, reports = sim.files[f"player_logs_{FIRST}"], sim.files[f"injury_reports/{FIRST}"]
    played = set(zip(log["GAME_DATE"], log["PLAYER_ID"], strict=True))
    listed = list(zip(reports["date"], reports["player_id"], strict=True))
    assert not played.intersection(listed)
    assert set(reports["status"]) == {"Out", "Doubtful"}
    lost = reports[reports["reason"].str.startswith("torn ACL")]
    assert 0 < lost["player_id"].nunique() < 30
    first = lost.groupby("player_id")["date"].min()
    last = log.groupby("PLAYER_ID")["GAME_DATE"].max()
    assert (last.reindex(first.index).fillna("") < first).all()


def test_a_league_without_injuries_reports_that_all_are_fit():
    healthy = dict.fromkeys(("injury_rate", "shutdown_rate", "trade_rate"), 0.0)
    files = simulate_league(SimParams(seed=5, n_seasons=1, **healthy)).files
    reports = as_json(files[f"injury_reports/{FIRST}"])
    assert [report["injuries"] for report in reports] == [[]] * 175


def test_records_are_those_of_the_log_and_ratings_solve_their_equation(sim):
    log = sim.files[f"team_logs_{FIRST}"]
    records = sim.files[f"Team_Records_{FIRST}"].set_index("Team")
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

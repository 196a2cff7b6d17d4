import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.content_hash import frame_hash
from nba_rank.data import league, standings
from nba_rank.data.ingest import read_raw
from nba_rank.data.outcomes import series
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
SEASONS = pytest.mark.parametrize("season", ["2021-22", "2022-23"])


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
        {"seed": 8}, {"first_season_year": 2030}, {"back_to_back_cost": 3.0}, {"home_edge": 0.0},
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


def test_files_have_the_names_and_dtypes_of_real_ones(sim):
    starts = (
        "team_logs_", "player_logs_", "playin_team_logs_", "playoffs_team_logs_",
        "playoffs_player_logs_", "stints_", "rosters/opening_", "injury_reports/", "Team_Records_",
    )  # fmt: skip
    assert set(sim.files) == {start + years for start in starts for years in (FIRST, SECOND)}
    log = sim.files[f"team_logs_{FIRST}"]
    assert not log.isna().any(axis=None)
    assert {str(log[c].dtype) for c in ("TEAM_ID", "PTS", "MIN", "PLUS_MINUS")} == {"int64"}
    log = sim.files[f"player_logs_{FIRST}"]
    dtypes = {"PLAYER_ID": "Int64", "MIN": "float32", "PTS": "Int16", "PLUS_MINUS": "Int16"}
    assert {name: str(log[name].dtype) for name in dtypes} == dtypes
    assert log.groupby("PLAYER_ID")["PLAYER_NAME"].nunique().max() == 1
    assert len({players.player_name(i) for i in range(1, 5001)}) == 5000


def test_box_scores_add_up(sim):
    """Beyond what the ingest checks, which has no warnings about this league."""
    team, player = logs(sim, "team"), logs(sim, "player")
    for log in (team, player):
        assert (log["FG3M"] <= log["FGM"]).all()
        assert (log["FGM"] - log["FG3M"] <= log["FGA"] - log["FG3A"]).all()
    assert player["PF"].max() <= 6
    sums = player.groupby(["GAME_ID", "TEAM_ID"]).sum(numeric_only=True).astype("float64")
    paired = team.set_index(["GAME_ID", "TEAM_ID"]).loc[sums.index].astype({"MIN": "float64"})
    same = ["MIN", *(name.upper() for name in games.COUNTS if name != "tov")]
    assert (sums[same] == paired[same]).all(axis=None)
    assert (sums["TOV"] <= paired["TOV"]).all()
    assert (sums["PLUS_MINUS"] == 5 * paired["PLUS_MINUS"]).all()
    assert (paired["AST"] <= paired["FGM"]).all()
    most = player.groupby(["GAME_ID", "TEAM_ID"])["MIN"].max()
    assert (most <= paired["MIN"] / 5).all()


def test_the_two_sides_of_a_game_agree(sim):
    team = logs(sim, "team").sort_values(["GAME_ID", "TEAM_ID"])
    a, b = team.iloc[::2].set_index("GAME_ID"), team.iloc[1::2].set_index("GAME_ID")
    assert (a["PLUS_MINUS"] == a["PTS"] - b["PTS"]).all()
    assert (a["PLUS_MINUS"] == -b["PLUS_MINUS"]).all()
    assert (a["MIN"] == b["MIN"]).all()
    # Regulation and overtimes.
    assert set((a["MIN"] - 240) % 25) == {0}
    assert a["MIN"].min() == 240
    assert 0.005 < (a["MIN"] > 240).mean() < 0.1
    assert (a["STL"] <= b["TOV"]).all()
    assert (a["BLK"] <= b["FGA"] - b["FGM"]).all()


def test_players_are_in_stints_for_their_minutes_and_plus_minus(sim):
    stints = sim.files[f"stints_{FIRST}"]
    parts = []
    for own, other in ("HA", "AH"):
        on = stints.melt(
            ["GAME_ID", "START", "END", f"PTS_{own}", f"PTS_{other}"],
            [f"{own}{place}" for place in range(1, 6)], value_name="PLAYER_ID",
        )  # fmt: skip
        on["MIN"] = (on["END"] - on["START"]) / 60
        on["PLUS_MINUS"] = on[f"PTS_{own}"] - on[f"PTS_{other}"]
        parts.append(on)
    same = ["MIN", "PLUS_MINUS"]
    found = pd.concat(parts).groupby(["GAME_ID", "PLAYER_ID"])[same].sum()
    log = pd.concat(sim.files[f"{kind}player_logs_{FIRST}"] for kind in ("", "playoffs_"))
    log = log.set_index(["GAME_ID", "PLAYER_ID"])[same].astype("float64").sort_index()
    pd.testing.assert_frame_equal(found.astype("float64"), log, check_index_type=False)


def test_the_better_five_win_their_stints_and_overtimes_begin_level(world, played):
    stints, style = played.stints, world.style
    margin = stints.points[:, 0] - stints.points[:, 1]
    minutes = stints.end - stints.start
    skill = (style.offense + style.defense)[stints.players].sum(axis=-1)
    frame = pd.DataFrame({"game": stints.game, "minutes": minutes, "margin": margin})
    frame["expected"] = (skill[:, 0] - skill[:, 1]) * minutes / 48
    whole = frame.groupby("game").transform("sum")
    apart = frame - whole * (frame[["minutes"]] / whole[["minutes"]]).to_numpy()
    slope = (apart["margin"] * apart["expected"]).sum() / (apart["expected"] ** 2).sum()
    assert slope == pytest.approx(1.0, abs=0.2)
    late = np.unique(stints.game[stints.period > 4])
    assert len(late) > 5
    regulation = np.isin(stints.game, late) & (stints.period <= 4)
    assert not np.bincount(stints.game[regulation], margin[regulation]).any()


@YEARS
def test_the_schedule_is_that_of_the_league(sim, years):
    log = sim.files[f"team_logs_{years}"]
    assert (log.groupby("TEAM_ID").size() == 82).all()
    assert (log[at_home(log)].groupby("TEAM_ID").size() == 41).all()
    dates = pd.to_datetime(log["GAME_DATE"])
    assert (dates.min().day_name(), dates.min().month, dates.max().month) == ("Tuesday", 10, 4)
    assert 160 <= dates.nunique() <= 174
    ordered = log.assign(date=dates).sort_values(["TEAM_ID", "date"]).groupby("TEAM_ID")["date"]
    rest = ordered.diff().dt.days
    assert rest.min() == 1
    assert 0.08 < (rest == 1).mean() < 0.25
    assert ordered.diff(2).dt.days.min() > 2
    opponent = log.merge(log, on="GAME_ID", suffixes=("", "_OPP")).query("TEAM_ID != TEAM_ID_OPP")
    meetings = opponent.groupby(["TEAM_ID", "TEAM_ID_OPP"]).size().reset_index(name="n")
    teams = league.league_teams(years.replace("_", "-")).set_index("team_id")
    a, b = (teams.loc[meetings[c]].reset_index() for c in ("TEAM_ID", "TEAM_ID_OPP"))
    division = a["division"] == b["division"]
    conference = a["conference"] == b["conference"]
    assert (meetings["n"][division] == 4).all()
    assert meetings["n"][conference & ~division].value_counts().to_dict() == {4: 180, 3: 120}
    assert (meetings["n"][~conference] == 2).all()


@SEASONS
def test_the_play_in_decides_the_last_berths(sim_tables, season):
    rows = sim_tables.team_games[sim_tables.team_games["season"] == season]
    days = rows.groupby("kind")["game_date"].agg(["min", "max"])
    assert days.loc["regular", "max"] < days.loc["playin", "min"]
    assert days.loc["playin", "max"] < days.loc["playoffs", "min"]
    field = set(rows.loc[rows["kind"] == "playoffs", "team_id"])
    rows = rows[rows["kind"] == "playin"].sort_values("game_id")
    sides = [rows["is_home"], ~rows["is_home"], rows["won"], ~rows["won"]]
    host, guest, winner, loser = (rows.loc[side, "team_id"].tolist() for side in sides)
    table = standings.standings(sim_tables.team_games, sim_tables.teams, season)
    seed = table.set_index("team_id")["seed"]
    # East, then West: seventh against eighth, ninth against tenth, then two last berths.
    assert seed[host[:4]].tolist() == [7, 9] * 2
    assert seed[guest[:4]].tolist() == [8, 10] * 2
    for place, final in ((0, 4), (2, 5)):
        assert (host[final], guest[final]) == (loser[place], winner[place + 1])
        assert {winner[place], winner[final]} <= field
        assert not field & {loser[place + 1], loser[final]}


@SEASONS
def test_the_playoffs_are_four_rounds_of_best_of_seven(sim_tables, season):
    table = series(sim_tables.team_games, season)
    assert table["round"].value_counts(sort=False).tolist() == [16, 8, 4, 2]
    assert (table[["wins", "losses"]].max(axis=1) == 4).all()
    through = table[table["wins"] == 4].groupby("round")["team_id"].agg(set)
    assert through[:3].tolist() == table.groupby("round")["team_id"].agg(set)[1:].tolist()
    ranks = standings.standings(sim_tables.team_games, sim_tables.teams, season)
    ranks = ranks.set_index("team_id")
    sides = (table[side].map(ranks["conference"]) for side in ("team_id", "opponent_team_id"))
    assert (np.equal(*sides) == (table["round"] < 4)).all()

    games = sim_tables.games[sim_tables.games["season"] == season]
    games = games[games["kind"] == "playoffs"].sort_values("game_date")
    of_series = games.groupby(games["game_id"].str[:9])
    number, first_host = of_series.cumcount(), of_series["home_team_id"].transform("first")
    assert (games["game_id"].str[9].astype(int) == number + 1).all()
    assert ((games["home_team_id"] == first_host) == number.isin([0, 1, 4, 6])).all()
    opener = games[number == 0].sort_values("game_id")
    home, away = (ranks.loc[opener[f"{side}_team_id"]].reset_index() for side in ("home", "away"))
    assert (home["league_rank"] < away["league_rank"]).all()
    assert home["seed"][:8].tolist() == [1, 2, 3, 4] * 2
    assert away["seed"].iloc[[2, 3, 6, 7]].tolist() == [6, 5, 6, 5]
    assert home["conference"][:8].tolist() == ["East"] * 4 + ["West"] * 4


def test_true_strength_covers_every_date_and_team(sim):
    truth = sim.true_strength
    keys = {"season": "str", "as_of_date": "datetime64[us]", "team_id": "int64"}
    values = dict.fromkeys(("true_strength", "true_strength_available"), "float64")
    assert truth.dtypes.astype("str").to_dict() == keys | values
    assert not truth.duplicated(["as_of_date", "team_id"]).any()
    for years in (FIRST, SECOND):
        rows = truth[truth["season"] == years.replace("_", "-")]
        dates = pd.to_datetime(sim.files[f"team_logs_{years}"]["GAME_DATE"])
        expected = pd.date_range(dates.min(), dates.max() + pd.Timedelta(days=1))
        assert rows.groupby("as_of_date").size().to_dict() == dict.fromkeys(expected, 30)
    means = truth.groupby("as_of_date")["true_strength"].mean()
    np.testing.assert_allclose(means, 0.0, atol=1e-9)
    lost = truth["true_strength"] - truth["true_strength_available"]
    assert lost.min() >= -1e-9
    assert 0.05 < (lost > 1.0).mean() < 0.95


def test_true_strength_is_the_expected_margin_in_points(sim):
    truth = sim.true_strength.rename(columns={"team_id": "TEAM_ID"})
    truth["GAME_DATE"] = truth["as_of_date"].dt.strftime("%Y-%m-%d")
    rows = logs(sim, "team").merge(truth, on=["TEAM_ID", "GAME_DATE"])
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


def test_opening_rosters_are_whole_teams_and_change_over_the_summer(sim):
    files = {years: sim.files[f"rosters/opening_{years}"] for years in (FIRST, SECOND)}
    for years, rows in files.items():
        sizes = rows.groupby("TEAM_ID").size()
        assert (len(sizes), sizes.between(13, 15).all()) == (30, True)
        assert not rows["PLAYER_ID"].duplicated().any()
        assert rows["DATE"].unique().tolist() == [sim.files[f"team_logs_{years}"].GAME_DATE.min()]
    both = files[FIRST].merge(files[SECOND], on="PLAYER_ID")
    assert 0.3 < (both["TEAM_ID_x"] == both["TEAM_ID_y"]).mean() < 0.9
    assert len(files[SECOND]) - len(both) >= 30


def test_a_written_league_is_read_back_and_understood_by_the_ingest(sim, tmp_path):
    files = {stem: frame for stem, frame in sim.files.items() if stem.endswith(FIRST)}
    truth = sim.true_strength[sim.true_strength["season"] == "2021-22"]
    params = dataclasses.replace(PARAMS, n_seasons=1)
    short = dataclasses.replace(sim, params=params, files=files, true_strength=truth)
    write_league(short, tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "true_strength.parquet"), truth)
    record = json.loads((tmp_path / "sim.json").read_text())
    assert SimParams(**record["params"]) == params
    assert holds_league(tmp_path, params)
    assert not holds_league(tmp_path, PARAMS)
    tables, report = read_raw(tmp_path)
    assert not report.warnings
    reports = files[f"injury_reports/{FIRST}"]
    assert len(tables.injury_reports) == reports["player_id"].notna().sum()
    assert len(tables.player_games) == sum(
        len(rows) for stem, rows in files.items() if "player_logs" in stem
    )
    assert len(tables.team_records) == 30
    # The ingest leaves out games whose stints are not those of the logs.
    assert len(tables.stints) == len(files[f"stints_{FIRST}"])
    assert set(tables.stints["game_id"]) == set(tables.player_games["game_id"])


def test_morning_reports_list_who_does_not_play(sim):
    log, reports = sim.files[f"player_logs_{FIRST}"], sim.files[f"injury_reports/{FIRST}"]
    days = pd.to_datetime(log["GAME_DATE"])
    mornings = pd.date_range(days.min(), days.max() + pd.Timedelta(days=1))
    assert reports["date"].unique().tolist() == [str(day.date()) for day in mornings]
    assert 20 < reports.groupby("date").size().mean() < 80
    assert set(reports["status"]) == {"Out", "Doubtful"}
    played = set(zip(log["GAME_DATE"], log["PLAYER_ID"], strict=True))
    assert not played.intersection(zip(reports["date"], reports["player_id"], strict=True))
    # Torn ligaments end a season.
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
    assert records["W"].to_dict() == (82 - records["L"]).to_dict() == won.to_dict()
    mov = teams["PLUS_MINUS"].mean()
    np.testing.assert_allclose(records["MOV"], mov.reindex(records.index), atol=0.0051)
    np.testing.assert_allclose(records["SRS"], records["MOV"] + records["SOS"], atol=0.011)
    # The schedule's strength is the mean rating of the opponents.
    other = log["TEAM_NAME"].to_numpy().reshape(-1, 2)[:, ::-1].ravel()
    faced = records["SRS"].reindex(other).groupby(log["TEAM_NAME"].to_numpy()).mean()
    np.testing.assert_allclose(records["SOS"], faced.reindex(records.index), atol=0.011)

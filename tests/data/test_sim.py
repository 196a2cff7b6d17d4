import dataclasses
import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.core.content_hash import frame_hash
from nba_rank.data import league, standings
from nba_rank.data.simulated import games, players, rosters, schedule
from nba_rank.data.simulated.league import SimParams, params_hash, simulate_league, write_league
from nba_rank.data.simulated.reports import as_json

PARAMS = SimParams(seed=7, n_seasons=2)
SEASONS = ["2021_22", "2022_23"]


@pytest.fixture(scope="module")
def sim():
    return simulate_league(PARAMS)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(3)
    pool = players.first_pool(PARAMS, rng)
    season = rosters.season_rosters(pool, PARAMS, rng, rng)
    return games.make_world(PARAMS, pool, season, rng)


def content(league_):
    frames = {**league_.files, "truth": league_.true_strength}
    return {stem: frame_hash(frame) for stem, frame in frames.items()}


def team_logs(sim):
    return pd.concat([f for stem, f in sim.files.items() if "team_logs" in stem])


def player_logs(sim):
    return pd.concat([f for stem, f in sim.files.items() if "player_logs" in stem])


def test_same_parameters_same_frames(sim):
    assert content(simulate_league(PARAMS)) == content(sim)


def test_first_seasons_do_not_depend_on_later_ones(sim):
    short = simulate_league(dataclasses.replace(PARAMS, n_seasons=1))
    for stem, frame in short.files.items():
        pd.testing.assert_frame_equal(frame, sim.files[stem])


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8},
        {"first_season_year": 2030},
        {"n_seasons": 3},
        {"home_edge": 4.0},
        {"back_to_back_cost": 3.0},
        {"talent_spread": 2.5},
        {"shooting_luck": 0.8},
        {"injury_rate": 0.5},
        {"trade_rate": 5.0},
        {"movement_rate": 0.6},
        {"shutdown_rate": 0.0},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_parameter_changes_the_league(sim, change):
    other = dataclasses.replace(PARAMS, **change)
    assert content(simulate_league(other)) != content(sim)
    assert params_hash(other) != params_hash(PARAMS)


def test_home_edge_moves_home_wins():
    def home_share(edge):
        logs = simulate_league(SimParams(seed=1, n_seasons=1, home_edge=edge)).files
        log = logs["team_logs_2021_22"]
        return (log.loc[log["MATCHUP"].str.contains(" vs. "), "WL"] == "W").mean()

    assert home_share(0.0) == pytest.approx(0.5, abs=0.05)
    assert home_share(10.0) > 0.7


def test_file_names_columns_and_dtypes(sim):
    stems = [
        stem
        for years in SEASONS
        for stem in (
            f"team_logs_{years}",
            f"player_logs_{years}",
            f"playin_team_logs_{years}",
            f"playoffs_team_logs_{years}",
            f"playoffs_player_logs_{years}",
            f"rosters/opening_{years}",
            f"injury_reports/{years}",
            f"Team_Records_{years}",
        )
    ]
    assert sorted(sim.files) == sorted(stems)
    prefixes = {"team": "00221", "playin": "00521", "playoffs": "00421"}
    for start, prefix in prefixes.items():
        log = sim.files[f"{start}_team_logs_2021_22".replace("team_team", "team")]
        assert log["GAME_ID"].str.fullmatch(prefix + r"\d{5}").all()
        assert (log.groupby("GAME_ID").size() == 2).all()
        assert (log["SEASON_ID"] == prefix[2] + "2021").all()
        assert not log.isna().any(axis=None)
    log = sim.files["team_logs_2021_22"]
    assert log["GAME_DATE"].str.fullmatch(r"\d{4}-\d\d-\d\d").all()
    assert log["MATCHUP"].str.fullmatch(r"[A-Z]{3} (vs\.|@) [A-Z]{3}").all()
    assert {str(log[c].dtype) for c in ("TEAM_ID", "PTS", "MIN", "PLUS_MINUS")} == {"int64"}
    assert "Boston Sim" in set(log["TEAM_NAME"])
    logs = sim.files["player_logs_2021_22"]
    assert str(logs["PLAYER_ID"].dtype) == "Int64"
    assert {str(logs[c].dtype) for c in ("PTS", "PLUS_MINUS", "PF")} == {"Int16"}
    assert str(logs["MIN"].dtype) == "float32"
    assert logs["PLAYER_ID"].min() >= 1
    assert logs.groupby("PLAYER_ID")["PLAYER_NAME"].nunique().max() == 1


def test_player_names_are_distinct():
    names = {players.player_name(i) for i in range(1, 5001)}
    assert len(names) == 5000


def test_box_scores_add_up(sim):
    team = team_logs(sim)
    player = player_logs(sim)
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
    team = team_logs(sim).sort_values(["GAME_ID", "TEAM_ID"])
    a, b = team.iloc[::2].set_index("GAME_ID"), team.iloc[1::2].set_index("GAME_ID")
    assert (a["PLUS_MINUS"] == a["PTS"] - b["PTS"]).all()
    assert (a["PLUS_MINUS"] == -b["PLUS_MINUS"]).all()
    assert (a["PLUS_MINUS"] != 0).all()
    assert ((a["PLUS_MINUS"] > 0) == (a["WL"] == "W")).all()
    assert ((a["WL"] == "W") != (b["WL"] == "W")).all()
    assert (a["MIN"] == b["MIN"]).all()
    assert (a["STL"] <= b["TOV"]).all()
    assert (a["BLK"] <= b["FGA"] - b["FGM"]).all()


def test_minutes(sim):
    minutes = player_logs(sim).groupby(["GAME_ID", "TEAM_ID"])["MIN"].sum()
    assert ((minutes - 240) % 25 == 0).all()
    assert (minutes >= 240).all()
    overtime = (minutes > 240).mean()
    assert 0.005 < overtime < 0.1
    length = player_logs(sim).groupby("GAME_ID")["MIN"].agg(["max", "sum"])
    assert (length["max"] <= length["sum"] / 10).all()


@pytest.mark.parametrize("years", SEASONS)
def test_schedule(sim, years):
    log = sim.files[f"team_logs_{years}"]
    assert len(log) == 2 * 1230
    assert (log.groupby("TEAM_ID").size() == 82).all()
    home = log["MATCHUP"].str.contains(" vs. ")
    assert (log[home].groupby("TEAM_ID").size() == 41).all()
    assert not log.duplicated(["TEAM_ID", "GAME_DATE"]).any()
    dates = pd.to_datetime(log["GAME_DATE"])
    assert dates.min().month == 10
    assert dates.max().month == 4
    assert 160 <= dates.nunique() <= 174
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


def test_opening_day_is_a_tuesday():
    assert all(schedule.opening_day(year).weekday() == 1 for year in range(2021, 2046))
    assert schedule.opening_day(2022).isoformat() == "2022-10-18"


@pytest.mark.parametrize("years", SEASONS)
def test_play_in(sim, years):
    log = sim.files[f"playin_team_logs_{years}"]
    assert len(log) == 12
    assert log["GAME_DATE"].min() > sim.files[f"team_logs_{years}"]["GAME_DATE"].max()
    assert log["GAME_DATE"].max() < sim.files[f"playoffs_team_logs_{years}"]["GAME_DATE"].min()
    field = set(sim.files[f"playoffs_team_logs_{years}"]["TEAM_ID"])
    # East, then West: seventh against eighth, ninth against tenth, the last berth.
    for first, second, last in (("101", "111", "201"), ("121", "131", "211")):
        rows = {c: log[log["GAME_ID"].str.endswith(c)].set_index("WL") for c in (first, second)}
        final = log[log["GAME_ID"].str.endswith(last)]
        host = final["MATCHUP"].str.contains(" vs. ")
        assert final.loc[host, "TEAM_ID"].item() == rows[first].loc["L", "TEAM_ID"]
        assert final.loc[~host, "TEAM_ID"].item() == rows[second].loc["W", "TEAM_ID"]
        in_playoffs = {rows[first].loc["W", "TEAM_ID"], final.set_index("WL").loc["W", "TEAM_ID"]}
        assert in_playoffs <= field
        assert rows[second].loc["L", "TEAM_ID"] not in field


@pytest.mark.parametrize("years", SEASONS)
def test_playoffs(sim, years):
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
    hosts = log[log["MATCHUP"].str.contains(" vs. ")]
    first_host = hosts[hosts["game"] == 1].set_index("series")["TEAM_ID"]
    at_first = hosts["TEAM_ID"] == hosts["series"].map(first_host)
    assert (at_first == hosts["game"].isin([1, 2, 5, 7])).all()
    records = sim.files[f"team_logs_{years}"].assign(won=lambda f: f["WL"] == "W")
    record = records.groupby("TEAM_ID")["won"].sum()
    guests = log[~log["MATCHUP"].str.contains(" vs. ") & (log["game"] == 1)].set_index("series")
    assert (record[first_host].to_numpy() >= record[guests.loc[first_host.index, "TEAM_ID"]]).all()
    teams = league.league_teams(years.replace("_", "-")).set_index("team_id")["conference"]
    before_finals = log[log["stage"] < 4]
    conferences = before_finals["TEAM_ID"].map(teams).groupby(before_finals["series"]).nunique()
    assert (conferences == 1).all()
    assert log.loc[log["stage"] == 4, "TEAM_ID"].map(teams).nunique() == 2


def test_true_strength_covers_every_date_and_team(sim):
    truth = sim.true_strength
    assert {c: str(t) for c, t in truth.dtypes.items()} == {
        "season": "str",
        "as_of_date": "datetime64[us]",
        "team_id": "int64",
        "true_strength": "float64",
        "true_strength_available": "float64",
    }
    for years in SEASONS:
        rows = truth[truth["season"] == years.replace("_", "-")]
        dates = pd.to_datetime(sim.files[f"team_logs_{years}"]["GAME_DATE"])
        expected = pd.date_range(dates.min(), dates.max() + pd.Timedelta(days=1))
        assert sorted(rows["as_of_date"].unique()) == list(expected)
        assert len(rows) == 30 * len(expected)
    assert not truth.duplicated(["as_of_date", "team_id"]).any()
    means = truth.groupby("as_of_date")["true_strength"].mean()
    np.testing.assert_allclose(means, 0.0, atol=1e-9)
    assert (truth["true_strength_available"] <= truth["true_strength"] + 1e-9).all()


def test_true_strength_explains_results(sim):
    for years in SEASONS:
        truth = sim.true_strength[sim.true_strength["season"] == years.replace("_", "-")]
        strength = truth.groupby("team_id")["true_strength"].mean()
        log = sim.files[f"team_logs_{years}"]
        margin = log.groupby("TEAM_ID")["PLUS_MINUS"].mean()
        assert np.corrcoef(strength, margin.loc[strength.index])[0, 1] > 0.85
        assert 3.0 < strength.std() < 7.0
        home = log[log["MATCHUP"].str.contains(" vs. ")]
        assert 0.54 <= (home["WL"] == "W").mean() <= 0.62


def test_strength_is_in_points(sim):
    truth = sim.true_strength.rename(columns={"team_id": "TEAM_ID"})
    truth["GAME_DATE"] = truth["as_of_date"].dt.strftime("%Y-%m-%d")
    logs = pd.concat([sim.files[f"team_logs_{years}"] for years in SEASONS])
    rows = logs.merge(truth, on=["TEAM_ID", "GAME_DATE"]).sort_values(["GAME_ID", "MATCHUP"])
    home = rows["MATCHUP"].str.contains(" vs. ")
    a, b = rows[home].set_index("GAME_ID"), rows[~home].set_index("GAME_ID")
    edge = (a["true_strength_available"] - b["true_strength_available"]).loc[a.index]
    slope, intercept = np.polyfit(edge, a["PLUS_MINUS"], 1)
    assert slope == pytest.approx(1.0, abs=0.12)
    assert intercept == pytest.approx(PARAMS.home_edge, abs=1.0)
    assert 11.5 < (a["PLUS_MINUS"] - slope * edge).std() < 14.5


def test_levels_are_those_of_the_league(sim):
    log = sim.files["team_logs_2022_23"]
    assert log["PTS"].mean() == pytest.approx(112, abs=3)
    wins = log.assign(won=log["WL"] == "W").groupby("TEAM_ID")["won"].mean()
    assert 0.09 < wins.std() < 0.2
    scorers = sim.files["player_logs_2022_23"].groupby("PLAYER_ID")["PTS"].agg(["mean", "size"])
    assert 26 < scorers.loc[scorers["size"] > 40, "mean"].max() < 36


def test_box_score_shows_skill(world):
    minutes = world.rosters.players[0]
    assert minutes.shape == (30, 15)
    fixtures = schedule.make_schedule(
        league.league_teams("2021-22"), 2021, np.random.default_rng(5)
    )
    played = games.play(
        world, fixtures, np.zeros((len(fixtures.day), 2), dtype=bool), np.random.default_rng(6)
    )
    on = played.minutes > 0
    per_minute = games.points_of(played.box)[on] / played.minutes[on]
    frame = pd.DataFrame({"player": played.players[on], "points": per_minute})
    rate = frame.groupby("player")["points"].mean()
    assert np.corrcoef(rate, world.style.offense[rate.index])[0, 1] > 0.6


def test_players_play_for_the_team_of_the_day(world):
    table = world.rosters.players
    assert ((table >= 0).sum(axis=-1) <= players.MAX_ROSTER).all()
    assert ((table >= 0).sum(axis=-1) >= players.MIN_ROSTER).all()
    for day in (0, 60, 120):
        members = table[day][table[day] >= 0]
        assert len(np.unique(members)) == len(members)
    moved = [p for p in np.unique(table[table >= 0]) if _teams_of(table, p).size > 1]
    assert moved
    fixtures = schedule.make_schedule(
        league.league_teams("2021-22"), 2021, np.random.default_rng(5)
    )
    played = games.play(
        world, fixtures, np.zeros((len(fixtures.day), 2), dtype=bool), np.random.default_rng(6)
    )
    teams = np.stack([fixtures.home, fixtures.away], axis=1)
    rosters_then = table[fixtures.day[:, None], teams]
    there = (played.players[..., :, None] == rosters_then[..., None, :]).any(axis=-1)
    assert there[played.minutes > 0].all()


def _teams_of(table, player):
    return np.unique(np.nonzero(table == player)[1])


def test_traded_players_stay_with_their_new_team(sim):
    logs = sim.files["player_logs_2021_22"].sort_values(["PLAYER_ID", "GAME_DATE"])
    changes = logs.groupby("PLAYER_ID")["TEAM_ID"].agg(
        lambda teams: int((teams != teams.shift()).sum())
    )
    teams = logs.groupby("PLAYER_ID")["TEAM_ID"].nunique()
    assert (teams > 1).sum() > 10
    # One block of games a team; a player who returns to a former team has one more.
    assert (changes == teams).mean() > 0.99


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


def test_strength_follows_the_rotation():
    skill = np.array([3.0] + [0.0] * 12)
    assert players.rotation_strength(skill) == pytest.approx(3.0 * 35.0 / 48.0)
    assert players.ROTATION_MINUTES.sum() == 240


def test_opening_rosters(sim):
    for years in SEASONS:
        rows = sim.files[f"rosters/opening_{years}"]
        assert list(rows) == ["DATE", "TEAM_ID", "TEAM_ABBREVIATION", "PLAYER_ID", "PLAYER_NAME"]
        assert rows.groupby("TEAM_ID").size().between(13, 15).all()
        assert rows["TEAM_ID"].nunique() == 30
        assert not rows["PLAYER_ID"].duplicated().any()
        assert rows["DATE"].unique().tolist() == [sim.files[f"team_logs_{years}"].GAME_DATE.min()]


def test_rosters_change_over_the_summer(sim):
    first, second = (
        sim.files[f"rosters/opening_{years}"].set_index("PLAYER_ID")["TEAM_ID"] for years in SEASONS
    )
    both = first.index.intersection(second.index)
    assert 0.3 < (first[both] == second[both]).mean() < 0.9
    assert len(second.index.difference(first.index)) >= 30


def test_write_league(sim, tmp_path):
    write_league(sim, tmp_path)
    for stem, frame in sim.files.items():
        if stem.startswith("injury_reports/"):
            assert json.loads((tmp_path / f"{stem}.json").read_text()) == as_json(frame)
        elif stem.startswith(("rosters/", "Team_Records_")):
            back = pd.read_csv(tmp_path / f"{stem}.csv")
            pd.testing.assert_frame_equal(back, frame)
        else:
            back = pd.read_parquet(tmp_path / f"{stem}.parquet")
            pd.testing.assert_frame_equal(back, frame)
    truth = pd.read_parquet(tmp_path / "true_strength.parquet")
    pd.testing.assert_frame_equal(truth, sim.true_strength)
    record = json.loads((tmp_path / "sim.json").read_text())
    assert record["hash"] == params_hash(PARAMS)
    assert SimParams(**record["params"]) == PARAMS
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("years", SEASONS)
def test_the_bracket_follows_the_standings(sim, years):
    season = years.replace("_", "-")
    log = sim.files[f"team_logs_{years}"]
    games_ = log.merge(log, on="GAME_ID", suffixes=("", "_OPP")).query("TEAM_ID != TEAM_ID_OPP")
    rows = pd.DataFrame(
        {
            "season": season,
            "kind": "regular",
            "team_id": games_["TEAM_ID"],
            "opponent_team_id": games_["TEAM_ID_OPP"],
            "points": games_["PTS"],
            "opponent_points": games_["PTS_OPP"],
            "won": games_["WL"] == "W",
        }
    )
    teams = league.league_teams(season).assign(season=season)
    table = standings.standings(rows, teams, season).set_index("team_id")
    playin = sim.files[f"playin_team_logs_{years}"]
    for code, pair in {"101": [7, 8], "111": [9, 10], "121": [7, 8], "131": [9, 10]}.items():
        game = playin[playin["GAME_ID"].str.endswith(code)]
        assert table.loc[game["TEAM_ID"], "seed"].tolist() == pair
    playoffs = sim.files[f"playoffs_team_logs_{years}"]
    first = playoffs[playoffs["GAME_ID"].str.fullmatch(r"\d{7}1\d1")].sort_values("GAME_ID")
    hosts = first[first["MATCHUP"].str.contains(" vs. ")]
    assert table.loc[hosts["TEAM_ID"], "seed"].tolist() == [1, 2, 3, 4] * 2
    assert table.loc[hosts["TEAM_ID"], "conference"].tolist() == ["East"] * 4 + ["West"] * 4
    guests = first[first["MATCHUP"].str.contains(" @ ")]
    seeds = table.loc[guests["TEAM_ID"], "seed"].tolist()
    assert [seeds[i] for i in (2, 3, 6, 7)] == [6, 5, 6, 5]

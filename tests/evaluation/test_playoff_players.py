from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.outcomes import outcomes
from nba_rank.data.tables import BOX_COLUMNS, conform
from nba_rank.evaluation.playoff_players import COLUMNS, playoff_contributions
from nba_rank.features.players.box_rates import BOX_RATING, game_values

SEASON = "2021-22"
SPLIT = ["oreb", "dreb", "pf"]

# Both sides of every game, hence 90 + .4 x 20 - 1.07 x 10 / 40 x 40 + 13 possessions.
TEAM = {"fga": 90.0, "fgm": 50.0, "fta": 20.0, "oreb": 10.0, "dreb": 30.0, "tov": 13.0, "pf": 16.0}
POSSESSIONS = 100.3


def box_sum(**counts):
    return sum(BOX_RATING[name] * value for name, value in counts.items() if name in BOX_RATING)


def without_split(tables):
    """The tables as a source gives them that lacks the playoffs' rebounds by kind and fouls."""
    games = tables.player_games
    lacking = games["kind"] == "playoffs"
    left = games[SPLIT].mask(lacking)
    return replace(tables, player_games=games.assign(shots_reconstructed=lacking, **left))


@pytest.fixture
def league(sim_tables):
    """Makes tables in which only the champion's player lines below exist."""
    champion = sim_tables.seasons.set_index("season").loc[SEASON, "champion_team_id"]
    sides = sim_tables.team_games.copy()
    sides.loc[sides["season"] == SEASON, list(TEAM)] = list(TEAM.values())
    own = sides[(sides["season"] == SEASON) & (sides["team_id"] == champion)]
    dates = {kind: rows.reset_index(drop=True) for kind, rows in own.groupby("kind")}

    def make(lines):
        rows = []
        for kind, number, player, minutes, counts in lines:
            game = dates[kind].loc[number, ["game_id", "season", "kind", "game_date", "team_id"]]
            zeros = dict.fromkeys(("points", "plus_minus", *BOX_COLUMNS), 0.0)
            named = {"player_id": player, "player_name": f"P{player}", "seconds": minutes * 60}
            rows.append({**game, **named, "shots_reconstructed": False, **zeros, **counts})
        games = conform("player_games", pd.DataFrame(rows))
        return replace(sim_tables, player_games=games, team_games=sides)

    return make


STAR = {"points": 30, "fga": 20, "fgm": 12, "fta": 6, "ftm": 4, "fg3m": 2, "ast": 5, "tov": 3,
        "oreb": 4, "dreb": 8, "reb": 12, "stl": 1, "blk": 2, "pf": 3}  # fmt: skip
LINES = [
    # In each game four more players share the rest of 240 minutes.
    *[("playoffs", 0, player, 50, {}) for player in (2, 3, 4, 5)],
    ("playoffs", 0, 1, 40, STAR),
    *[("playoffs", 1, player, 55, {}) for player in (2, 3, 4, 5)],
    ("playoffs", 1, 1, 20, {}),
    *[("regular", 0, player, 50, {}) for player in (2, 3, 4, 5)],
    ("regular", 0, 1, 40, STAR),
]


def test_a_player_by_hand(league, sim_results):
    tables = league(LINES)
    table = playoff_contributions(tables, sim_results, [SEASON])
    assert tuple(table.columns) == COLUMNS
    star = table.iloc[0]
    who = star[["season", "finish", "player_id", "player_name"]].tolist()
    assert who == [SEASON, "Champion", 1, "P1"]
    assert (star["games"], star["minutes"], star["minutes_share"]) == (2, 60, 60 / 480)
    game_score = 30 + 0.4 * 12 - 0.7 * 20 - 0.4 * 2 + 0.7 * 4 + 0.3 * 8 + 1 + 0.7 * 7 - 0.4 * 3 - 3
    assert star["game_score"] == pytest.approx(game_score / 2)
    assert star["game_score_per_36"] == pytest.approx(game_score * 36 / 60)
    rating = 100 * box_sum(**STAR) / (2 * POSSESSIONS * 60 * 5 / 480)
    assert star["box_rating"] == pytest.approx(rating)
    assert star["contribution"] == pytest.approx(rating / 8)
    regular = 100 * box_sum(**STAR) / (POSSESSIONS * 40 * 5 / 240)
    assert star["minutes_regular"] == 40
    assert star["box_rating_regular"] == pytest.approx(regular)
    assert star["change"] == pytest.approx(rating - regular)
    assert not star["reconstructed"]
    played = tables.team_games.query("season == @SEASON and kind == 'playoffs'")["team_id"]
    assert star["unlogged_games"] == (played == star["team_id"]).sum() - 2
    assert len(table) == 5


def test_missing_counts_are_allotted_from_the_teams_and_flagged(league, sim_results):
    star = playoff_contributions(without_split(league(LINES)), sim_results, [SEASON]).iloc[0]
    assert star["player_id"] == 1
    assert star["reconstructed"]
    # A quarter of the team's rebounds are offensive; he has a sixth of 16 fouls, then a twelfth.
    allotted = STAR | {"oreb": 3, "dreb": 9, "pf": 16 / 6 + 16 / 12}
    per_100 = 100 / (2 * POSSESSIONS * 60 * 5 / 480)
    assert star["box_rating"] == pytest.approx(per_100 * box_sum(**allotted))
    # The regular season, though recorded, is rated in the same way.
    alike = STAR | {"oreb": 3, "dreb": 9, "pf": 16 / 6}
    regular = 100 / (POSSESSIONS * 40 * 5 / 240) * box_sum(**alike)
    assert star["box_rating_regular"] == pytest.approx(regular)
    assert star["change"] == pytest.approx(star["box_rating"] - regular)


def test_unknown_counts_leave_a_game_out_of_rates_and_newcomers_have_no_change(league, sim_results):
    lines = [(*line[:4], line[4] | {"stl": np.nan}) if line[1] == 1 else line for line in LINES]
    star = playoff_contributions(league(lines), sim_results, [SEASON]).iloc[0]
    assert star["games"] == 2
    assert star["box_rating"] == pytest.approx(100 * box_sum(**STAR) / (POSSESSIONS * 40 * 5 / 240))
    newcomer = playoff_contributions(league(LINES[:-1]), sim_results, [SEASON]).iloc[0]
    assert newcomer["minutes_regular"] == 0
    assert np.isnan(newcomer[["box_rating_regular", "change"]].astype(float)).all()
    assert np.isfinite(newcomer["contribution"])


@pytest.fixture(scope="module")
def simulated(sim_tables, sim_results):
    return playoff_contributions(sim_tables, sim_results, [SEASON])


def team_ratings(tables, season):
    """Production of each team's players per 100 possessions, for each of five on the floor."""
    games = tables.player_games
    rows = games["season"].eq(season) & games["kind"].eq("playoffs")
    made = sum(BOX_RATING[name] * games[name] for name in BOX_RATING)[rows]
    possessions = pd.Series(game_values(tables)["team_possessions"] / 10, games.index)[rows]
    in_game = possessions.groupby([games["team_id"], games["game_id"]]).first()
    return 100 * made.groupby(games["team_id"]).sum() / in_game.groupby("team_id").sum() / 5


def test_contributions_add_up_to_the_team_with_allotted_counts_too(
    sim_tables, sim_results, simulated
):
    total = simulated.groupby("team_id")["contribution"].sum()
    np.testing.assert_allclose(total, team_ratings(sim_tables, SEASON), rtol=0.02)
    lacking = playoff_contributions(without_split(sim_tables), sim_results, [SEASON])
    assert lacking["reconstructed"].all()
    allotted = lacking.groupby("team_id")["contribution"].sum()
    np.testing.assert_allclose(allotted, total, rtol=0.01)


def test_seasons_are_rated_apart_and_those_without_logs_not_at_all(
    sim_tables, sim_results, simulated
):
    games = sim_tables.player_games
    other = (games["season"] != SEASON) | (games["kind"] == "playin")
    unlogged = games["kind"].eq("playoffs") & games["season"].eq("2022-23")
    poisoned = games.assign(points=games["points"].mask(other, 99.0))[~unlogged]
    tables = replace(sim_tables, player_games=poisoned)
    table = playoff_contributions(tables, sim_results, ["2023-24", "2022-23", SEASON])
    assert table["season"].unique().tolist() == [SEASON, "2023-24"]
    own = table[table["season"] == SEASON]
    pd.testing.assert_frame_equal(own, simulated)
    assert playoff_contributions(tables, sim_results, ["2022-23"]).empty


def best(table, finish, n):
    return table.loc[table["finish"] == finish, "player_name"].head(n).tolist()


@pytest.mark.real
def test_real_stars_lead_their_teams_and_gaps_are_told(real_tables):
    seasons = ["2015-16", "2016-17", "2022-23"]
    tables = playoff_contributions(real_tables, outcomes(real_tables), seasons)
    table, without_finals, later = (rows for _, rows in tables.groupby("season"))
    assert best(table, "Champion", 2) == ["LeBron James", "Kyrie Irving"]
    assert {"Stephen Curry", "Klay Thompson", "Draymond Green"} == set(best(table, "Finals", 3))
    assert not table["reconstructed"].any()
    assert (table["unlogged_games"] == 0).all()
    rated = team_ratings(real_tables, "2015-16")
    np.testing.assert_allclose(table.groupby("team_id")["contribution"].sum(), rated, rtol=0.02)
    assert later["reconstructed"].all()
    assert best(later, "Champion", 2) == ["Nikola Jokić", "Jamal Murray"]
    assert later.loc[later["minutes"] > 0, "contribution"].notna().all()
    missing = without_finals.drop_duplicates("team_id").set_index("finish")["unlogged_games"]
    assert missing["Champion"] == missing["Finals"] == 5
    assert (missing.drop(["Champion", "Finals"]) == 0).all()


@pytest.mark.real
@pytest.mark.slow
def test_how_far_allotted_counts_are_off(real_tables):
    """The figures that the module states."""
    results = outcomes(real_tables)
    seasons = ["2012-13", "2013-14", "2014-15", "2015-16", "2016-17"]
    rates = [
        playoff_contributions(tables, results, seasons)
        for tables in (real_tables, without_split(real_tables))
    ]
    true, guessed = (table.set_index(["season", "team_id", "player_id"]) for table in rates)
    both = pd.DataFrame({"true": true["box_rating"], "guessed": guessed["box_rating"]})
    both = both.loc[true.index[true["minutes"] >= 100]]
    assert both["true"].std() == pytest.approx(4.1, abs=0.1)
    assert (both["guessed"] - both["true"]).std() == pytest.approx(0.6, abs=0.05)
    assert both.corr().loc["true", "guessed"] == pytest.approx(0.990, abs=0.002)

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.core.seasons import season_label
from nba_rank.data import league as league_facts
from nba_rank.data.calendar import as_of_points
from nba_rank.data.outcomes import series
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.monte_carlo import MonteCarloOdds, TrainingGames
from nba_rank.odds.pairings import PLAY_IN, Pairing, pairings
from nba_rank.odds.season_sim import Situation
from nba_rank.odds.series_state import _ended, bracket_table, over_doubt, series_table

SEASON = "2023-24"
DAY = pd.Timedelta(days=1)
REACHED = ["playoff_prob", "round_1_prob", "round_2_prob", "finals_prob", "title_prob"]
SIDES = ("host", "guest")


@pytest.fixture(scope="module")
def mornings(sim_tables) -> pd.DataFrame:
    """Rated teams, by nothing but margins, on mornings of a postseason and the one before."""
    first = as_of_points(sim_tables, SEASON)["end"] - DAY
    last = sim_tables.games["game_date"].max() + DAY
    days = pd.date_range(first, last, unit="us")
    days = days[:2].union(days[2::3]).union(days[-1:])
    dates = pd.DataFrame({"season": SEASON, "as_of_date": days})
    nobody = pd.DataFrame(columns=["season", "as_of_date"])
    return strength_inputs(sim_tables, nobody, dates.astype({"season": "str"}))


@pytest.fixture(scope="module")
def odds(sim_tables, mornings) -> MonteCarloOdds:
    """Odds that have learned nothing: strengths by the starting weights."""
    nothing = TrainingGames.of(sim_tables, mornings.iloc[:0])
    return MonteCarloOdds.fit(nothing, n_simulations=500, seed=0)


@pytest.fixture(scope="module")
def tables_by_date(odds, mornings, sim_tables) -> dict[pd.Timestamp, pd.DataFrame]:
    return {
        pd.Timestamp(date): series_table(odds, rows, sim_tables)
        for date, rows in mornings.groupby("as_of_date")
    }


def brute_force(p_next: float, p_home: float, p_away: float, one: Pairing) -> np.ndarray:
    """Sum over all outcomes of the games left, [side, games]."""
    ended = np.zeros((2, len(one.at_home)))
    for outcome in itertools.product([0, 1], repeat=len(one.at_home)):
        chance, wins, over = 1.0, [0, 0], None
        for game, (winner, at_home) in enumerate(zip(outcome, one.at_home, strict=True)):
            p = p_next if game == 0 else p_home if at_home else p_away
            chance *= 1 - p if winner else p
            wins[winner] += 1
            if over is None and wins[winner] == one.needed[winner]:
                over = winner, game
        ended[over] += chance
    return ended


def test_a_series_ends_as_often_as_the_sum_over_all_outcomes_says():
    venues = np.array([True, True, False, False, True, False, True])
    states = [
        ((needed - won, needed - lost), venues[: 2 * needed - 1][won + lost :])
        for needed in (3, 4)
        for won, lost in itertools.product(range(needed), repeat=2)
    ]
    # One game, and the play-in of 2020, where the eighth needed one win and the ninth two.
    states += [((1, 1), venues[:1]), ((1, 2), venues[:2])]
    p_games = np.random.default_rng(0).random((3, 3))
    for needed, at_home in states:
        one = Pairing(1, (0, 1), (1, 8), (0, 0), needed, at_home)
        p_next, p_home, p_away = p_games
        expected = [brute_force(*of_node, one) for of_node in p_games.T]
        got = _ended(p_home, p_away, p_next, one)
        np.testing.assert_allclose(got, np.stack(expected, axis=-1), atol=1e-12)
        usual = p_home if at_home[0] else p_away
        expected = [
            brute_force(*of_node, one) for of_node in zip(usual, p_home, p_away, strict=True)
        ]
        got = _ended(p_home, p_away, None, one)
        np.testing.assert_allclose(got, np.stack(expected, axis=-1), atol=1e-12)


def test_the_integral_over_doubt_is_that_of_a_wider_normal():
    gaps, weight = over_doubt(np.array([-3.0, 1.5]), 2.0)
    expected = norm.cdf(np.array([-3.0, 1.5]) / np.hypot(12, np.sqrt(2) * 2))
    np.testing.assert_allclose(norm.cdf(gaps / 12) @ weight, expected, atol=1e-9)


def test_there_are_series_from_the_end_of_the_regular_season_to_the_title(tables_by_date):
    first, *_, last = tables_by_date
    sizes = {date: len(table) for date, table in tables_by_date.items()}
    assert sizes[first] == sizes[last] == 0
    assert all(n for date, n in sizes.items() if date not in (first, last))
    # Four games of the play-in, and the pairs of the fourth and fifth and the third and sixth.
    end = tables_by_date[first + DAY]
    assert end["round"].tolist() == [PLAY_IN] * 4 + [1] * 4
    assert sorted(zip(end["host_seed"], end["guest_seed"], strict=True)) == sorted(
        2 * [(7, 8), (9, 10), (4, 5), (3, 6)]
    )


def test_the_chances_are_those_of_the_simulated_rounds(tables_by_date, odds, mornings, sim_tables):
    predicted = odds.predict(mornings, sim_tables).set_index(["as_of_date", "team_id"])
    n = 0
    for date, table in tables_by_date.items():
        for row in table[table["round"] > 0].to_dict("records") if len(table) else []:
            lengths = [p for name, p in row.items() if name.startswith("length_")]
            assert sum(lengths) == pytest.approx(1)
            for side in SIDES:
                simulated = predicted.loc[(date, row[f"{side}_team_id"]), REACHED[row["round"]]]
                assert row[f"{side}_win_prob"] == pytest.approx(simulated, abs=0.01)
                n += 1
    assert n > 50


def test_the_state_is_that_of_the_games_before_the_date(tables_by_date, sim_tables):
    games = sim_tables.team_games
    games = games[(games["season"] == SEASON) & (games["kind"] == "playoffs")]
    checked = 0
    for date, table in tables_by_date.items():
        before = games[games["game_date"] < date]
        known = series(before, SEASON)
        for row in known[known["winner_team_id"] == 0].to_dict("records"):
            [own] = [
                state
                for state in table.to_dict("records")
                if {state["host_team_id"], state["guest_team_id"]}
                == {row["team_id"], row["opponent_team_id"]}
            ]
            side = SIDES[own["guest_team_id"] == row["team_id"]]
            assert own["round"] == row["round"]
            assert own[f"{side}_wins"] == row["wins"]
            # It goes on where the schedule has it.
            later = games[(games["game_date"] >= date) & (games["team_id"] == row["team_id"])]
            home = later.sort_values("game_date")["is_home"].iloc[0]
            assert (own["next_home_team_id"] == row["team_id"]) == home
            checked += 1
    assert checked > 25


def test_results_of_the_date_and_later_play_no_part(
    tables_by_date, odds, mornings, sim_tables, poison
):
    dates = list(tables_by_date)
    date = dates[len(dates) // 2]
    rows = mornings[mornings["as_of_date"] == date]
    kept = series_table(odds, rows, poison(sim_tables, date))
    pd.testing.assert_frame_equal(kept, tables_by_date[date], check_exact=True)


def after_season(sim_tables, season=SEASON, **changes) -> Situation:
    date = as_of_points(sim_tables, SEASON)["end"]
    return replace(Situation.of(sim_tables, SEASON, date), season=season, **changes)


def seeds_of(found: list[Pairing], kind: int) -> list[tuple[int, int]]:
    return sorted(one.seeds for one in found if one.round == kind)


def test_the_loser_of_seventh_and_eighth_hosts_the_winner_of_ninth_and_tenth(sim_tables):
    before = after_season(sim_tables)
    first, second = (one.teams for one in pairings(before)[:2])
    # The eighth and the ninth of one conference win.
    after = pairings(replace(before, playin=(first[::-1], second)))
    [third] = [one for one in after if one.round == PLAY_IN and one.teams[0] == first[0]]
    assert third.teams == (first[0], second[0])
    [of_second] = [one for one in after if one.seeds == (2, 7)]
    assert of_second.teams[1] == first[1]
    assert seeds_of(after, 1) == sorted([*2 * [(3, 6), (4, 5)], (2, 7)])


def test_in_2020_the_eighth_needs_one_win_and_the_ninth_two(sim_tables):
    rule = replace(league_facts.play_in("2019-20"), max_games_behind=82)
    before = after_season(sim_tables, play_in=rule)
    # Nine teams of the West went on.
    west = np.flatnonzero(before.league.conference == 1)
    before = replace(before, uninvited=tuple(west[np.argsort(before.records.win_pct[west])][:6]))
    games = [one for one in pairings(before) if one.round == PLAY_IN]
    assert [one.seeds for one in games] == [(8, 9), (8, 9)]
    assert {one.needed for one in games} == {(1, 2)}
    eighth, ninth = games[0].teams
    once = pairings(replace(before, playin=((ninth, eighth),)))
    assert once[0].needed == (1, 1)
    assert len(once[0].at_home) == 1
    twice = pairings(replace(before, playin=2 * ((ninth, eighth),)))
    [of_first] = [one for one in twice if one.seeds == (1, 8)]
    assert of_first.teams[1] == ninth
    far = pairings(replace(before, play_in=replace(rule, max_games_behind=-83)))
    assert seeds_of(far, PLAY_IN) == []
    assert seeds_of(far, 1) == sorted(2 * [(1, 8), (2, 7), (3, 6), (4, 5)])


def test_first_rounds_were_won_with_three_wins(sim_tables):
    old = after_season(sim_tables, "2001-02", play_in=None)
    assert {one.needed for one in pairings(old)} == {(3, 3)}
    assert {len(one.at_home) for one in pairings(old)} == {5}


@pytest.fixture(scope="module")
def brackets(odds, mornings, sim_tables) -> dict[pd.Timestamp, pd.DataFrame]:
    wins = odds.predict(mornings, sim_tables).set_index(["as_of_date", "team_id"])["expected_wins"]
    return {
        pd.Timestamp(date): bracket_table(odds, rows, sim_tables, wins[date])
        for date, rows in mornings.groupby("as_of_date")
    }


def test_the_bracket_holds_the_series_that_are_known_as_they_are(brackets, tables_by_date):
    n = 0
    for date, table in tables_by_date.items():
        if len(table):
            known = brackets[date][brackets[date]["state"] == "known"]
            pd.testing.assert_frame_equal(
                known[[*table]].reset_index(drop=True), table, check_dtype=False
            )
            n += len(known)
    assert n > 30


def test_series_that_are_over_are_those_of_the_results(brackets, sim_tables):
    last = max(brackets)
    table = brackets[last]
    assert set(table["state"]) == {"decided"}
    known = series(sim_tables.team_games, SEASON)
    won = known[known["winner_team_id"] == known["team_id"]]
    sides = {True: "host", False: "guest"}
    got = {
        (row["round"], row[f"{side}_team_id"], row[f"{side}_wins"])
        for row in table[table["round"] > 0].to_dict("records")
        for side in (sides[row["host_win_prob"] == 1],)
    }
    assert got == set(zip(won["round"], won["team_id"], won["wins"], strict=True))


def test_what_is_open_is_filled_by_the_likelier_winners(brackets, odds, mornings, sim_tables):
    first = min(brackets)  # games of the regular season are left
    table = brackets[first]
    assert set(table["state"]) == {"projected"}
    assert table["round"].value_counts().to_dict() == {0: 6, 1: 8, 2: 4, 3: 2, 4: 1}
    for number in (1, 2, 3):
        rows = table[table["round"] == number]
        ahead = rows["host_team_id"].where(rows["host_win_prob"] >= 0.5, rows["guest_team_id"])
        later = table[table["round"] == number + 1]
        assert set(ahead) == {*later["host_team_id"], *later["guest_team_id"]}
    predicted = odds.predict(mornings[mornings["as_of_date"] == first], sim_tables)
    most = predicted.merge(mornings[["as_of_date", "team_id", "conference"]])
    best = most.sort_values("expected_wins").groupby("conference")["team_id"].last()
    top = table[(table["round"] == 1) & (table["host_seed"] == 1)]
    assert dict(zip(top["conference"], top["host_team_id"], strict=True)) == best.to_dict()


@pytest.mark.real
@pytest.mark.parametrize("year", [*range(2003, 2015)])
def test_real_finals_go_on_where_they_were_played(real_tables, year):
    season = season_label(year)
    games = real_tables.games
    games = games[(games["season"] == season) & (games["kind"] == "playoffs")]
    last = real_tables.seasons.set_index("season").loc[season]
    sides = {last["champion_team_id"], last["runner_up_team_id"]}
    finals = games[games["home_team_id"].isin(sides) & games["away_team_id"].isin(sides)]
    assert 4 <= len(finals) <= 7
    for game in finals.to_dict("records"):
        situation = Situation.of(real_tables, season, game["game_date"])
        [one] = pairings(situation)
        assert one.round == 4
        assert situation.records.team_id[one.next_home] == game["home_team_id"]

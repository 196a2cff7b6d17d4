import time
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from nba_rank.core.errors import UserError
from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import outcomes, series
from nba_rank.data.remaining import Remaining
from nba_rank.data.standings import Records, standings
from nba_rank.data.tables import Tables
from nba_rank.odds.antithetic import AntitheticDraws
from nba_rank.odds.season_sim import (
    COVERAGE,
    SeasonStrengths,
    Simulated,
    Situation,
    simulate,
    simulate_together,
    summary,
)
from nba_rank.odds.seeding import League

T = 30
DAY = pd.Timedelta(days=1)
REAL = [f"{year}-{(year + 1) % 100:02d}" for year in range(2000, 2024)]
ROUND_ODDS = ["playoff_prob", "round_1_prob", "round_2_prob", "finals_prob", "title_prob"]
SEEDS = [f"seed_{place}" for place in range(1, 16)]


def strengths_of(regular=None, playoffs=None, **other) -> SeasonStrengths:
    regular = np.zeros(T) if regular is None else np.asarray(regular, dtype=np.float64)
    usual = {
        "regular_doubt": 2.0, "playoffs_doubt": 2.0, "regular_noise": 11.5, "playoffs_noise": 11.5,
        "regular_edge": 2.5, "playoffs_edge": 3.5, "rest": 1.0,
    }  # fmt: skip
    playoffs = regular if playoffs is None else np.asarray(playoffs, dtype=np.float64)
    return SeasonStrengths(regular=regular, playoffs=playoffs, **(usual | other))


def random_strengths(seed: int = 0, n_teams: int = T, **other) -> SeasonStrengths:
    rng = np.random.default_rng(seed)
    regular = rng.normal(0, 4, n_teams)
    return strengths_of(regular, regular + rng.normal(0, 2, n_teams), **other)


def summarise(situation: Situation, simulated: Simulated) -> pd.DataFrame:
    return pd.DataFrame(summary(situation, simulated)).set_index("team_id", drop=False)


def odds(situation: Situation, strengths: SeasonStrengths, S: int = 400, seed: int = 0):
    return summarise(situation, simulate(situation, strengths, S, np.random.default_rng(seed)))


def fair_season(season: str = "2022-23", days: int = 58) -> Situation:
    """A season before its first game in which everybody hosts everybody else once."""
    away, home = (side.ravel() for side in np.indices((T, T)))
    other = home != away
    home, away = home[other], away[other]
    n = len(home)
    conference, division = np.arange(T) % 2, np.arange(T) % 6
    none = np.zeros((T, T), dtype=np.int64)
    records = Records(np.arange(T) + 1, none, none[0], conference, division, np.full(T, 0.5))
    remaining = Remaining(
        home, away, np.sort(np.arange(n) % days), np.zeros(n, dtype=bool),
        np.zeros((n, 2), dtype=bool), np.zeros(n, dtype=bool),
    )  # fmt: skip
    return Situation(
        season=season,
        as_of_date=pd.Timestamp(f"{season[:4]}-10-20"),
        records=records,
        remaining=remaining,
        league=League(conference, division),
        play_in=league_facts.play_in(season),
        uninvited=(),
        playin=(),
        playoff_wins=None,
        neutral_playoffs=False,
    )


def row_of(tables: Tables, season: str) -> pd.Series:
    return tables.seasons.set_index("season").loc[season]


def last_day(tables: Tables, season: str) -> pd.Timestamp:
    return tables.games.loc[tables.games["season"] == season, "game_date"].max()


def after_regular_season(tables: Tables, season: str) -> Situation:
    return Situation.of(tables, season, row_of(tables, season)["last_regular_date"] + DAY)


def in_playoffs(tables: Tables, season: str, days: int) -> Situation:
    """The morning so many days after the first playoff game."""
    games = tables.games[(tables.games["season"] == season) & (tables.games["kind"] == "playoffs")]
    return Situation.of(tables, season, games["game_date"].min() + days * DAY)


SITUATIONS = ["opening", "middle", "end", "playin", "round 1", "finals", "over"]


def situation_at(tables: Tables, season: str, when: str) -> Situation:
    row = row_of(tables, season)
    length = row["last_regular_date"] - row["first_date"]
    dates = {
        "opening": row["first_date"],
        "middle": (row["first_date"] + length / 2).normalize(),
        "end": row["last_regular_date"] + DAY,
        "over": last_day(tables, season) + DAY,
    }
    kinds = tables.games.loc[tables.games["season"] == season].groupby("kind")["game_date"]
    first = kinds.min()
    dates["playin"] = first["playin"] + DAY
    dates["round 1"] = first["playoffs"] + 5 * DAY
    dates["finals"] = kinds.max()["playoffs"] - 4 * DAY
    return Situation.of(tables, season, dates[when])


@pytest.fixture(scope="module")
def middle(sim_tables) -> Situation:
    return situation_at(sim_tables, "2022-23", "middle")


@pytest.fixture(scope="module")
def opening(sim_tables) -> Situation:
    return situation_at(sim_tables, "2022-23", "opening")


@pytest.mark.parametrize("when", SITUATIONS)
def test_everything_adds_up(sim_tables, when):
    situation = situation_at(sim_tables, "2022-23", when)
    S = 100
    simulated = simulate(situation, random_strengths(), S, np.random.default_rng(0))
    seeds = simulated.seeds
    assert (seeds.wins + seeds.losses == 82).all()
    assert (seeds.wins.sum(axis=1) == 82 * T // 2).all()
    wins_so_far = situation.records.beat.sum(axis=1)
    assert (seeds.wins >= wins_so_far).all()
    assert (np.sort(simulated.outcome_rank, axis=1) == np.arange(1, T + 1)).all()

    table = summarise(situation, simulated)
    assert list(table["team_id"]) == sorted(table["team_id"])
    assert table[ROUND_ODDS].sum().tolist() == pytest.approx([16, 8, 4, 2, 1])
    assert (table[ROUND_ODDS] >= 0).all(axis=None)
    assert (np.diff(table[ROUND_ODDS], axis=1) <= 1e-12).all()
    assert table[SEEDS].sum(axis=1).to_numpy() == pytest.approx(1)
    assert table[SEEDS].sum().to_numpy() == pytest.approx(2)
    assert table["playin_prob"].sum() == pytest.approx(8)
    in_it = table[[f"seed_{place}" for place in range(7, 11)]].sum(axis=1)
    np.testing.assert_allclose(table["playin_prob"], in_it)
    # Six seeds of a conference are in and those past the tenth are out.
    assert (table["playoff_prob"] >= table[SEEDS[:6]].sum(axis=1) - 1e-12).all()
    assert (table["playoff_prob"] <= table[SEEDS[:10]].sum(axis=1) + 1e-12).all()
    assert table["expected_wins"].sum() == pytest.approx(82 * T / 2)
    assert table["projected_rank"].sum() == pytest.approx(T * (T + 1) / 2)
    for name, drawn in (("wins", seeds.wins), ("rank", simulated.outcome_rank)):
        assert (table[f"{name}_low"] <= np.median(drawn, axis=0)).all()
        assert (np.median(drawn, axis=0) <= table[f"{name}_high"]).all()


def test_a_season_without_play_in_has_none(opening):
    before = replace(opening, play_in=None)
    table = odds(before, random_strengths())
    assert (table["playin_prob"] == 0).all()
    np.testing.assert_allclose(table["playoff_prob"], table[SEEDS[:8]].sum(axis=1))


def test_the_play_in_of_2020_was_held_within_four_games_on_neutral_courts():
    restart = replace(fair_season("2019-20"), uninvited=(3, 8), neutral_playoffs=True)
    strengths = random_strengths()
    simulated = simulate(restart, strengths, 60, np.random.default_rng(0))
    expected = np.zeros(T)
    for wins, places in zip(simulated.seeds.wins, simulated.seeds.seed, strict=True):
        for conference in (0, 1):
            invited = np.setdiff1d(np.arange(conference, T, 2), restart.uninvited)
            eighth, ninth = invited[np.argsort(places[invited])][7:9]
            expected[[eighth, ninth]] += (wins[eighth] - wins[ninth] <= 4) / 60
    assert summarise(restart, simulated)["playin_prob"].to_numpy() == pytest.approx(expected)
    without = simulate(restart, replace(strengths, playoffs_edge=0), 60, np.random.default_rng(0))
    assert_same(without, simulated)


def test_intervals_hold_their_share_and_hardly_more(opening):
    simulated = simulate(opening, random_strengths(), 1000, np.random.default_rng(0))
    table = summarise(opening, simulated)
    for name, drawn in (("wins", simulated.seeds.wins), ("rank", simulated.outcome_rank)):
        low, high = table[f"{name}_low"].to_numpy(), table[f"{name}_high"].to_numpy()
        assert (((drawn >= low) & (drawn <= high)).mean(axis=0) >= COVERAGE - 1e-9).all()
        assert (((drawn > low) & (drawn < high)).mean(axis=0) < COVERAGE).all()


def test_first_rounds_before_2002_03_were_best_of_five():
    for season, most in (("2001-02", 15), ("2002-03", 16)):
        simulated = simulate(fair_season(season), strengths_of(), 20, np.random.default_rng(0))
        assert simulated.playoff_wins.max() == most


def test_the_stronger_team_wins_every_game_without_noise(opening):
    points = np.random.default_rng(0).permutation(T) - 14.5
    nothing = ("regular_edge", "playoffs_edge", "rest", "regular_doubt", "playoffs_doubt")
    exact = dict.fromkeys(nothing, 0.0)
    strengths = strengths_of(points, regular_noise=1e-6, playoffs_noise=1e-6, **exact)
    simulated = simulate(opening, strengths, 4, np.random.default_rng(0))
    left = opening.remaining
    wins = np.zeros(T)
    np.add.at(wins, np.where(points[left.home] > points[left.away], left.home, left.away), 1)
    np.testing.assert_array_equal(simulated.seeds.wins, np.tile(wins, (4, 1)))
    best = np.argmax(points)
    assert (simulated.outcome_rank[:, best] == 1).all()
    assert simulated.reach[:, best, 4] == pytest.approx(1)


def test_home_edge_and_rest_decide_between_equals(middle):
    strengths = strengths_of(
        regular_doubt=0.0, playoffs_doubt=0.0, regular_noise=1e-6, regular_edge=1.0, rest=3.0
    )
    left = middle.remaining
    tired_home, tired_away = left.back_to_back.T
    home_wins = ~(tired_home & ~tired_away)
    assert 0.05 < 1 - home_wins.mean() < 0.3
    wins = middle.records.beat.sum(axis=1)
    np.add.at(wins, np.where(home_wins, left.home, left.away), 1)
    simulated = simulate(middle, strengths, 2, np.random.default_rng(0))
    np.testing.assert_array_equal(simulated.seeds.wins, np.tile(wins, (2, 1)))
    # On neutral courts there is no edge, only rest.
    neutral = replace(middle, remaining=replace(left, neutral=np.ones(len(left.home), dtype=bool)))
    simulated = simulate(neutral, strengths, 2, np.random.default_rng(0))
    rested = np.where(tired_home, left.away, left.home)[tired_home != tired_away]
    wins = middle.records.beat.sum(axis=1) + np.bincount(rested, minlength=T)
    assert (simulated.seeds.wins >= wins).all()
    assert (simulated.seeds.wins[0] != simulated.seeds.wins[1]).any()


def test_the_last_game_is_won_as_often_as_the_normal_distribution_says(middle):
    names = ("home", "away", "day", "neutral", "back_to_back", "assumed")
    left = Remaining(*(getattr(middle.remaining, name)[5:6] for name in names))
    home, away = left.home[0], left.away[0]
    points = np.zeros(T)
    points[home], points[away] = 1.0, 3.0
    strengths = strengths_of(
        points, regular_doubt=3.0, regular_noise=10.0, regular_edge=2.5, rest=0.0
    )
    wins = middle.records.beat.sum(axis=1)
    won = odds(replace(middle, remaining=left), strengths, 10_000)["expected_wins"] - wins
    # The doubts of both teams add to the noise of the game.
    chance = norm.cdf((1 - 3 + 2.5) / np.sqrt(10**2 + 2 * 3**2))
    assert won.iloc[home] == pytest.approx(chance, abs=0.02)
    assert won.iloc[away] == pytest.approx(1 - chance, abs=0.02)
    assert won.drop(won.index[[home, away]]).tolist() == [0.0] * (T - 2)


def test_equal_teams_have_equal_odds():
    S = 4_000
    table = odds(fair_season(), strengths_of(), S)
    for column, mean in zip(ROUND_ODDS, np.array([16, 8, 4, 2, 1]) / T, strict=True):
        error = np.sqrt(mean * (1 - mean) / S)
        np.testing.assert_allclose(table[column], mean, atol=4 * error)
    np.testing.assert_allclose(table["expected_wins"], 29, atol=0.5)
    np.testing.assert_allclose(table["projected_rank"], 15.5, atol=0.6)
    np.testing.assert_allclose(table[SEEDS], 1 / 15, atol=0.02)


def test_playoff_strength_changes_the_playoffs_alone(middle):
    strengths = random_strengths()
    lift = 5.0 * (np.arange(T) == 3)
    before = odds(middle, strengths)
    after = odds(middle, replace(strengths, playoffs=strengths.playoffs + lift))
    same = ["expected_wins", "wins_low", "wins_high", "playin_prob", *SEEDS]
    pd.testing.assert_frame_equal(after[same], before[same])
    assert after["title_prob"].iloc[3] > before["title_prob"].iloc[3]


def test_doubt_spreads_the_title_odds(middle):
    strengths = random_strengths(playoffs_doubt=0.0, regular_doubt=0.0)
    sure, unsure, more = (
        odds(middle, replace(strengths, playoffs_doubt=doubt), 1000)["title_prob"]
        for doubt in (0.0, 3.0, 6.0)
    )
    favourite, last = sure.index[np.argmax(strengths.playoffs)], sure.nsmallest(10).index
    assert sure.idxmax() == favourite
    assert sure[favourite] > unsure[favourite] > more[favourite]
    assert sure[last].sum() < unsure[last].sum() < more[last].sum()


def test_a_team_that_is_better_than_thought_wins_more_games_and_goes_further(opening):
    strengths = strengths_of(regular_doubt=4.0, playoffs_doubt=4.0)
    simulated = simulate(opening, strengths, 1000, np.random.default_rng(0))
    wins, title = simulated.seeds.wins[:, 0], simulated.reach[:, 0, 4]
    in_field = simulated.reach[:, 0, 0] == 1
    assert np.corrcoef(wins[in_field], title[in_field])[0, 1] > 0.3


def test_half_of_the_doubts_are_the_others_with_changed_signs():
    strengths = strengths_of(
        regular_doubt=1.0, regular_noise=1e-6, regular_edge=0.0, rest=0.0, playoffs_edge=0.0
    )
    wins = simulate(fair_season(), strengths, 7, np.random.default_rng(0)).seeds.wins
    np.testing.assert_array_equal(wins[4:], 58 - wins[:3])
    assert (wins[0] != wins[1]).any()


@pytest.mark.parametrize("name", ["regular", "playoffs"])
def test_unknown_strengths_are_refused(name):
    known, unknown = np.zeros(T), np.where(np.arange(T) < 2, np.nan, 0.0)
    with pytest.raises(ValueError, match=f"{name} strength of 2 teams is not known"):
        strengths_of(**{"regular": known, "playoffs": known, name: unknown})


def test_intervals_cover_seasons_whose_strengths_differ_by_the_doubt(opening):
    strengths = random_strengths()
    table = odds(opening, strengths, 1000)
    rng = np.random.default_rng(1)
    held = {"wins": [], "rank": []}
    for _ in range(60):
        off = rng.normal(size=T)
        truth = replace(
            strengths,
            regular=strengths.regular + strengths.regular_doubt * off,
            playoffs=strengths.playoffs + strengths.playoffs_doubt * off,
            regular_doubt=0.0,
            playoffs_doubt=0.0,
        )
        season = simulate(opening, truth, 1, rng)
        for name, real in (("wins", season.seeds.wins[0]), ("rank", season.outcome_rank[0])):
            held[name].append((real >= table[f"{name}_low"]) & (real <= table[f"{name}_high"]))
    # Of 1,800; whole numbers hold a little more than asked for.
    assert 0.88 < np.mean(held["wins"]) < 0.95
    assert 0.88 < np.mean(held["rank"]) < 0.95


@pytest.mark.parametrize("season", ["2021-22", "2023-24"])
def test_after_the_regular_season_the_seeds_are_those_of_the_standings(sim_tables, season):
    check_seeds(sim_tables, season)


def check_seeds(tables: Tables, season: str) -> None:
    situation = after_regular_season(tables, season)
    assert len(situation.remaining.home) == 0
    n_teams = len(situation.records.team_id)
    simulated = simulate(situation, random_strengths(1, n_teams), 20, np.random.default_rng(0))
    table = standings(tables.team_games, tables.teams, season).sort_values("team_id")
    for name, column in (("wins", "wins"), ("losses", "losses"), ("seed", "seed"),
                         ("league_rank", "league_rank")):  # fmt: skip
        real = np.tile(table[column], (20, 1))
        np.testing.assert_array_equal(getattr(simulated.seeds, name), real)
    summed = summarise(situation, simulated)
    np.testing.assert_array_equal(summed["wins_low"], summed["wins_high"])
    chance = np.take_along_axis(summed[SEEDS].to_numpy(), table[["seed"]].to_numpy() - 1, axis=1)
    np.testing.assert_array_equal(chance, 1.0)


@pytest.mark.parametrize("season", ["2021-22", "2022-23", "2023-24"])
def test_after_the_last_game_the_outcome_is_known(sim_tables, season):
    check_outcome(sim_tables, season)


def check_outcome(tables: Tables, season: str) -> None:
    situation = Situation.of(tables, season, last_day(tables, season) + DAY)
    table = odds(situation, random_strengths(2, len(situation.records.team_id)), 20)
    real = outcomes(tables, season).set_index("team_id").loc[table.index]
    for column in ("projected_rank", "rank_low", "rank_high"):
        np.testing.assert_array_equal(table[column], real["outcome_rank"])
    np.testing.assert_array_equal(table["expected_wins"], real["wins"])
    np.testing.assert_array_equal(table["playoff_prob"], real["made_playoffs"])
    for number, column in enumerate(ROUND_ODDS[1:], start=1):
        np.testing.assert_array_equal(table[column], real["rounds_won"] >= number)
    assert table["title_prob"].idxmax() == row_of(tables, season)["champion_team_id"]
    np.testing.assert_array_equal(table["playin_prob"] > 0, real["made_playin"])


@pytest.mark.parametrize("when", SITUATIONS[:-1])
def test_results_of_the_date_and_later_play_no_part(sim_tables, poison, cut, when):
    situation = situation_at(sim_tables, "2022-23", when)
    date = situation.as_of_date
    strengths = random_strengths()
    expected = odds(situation, strengths, 50)
    poisoned = poison(sim_tables, date)
    seasons = sim_tables.seasons.assign(champion_team_id=1, n_regular=7, n_playoffs=0)
    for tables in (replace(poisoned, seasons=seasons), cut(sim_tables, date)):
        got = odds(Situation.of(tables, "2022-23", date), strengths, 50)
        pd.testing.assert_frame_equal(got, expected, check_exact=True)


def test_decided_series_are_certain_and_open_ones_are_not(sim_tables):
    season = "2022-23"
    for days in (3, 8, 16, 24, 35, 45):
        situation = in_playoffs(sim_tables, season, days)
        before = sim_tables.team_games
        before = before[before["game_date"] < situation.as_of_date]
        played = series(before, season)
        table = odds(situation, random_strengths(), 60)
        assert set(played["team_id"]) <= set(table.index[table["playoff_prob"] == 1])
        for number, column in enumerate(ROUND_ODDS[1:], start=1):
            of_round = played[played["round"] == number]
            done = of_round[of_round["winner_team_id"] > 0]
            winners = done["winner_team_id"].unique()
            losers = done.loc[done["team_id"] != done["winner_team_id"], "team_id"]
            assert (table.loc[winners, column] == 1).all()
            assert (table.loc[losers, column:"title_prob"] == 0).all(axis=None)
            opened = of_round[of_round["winner_team_id"] == 0]["team_id"]
            assert table.loc[opened, column].between(0, 1, inclusive="neither").all()


def test_known_play_in_games_are_not_drawn_again(sim_tables):
    season = "2022-23"
    games = sim_tables.team_games
    playin = games[(games["season"] == season) & (games["kind"] == "playin")]
    situation = Situation.of(sim_tables, season, playin["game_date"].max() + DAY)
    table = odds(situation, random_strengths(), 50)
    real = outcomes(sim_tables, season).set_index("team_id").loc[table.index]
    np.testing.assert_array_equal(table["playoff_prob"], real["made_playoffs"])
    winners = situation.records.team_id[[winner for winner, _ in situation.playin]]
    assert sorted(winners) == sorted(playin.loc[playin["won"], "team_id"])
    # On its first morning eight teams are still in it.
    first = Situation.of(sim_tables, season, playin["game_date"].min())
    assert odds(first, random_strengths(), 200)["playoff_prob"].between(0.001, 0.999).sum() == 8


def test_a_season_may_lie_before_its_first_game_or_long_after_its_last(sim_tables):
    situation = Situation.of(sim_tables, "2024-25", pd.Timestamp("2024-09-01"))
    assert odds(situation, random_strengths(), 60)["expected_wins"].sum() == pytest.approx(82 * 15)
    over = Situation.of(sim_tables, "2021-22", last_day(sim_tables, "2021-22") + DAY)
    years_later = Situation.of(sim_tables, "2021-22", pd.Timestamp("2024-03-01"))
    np.testing.assert_array_equal(years_later.playoff_wins, over.playoff_wins)
    assert years_later.playin == over.playin
    with pytest.raises(ValueError, match="neither in the tables nor the one after"):
        Situation.of(sim_tables, "2030-31", pd.Timestamp("2030-11-01"))


def assert_same(got: Simulated, expected: Simulated) -> None:
    for name, values in vars(expected.seeds).items():
        np.testing.assert_array_equal(getattr(got.seeds, name), values, err_msg=name)
    for name in ("entrants", "reach", "playoff_wins", "outcome_rank", "home_won"):
        np.testing.assert_array_equal(getattr(got, name), getattr(expected, name), err_msg=name)


def test_mornings_together_equal_each_alone_to_the_last_bit(opening, middle, sim_tables):
    late = after_regular_season(sim_tables, middle.season)
    mornings = [replace(opening, season=middle.season, play_in=middle.play_in), middle, late]
    strengths = [
        random_strengths(number, playoffs_edge=2.0 + number, regular_noise=10.0 + number)
        for number in range(3)
    ]
    draws = [
        AntitheticDraws.draw_all(np.random.default_rng(n), 41, T, [len(morning.remaining.home)])[0]
        for n, morning in enumerate(mornings)
    ]
    together = simulate_together(mornings, strengths, 41, deepcopy(draws))
    quick = simulate_together(mornings, strengths, 41, draws, rounds=False)
    for number, got in enumerate(together):
        assert_same(quick[number], replace(got, reach=got.reach[:, :, :1]))
        rng = np.random.default_rng(number)
        assert_same(got, simulate(mornings[number], strengths[number], 41, rng))


def test_who_won_each_game_left_adds_up_to_the_wins(middle):
    simulated = simulate(middle, random_strengths(), 50, np.random.default_rng(0))
    left = middle.remaining
    wins = np.tile(middle.records.beat.sum(axis=1), (50, 1))
    for game, (home, away) in enumerate(zip(left.home, left.away, strict=True)):
        won = simulated.home_won[:, game]
        wins[:, home] += won
        wins[:, away] += ~won
    np.testing.assert_array_equal(simulated.seeds.wins, wins)


def test_which_mornings_see_the_same_postseason_ahead(sim_tables, middle):
    late = after_regular_season(sim_tables, middle.season)
    assert middle.postseason_as(late)
    assert late.postseason_as(middle)
    playoffs = in_playoffs(sim_tables, middle.season, 5)
    assert not playoffs.postseason_as(playoffs)
    for change in (
        {"playoff_wins": playoffs.playoff_wins}, {"playin": ((0, 1),)}, {"play_in": None},
        {"uninvited": (3,)}, {"neutral_playoffs": True}, {"season": "2023-24"},
    ):  # fmt: skip
        assert not middle.postseason_as(replace(middle, **change)), change


def test_ten_thousand_seasons_from_the_middle_take_less_than_a_second_and_a_half(middle):
    strengths = random_strengths()
    start = time.process_time()
    simulate(middle, strengths, 10_000, np.random.default_rng(0))
    assert time.process_time() - start < 1.5


@pytest.mark.real
@pytest.mark.parametrize("season", REAL)
def test_real_seeds_and_outcomes_are_those_of_the_games_played(real_tables, season):
    check_seeds(real_tables, season)
    if season != "2002-03":  # Dallas seeded before San Antonio, see the test of the standings
        check_outcome(real_tables, season)


@pytest.mark.real
def test_the_stop_and_restart_of_2019_20(real_tables):
    season = "2019-20"
    for date in ("2019-11-01", "2020-03-01", "2020-05-01", "2020-06-04"):
        situation = Situation.of(real_tables, season, pd.Timestamp(date))
        assert situation.play_in is None
        assert situation.uninvited == ()
        assert not situation.neutral_playoffs
    invited = ~np.isin(situation.records.team_id, list(league_facts.restart(season).uninvited))
    strengths = random_strengths()
    for date in ("2020-06-05", "2020-07-30", "2020-08-15"):
        situation = Situation.of(real_tables, season, pd.Timestamp(date))
        assert situation.play_in == league_facts.play_in(season)
        assert situation.neutral_playoffs
        np.testing.assert_array_equal(situation.uninvited, np.flatnonzero(~invited))
        table = odds(situation, strengths, 200)
        assert (table.loc[~invited, [*ROUND_ODDS, "playin_prob"]] == 0).all(axis=None)
        assert table[ROUND_ODDS].sum().tolist() == pytest.approx([16, 8, 4, 2, 1])
        # Nobody is at home any more.
        without = odds(situation, replace(strengths, regular_edge=0.0, playoffs_edge=0.0), 200)
        pd.testing.assert_frame_equal(without, table)
    # Memphis and Portland; Washington was too far behind, and Charlotte not invited.
    names = real_tables.teams.query("season == @season").set_index("team_id")["abbreviation"]
    assert {*names[table.index[table["playin_prob"] > 0]]} == {"MEM", "POR"}
    assert {*names[table.index[table["playoff_prob"].between(0.01, 0.99)]]} == {"MEM", "POR"}
    assert table["playin_prob"].sum() == pytest.approx(2)


@pytest.mark.real
@pytest.mark.slow
def test_every_morning_of_real_postseasons_can_be_simulated(real_tables):
    for season in ("2015-16", "2019-20", "2020-21", "2023-24"):
        row = row_of(real_tables, season)
        mornings = pd.date_range(row["last_regular_date"] + DAY, last_day(real_tables, season))
        for date in mornings:
            table = odds(Situation.of(real_tables, season, date), random_strengths(), 10)
            assert table[ROUND_ODDS].sum().tolist() == pytest.approx([16, 8, 4, 2, 1])
            assert table.loc[row["champion_team_id"], "title_prob"] > 0


def test_playoffs_that_have_begun_without_play_in_games_name_the_missing_file(sim_tables):
    season = "2023-24"
    kept = {
        name: frame[(frame["season"] != season) | (frame["kind"] != "playin")]
        for name, frame in sim_tables.items()
        if name in ("games", "team_games")
    }
    tables = replace(sim_tables, **kept)
    assert in_playoffs(tables, season, 0).playoff_wins is None
    with pytest.raises(UserError, match=r"playoff games of [A-Z]{3}, .*playin_team_logs_2023_24"):
        in_playoffs(tables, season, 1)

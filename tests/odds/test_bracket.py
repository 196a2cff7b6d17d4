import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from nba_rank.data import league as league_facts
from nba_rank.data.outcomes import playoff_wins, series
from nba_rank.data.standings import alignment
from nba_rank.odds.bracket import (
    MisfitError,
    Strengths,
    advance,
    draw,
    play_in,
    series_win_prob,
    wins_needed_by_round,
)
from nba_rank.odds.seeding import League, Seeds, seed

T = 30
LEAGUE = League(conference=np.arange(T) % 2, division=np.arange(T) % 6)
SINCE_2015 = [f"{year}-{(year + 1) % 100:02d}" for year in range(2015, 2024)]
SINCE_PLAY_IN = league_facts.play_in("2022-23")
OF_2020 = league_facts.play_in("2019-20")
PATTERN = {4: "HHAAHAH", 3: "HHAAH"}


def random_seeds(rng: np.random.Generator, S: int) -> Seeds:
    """Standings by random distinct records, without a game behind them."""
    rank = np.argsort(rng.random((S, T)), axis=1) + 1
    places = np.zeros((S, T), dtype=np.int64)
    for code in (0, 1):
        members = np.flatnonzero(LEAGUE.conference == code)
        places[:, members] = np.argsort(np.argsort(rank[:, members], axis=1), axis=1) + 1
    wins = 82 - 2 * rank
    return Seeds(wins, 82 - wins, wins / 82, places, rank)


def fixed_seeds(S: int) -> Seeds:
    """Team 0 is first of the East and the league, team 1 first of the West, and so on."""
    rank = np.broadcast_to(np.arange(1, T + 1), (S, T))
    wins = 82 - 2 * rank
    return Seeds(wins, 82 - wins, wins / 82, (rank + 1) // 2, rank)


def east(*places: int) -> list[int]:
    """Positions of the East's seeds in `fixed_seeds`."""
    return [2 * (place - 1) for place in places]


def strengths_of(points, *, home_edge=2.5, noise_sd=12.0) -> Strengths:
    return Strengths(points=np.asarray(points), home_edge=home_edge, noise_sd=noise_sd)


def random_strengths(rng: np.random.Generator, S: int, **kwargs) -> Strengths:
    return strengths_of(rng.normal(0, 4, (S, T)), **kwargs)


def rounds_won(wins: np.ndarray, needed=(4, 4, 4, 4)) -> np.ndarray:
    """Series won, 0 to 4, by teams with so many playoff wins."""
    return np.searchsorted(np.cumsum(needed), wins, side="right")


def field_of(seeds: Seeds, strengths: Strengths, rng: np.random.Generator) -> np.ndarray:
    return play_in(seeds, LEAGUE, strengths, rule=SINCE_PLAY_IN, rng=rng)


# A series.


def brute_force(p_home: float, p_away: float, needed: int, won: int, lost: int) -> float:
    """Sum over all outcomes of the games left, played out in order until someone has enough."""
    pattern = PATTERN[needed][won + lost :]
    total = 0.0
    for outcome in itertools.product([True, False], repeat=len(pattern)):
        chance, wins, losses = 1.0, won, lost
        for host_won, venue in zip(outcome, pattern, strict=True):
            p = p_home if venue == "H" else p_away
            chance *= p if host_won else 1 - p
            if wins < needed and losses < needed:
                wins, losses = wins + host_won, losses + (not host_won)
        total += chance * (wins >= needed)
    return total


STATES = [
    (needed, won, lost)
    for needed in (3, 4)
    for won in range(needed + 1)
    for lost in range(needed + 1)
    if won + lost < 2 * needed
]


def left_of(needed: int, won: int, lost: int) -> dict[str, int]:
    left = PATTERN[needed][won + lost :]
    return {
        "home_left": left.count("H"),
        "away_left": left.count("A"),
        "needed": needed - won,
    }


@pytest.mark.parametrize(("needed", "won", "lost"), STATES)
def test_a_series_equals_all_its_outcomes_summed(needed, won, lost):
    p_home, p_away = np.random.default_rng(0).random((2, 20))
    result = series_win_prob(p_home, p_away, **left_of(needed, won, lost))
    expected = [
        brute_force(*games, needed, won, lost) for games in zip(p_home, p_away, strict=True)
    ]
    assert result == pytest.approx(expected, abs=1e-12)


def test_states_may_differ_from_cell_to_cell():
    p_home, p_away = np.random.default_rng(1).random((2, len(STATES)))
    columns = [left_of(*state) for state in STATES]
    arrays = {name: np.array([c[name] for c in columns]) for name in columns[0]}
    expected = [
        brute_force(*games, *state) for *games, state in zip(p_home, p_away, STATES, strict=True)
    ]
    assert series_win_prob(p_home, p_away, **arrays) == pytest.approx(expected, abs=1e-12)


def test_known_values_of_a_series():
    half = np.array([0.5])
    assert series_win_prob(half, half, home_left=4, away_left=3, needed=4) == 0.5
    three_none = series_win_prob(half, half, home_left=2, away_left=2, needed=1)
    assert three_none == pytest.approx(15 / 16)
    none_three = series_win_prob(half, half, home_left=2, away_left=2, needed=4)
    assert none_three == pytest.approx(1 / 16)
    # The decided ones are exact, whatever the games.
    p = np.random.default_rng(2).random(1000)
    assert (series_win_prob(p, p, home_left=2, away_left=1, needed=0) == 1).all()
    assert (series_win_prob(p, p, home_left=2, away_left=1, needed=4) == 0).all()
    # .6 at home and .4 away: the binomial tail by hand is .5 plus the seventh game's part.
    at_home = series_win_prob(half + 0.1, half - 0.1, home_left=4, away_left=3, needed=4)
    assert 0.5 < at_home.item() < 0.55


@settings(max_examples=50, deadline=None)
@given(
    p=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    state=st.sampled_from(STATES),
)
def test_both_sides_of_a_series_sum_to_one(p, state):
    needed, won, lost = state
    at_home, away = (np.array([value]) for value in p)
    left = left_of(needed, won, lost)
    host = series_win_prob(at_home, away, **left)
    left |= {"home_left": left["away_left"], "away_left": left["home_left"]}
    guest = series_win_prob(1 - away, 1 - at_home, **(left | {"needed": needed - lost}))
    assert host + guest == pytest.approx(1, abs=1e-12)


# The play-in.


@pytest.mark.parametrize("season", ["2000-01", "2014-15", "2018-19"])
def test_before_2019_20_there_is_no_play_in(season):
    rule = league_facts.play_in(season)
    assert rule is None
    entrants = play_in(
        fixed_seeds(3), LEAGUE, random_strengths(np.random.default_rng(0), 3),
        rule=rule, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert (entrants[:, 0] == east(*range(1, 9))).all()
    assert (entrants[:, 1] == np.array(east(*range(1, 9))) + 1).all()


def test_the_play_in_changes_only_the_last_two_seeds():
    rng = np.random.default_rng(0)
    seeds = random_seeds(rng, 200)
    entrants = field_of(seeds, random_strengths(rng, 200), rng)
    rows = np.arange(200)[:, None]
    for code in (0, 1):
        assert (LEAGUE.conference[entrants[:, code]] == code).all()
        assert (seeds.seed[rows, entrants[:, code, :6]] == np.arange(1, 7)).all()
        last = seeds.seed[rows, entrants[:, code, 6:]]
        assert np.isin(last[:, 0], [7, 8]).all()
        assert np.isin(last[:, 1], [7, 8, 9, 10]).all()
        assert (last[:, 0] != last[:, 1]).all()


def test_play_in_odds_agree_with_the_rule():
    S = 40_000
    points = np.zeros((S, T))
    points[:, east(7, 8, 9, 10)] = [3.0, 1.0, 0.0, -2.0]
    strengths = strengths_of(points, home_edge=2.0, noise_sd=10.0)
    entrants = field_of(fixed_seeds(S), strengths, np.random.default_rng(0))

    def p(host: float, guest: float) -> float:
        return float(ndtr((host - guest + 2.0) / 10.0))

    first, second = p(3, 1), p(0, -2)
    eighth = {
        7: (1 - first) * (second * p(3, 0) + (1 - second) * p(3, -2)),
        8: first * (second * p(1, 0) + (1 - second) * p(1, -2)),
        9: second * (first * (1 - p(1, 0)) + (1 - first) * (1 - p(3, 0))),
        10: (1 - second) * (first * (1 - p(1, -2)) + (1 - first) * (1 - p(3, -2))),
    }
    assert sum(eighth.values()) == pytest.approx(1)
    tolerance = 4 * 0.5 / np.sqrt(S)
    assert (entrants[:, 0, 6] == east(7)).mean() == pytest.approx(first, abs=tolerance)
    for place, chance in eighth.items():
        drawn = (entrants[:, 0, 7] == east(place)).mean()
        assert drawn == pytest.approx(chance, abs=tolerance)


def test_known_play_in_games_are_honoured():
    S = 500
    seeds, strengths = fixed_seeds(S), random_strengths(np.random.default_rng(0), S)
    seventh, eighth, ninth, tenth = east(7, 8, 9, 10)

    def field(*known: tuple[int, int]) -> np.ndarray:
        rng = np.random.default_rng(1)
        return play_in(seeds, LEAGUE, strengths, rule=SINCE_PLAY_IN, rng=rng, known=known)

    one = field((eighth, seventh))
    assert (one[:, 0, 6] == eighth).all()
    assert set(one[:, 0, 7]) == {seventh, ninth, tenth}
    two = field((eighth, seventh), (tenth, ninth))
    assert set(two[:, 0, 7]) == {seventh, tenth}
    three = field((eighth, seventh), (tenth, ninth), (tenth, seventh))
    assert (three[:, 0, 6:] == [eighth, tenth]).all()
    # The other conference draws as before.
    assert (three[:, 1] == field()[:, 1]).all()


@pytest.mark.parametrize(
    "known",
    [
        east(1, 2),  # not in the play-in
        east(10, 7),  # before the games that lead to it
        [east(7)[0], east(8)[0] + 1],  # over conferences
    ],
)
def test_a_known_play_in_game_that_does_not_fit_is_refused(known):
    strengths = random_strengths(np.random.default_rng(0), 50)
    with pytest.raises(MisfitError, match="do not all fit the seeds"):
        play_in(
            fixed_seeds(50), LEAGUE, strengths,
            rule=SINCE_PLAY_IN, rng=np.random.default_rng(0), known=[tuple(known)],
        )  # fmt: skip


def with_games_behind(S: int, behind: float, *, place: int = 9) -> Seeds:
    """`fixed_seeds` in which one of the East's teams is so many games behind the eighth."""
    seeds = fixed_seeds(S)
    eighth, other = east(8, place)
    losses, wins = seeds.losses.copy(), seeds.wins.copy()
    wins[:, other], losses[:, other] = wins[:, eighth], losses[:, eighth] + round(2 * behind)
    return Seeds(wins, losses, wins / (wins + losses), seeds.seed, seeds.league_rank)


def field_2020(behind: float, *known: tuple[int, int], S: int = 20_000) -> np.ndarray:
    points = np.zeros((S, T))
    points[:, east(9)] = 2.0
    return play_in(
        with_games_behind(S, behind), LEAGUE, strengths_of(points, home_edge=9.0, noise_sd=10.0),
        rule=OF_2020, rng=np.random.default_rng(0), known=known,
    )[:, 0]  # fmt: skip


def test_in_2020_the_ninth_had_to_win_twice_on_a_neutral_court():
    entrants = field_2020(4.0)
    assert (entrants[:, :7] == east(*range(1, 8))).all()
    assert set(entrants[:, 7]) == set(east(8, 9))
    expected = ndtr(0.2) ** 2
    assert (entrants[:, 7] == east(9)).mean() == pytest.approx(expected, abs=0.015)


def test_in_2020_the_ninth_had_to_be_within_four_games():
    assert (field_2020(4.5)[:, 7] == east(8)).all()


def test_in_2020_known_games_are_honoured():
    eighth, ninth = east(8, 9)
    assert (field_2020(4.0, (eighth, ninth))[:, 7] == eighth).all()
    assert (field_2020(4.0, (ninth, eighth), (ninth, eighth))[:, 7] == ninth).all()
    once = field_2020(4.0, (ninth, eighth))
    assert (once[:, 7] == ninth).mean() == pytest.approx(ndtr(0.2), abs=0.015)
    with pytest.raises(ValueError, match="do not all fit"):
        field_2020(4.5, (eighth, ninth), S=10)


@pytest.mark.parametrize("rule", [OF_2020, SINCE_PLAY_IN])
def test_uninvited_teams_are_passed_over(rule):
    seeds = with_games_behind(2_000, 1.0, place=10)
    strengths = random_strengths(np.random.default_rng(0), 2_000)
    eighth, ninth, tenth, eleventh = east(8, 9, 10, 11)
    entrants = play_in(
        seeds, LEAGUE, strengths,
        rule=rule, rng=np.random.default_rng(0), uninvited=[ninth, eleventh],
    )[:, 0]  # fmt: skip
    assert not np.isin(entrants, [ninth, eleventh]).any()
    assert {eighth, tenth} <= set(entrants[:, 7])


# The playoffs.


@pytest.mark.parametrize("needed", [(4, 4, 4, 4), (3, 4, 4, 4)])
def test_probabilities_sum_to_the_places_of_each_round_and_never_rise(needed):
    rng = np.random.default_rng(0)
    S = 300
    seeds, strengths = random_seeds(rng, S), random_strengths(rng, S)
    entrants = field_of(seeds, strengths, rng)
    reach = advance(entrants, strengths, league_rank=seeds.league_rank, wins_needed=needed)
    assert reach.shape == (S, T, 5)
    assert reach.sum(axis=1) == pytest.approx(np.broadcast_to([16, 8, 4, 2, 1], (S, 5)), abs=1e-9)
    assert (np.diff(reach, axis=2) <= 0).all()
    assert ((reach >= 0) & (reach <= 1)).all()
    for code in (0, 1):
        places = reach[:, LEAGUE.conference == code].sum(axis=1)
        assert places[:, :4] == pytest.approx(np.broadcast_to([8, 4, 2, 1], (S, 4)), abs=1e-9)
    inside = np.zeros((S, T))
    np.put_along_axis(inside, entrants.reshape(S, -1), 1, axis=1)
    assert (reach[:, :, 0] == inside).all()


def test_equal_teams_on_neutral_courts_have_equal_odds():
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, 20), strengths_of(np.full((20, T), 3.0), home_edge=0.0)
    entrants = field_of(seeds, strengths, rng)
    reach = advance(entrants, strengths, league_rank=seeds.league_rank)
    inside = reach[:, :, 0] == 1
    assert reach[inside] == pytest.approx(
        np.broadcast_to([1, 1 / 2, 1 / 4, 1 / 8, 1 / 16], (320, 5))
    )


def test_home_court_alone_orders_equal_teams_by_record():
    rng = np.random.default_rng(0)
    seeds, strengths = fixed_seeds(2), strengths_of(np.zeros((2, T)))
    entrants = play_in(seeds, LEAGUE, strengths, rule=None, rng=rng)
    reach = advance(entrants, strengths, league_rank=seeds.league_rank)
    assert (reach[:, east(1, 2, 3, 4), 1] > 0.5).all()
    assert (reach[:, east(1), 4] > reach[:, [1], 4]).all()
    assert (reach[:, :16, 4].argsort(axis=1) == np.arange(16)[::-1]).all()


def test_a_title_takes_more_from_a_stronger_team():
    """Monotone in the own strength, in every round and whoever the team is."""
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, 50), random_strengths(rng, 50)
    entrants = field_of(seeds, strengths, rng)
    before = advance(entrants, strengths, league_rank=seeds.league_rank)
    for team in range(0, T, 5):
        points = strengths.points.copy()
        points[:, team] += 0.5
        after = advance(entrants, strengths_of(points), league_rank=seeds.league_rank)
        inside = before[:, team, 0] == 1
        assert (after[inside, team, 1:] > before[inside, team, 1:]).all()
        others = np.delete(after[..., 4] - before[..., 4], team, axis=1)
        assert others.sum(axis=1) == pytest.approx(before[:, team, 4] - after[:, team, 4])


def test_odds_do_not_depend_on_the_unit_or_the_level_of_strength():
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, 20), random_strengths(rng, 20)
    entrants = field_of(seeds, strengths, rng)
    rank = seeds.league_rank
    expected = advance(entrants, strengths, league_rank=rank)
    points = 10 * strengths.points + 500
    other = strengths_of(points, home_edge=25.0, noise_sd=120.0)
    assert advance(entrants, other, league_rank=rank) == pytest.approx(expected)
    each = strengths_of(strengths.points, home_edge=np.full(20, 2.5), noise_sd=np.full(20, 12.0))
    assert advance(entrants, each, league_rank=rank) == pytest.approx(expected)


def by_hand(left: dict[int, float], right: dict[int, float], win) -> dict[int, float]:
    """Odds of winning a series between the possible teams of either side."""
    sides = ((left, right), (right, left))
    return {
        a: p * sum(q * win(a, b) for b, q in other.items())
        for own, other in sides
        for a, p in own.items()
    }


@pytest.mark.parametrize("random", range(4))
def test_the_bracket_is_fixed_and_the_better_record_hosts_the_finals_too(random):
    """Against a bracket written out by hand, whichever conference has the better records."""
    rng = np.random.default_rng(random)
    seeds = random_seeds(rng, 1)
    strengths = random_strengths(rng, 1, home_edge=6.0)
    entrants = field_of(seeds, strengths, rng)
    points, rank = strengths.points[0], seeds.league_rank[0]

    def win(a: int, b: int) -> float:
        host, guest = (a, b) if rank[a] < rank[b] else (b, a)
        games = (float(ndtr((points[host] - points[guest] + e) / 12.0)) for e in (6.0, -6.0))
        p = brute_force(*games, 4, 0, 0)
        return p if host == a else 1 - p

    winners: list[dict[int, float]] = []
    for code in (0, 1):
        team = dict(zip(range(1, 9), entrants[0, code].tolist(), strict=True))
        one, four, two, three = (
            by_hand({team[a]: 1.0}, {team[9 - a]: 1.0}, win) for a in (1, 4, 2, 3)
        )
        winners.append(by_hand(by_hand(one, four, win), by_hand(two, three, win), win))
    title = by_hand(*winners, win)
    reach = advance(entrants, strengths, league_rank=seeds.league_rank)[0]
    finals = winners[0] | winners[1]
    assert reach[list(finals), 3] == pytest.approx(list(finals.values()))
    assert reach[list(title), 4] == pytest.approx(list(title.values()))


def test_drawn_playoffs_agree_with_the_exact_odds():
    S = 20_000
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, S), random_strengths(rng, S, home_edge=4.0)
    entrants = field_of(seeds, strengths, rng)
    rank = seeds.league_rank
    reach = advance(entrants, strengths, league_rank=rank)
    drawn = draw(entrants, strengths, league_rank=rank, rng=rng)
    won = rounds_won(drawn)[..., None] >= np.arange(1, 5)
    # Calibrated within four standard errors, in all and among the likely and the unlikely.
    for low, high in ((0, 1.1), (0, 0.1), (0.1, 0.5), (0.5, 1.1)):
        cells = (reach[..., 1:] >= low) & (reach[..., 1:] < high) & (reach[..., :1] == 1)
        p = reach[..., 1:][cells]
        error = np.sqrt((p * (1 - p)).sum())
        assert abs(won[cells].sum() - p.sum()) < 4 * error + 1e-6
    assert won.sum(axis=1).tolist() == [[8, 4, 2, 1]] * S


def test_drawn_series_are_hosted_by_the_better_record():
    """Team by team in one bracket of equal teams, where the home court is all that matters."""
    S = 20_000
    one = random_seeds(np.random.default_rng(1), 1)
    seeds = Seeds(*(np.repeat(array, S, axis=0) for array in vars(one).values()))
    strengths = strengths_of(np.zeros((S, T)), home_edge=12.0)
    rng = np.random.default_rng(0)
    entrants = play_in(seeds, LEAGUE, strengths, rule=None, rng=rng)
    rank = seeds.league_rank
    p = advance(entrants, strengths, league_rank=rank)[0, :, 1:]
    drawn = draw(entrants, strengths, league_rank=rank, rng=rng)
    shares = (rounds_won(drawn)[..., None] >= np.arange(1, 5)).mean(axis=0)
    assert (np.abs(shares - p) < 4.5 * np.sqrt(p * (1 - p) / S) + 1e-6).all()


def test_drawn_wins_are_those_of_a_bracket():
    S = 2_000
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, S), random_strengths(rng, S)
    entrants = field_of(seeds, strengths, rng)
    for needed in ((4, 4, 4, 4), (3, 4, 4, 4)):
        drawn = draw(
            entrants, strengths, league_rank=seeds.league_rank, rng=rng, wins_needed=needed
        )
        by_rounds = np.sort(rounds_won(drawn, needed), axis=1)[:, -16:]
        assert (by_rounds == [*[0] * 8, *[1] * 4, 2, 2, 3, 4]).all()
        inside = np.zeros((S, T), dtype=bool)
        np.put_along_axis(inside, entrants.reshape(S, -1), True, axis=1)
        assert (drawn[~inside] == 0).all()
        assert drawn.max() == sum(needed)


def test_the_length_of_drawn_series_is_that_of_even_ones():
    S = 4_000
    rng = np.random.default_rng(0)
    seeds, strengths = random_seeds(rng, S), strengths_of(np.zeros((S, T)), home_edge=0.0)
    entrants = field_of(seeds, strengths, rng)
    games = draw(entrants, strengths, league_rank=seeds.league_rank, rng=rng)
    # 4 to 7 games with chances 1/8, 1/4, 5/16, 5/16.
    assert games.sum(axis=1).mean() / 15 == pytest.approx(5.8125, abs=0.02)


def playoffs_begun(S: int = 3_000) -> tuple[np.ndarray, Strengths, np.ndarray]:
    """Fixed entrants, strengths, and no game yet."""
    strengths = random_strengths(np.random.default_rng(3), S)
    entrants = play_in(fixed_seeds(S), LEAGUE, strengths, rule=None, rng=np.random.default_rng(0))
    return entrants, strengths, np.zeros((T, T), dtype=np.int64)


@pytest.mark.parametrize(
    ("needed", "won", "lost"),
    [(4, 0, 1), (4, 2, 0), (4, 3, 1), (4, 2, 3), (4, 0, 3), (4, 3, 3), (3, 0, 1), (3, 2, 1)],
)
@pytest.mark.parametrize("known_host", [True, False])
def test_a_series_under_way_goes_on_from_its_state(needed, won, lost, known_host):
    entrants, strengths, wins = playoffs_begun()
    rank = fixed_seeds(len(entrants)).league_rank
    host, guest = east(3, 6)
    wins[host, guest], wins[guest, host] = (won, lost) if known_host else (lost, won)
    fixed = {"league_rank": rank, "wins_needed": (needed, 4, 4, 4)}
    reach = advance(entrants, strengths, wins_so_far=wins, **fixed)
    gap = strengths.points[:, host] - strengths.points[:, guest]
    state = wins[host, guest], wins[guest, host]
    expected = [
        brute_force(ndtr((d + 2.5) / 12), ndtr((d - 2.5) / 12), needed, *state) for d in gap[:50]
    ]
    assert reach[:50, host, 1] == pytest.approx(expected)
    # The other series are untouched.
    before = advance(entrants, strengths, **fixed)
    others = east(1, 8, 2, 7, 4, 5)
    assert (reach[:, others, 1] == before[:, others, 1]).all()
    drawn = draw(entrants, strengths, rng=np.random.default_rng(0), wins_so_far=wins, **fixed)
    p = reach[:, host, 1]
    error = np.sqrt((p * (1 - p)).sum())
    assert abs((rounds_won(drawn[:, host], fixed["wins_needed"]) >= 1).sum() - p.sum()) < 4 * error
    assert (drawn[:, host] >= wins[host, guest]).all()
    assert (drawn[:, guest] >= wins[guest, host]).all()


def test_decided_series_have_probability_one():
    entrants, strengths, wins = playoffs_begun(200)
    rank = fixed_seeds(200).league_rank
    one, two, three, four, five, six, seven, eight = east(*range(1, 9))
    for winner, loser, lost in ((eight, one, 2), (four, five, 3), (two, seven, 0), (six, three, 1)):
        wins[winner, loser], wins[loser, winner] = 4, lost
    wins[eight, four] = 3
    reach = advance(entrants, strengths, league_rank=rank, wins_so_far=wins)
    assert (reach[:, [eight, four, two, six], 1] == 1).all()
    assert (reach[:, [one, five, seven, three], 1:] == 0).all()
    assert reach[:, [eight, four], 2].sum(axis=1) == pytest.approx(1)
    assert reach[:, eight, 2].mean() > 0.9
    wins[eight, four] = 4
    reach = advance(entrants, strengths, league_rank=rank, wins_so_far=wins)
    assert (reach[:, eight, 2] == 1).all()
    assert (reach[:, four, 2:] == 0).all()
    drawn = draw(
        entrants, strengths, league_rank=rank, rng=np.random.default_rng(0), wins_so_far=wins
    )
    assert (rounds_won(drawn[:, eight]) >= 2).all()
    assert (drawn[:, four] == 4).all()
    assert (drawn[:, one] == 2).all()


@pytest.mark.parametrize(
    "pairs",
    [
        [east(1, 9)],  # one is not in the playoffs
        [east(1, 7)],  # they do not meet in the first round
        [east(1, 8), east(1, 3)],  # nor in the second
    ],
)
def test_known_games_that_do_not_fit_the_bracket_are_refused(pairs):
    entrants, strengths, wins = playoffs_begun(5)
    for winner, loser in pairs:
        wins[winner, loser] = 4
    with pytest.raises(MisfitError, match="do not fit the bracket"):
        advance(entrants, strengths, league_rank=fixed_seeds(5).league_rank, wins_so_far=wins)


def test_input_that_does_not_fit_is_refused():
    entrants, strengths, wins = playoffs_begun(5)
    rank = fixed_seeds(5).league_rank
    with pytest.raises(ValueError, match="entrants must be"):
        advance(entrants[:, :, :4], strengths, league_rank=rank)
    with pytest.raises(ValueError, match="wins_so_far must be"):
        advance(entrants, strengths, league_rank=rank, wins_so_far=wins[:3, :3] + 1)
    with pytest.raises(ValueError, match="noise_sd"):
        strengths_of(strengths.points, noise_sd=0.0)
    with pytest.raises(ValueError, match="finite"):
        strengths_of(strengths.points * np.nan)


def test_ten_thousand_playoffs_take_well_under_a_second():
    rng = np.random.default_rng(0)
    S = 10_000
    seeds, strengths = random_seeds(rng, S), random_strengths(rng, S)
    start = time.process_time()
    entrants = field_of(seeds, strengths, rng)
    advance(entrants, strengths, league_rank=seeds.league_rank)
    draw(entrants, strengths, league_rank=seeds.league_rank, rng=rng)
    assert time.process_time() - start < 1


# The real league.


def real_season(tables, season: str) -> tuple[np.ndarray, League, Seeds]:
    """Team ids, league and final standings of a season, as 20 equal simulations."""
    games = tables.team_games
    rows = games[(games["season"] == season) & (games["kind"] == "regular")]
    teams = tables.teams[tables.teams["season"] == season].sort_values("team_id")
    ids = teams["team_id"].to_numpy()
    n = len(ids)
    own, other = (np.searchsorted(ids, rows[name]) for name in ("team_id", "opponent_team_id"))
    won = rows["won"].to_numpy()
    beat = np.bincount(own[won] * n + other[won], minlength=n * n).reshape(n, n)
    margin = rows["points"] - rows["opponent_points"]
    point_diff = np.bincount(own, weights=margin, minlength=n).astype("int64")
    league = League(*alignment(teams))
    twenty = (np.repeat(array[None], 20, axis=0) for array in (beat, point_diff))
    return ids, league, seed(*twenty, league)


def results_of(tables, season: str, kind: str, ids: np.ndarray) -> list[tuple[int, int]]:
    """Positions (winner, loser) of the games of a kind, by date."""
    games = tables.team_games
    rows = games[(games["season"] == season) & (games["kind"] == kind) & games["won"]]
    rows = rows.sort_values("game_date")
    pair = (np.searchsorted(ids, rows[name]) for name in ("team_id", "opponent_team_id"))
    return list(zip(*(side.tolist() for side in pair), strict=True))


def real_field(tables, season: str, known: int | None = None):
    """Ids, seeds, strengths and entrants after the first `known` play-in games (None: all)."""
    ids, league, seeds = real_season(tables, season)
    strengths = strengths_of(np.random.default_rng(0).normal(0, 4, seeds.seed.shape))
    restart = league_facts.restart(season)
    uninvited = np.flatnonzero(np.isin(ids, list(restart.uninvited))) if restart else []
    entrants = play_in(
        seeds, league, strengths,
        rule=league_facts.play_in(season), rng=np.random.default_rng(1),
        known=results_of(tables, season, "playin", ids)[:known], uninvited=uninvited,
    )  # fmt: skip
    return ids, seeds, strengths, entrants


def named(tables, season: str, ids: np.ndarray, positions) -> list[str]:
    names = tables.teams[tables.teams["season"] == season].set_index("team_id")["abbreviation"]
    return names[ids[positions]].tolist()


@pytest.mark.real
@pytest.mark.parametrize("season", SINCE_2015)
def test_the_real_first_round_is_reproduced(real_tables, season):
    ids, _, _, entrants = real_field(real_tables, season)
    assert (entrants == entrants[:1]).all()
    played = series(real_tables.team_games, season)
    played = played[played["round"] == 1]
    real = {frozenset(pair) for pair in played[["team_id", "opponent_team_id"]].to_numpy()}
    pairs = {
        frozenset(ids[entrants[0, code, [high, 7 - high]]]) for code in (0, 1) for high in range(4)
    }
    assert pairs == real


@pytest.mark.real
@pytest.mark.parametrize("season", SINCE_2015)
def test_the_real_champion_is_reproduced(real_tables, season):
    ids, seeds, strengths, entrants = real_field(real_tables, season)
    games = results_of(real_tables, season, "playoffs", ids)
    wins = np.zeros((len(ids), len(ids)), dtype=np.int64)
    np.add.at(wins, tuple(np.array(games).T), 1)
    fixed = {
        "league_rank": seeds.league_rank,
        "wins_needed": wins_needed_by_round(season),
    }
    reach = advance(entrants, strengths, wins_so_far=wins, **fixed)
    drawn = draw(entrants, strengths, rng=np.random.default_rng(0), wins_so_far=wins, **fixed)
    played = series(real_tables.team_games, season)
    winners = played[played["winner_team_id"] == played["team_id"]]
    rounds = np.bincount(np.searchsorted(ids, winners["team_id"]), minlength=len(ids))
    assert (rounds_won(drawn) == rounds).all()
    assert (reach[..., 1:] == (rounds[:, None] >= np.arange(1, 5))).all()
    games_won = playoff_wins(real_tables.team_games).query("season == @season")
    assert (drawn == games_won.sort_values("team_id")["playoff_wins"].to_numpy()).all()


@pytest.mark.real
@pytest.mark.parametrize("season", SINCE_2015)
def test_a_real_playoff_can_be_followed_game_by_game(real_tables, season):
    """On every state on the way nothing is refused, and the sums hold."""
    ids, seeds, strengths, entrants = real_field(real_tables, season)
    wins = np.zeros((len(ids), len(ids)), dtype=np.int64)
    for game in results_of(real_tables, season, "playoffs", ids):
        wins[game] += 1
        reach = advance(entrants, strengths, league_rank=seeds.league_rank, wins_so_far=wins)
        assert reach.sum(axis=1) == pytest.approx(np.broadcast_to([16, 8, 4, 2, 1], (20, 5)))
        assert (np.diff(reach, axis=2) <= 0).all()


@pytest.mark.real
def test_the_play_in_of_2020(real_tables):
    ids, seeds, _, entrants = real_field(real_tables, "2019-20", known=0)
    west = named(real_tables, "2019-20", ids, np.unique(entrants[:, 1, 7]))
    assert set(west) == {"POR", "MEM"}
    # Washington was further behind, so there was none in the East.
    assert named(real_tables, "2019-20", ids, np.unique(entrants[:, 0, 7])) == ["ORL"]
    *_, entrants = real_field(real_tables, "2019-20")
    assert named(real_tables, "2019-20", ids, np.unique(entrants[:, 1, 7])) == ["POR"]
    # Charlotte, which was not invited, had a better record than Washington.
    ninth = np.flatnonzero(seeds.seed[0] == 9)
    assert set(named(real_tables, "2019-20", ids, ninth)) == {"MEM", "CHA"}


@pytest.mark.real
def test_the_play_in_of_2021(real_tables):
    ids, _, _, entrants = real_field(real_tables, "2020-21")
    assert named(real_tables, "2020-21", ids, entrants[0, 0, 6:]) == ["BOS", "WAS"]
    assert named(real_tables, "2020-21", ids, entrants[0, 1, 6:]) == ["LAL", "MEM"]
    # Before its last game, the eighth of the West was the Warriors' or the Grizzlies'.
    *_, entrants = real_field(real_tables, "2020-21", known=5)
    assert set(named(real_tables, "2020-21", ids, np.unique(entrants[:, 1, 7]))) == {"GSW", "MEM"}


def test_first_rounds_before_2002_03_were_best_of_five():
    assert wins_needed_by_round("2001-02") == (3, 4, 4, 4)
    assert wins_needed_by_round("2002-03") == (4, 4, 4, 4)

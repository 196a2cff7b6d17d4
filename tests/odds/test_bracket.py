import itertools

import numpy as np
import pytest
from scipy.special import ndtr

from nba_rank.data import league as league_facts
from nba_rank.odds.bracket import (
    MisfitError,
    Strengths,
    advance,
    draw,
    play_in,
    series_win_prob,
)
from nba_rank.odds.seeding import League, Seeds

T = 30
LEAGUE = League(conference=np.arange(T) % 2, division=np.arange(T) % 6)
SINCE_PLAY_IN = league_facts.play_in("2022-23")
OF_2020 = league_facts.play_in("2019-20")
PATTERN = {4: "HHAAHAH", 3: "HHAAH"}
FINALS_OF_2013 = "HHAAAHH"


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


def venues(first="HHAAHAH", finals="HHAAHAH") -> list[np.ndarray]:
    """Whether the host is at home, by round."""
    return [np.array(list(games)) == "H" for games in (first, *[PATTERN[4]] * 2, finals)]


def rounds_won(wins: np.ndarray, needed=(4, 4, 4, 4)) -> np.ndarray:
    """Series won, 0 to 4, by teams with so many playoff wins."""
    return np.searchsorted(np.cumsum(needed), wins, side="right")


def entrants_of(seeds: Seeds, strengths: Strengths, rule=SINCE_PLAY_IN, **known) -> np.ndarray:
    rng = np.random.default_rng(0)
    return play_in(seeds, LEAGUE, strengths, rule=rule, rng=rng, **known)


def brute_force(p_home: float, p_away: float, games: str, won: int, lost: int) -> float:
    """Sum over all outcomes of the games left, played out in order until someone has enough."""
    pattern, needed = games[won + lost :], len(games) // 2 + 1
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


def test_series_win_prob_equals_the_sum_over_all_outcomes():
    states = [
        (needed, won, lost)
        for needed in (3, 4)
        for won in range(needed + 1)
        for lost in range(needed + 1)
        if won + lost < 2 * needed
    ]
    p_home, p_away = np.random.default_rng(0).random((2, 20))
    p_home[:2], p_away[1:3] = (0, 1), (0, 1)
    columns = {"home_left": [], "away_left": [], "needed": []}
    expected = []
    for needed, won, lost in states:
        left = PATTERN[needed][won + lost :]
        state = {"home_left": left.count("H"), "away_left": left.count("A"), "needed": needed - won}
        games = zip(p_home, p_away, strict=True)
        expected.append([brute_force(*pair, PATTERN[needed], won, lost) for pair in games])
        alone = series_win_prob(p_home, p_away, **state)
        assert alone == pytest.approx(expected[-1], abs=1e-12), (needed, won, lost)
        for name, value in state.items():
            columns[name].append([value])
    # The states may also differ from cell to cell.
    together = {name: np.array(values) for name, values in columns.items()}
    assert series_win_prob(p_home, p_away, **together) == pytest.approx(
        np.array(expected), abs=1e-12
    )


# The play-in.


def test_without_a_play_in_the_first_eight_enter():
    entrants = entrants_of(fixed_seeds(3), strengths_of(np.zeros((3, T))), rule=None)
    assert (entrants[:, 0] == east(*range(1, 9))).all()
    assert (entrants[:, 1] == np.array(east(*range(1, 9))) + 1).all()


def test_the_play_in_changes_only_the_last_two_seeds():
    rng = np.random.default_rng(0)
    seeds = random_seeds(rng, 200)
    entrants = entrants_of(seeds, random_strengths(rng, 200))
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
    entrants = entrants_of(fixed_seeds(S), strengths)

    def p(host: float, guest: float) -> float:
        return float(ndtr((host - guest + 2.0) / 10.0))

    first, second = p(3, 1), p(0, -2)
    eighth = {
        7: (1 - first) * (second * p(3, 0) + (1 - second) * p(3, -2)),
        8: first * (second * p(1, 0) + (1 - second) * p(1, -2)),
        9: second * (first * (1 - p(1, 0)) + (1 - first) * (1 - p(3, 0))),
        10: (1 - second) * (first * (1 - p(1, -2)) + (1 - first) * (1 - p(3, -2))),
    }
    tolerance = 4 * 0.5 / np.sqrt(S)
    assert (entrants[:, 0, 6] == east(7)).mean() == pytest.approx(first, abs=tolerance)
    for place, chance in eighth.items():
        drawn = (entrants[:, 0, 7] == east(place)).mean()
        assert drawn == pytest.approx(chance, abs=tolerance)


def test_known_play_in_games_are_not_drawn():
    S = 500
    seeds, strengths = fixed_seeds(S), random_strengths(np.random.default_rng(0), S)
    seventh, eighth, ninth, tenth = east(7, 8, 9, 10)
    games = [(eighth, seventh), (tenth, ninth), (tenth, seventh)]
    none, one, two, three = (
        entrants_of(seeds, strengths, known=games[:played]) for played in range(4)
    )
    assert (one[:, 0, 6] == eighth).all()
    assert set(one[:, 0, 7]) == {seventh, ninth, tenth}
    assert set(two[:, 0, 7]) == {seventh, tenth}
    assert (three[:, 0, 6:] == [eighth, tenth]).all()
    # The other conference draws as before.
    assert (three[:, 1] == none[:, 1]).all()


@pytest.mark.parametrize(
    "known",
    [
        east(1, 2),  # not in the play-in
        east(10, 7),  # before the games that lead to it
        [east(7)[0], east(8)[0] + 1],  # over conferences
    ],
)
def test_a_known_play_in_game_that_does_not_fit_is_refused(known):
    with pytest.raises(MisfitError, match="do not all fit the seeds"):
        entrants_of(fixed_seeds(50), strengths_of(np.zeros((50, T))), known=[tuple(known)])


def with_games_behind(S: int, behind: float, *, place: int = 9) -> Seeds:
    """`fixed_seeds` in which one of the East's teams is so many games behind the eighth."""
    seeds = fixed_seeds(S)
    eighth, other = east(8, place)
    losses, wins = seeds.losses.copy(), seeds.wins.copy()
    wins[:, other], losses[:, other] = wins[:, eighth], losses[:, eighth] + round(2 * behind)
    return Seeds(wins, losses, wins / (wins + losses), seeds.seed, seeds.league_rank)


def test_in_2020_a_ninth_within_four_games_had_to_win_twice_on_a_neutral_court():
    S = 20_000
    points = np.zeros((S, T))
    points[:, east(9)] = 2.0
    strengths = strengths_of(points, home_edge=9.0, noise_sd=10.0)
    eighth, ninth = east(8, 9)

    def field(behind: float, *known: tuple[int, int]) -> np.ndarray:
        return entrants_of(with_games_behind(S, behind), strengths, OF_2020, known=known)[:, 0]

    entrants = field(4.0)
    assert (entrants[:, :7] == east(*range(1, 8))).all()
    assert set(entrants[:, 7]) == {eighth, ninth}
    assert (entrants[:, 7] == ninth).mean() == pytest.approx(ndtr(0.2) ** 2, abs=0.015)
    assert (field(4.5)[:, 7] == eighth).all()
    assert (field(4.0, (eighth, ninth))[:, 7] == eighth).all()
    assert (field(4.0, (ninth, eighth), (ninth, eighth))[:, 7] == ninth).all()
    once = field(4.0, (ninth, eighth))
    assert (once[:, 7] == ninth).mean() == pytest.approx(ndtr(0.2), abs=0.015)
    with pytest.raises(MisfitError, match="do not all fit"):
        field(4.5, (eighth, ninth))


def edge_of(host: int, guest: int, edge: float) -> np.ndarray:
    """The edge of a single next game."""
    edges = np.full((T, T), np.nan)
    edges[host, guest], edges[guest, host] = edge, -edge
    return edges


def test_the_next_game_of_the_play_in_has_an_edge_of_its_own():
    S = 20_000
    seeds, strengths = fixed_seeds(S), strengths_of(np.zeros((S, T)), home_edge=3.0, noise_sd=10.0)
    seventh, eighth = east(7, 8)
    plain = entrants_of(seeds, strengths)
    told = entrants_of(seeds, strengths, next_edge=edge_of(seventh, eighth, -4.0))
    won = (told[:, 0, 6] == seventh).mean()
    assert won == pytest.approx(ndtr(-0.4), abs=0.5 / S)
    assert (told[:, 1] == plain[:, 1]).all()
    same = entrants_of(seeds, strengths, next_edge=edge_of(eighth, seventh, -3.0))
    assert (same == plain).all(axis=(1, 2)).mean() > 1 - 4 * 0.5 / np.sqrt(S)


def test_a_told_play_in_game_is_won_as_often_as_its_chances_sum_to():
    S = 400
    eighth, ninth, tenth = east(8, 9, 10)
    points = np.random.default_rng(1).normal(0, 4, (S, T))
    points[:, eighth] = -1e3  # the winner of the game beats it, and is the eighth of the playoffs
    strengths = strengths_of(points)
    known = {"known": [east(7, 8)], "next_edge": edge_of(ninth, tenth, 2.0)}
    last = entrants_of(fixed_seeds(S), strengths, **known)[:, 0, 7]
    gap = points[:, ninth] - points[:, tenth]
    p = ndtr((gap + 2.0) / np.broadcast_to(strengths.noise_sd, S))
    assert (last == ninth).sum() == round(p.sum())
    # It remains a matter of luck, and the stronger it is, the more often.
    assert np.corrcoef(last == ninth, p)[0, 1] > 0.2


@pytest.mark.parametrize(("won", "expected"), [(0, ndtr(0.5) * ndtr(0.2)), (1, ndtr(0.5))])
def test_in_2020_the_next_of_two_games_alone_has_the_edge(won, expected):
    S = 20_000
    points = np.zeros((S, T))
    eighth, ninth = east(8, 9)
    points[:, ninth] = 2.0
    entrants = entrants_of(
        with_games_behind(S, 1.0), strengths_of(points, noise_sd=10.0), OF_2020,
        known=[(ninth, eighth)] * won, next_edge=edge_of(eighth, ninth, -3.0),
    )  # fmt: skip
    assert (entrants[:, 0, 7] == ninth).mean() == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("rule", [OF_2020, SINCE_PLAY_IN])
def test_uninvited_teams_are_passed_over(rule):
    seeds = with_games_behind(2_000, 1.0, place=10)
    strengths = random_strengths(np.random.default_rng(0), 2_000)
    eighth, ninth, tenth, eleventh = east(8, 9, 10, 11)
    entrants = entrants_of(seeds, strengths, rule, uninvited=[ninth, eleventh])[:, 0]
    assert not np.isin(entrants, [ninth, eleventh]).any()
    assert {eighth, tenth} <= set(entrants[:, 7])


# The playoffs.


@pytest.mark.parametrize("needed", [(4, 4, 4, 4), (3, 4, 4, 4)])
def test_exact_and_drawn_rounds_add_up(needed):
    rng = np.random.default_rng(0)
    S = 300
    seeds, strengths = random_seeds(rng, S), random_strengths(rng, S)
    entrants = entrants_of(seeds, strengths)
    rules = {"league_rank": seeds.league_rank, "venues": venues(PATTERN[needed[0]])}
    reach = advance(entrants, strengths, **rules)
    assert reach.shape == (S, T, 5)
    assert (np.diff(reach, axis=2) <= 0).all()
    assert ((reach >= 0) & (reach <= 1)).all()
    assert reach[:, :, 4].sum(axis=1) == pytest.approx(1, abs=1e-9)
    for code in (0, 1):
        places = reach[:, LEAGUE.conference == code].sum(axis=1)
        assert places[:, :4] == pytest.approx(np.broadcast_to([8, 4, 2, 1], (S, 4)), abs=1e-9)
    inside = np.zeros((S, T))
    np.put_along_axis(inside, entrants.reshape(S, -1), 1, axis=1)
    assert (reach[:, :, 0] == inside).all()

    drawn = draw(entrants, strengths, rng=rng, **rules)
    assert (drawn[inside == 0] == 0).all()
    assert drawn.max() == sum(needed)
    in_order = np.sort(rounds_won(drawn, needed), axis=1)[:, -16:]
    assert (in_order == [*[0] * 8, *[1] * 4, 2, 2, 3, 4]).all()


def by_hand(left: dict[int, float], right: dict[int, float], win) -> dict[int, float]:
    """Odds of winning a series between the possible teams of either side."""
    return {
        a: p * sum(q * win(a, b) for b, q in other.items())
        for own, other in ((left, right), (right, left))
        for a, p in own.items()
    }


def test_the_bracket_is_fixed_and_the_better_record_hosts_the_finals_too():
    """Against a bracket written out by hand."""
    S = 450
    rng = np.random.default_rng(0)
    edge, noise = rng.uniform(3, 9, S), rng.uniform(9, 15, S)
    seeds = random_seeds(rng, S)
    strengths = random_strengths(rng, S, home_edge=edge, noise_sd=noise)
    entrants = entrants_of(seeds, strengths)
    reach = advance(entrants, strengths, league_rank=seeds.league_rank, venues=venues())
    for i in (0, 149, 150, 224, 225, 449):
        points, rank = strengths.points[i], seeds.league_rank[i]

        def win(a: int, b: int, i=i, points=points, rank=rank) -> float:
            host, guest = (a, b) if rank[a] < rank[b] else (b, a)
            gap = points[host] - points[guest]
            games = (float(ndtr((gap + e) / noise[i])) for e in (edge[i], -edge[i]))
            p = brute_force(*games, PATTERN[4], 0, 0)
            return p if host == a else 1 - p

        rounds: list[dict[int, float]] = [{}, {}, {}]
        finalists = []
        for code in (0, 1):
            team = dict(zip(range(1, 9), entrants[i, code].tolist(), strict=True))
            one, four, two, three = (
                by_hand({team[a]: 1.0}, {team[9 - a]: 1.0}, win) for a in (1, 4, 2, 3)
            )
            halves = by_hand(one, four, win), by_hand(two, three, win)
            finalists.append(by_hand(*halves, win))
            for of_round, sides in zip(
                rounds, ([one, four, two, three], halves, finalists[-1:]), strict=True
            ):
                for side in sides:
                    of_round |= side
        for number, odds in enumerate([*rounds, by_hand(*finalists, win)], start=1):
            assert reach[i, list(odds), number] == pytest.approx(list(odds.values()))


def test_drawn_playoffs_agree_with_the_exact_odds():
    """Team by team in two brackets in turn, where the home court matters much."""
    S = 40_000
    rng = np.random.default_rng(1)
    two = random_seeds(rng, 2)
    seeds = Seeds(*(np.tile(array, (S // 2, 1)) for array in vars(two).values()))
    strengths = strengths_of(np.tile(rng.normal(0, 2, (2, T)), (S // 2, 1)), home_edge=12.0)
    entrants = entrants_of(seeds, strengths, rule=None)
    rules = {"league_rank": seeds.league_rank, "venues": venues()}
    p = advance(entrants, strengths, **rules)[:2, :, 1:]
    drawn = draw(entrants, strengths, rng=rng, **rules)
    won = (rounds_won(drawn)[..., None] >= np.arange(1, 5)).reshape(S // 2, 2, T, 4)
    assert (np.abs(won.mean(axis=0) - p) < 4.5 * np.sqrt(p * (1 - p) / (S / 2)) + 1e-6).all()


def playoffs_begun(S: int) -> tuple[np.ndarray, Strengths, np.ndarray]:
    """Fixed entrants, strengths, and no game yet."""
    strengths = random_strengths(np.random.default_rng(3), S)
    return entrants_of(fixed_seeds(S), strengths, rule=None), strengths, np.zeros((T, T), int)


@pytest.mark.parametrize(
    ("needed", "won", "lost"), [(4, 0, 1), (4, 2, 0), (4, 2, 3), (4, 0, 3), (3, 0, 1), (3, 2, 1)]
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_series_under_way_goes_on_from_its_state(needed, won, lost, side):
    entrants, strengths, wins = playoffs_begun(3_000)
    host, guest = east(3, 6)
    wins[host, guest], wins[guest, host] = state = (won, lost)[::side]
    fixed = {
        "league_rank": fixed_seeds(len(entrants)).league_rank, "venues": venues(PATTERN[needed]),
    }  # fmt: skip
    reach = advance(entrants, strengths, wins_so_far=wins, **fixed)
    gap = strengths.points[:50, host] - strengths.points[:50, guest]
    games = zip(ndtr((gap + 2.5) / 12), ndtr((gap - 2.5) / 12), strict=True)
    expected = [brute_force(*pair, PATTERN[needed], *state) for pair in games]
    assert reach[:50, host, 1] == pytest.approx(expected)
    # The other series are untouched.
    others = east(1, 8, 2, 7, 4, 5)
    assert (reach[:, others, 1] == advance(entrants, strengths, **fixed)[:, others, 1]).all()
    drawn = draw(entrants, strengths, rng=np.random.default_rng(0), wins_so_far=wins, **fixed)
    p = reach[:, host, 1]
    error = np.sqrt((p * (1 - p)).sum())
    won = rounds_won(drawn[:, host], (needed, 4, 4, 4)) >= 1
    assert abs(won.sum() - p.sum()) < 4 * error
    assert (drawn[:, [host, guest]] >= state).all()


@pytest.mark.parametrize(("won", "lost"), [(0, 0), (0, 1), (3, 1), (3, 3), (2, 3)])
def test_the_next_game_of_a_series_has_an_edge_of_its_own(won, lost):
    entrants, strengths, wins = playoffs_begun(3_000)
    host, guest = east(3, 6)
    wins[host, guest], wins[guest, host] = won, lost
    fixed = {
        "league_rank": fixed_seeds(len(entrants)).league_rank, "venues": venues(),
        "wins_so_far": wins,
    }  # fmt: skip
    told = [edge_of(guest, host, 6.0), None, None, None]
    reach = advance(entrants, strengths, next_edges=told, **fixed)
    gap = strengths.points[:, host] - strengths.points[:, guest]
    at_home, away, p_next = (ndtr((gap + edge) / 12) for edge in (2.5, -2.5, -6.0))
    after = [
        [brute_force(*pair, PATTERN[4], won + one, lost + 1 - one)
         for pair in zip(at_home[:50], away[:50], strict=True)]
        for one in (1, 0)
    ]  # fmt: skip
    expected = p_next[:50] * after[0] + (1 - p_next[:50]) * after[1]
    assert reach[:50, host, 1] == pytest.approx(expected)
    plain = advance(entrants, strengths, **fixed)
    others = east(1, 8, 2, 7, 4, 5)
    assert (reach[:, others, 1] == plain[:, others, 1]).all()
    rng = np.random.default_rng(0)
    drawn = draw(entrants, strengths, rng=rng, next_edges=told, **fixed)
    p = reach[:, host, 1]
    series_won = rounds_won(drawn[:, host]) >= 1
    assert abs(series_won.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())
    # As at any home court, nothing changes.
    usual = 2.5 if PATTERN[4][won + lost] == "H" else -2.5
    same = [edge_of(host, guest, usual), None, None, None]
    assert advance(entrants, strengths, next_edges=same, **fixed) == pytest.approx(plain, abs=1e-12)
    rngs = np.random.default_rng(1), np.random.default_rng(1)
    drawn = draw(entrants, strengths, rng=rngs[0], **fixed)
    assert (draw(entrants, strengths, rng=rngs[1], next_edges=same, **fixed) == drawn).all()


def test_finals_under_way_go_on_where_they_were_played():
    entrants, strengths, wins = playoffs_begun(3_000)
    host, guest = entrants[0, :, 0]
    for field in entrants[0]:
        for better, other in ((1, 8), (4, 5), (2, 7), (3, 6), (1, 4), (2, 3), (1, 2)):
            wins[field[better - 1], field[other - 1]] = 4
    wins[host, guest], wins[guest, host] = 2, 3
    fixed = {
        "league_rank": fixed_seeds(len(entrants)).league_rank,
        "venues": venues(finals=FINALS_OF_2013),
        "wins_so_far": wins,
    }
    p = advance(entrants, strengths, **fixed)[:, host, 4]
    # Both games left are at home; by today's rule one would be.
    at_home = ndtr((strengths.points[:, host] - strengths.points[:, guest] + 2.5) / 12)
    assert p == pytest.approx(at_home**2)
    drawn = draw(entrants, strengths, rng=np.random.default_rng(0), **fixed)[:, host] == 16
    assert abs(drawn.sum() - p.sum()) < 4 * np.sqrt((p * (1 - p)).sum())


def test_decided_series_have_probability_one():
    entrants, strengths, wins = playoffs_begun(200)
    one, two, three, four, five, six, seven, eight = east(*range(1, 9))
    for winner, loser, lost in ((eight, one, 2), (four, five, 3), (two, seven, 0), (six, three, 1)):
        wins[winner, loser], wins[loser, winner] = 4, lost
    wins[eight, four] = 4
    fixed = {
        "league_rank": fixed_seeds(200).league_rank, "venues": venues(), "wins_so_far": wins,
    }  # fmt: skip
    reach = advance(entrants, strengths, **fixed)
    assert (reach[:, [eight, four, two, six], 1] == 1).all()
    assert (reach[:, [one, five, seven, three], 1:] == 0).all()
    assert (reach[:, eight, 2] == 1).all()
    assert (reach[:, four, 2:] == 0).all()
    drawn = draw(entrants, strengths, rng=np.random.default_rng(0), **fixed)
    assert (rounds_won(drawn[:, eight]) >= 2).all()
    assert (drawn[:, [four, one, five]] == [4, 2, 3]).all()


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
    rules = {"league_rank": fixed_seeds(5).league_rank, "venues": venues()}
    with pytest.raises(MisfitError, match="do not fit the bracket"):
        advance(entrants, strengths, wins_so_far=wins, **rules)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_rank.data.assumed_fixtures import Fixtures, assume, fair_meetings, pair_up, place


def codes(*sizes):
    """Division codes of so many teams each."""
    return np.repeat(np.arange(len(sizes)), sizes)


LEAGUE = codes(15, 15), codes(5, 5, 5, 5, 5, 5)


NONE = Fixtures.none()


def assumed(missing, *, today, played=NONE, known=NONE):
    """Make up the missing games of a season of 82 games each that opened on day 1000."""
    return assume(
        missing, meetings=fair_meetings(*LEAGUE, 82), played=played, known=known, opening=1_000,
        today=today,
    )  # fmt: skip


def played_by(fixtures, n_teams):
    """Return the days on which each team plays."""
    return [
        np.sort(fixtures.day[(fixtures.home == team) | (fixtures.away == team)])
        for team in range(n_teams)
    ]


def test_meetings_follow_the_formula_of_the_league():
    conference, division = LEAGUE
    meetings = fair_meetings(conference, division, 82)
    np.testing.assert_allclose(meetings[0, [0, 1, 5, 15]], [0.0, 4.0, 3.6, 2.0])
    np.testing.assert_allclose(meetings.sum(axis=1), 82)
    np.testing.assert_allclose(fair_meetings(conference, division, 41), meetings / 2)
    np.testing.assert_allclose(fair_meetings(conference, division, 66).sum(axis=1), 66)
    uneven = fair_meetings(codes(15, 14), codes(7, 8, 7, 7), 82)
    np.testing.assert_array_equal(uneven, uneven.T)
    np.testing.assert_allclose(uneven.sum(axis=1), 82, atol=1.5)


@given(st.lists(st.integers(0, 12), min_size=2, max_size=9), st.integers(0, 1_000))
def test_every_team_gets_its_games_where_that_is_possible(missing, seed):
    missing = np.array(missing)
    want = np.random.default_rng(seed).normal(size=(len(missing),) * 2)
    rounds, unpaired = pair_up(missing, want + want.T)
    games = np.concatenate([*rounds, np.zeros((0, 2), dtype=int)])
    assert (games[:, 0] != games[:, 1]).all()
    for pairs in rounds:
        assert len(np.unique(pairs)) == pairs.size > 0
    short = missing - np.bincount(games.ravel(), minlength=len(missing))
    assert (short >= 0).all()
    assert short.sum() == unpaired
    assert unpaired == max(missing.sum() % 2, 2 * missing.max() - missing.sum())
    assert np.count_nonzero(short) <= 1


@pytest.mark.parametrize(
    "want",
    [
        # 0 and 1 have met, and 2 and 3.
        [[0, 0, 1, 1], [0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 0, 0]],
        # The best pair, 0 and 1, would leave 2 and 3, who have met too often.
        [[0, 3, 2, 2], [3, 0, 2, 2], [2, 2, 0, -4], [2, 2, -4, 0]],
    ],
)
def test_teams_that_have_met_least_often_meet(want):
    ((pairs,), _) = pair_up(np.ones(4, dtype=int), np.array(want, dtype=float))
    assert {tuple(sorted(pair)) for pair in pairs.tolist()} == {(0, 2), (1, 3)}


def test_a_whole_season_is_spread_evenly_without_back_to_backs():
    games, unpaired = assumed(np.full(30, 82), today=900)
    assert unpaired == 0
    assert len(games.day) == 1_230
    assert (games.day.min(), games.day.max()) == (1_001, 1_164)
    for days in played_by(games, 30):
        assert set(np.diff(days)) <= {2, 3}
    assert np.abs(np.bincount(games.home, minlength=30) - 41).max() <= 1
    met = np.zeros((30, 30), dtype=int)
    np.add.at(met, (games.home, games.away), 1)
    assert np.abs(met + met.T - fair_meetings(*LEAGUE, 82)).max() <= 1.0
    again, _ = assumed(np.full(30, 82), today=900)
    np.testing.assert_array_equal([*vars(again).values()], [*vars(games).values()])


def one_game(home, away, day):
    return Fixtures(*(np.array([value]) for value in (home, away, day)))


def closest(games):
    """The fewest days between two games of a team."""
    return min(np.diff(days).min() for days in played_by(games, 30))


def test_games_follow_a_schedule_that_is_known_for_a_part_of_the_season():
    known = one_game(0, 1, 1_100)
    missing = np.where(np.arange(30) < 4, 3, 0)
    games, _ = assumed(missing, played=one_game(2, 3, 1_049), known=known, today=1_050)
    assert games.day.min() >= 1_102
    assert games.day.max() <= 1_165
    crowded, _ = assumed(np.full(30, 20), played=one_game(2, 3, 1_159), today=1_160)
    assert crowded.day.max() == 1_200
    assert closest(crowded) == 2


@pytest.mark.parametrize("today", [1_171, 1_172, 1_300])
def test_games_can_be_missing_long_after_the_season(today):
    games, _ = assumed(np.full(30, 3), played=one_game(2, 3, 1_170), today=today)
    assert games.day.min() >= max(today, 1_172)
    assert closest(games) == 2


def test_games_fill_the_gaps_of_a_schedule_that_is_known_to_the_end():
    # Every second day is free for none, but for a week.
    days = np.setdiff1d(np.arange(1_051, 1_170, 2), np.arange(1_100, 1_107))
    teams = np.arange(0, 30, 2)
    known = Fixtures(
        np.tile(teams, len(days)), np.tile(teams + 1, len(days)), np.repeat(days, len(teams))
    )
    games, _ = assumed(
        np.ones(30, dtype=int), played=one_game(2, 3, 1_049), known=known, today=1_050
    )
    assert games.day.min() >= 1_101
    assert games.day.max() <= 1_106
    assert closest(known.and_(games)) == 2


def test_the_host_has_had_fewer_home_games():
    missing = np.isin(np.arange(30), [4, 9]).astype(int)
    for host, guest in ((4, 9), (9, 4)):
        games, _ = assumed(missing, played=one_game(guest, 20, 1_049), today=1_050)
        assert (games.home.tolist(), games.away.tolist()) == ([host], [guest])
    # Level at home, so it is who has hosted the other less often.
    played = one_game(9, 20, 1_047).and_(one_game(4, 9, 1_049))
    games, _ = assumed(missing, played=played, today=1_050)
    assert games.home.tolist() == [9]


def test_a_team_without_an_opponent_is_counted():
    missing = np.where(np.arange(30) == 7, 2, 0)
    games, unpaired = assumed(missing, today=1_050)
    assert len(games.day) == 0
    assert unpaired == 2


@given(st.integers(0, 10_000))
def test_no_assumed_game_is_on_or_next_to_another_of_its_teams(seed):
    rng = np.random.default_rng(seed)
    n, last = 6, int(rng.integers(1, 30))
    busy = rng.random((n, last + 3)) < 0.3
    busy[:, last + 1 :] = False
    rounds, _ = pair_up(rng.integers(0, 8, n), np.zeros((n, n)))
    if not rounds:
        return
    hosted = np.zeros((n, n), dtype=int)
    home, away, day = place(rounds, busy, last, hosted)
    assert day.min() >= 1
    for team in range(n):
        own = day[(home == team) | (away == team)]
        others = np.flatnonzero(busy[team])
        assert (np.diff(np.sort(own)) >= 2).all()
        assert not np.isin(own[:, None] + [-1, 0, 1], others).any()
    assert not hosted.any()

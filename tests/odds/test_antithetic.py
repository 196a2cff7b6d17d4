import numpy as np
import pytest

from nba_rank.odds.antithetic import AntitheticDraws, Streams, mirrored

GAMES = [7, 0, 12, 7]


@pytest.mark.parametrize("n_simulations", [1, 6, 7])
def test_draws_of_several_mornings_equal_each_drawn_alone(n_simulations):
    drawn = AntitheticDraws.draw_all(np.random.default_rng(3), n_simulations, 4, GAMES)
    for draws, n_games in zip(drawn, GAMES, strict=True):
        rng = np.random.default_rng(3)
        half = (n_simulations + 1) // 2
        np.testing.assert_array_equal(draws.doubts, rng.standard_normal((4, half)))
        games = rng.standard_normal((n_games, half), dtype=np.float32)
        np.testing.assert_array_equal(draws.games[:n_games], games)
        np.testing.assert_array_equal(draws.later.random(5), rng.random(5))


def test_the_second_half_mirrors_the_first():
    half = np.array([[1.0, -2.0, 3.0]])
    assert mirrored(half, 6).tolist() == [[1, -2, 3, -1, 2, -3]]
    assert mirrored(half, 5).tolist() == [[1, -2, 3, -1, 2]]
    uniform = Streams([np.random.default_rng(0), np.random.default_rng(1)], 4).random((3, 8))
    np.testing.assert_array_equal(uniform[:, [2, 3, 6, 7]], 1 - uniform[:, [0, 1, 4, 5]])
    np.testing.assert_array_equal(uniform[:, :2], np.random.default_rng(0).random((3, 2)))

import numpy as np
import pytest
from scipy.linalg.lapack import dposv

from nba_rank.features.players.cholesky import solve


@pytest.mark.parametrize("n", [1, 5, 200])
def test_a_system_is_solved_to_the_last_bit_as_by_scipys_wrapper(n):
    rng = np.random.default_rng(n)
    factor = rng.standard_normal((n, n + 3))
    matrix, right = factor @ factor.T, rng.standard_normal(n)
    _, expected, _ = dposv(matrix.T.copy(order="F"), right, lower=1)
    solution = right.copy()
    assert solve(matrix.copy(), solution) == 0
    np.testing.assert_array_equal(solution, expected)
    np.testing.assert_allclose(matrix @ solution, right, atol=1e-8)


def test_a_matrix_that_is_not_positive_is_told():
    assert solve(np.diag([1.0, -1.0, 1.0]), np.ones(3)) == 2

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import kendalltau, rankdata, spearmanr
from sklearn.metrics import ndcg_score, roc_auc_score

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.evaluation.metrics import (
    EXPONENTIAL_NDCG,
    LIST_METRICS,
    average_rank,
    kendall,
    mrr,
    ndcg,
    precision,
    rank_mae,
    rank_rmse,
    spearman,
    upset_auc,
)

ALL = LIST_METRICS | EXPONENTIAL_NDCG
ORDER_ONLY = {name: metric for name, metric in ALL.items() if not metric.needs_standings}
N = 30


@st.composite
def lists(draw, min_teams=3):
    """Scores with ties and a true order."""
    n = draw(st.integers(min_teams, N))
    score = draw(st.lists(st.integers(-12, 12), min_size=n, max_size=n))
    true_rank = draw(st.permutations(range(1, n + 1)))
    return np.array(score, dtype=float), np.array(true_rank, dtype=float)


@given(lists())
def test_average_rank_equals_scipy(case):
    score, _ = case
    assert np.array_equal(average_rank(score), rankdata(-score))


@given(lists())
def test_correlations_equal_scipy(case):
    score, true_rank = case
    assume(len(set(score)) > 1)
    assert spearman(score, true_rank) == pytest.approx(spearmanr(-score, true_rank).statistic)
    assert kendall(score, true_rank) == pytest.approx(kendalltau(-score, true_rank).statistic)


@given(lists(), st.integers(1, 20))
def test_ndcg_equals_scikit_learn_with_ties(case, k):
    score, true_rank = case
    n = len(score)
    assert ndcg(score, true_rank, k) == pytest.approx(
        ndcg_score([n - true_rank], [score], k=k), abs=1e-12
    )
    gains = 2 ** (5 * (n - true_rank) / (n - 1)) - 1
    assert ndcg(score, true_rank, k, gain="exponential") == pytest.approx(
        ndcg_score([gains], [score], k=k), abs=1e-12
    )


@given(lists(), st.randoms(use_true_random=False))
def test_upset_auc_equals_scikit_learn_over_listed_pairs(case, random):
    score, true_rank = case
    standings = np.array([random.randint(0, 6) for _ in score], dtype=float)
    upset, edge = [], []
    for i in range(len(score)):
        for j in range(len(score)):
            if standings[i] > standings[j]:
                upset.append(true_rank[j] < true_rank[i])
                edge.append(score[j] - score[i])
    if len(set(upset)) < 2:
        assert np.isnan(upset_auc(score, true_rank, standings))
    else:
        expected = roc_auc_score(upset, edge)
        assert upset_auc(score, true_rank, standings) == pytest.approx(expected)


@pytest.mark.parametrize("name", ALL)
def test_true_order_scores_best_and_nothing_beats_it(name):
    rng = np.random.default_rng(3)
    true_rank = np.arange(1.0, N + 1)
    standings = rng.permutation(N).astype(float)
    best = ALL[name](-true_rank, true_rank, standings)
    assert best == pytest.approx(1.0 if higher_is_better(name) else 0.0)
    for _ in range(50):
        other = ALL[name](rng.normal(size=N), true_rank, standings)
        assert other <= best + 1e-12 if higher_is_better(name) else other >= best


@pytest.mark.parametrize("name", ALL)
def test_reversed_order_scores_worst(name):
    rng = np.random.default_rng(4)
    true_rank = np.arange(1.0, N + 1)
    standings = rng.permutation(N).astype(float)
    worst = ALL[name](true_rank, true_rank, standings)
    for _ in range(50):
        other = ALL[name](rng.normal(size=N), true_rank, standings)
        assert other >= worst - 1e-12 if higher_is_better(name) else other <= worst


@given(lists(min_teams=21), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(case, random):
    score, true_rank = case
    standings = np.array([random.randint(0, 40) for _ in score], dtype=float)
    order = np.array(random.sample(range(len(score)), len(score)))
    for metric in ALL.values():
        assert metric(score[order], true_rank[order], standings[order]) == pytest.approx(
            metric(score, true_rank, standings), nan_ok=True
        )


@given(lists(min_teams=21))
def test_only_the_order_of_scores_matters_except_for_upsets(case):
    score, true_rank = case
    for metric in ORDER_ONLY.values():
        assert metric(score**3 + 5, true_rank, score) == pytest.approx(
            metric(score, true_rank, score), nan_ok=True
        )


@given(lists(), st.randoms(use_true_random=False))
def test_upset_auc_ignores_shift_and_scale(case, random):
    score, true_rank = case
    standings = np.array([random.randint(0, 9) for _ in score], dtype=float)
    assert upset_auc(0.37 * score - 11.3, true_rank, standings) == pytest.approx(
        upset_auc(score, true_rank, standings), nan_ok=True
    )


def test_worked_example():
    # Predicted order A B C D E; finished B A C E D.
    score = [5.0, 4.0, 3.0, 2.0, 1.0]
    true_rank = [2, 1, 3, 5, 4]
    assert spearman(score, true_rank) == pytest.approx(1 - 6 * 4 / (5 * 24))
    assert kendall(score, true_rank) == pytest.approx((8 - 2) / 10)
    assert rank_mae(score, true_rank) == pytest.approx(4 / 5)
    assert rank_rmse(score, true_rank) == pytest.approx(np.sqrt(4 / 5))
    assert ndcg(score, true_rank, k=2) == pytest.approx((3 + 4 / np.log2(3)) / (4 + 3 / np.log2(3)))
    assert mrr(score, true_rank, k=2) == 1.0
    assert precision(score, true_rank, k=1) == 0.0
    assert precision(score, true_rank, k=2) == 1.0
    assert precision(score, true_rank, k=4) == pytest.approx(3 / 4)


def test_mrr_is_the_reciprocal_place_of_the_first_top_team():
    # The true top two are predicted fourth and third.
    assert mrr([4, 3, 2, 1], [3, 4, 2, 1], k=2) == pytest.approx(1 / 3)


def test_ties_share_what_their_places_are_worth():
    true_rank = np.arange(1, 5)
    assert average_rank([7, 7, 1, 1]).tolist() == [1.5, 1.5, 3.5, 3.5]
    assert precision(np.zeros(4), true_rank, k=2) == pytest.approx(1 / 2)
    assert rank_mae(np.zeros(4), true_rank) == pytest.approx(1.0)
    assert mrr(np.zeros(4), true_rank, k=1) == pytest.approx(1 / 2.5)


def test_upset_auc_of_the_standings_is_that_of_their_gaps():
    # Wins of A 41, B 40, C 30; the one upset is the closest pair.
    wins = np.array([41.0, 40.0, 30.0])
    assert upset_auc(wins, [2, 1, 3], wins) == 1.0
    assert upset_auc(wins, [1, 3, 2], wins) == pytest.approx(1 / 2)


def test_equal_gaps_of_fractions_are_ties():
    share = np.array([43.0, 42.0, 31.0, 30.0]) / 82
    # The closest pairs, one game apart, are one upset and one not.
    assert upset_auc(share, [2, 1, 3, 4], share) == pytest.approx(4.5 / 5)


@pytest.mark.parametrize("name", ["spearman", "kendall"])
def test_constant_score_has_no_correlation(name):
    assert np.isnan(LIST_METRICS[name](np.zeros(5), np.arange(1.0, 6), np.zeros(5)))


def test_upset_auc_without_upset_is_undefined():
    score = np.arange(5.0)
    assert np.isnan(upset_auc(score, 5 - score, score))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="score must be a vector of finite"):
        spearman([1.0, np.nan], [1, 2])
    with pytest.raises(ValueError, match="true_rank must hold a finite number for each of 2"):
        spearman([1.0, 2.0], [1, 2, 3])
    with pytest.raises(ValueError, match="standings_score"):
        upset_auc([1.0, 2.0], [1, 2], [1.0])
    with pytest.raises(ValueError, match="gain must be"):
        ndcg([1.0, 2.0], [1, 2], k=1, gain="cubic")


def test_random_order_scores_as_the_docstring_says():
    rng = np.random.default_rng(0)
    true_rank = np.arange(1, N + 1)
    for gain, expected in (("linear", 0.62), ("exponential", 0.46)):
        values = [ndcg(rng.normal(size=N), true_rank, 16, gain) for _ in range(2000)]
        assert np.mean(values) == pytest.approx(expected, abs=0.01)


def test_every_metric_declares_words_of_its_own_and_its_direction():
    assert ALL.keys() <= METRICS.keys()
    assert len({metric.words for metric in METRICS.values()}) == len(METRICS)
    for name, metric in METRICS.items():
        if name.endswith(("_brier", "_log_loss")):
            assert metric.higher_is_better is False, name
        assert metric.digits == 4 or not name.endswith("brier"), name
    assert higher_is_better("unheard_of") is None

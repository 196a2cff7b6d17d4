import numpy as np
import pytest
from hypothesis import given, settings
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
N = 30


@st.composite
def lists(draw, min_teams=3):
    """Scores with ties, a true order, and standings with ties."""
    n = draw(st.integers(min_teams, N))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    score = rng.integers(-12, 12, n, endpoint=True).astype(float)
    return score, rng.permutation(n) + 1.0, rng.integers(0, 9, n).astype(float)


@settings(max_examples=50, deadline=None)
@given(lists(), st.integers(1, 20))
def test_metrics_equal_their_references_with_ties(case, k):
    score, true_rank, standings = case
    n = len(score)
    assert np.array_equal(average_rank(score), rankdata(-score))
    if len(set(score)) > 1:
        assert spearman(score, true_rank) == pytest.approx(spearmanr(-score, true_rank).statistic)
        assert kendall(score, true_rank) == pytest.approx(kendalltau(-score, true_rank).statistic)
    for gain, gains in (
        ("linear", n - true_rank),
        ("exponential", 2 ** (5 * (n - true_rank) / (n - 1)) - 1),
    ):
        expected = ndcg_score([gains], [score], k=k)
        assert ndcg(score, true_rank, k, gain) == pytest.approx(expected, abs=1e-12)
    pairs = [(i, j) for i in range(n) for j in range(n) if standings[i] > standings[j]]
    upset = [true_rank[j] < true_rank[i] for i, j in pairs]
    found = upset_auc(score, true_rank, standings)
    if len(set(upset)) < 2:
        assert np.isnan(found)
    else:
        expected = roc_auc_score(upset, [score[j] - score[i] for i, j in pairs])
        assert found == pytest.approx(expected)
        moved = upset_auc(0.37 * score - 11.3, true_rank, standings)
        assert moved == pytest.approx(found)


@settings(max_examples=30, deadline=None)
@given(lists(min_teams=21), st.randoms(use_true_random=False))
def test_neither_order_of_rows_nor_other_rankings_matter(case, random):
    score, true_rank, standings = case
    order = np.array(random.sample(range(len(score)), len(score)))
    for metric in ALL.values():
        alone = metric(score, true_rank, standings)
        assert np.ndim(alone) == 0
        shuffled = metric(score[order], true_rank[order], standings[order])
        assert shuffled == pytest.approx(alone, nan_ok=True)
        among = metric(np.stack([standings, score]), true_rank, standings)
        assert among.shape == (2,)
        assert np.array_equal(among[1], alone, equal_nan=True)
        if not metric.needs_standings:
            stretched = metric(score**3 + 5, true_rank, standings)
            assert stretched == pytest.approx(alone, nan_ok=True)


@pytest.mark.parametrize("name", ALL)
def test_the_true_order_scores_best_and_its_reverse_worst(name):
    rng = np.random.default_rng(3)
    true_rank = np.arange(1.0, N + 1)
    standings = rng.permutation(N).astype(float)
    orders = np.vstack([-true_rank, true_rank, rng.normal(size=(50, N))])
    sign = 1 if higher_is_better(name) else -1
    best, worst, *others = sign * ALL[name](orders, true_rank, standings)
    assert best == pytest.approx(1.0 if sign == 1 else 0.0)
    assert worst - 1e-12 <= min(others)
    assert max(others) <= best + 1e-12


def test_worked_example():
    # Predicted order A B C D E; finished B A C E D.
    score = [5.0, 4.0, 3.0, 2.0, 1.0]
    true_rank = [2, 1, 3, 5, 4]
    assert rank_mae(score, true_rank) == pytest.approx(4 / 5)
    assert rank_rmse(score, true_rank) == pytest.approx(np.sqrt(4 / 5))
    assert mrr(score, true_rank, k=2) == 1.0
    # The true top two are predicted fourth and third.
    assert mrr([4, 3, 2, 1], [3, 4, 2, 1], k=2) == pytest.approx(1 / 3)
    assert [precision(score, true_rank, k) for k in (1, 2, 4)] == pytest.approx([0, 1, 3 / 4])


def test_ties_share_the_worth_of_their_places():
    true_rank, tied = np.arange(1, 5), np.zeros(4)
    assert average_rank([7, 7, 1, 1]).tolist() == [1.5, 1.5, 3.5, 3.5]
    found = precision(tied, true_rank, k=2), rank_mae(tied, true_rank), mrr(tied, true_rank, k=1)
    assert found == pytest.approx((1 / 2, 1.0, 1 / 2.5))
    assert np.isnan([spearman(tied, true_rank), kendall(tied, true_rank)]).all()


def test_upset_auc_judges_the_standings_by_their_gaps():
    # Wins of A 41, B 40, C 30; the one upset is the closest pair.
    wins = np.array([41.0, 40.0, 30.0])
    assert upset_auc(wins, [2, 1, 3], wins) == 1.0
    assert upset_auc(wins, [1, 3, 2], wins) == pytest.approx(1 / 2)
    # The closest pairs, one game apart, are one upset and one not: equal gaps of fractions tie.
    share = np.array([43.0, 42.0, 31.0, 30.0]) / 82
    assert upset_auc(share, [2, 1, 3, 4], share) == pytest.approx(4.5 / 5)
    assert np.isnan(upset_auc(wins, [1, 2, 3], wins))


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="score must be finite numbers"):
        spearman([1.0, np.nan], [1, 2])
    with pytest.raises(ValueError, match="true_rank must hold a finite number for each of 2"):
        spearman([1.0, 2.0], [1, 2, 3])
    with pytest.raises(ValueError, match="standings_score"):
        upset_auc([1.0, 2.0], [1, 2], [1.0])
    with pytest.raises(ValueError, match="gain must be"):
        ndcg([1.0, 2.0], [1, 2], k=1, gain="cubic")


def test_every_metric_declares_words_of_its_own_and_its_direction():
    assert ALL.keys() <= METRICS.keys()
    assert len({metric.words for metric in METRICS.values()}) == len(METRICS)
    for name, metric in METRICS.items():
        if name.endswith(("_brier", "_log_loss")):
            assert metric.higher_is_better is False, name
        assert metric.digits == 4 or not name.endswith("brier"), name
    assert higher_is_better("unheard_of") is None

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import league_teams
from nba_rank.evaluation.evaluate import (
    SCOPES,
    TIDY_COLUMNS,
    evaluate,
    interval_metrics,
    recovery_metrics,
)
from nba_rank.evaluation.metrics import EXPONENTIAL_NDCG, LIST_METRICS, SPEARMAN, spearman


@pytest.fixture(scope="module")
def truth():
    """Outcomes of four seasons in a random order, eight playoff teams a conference."""
    seasons = ("2019-20", "2020-21", "2021-22", "2022-23")
    teams = pd.concat([league_teams(one).assign(season=one) for one in seasons], ignore_index=True)
    strength = pd.Series(np.random.default_rng(11).normal(size=len(teams)))
    made = strength.groupby([teams["season"], teams["conference"]]).rank(ascending=False) <= 8
    rank = (strength + 100 * made).groupby(teams["season"]).rank(ascending=False)
    return teams.assign(outcome_rank=rank, made_playoffs=made)


@pytest.fixture(scope="module")
def scores(truth):
    """Scores of three rankers at all points: the outcome and some noise."""
    rng = np.random.default_rng(12)
    parts = []
    for point in AS_OF_POINTS:
        for ranker, noise in (("stack", 1.0), ("standings", 4.0), ("elo", 3.0)):
            score = noise * rng.normal(size=len(truth)) - truth["outcome_rank"]
            rows = truth[["season", "team_id"]].assign(as_of_point=point, ranker=ranker)
            parts.append(rows.assign(score=score))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def tidy(scores, truth):
    """All metrics of all rankers; not to be altered."""
    return evaluate(scores, truth, LIST_METRICS | EXPONENTIAL_NDCG)


def test_columns_and_order(tidy, scores, truth):
    chosen = tidy[tidy["metric"].isin(LIST_METRICS)].reset_index(drop=True)
    assert list(dict.fromkeys(tidy["as_of_point"])) == list(AS_OF_POINTS)
    assert list(dict.fromkeys(tidy["scope"])) == list(SCOPES)
    assert list(dict.fromkeys(tidy["metric"])) == [*LIST_METRICS, *EXPONENTIAL_NDCG]
    assert tidy["season"].is_monotonic_increasing
    assert not tidy.duplicated(TIDY_COLUMNS[:-1]).any()
    pd.testing.assert_frame_equal(evaluate(scores.sample(frac=1, random_state=0), truth), chosen)
    by_scope = chosen.groupby("scope")["metric"].agg(set)
    assert by_scope["league"] == set(LIST_METRICS)
    assert by_scope["playoff16"] == set(LIST_METRICS) - {"ndcg_20"}
    assert by_scope["east"] == by_scope["west"] == set(LIST_METRICS) - {"ndcg_16", "ndcg_20"}
    some = evaluate(scores, truth, scopes=("playoff16", "league"))
    expected = chosen[chosen["scope"].isin(("league", "playoff16"))].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected)


def test_ranks_are_taken_anew_within_the_scope(tidy, scores, truth):
    chosen = "season == '2021-22' and as_of_point == '0.25' and ranker == 'elo'"
    rows = scores.query(chosen).merge(truth, on=["season", "team_id"])
    value = tidy.query(chosen).set_index(["scope", "metric"])["value"]
    west = rows[rows["conference"] == "West"]
    expected = spearman(west["score"], west["outcome_rank"].rank())
    assert value["west", "spearman"] == pytest.approx(expected)
    playoffs = rows[rows["made_playoffs"]]
    off = (playoffs["score"].rank(ascending=False) - playoffs["outcome_rank"].rank()).abs().mean()
    assert value["playoff16", "rank_mae"] == pytest.approx(off)


def test_a_ranker_may_be_absent_from_a_season_and_standings_where_unneeded(tidy, scores, truth):
    stack = scores[(scores["season"] != "2019-20") & (scores["ranker"] == "stack")]
    found = evaluate(stack, truth, SPEARMAN)
    assert set(found["season"]) == set(truth["season"]) - {"2019-20"}
    assert len(found.merge(tidy, on=TIDY_COLUMNS)) == len(found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows.drop(index=[3]), "missing or infinite score of"),
        (lambda rows: rows[rows["team_id"] != rows["team_id"].iloc[0]], "not hold the same teams"),
        (lambda rows: rows[rows["ranker"] != "standings"], "no scores of the ranker 'standings'"),
        (lambda rows: pd.concat([rows, rows.head(1)]), "repeated keys"),
        (lambda rows: rows.replace({"as_of_point": {"end": "0.99"}}), "unknown as_of_point"),
        (lambda rows: rows.replace({"season": {"2019-20": "2030-31"}}), "no truth for the seasons"),
    ],
)
def test_bad_scores_are_refused(scores, truth, change, message):
    with pytest.raises(ValueError, match=message):
        evaluate(change(scores), truth)


def test_intervals_are_judged_by_season_and_point():
    bounds = ["model_a_rank_spread_low", "model_a_rank_spread_high"]
    ranks = ["actual_rank", *bounds]
    table = pd.DataFrame(
        [
            ("2022-23", "open", 1, 1, 3),  # on the bound
            ("2022-23", "open", 5, 2, 5),  # on the other
            ("2022-23", "open", 9, 2, 8),  # outside
            ("2022-23", "open", 1, 2, 2),  # outside, one place wide
            ("2022-23", "open", 30, None, None),  # without an interval
            ("2022-23", "end", 4, 4, 4),
            ("2023-24", "open", 7, 1, 30),
        ],
        columns=["season", "as_of_point", *ranks],
    ).astype(dict.fromkeys(ranks, "Int64"))
    tidy = interval_metrics(table)
    assert tidy.columns.tolist() == TIDY_COLUMNS
    value = tidy.set_index(["metric", "season", "as_of_point"])["value"]
    assert value["rank_interval_coverage"].to_dict() == {
        ("2022-23", "open"): 0.5, ("2022-23", "end"): 1.0, ("2023-24", "open"): 1.0,
    }  # fmt: skip
    assert value["rank_interval_width"].tolist() == [15 / 4, 1.0, 30.0]
    assert interval_metrics(table.drop(columns=bounds)).empty


def test_true_strength_is_recovered_in_its_order():
    key = {"season": "sim", "as_of_date": pd.Timestamp("2024-01-01"), "team_id": [1, 2, 3, 4]}
    true = pd.DataFrame({**key, "true_strength": [5.0, 1.0, -2.0, -4.0]})
    scores = {"right": [9, 8, 7, 6], "reversed": [1, 2, 3, 4]}
    rows = [pd.DataFrame({**key, "ranker": name, "score": own}) for name, own in scores.items()]
    found = recovery_metrics(pd.concat(rows).assign(as_of_point="0.25"), true).set_index("ranker")[
        "value"
    ]
    assert found.to_dict() == pytest.approx({"right": 1.0, "reversed": -1.0})

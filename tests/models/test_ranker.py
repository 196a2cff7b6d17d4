import numpy as np
import pandas as pd
import pytest

from nba_rank.dataset import PROGRESS
from nba_rank.models.ranker import Head


@pytest.fixture
def oof():
    """Out-of-fold scores of three seasons; xgb knows something, rf nothing."""
    rng = np.random.default_rng(0)
    seasons = [("2019-20", "2020-01-01"), ("2020-21", "2021-03-01"), ("2021-22", "2022-01-01")]
    keys = [(season, date, team) for season, date in seasons for team in range(30)]
    frame = pd.DataFrame(keys, columns=["season", "as_of_date", "team_id"])
    frame["as_of_date"] = pd.to_datetime(frame["as_of_date"])
    known, hidden = rng.normal(size=(2, len(frame)))
    strength = known + 0.5 * hidden
    frame["outcome_rank"] = strength_rank(frame["season"], strength)
    frame["relevance"] = (30 - frame["outcome_rank"]) / 29
    frame["made_playoffs"] = frame["outcome_rank"] <= 16
    return frame.assign(**{PROGRESS: 0.5, "xgb": strength + known, "rf": rng.normal(size=90)})


def strength_rank(season, strength):
    return pd.Series(strength).groupby(season).rank(ascending=False).astype(int)


def fit_head(oof, config):
    scores = oof.drop(columns=["outcome_rank", "relevance", "made_playoffs"])
    key = ["season", "team_id"]
    outcomes = oof[[*key, "outcome_rank", "made_playoffs"]]
    return scores, Head.fit(scores, outcomes, oof[[*key, "relevance"]], config)


def test_the_score_is_the_blend_of_the_members(oof, compose):
    scores, head = fit_head(oof, compose())
    weights = head.stacker.weights(0.5)
    assert weights["xgb"] > 5 * abs(weights["rf"])
    assert head.stacker.intercept == pytest.approx(0.5, abs=0.05)
    final = head.apply(scores, ["xgb", "rf"])["score"]
    blend = head.stacker.predict(scores[["xgb", "rf"]].to_numpy(), np.full(90, 0.5))
    assert np.array_equal(final, blend)
    assert final.corr(oof["relevance"], method="spearman") > 0.8


def test_a_member_alone_is_the_score(oof, compose):
    scores, head = fit_head(oof.drop(columns="rf"), compose())
    assert head.stacker is None
    assert np.array_equal(head.apply(scores, ["xgb"])["score"], oof["xgb"])

import numpy as np
import pandas as pd
import pytest

from nba_rank.dataset import PROGRESS, Dataset
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.roster import player_sets
from nba_rank.features.store import build_store
from nba_rank.models.members import ANCHOR, Members
from nba_rank.models.ranker import Head, Ranker
from nba_rank.models.stacking import blend_weights


@pytest.fixture
def oof():
    """Out-of-fold scores of three seasons whose anchor is right but for what xgb knows."""
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
    return frame.assign(
        **{ANCHOR: 0.5 + 0.25 * known, PROGRESS: 0.5, "xgb": hidden, "rf": rng.normal(size=90)}
    )


def strength_rank(season, strength):
    return pd.Series(strength).groupby(season).rank(ascending=False).astype(int)


def fit_head(oof, config):
    scores = oof.drop(columns=["outcome_rank", "relevance", "made_playoffs"])
    key = ["season", "team_id"]
    outcomes = oof[[*key, "outcome_rank", "made_playoffs"]]
    return scores, Head.fit(scores, outcomes, oof[[*key, "relevance"]], config)


def test_the_members_correct_what_the_anchor_leaves_over(oof, compose):
    scores, head = fit_head(oof, compose())
    weights = blend_weights([head.stacker], 0.5)
    assert weights["xgb"] > 5 * abs(weights["rf"])
    final = head.apply(scores, ["xgb", "rf"])["score"]
    correction = head.stacker.predict(scores[["xgb", "rf"]].to_numpy(), np.full(90, 0.5))
    assert np.array_equal(final, scores[ANCHOR] + correction)
    off = np.abs(scores[ANCHOR] - oof["relevance"]).mean()
    assert np.abs(final - oof["relevance"]).mean() < 0.7 * off


def test_without_an_anchor_the_members_say_it_all(oof, compose):
    _, head = fit_head(oof.drop(columns=ANCHOR), compose())
    assert head.stacker.intercept == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("overrides", "anchors", "varies"),
    [
        ([], ["regressed_win_pct", "elo_rating"], True),
        (["features/elo=off"], ["regressed_win_pct"], True),
        (["features/record=off"], ["elo_rating"], False),
        (["model.stack.vary_with_progress=false"], ["regressed_win_pct", "elo_rating"], False),
        (["model.stack.anchors=[massey_rating]"], ["massey_rating"], True),
        (["model.stack.anchors=[]"], None, None),
        (["model=xgb"], None, None),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
def test_the_anchor_blends_what_is_on(sim_tables, compose, overrides, anchors, varies):
    members = "model.members=[xgb,rf]"
    trees = ["model.xgb.n_estimators=3", "model.rf.n_estimators=3"]
    config = compose(*([] if "model=xgb" in overrides else [members]), *trees, *overrides)
    first = sim_tables.seasons[["season", "first_date"]].iloc[:2]
    dates = pd.concat(
        [
            pd.DataFrame({"season": season, "as_of_date": day + pd.to_timedelta([30, 120], "D")})
            for season, day in first.itertuples(index=False)
        ],
        ignore_index=True,
    ).astype({"as_of_date": "datetime64[us]"})
    teams = sim_tables.teams[["season", "team_id"]]
    ratings = player_ratings(sim_tables, dates, config.features.impact)
    data = Dataset.of(
        build_store(sim_tables, ratings, dates, config.features),
        player_sets(sim_tables, ratings, dates, config.features.roster),
        teams.assign(relevance=np.linspace(0, 1, len(teams))),
    )
    fitted = Members.fit(data, config, 0, lambda: None)
    if anchors is None:
        assert fitted.anchor is None
        return
    assert fitted.anchor.inputs == anchors
    assert (np.array(fitted.anchor.coef_change) != 0).any() == varies
    weights = Ranker(fitted, Head(None, None, None)).blend_weights(0.3)
    assert list(weights) == anchors
    assert sum(map(abs, weights.values())) == pytest.approx(1)

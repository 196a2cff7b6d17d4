"""Whatever learns across seasons: old seasons fade, and without fading all weigh alike."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import expit

from nba_rank.config.schema import ImpactConfig, XgbConfig
from nba_rank.core.season_weights import season_weights
from nba_rank.features.players.box_vector import VECTOR
from nba_rank.features.players.impact import BoxPrior
from nba_rank.models.calibration import CALIBRATIONS, Calibration, Outcome
from nba_rank.models.ridge import fit_ridge
from nba_rank.models.stacking import Stacker
from nba_rank.models.trees import fit_xgb
from nba_rank.odds.past_games import RatedGames
from nba_rank.odds.strength import StrengthModel
from nba_rank.samples.list_data import DateSampler
from nba_rank.samples.lists import ListTensors

GONE = 0.02
"""A half-life after which a season that is one year older weighs 2 to the power of -50."""

N = 300
YEARS = np.array([2020, 2021, 2022]).repeat(N)
NEW = YEARS == 2022
XGB = XgbConfig(
    n_estimators=20, max_depth=2, learning_rate=0.3, min_child_weight=5.0, subsample=1.0,
    colsample_bytree=1.0, reg_lambda=1.0, reg_alpha=0.0, early_stopping_rounds=0,
    objective="reg:squarederror",
)  # fmt: skip
IMPACT = ImpactConfig(
    box_decay_days=1.0, shrink_minutes=0.0, prior_ridge=3.0, season_half_life=None,
    margin_decay_days=30.0, update_ridge=1.0, margin_cap=1.0, minutes_half_life=1.0,
    stint_share=0.0, stint_decay_days=30.0, stint_ridge=1.0,
)  # fmt: skip


def test_a_weight_halves_with_each_half_life_and_the_newest_season_weighs_one():
    years = np.array([2016, 2020, 2022, 2018, 2022])
    assert season_weights(years, 2.0).tolist() == [0.125, 0.5, 1.0, 0.25, 1.0]
    assert season_weights(years, None).tolist() == [1.0] * 5
    assert season_weights(years[:0], 2.0).tolist() == []


def drift(columns=2):
    """Rows whose response turns round from the old seasons to the newest."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(len(YEARS), columns))
    y = np.where(NEW, 1.0, -1.0) * X[:, 0] + 0.3 * X[:, 1] + 0.1 * rng.normal(size=len(X))
    return X, y


def ridge(kept, half_life):
    X, y = drift()
    weight = season_weights(YEARS[kept], half_life)
    found = fit_ridge(X[kept], y[kept], YEARS[kept], [3.0], weight)
    return [*found.coef, found.intercept]


def stacker(kept, half_life):
    X, y = drift()
    weight, progress = season_weights(YEARS[kept], half_life), np.linspace(0, 1, len(YEARS))[kept]
    found = Stacker.fit(["a", "b"], X[kept], y[kept], YEARS[kept], [3.0], progress, ["a"], weight)
    return [*found.predict(X[:9], np.full(9, 0.5))]


def calibration(kept, half_life):
    X, y = drift()
    scores = {"score": X[kept, 0], "a": X[kept, 0], "b": X[kept, 1]}
    event = (expit(y) > np.random.default_rng(1).random(len(y)))[kept]
    case = Outcome(scores, None, event, season_weights(YEARS[kept], half_life))
    scores = {"score": X[:9, 0], "a": X[:9, 0], "b": X[:9, 1]}
    return [
        value
        for name in CALIBRATIONS
        for value in Calibration.fit(name, {"event": case}).log_odds("event", scores, None)
    ]


def xgb(kept, half_life):
    X, y = drift()
    X = X.round().astype(np.float32)  # few values: where trees cut does not depend on weights
    weight = season_weights(YEARS[kept], half_life)
    years = YEARS[kept]
    return fit_xgb(X[kept], y[kept], years, years, XGB, 0, weight).predict(X[:50])


def strength(kept, half_life):
    X, y = drift()
    rng = np.random.default_rng(2)
    rows = np.flatnonzero(kept)
    team_id = rng.integers(0, 9, len(X))[rows]
    frame = pd.DataFrame({"a": X[rows, 0], "progress": 0.5, "team_id": team_id})
    other = (np.arange(len(X)) // N * N + rng.integers(0, N, len(X)))[rows]  # of the same season
    home, away = np.arange(len(rows)), np.searchsorted(rows, other)
    n = np.ones(len(rows))
    margin = 5 * (y[rows] - y[other]) + 12 * rng.normal(size=len(X))[rows]
    met = {"home": home, "away": away, "edge": 0 * n, "at_home": n, "rest": 0 * n}
    games = RatedGames(**met, game=rows, season=YEARS[rows], margin=margin, weight=n)
    found = StrengthModel.fit(frame, games, {"a": 1.0}, half_life)
    return [*found.coef, *found.coef_change, found.home, found.noise, *found.doubt]


def box_prior(kept, half_life):
    X, y = drift(len(VECTOR))
    prior = BoxPrior(replace(IMPACT, season_half_life=half_life))
    state = {"season": YEARS[kept], "difference": X[kept], "response": y[kept]}
    prior.restore(state, np.zeros(0, dtype=np.int64))
    return prior.ratings(np.eye(len(VECTOR)), 2023)


LEARNERS = [ridge, stacker, calibration, xgb, strength, box_prior]


@pytest.mark.parametrize("learn", LEARNERS, ids=lambda learn: learn.__name__)
def test_a_season_that_weighs_nothing_changes_nothing(learn):
    every = np.ones(len(YEARS), dtype=np.bool_)
    alone = learn(NEW, None)
    np.testing.assert_allclose(learn(every, GONE), alone, rtol=1e-6, atol=1e-9)
    assert np.abs(np.subtract(learn(every, None), alone)).max() > 0.05
    assert np.array_equal(learn(every, None), learn(every, 1e18))


def test_an_older_season_gives_model_a_fewer_dates():
    season = np.arange(3).repeat(40)
    lists = ListTensors(
        row=np.zeros((120, 1), dtype=np.int64), season=season, date=np.tile(np.arange(40), 3),
        tensors={},
    )  # fmt: skip
    generator = torch.Generator().manual_seed(0)

    def drawn(*half_life):
        epoch = DateSampler(lists, 28, *half_life).draw(generator)
        return np.bincount(season[epoch], minlength=3).tolist()

    assert drawn(1.0) == [4, 8, 16]
    assert drawn(GONE) == [0, 0, 28]
    assert drawn() == drawn(None) == [9, 10, 9]

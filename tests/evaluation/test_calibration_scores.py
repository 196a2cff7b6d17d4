import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest, norm
from sklearn.metrics import brier_score_loss
from sklearn.metrics import log_loss as sklearn_log_loss

from nba_rank.evaluation.calibration import (
    LOG_LOSS_CLIP,
    brier,
    brier_decomposition,
    calibration_table,
    ece,
    ece_noise_floor,
    equal_mass_bins,
    log_loss,
    reliability_table,
    season_scores,
)
from nba_rank.evaluation.paired import WORSE, paired

SEASONS = [f"20{10 + i}-{11 + i}" for i in range(8)]


@st.composite
def forecasts(draw):
    """Probabilities with ties, 0 and 1 among them, and outcomes."""
    cases = st.tuples(st.integers(0, 20), st.booleans())
    p, happened = zip(*draw(st.lists(cases, min_size=1, max_size=60)), strict=True)
    return np.array(p) / 20, np.array(happened)


@pytest.fixture(scope="module")
def league():
    """Forecasts of two variants, one with noise on the log odds, over the same outcomes."""
    rng = np.random.default_rng(8)
    rows = []
    for season, event in itertools.product(SEASONS, ("playoffs", "title")):
        odds = rng.normal(scale=1.5, size=30)
        happened = rng.random(30) < expit(odds)
        for _ in ("open", "end"):
            for variant, size in (("plain", 0.0), ("noisy", 2.5)):
                p = expit(odds + size * rng.normal(size=30))
                key = {"variant": variant, "event": event, "season": season}
                key |= {"team_id": np.arange(30)}
                rows.append(pd.DataFrame({**key, "p": p, "happened": happened}))
    return pd.concat(rows, ignore_index=True)


@settings(max_examples=50, deadline=None)
@given(forecasts(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_scores_equal_their_references_in_any_order_of_rows(case, n_bins, random):
    p, happened = case
    assert brier(p, happened) == pytest.approx(brier_score_loss(happened, p, labels=[0, 1]))
    clipped = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    expected = sklearn_log_loss(happened, clipped, labels=[False, True])
    assert log_loss(p, happened) == pytest.approx(expected)
    parts = brier_decomposition(p, happened, n_bins)
    signs = {"reliability": 1, "resolution": -1, "uncertainty": 1, "within_bin": 1}
    total = sum(sign * parts[name] for name, sign in signs.items())
    assert total == pytest.approx(brier(p, happened), abs=1e-12)
    assert min(parts["reliability"], parts["resolution"], parts["uncertainty"]) >= 0
    table = reliability_table(p, happened, n_bins)
    assert table["count"].sum() == len(p)
    assert table["mean_p"].is_monotonic_increasing
    for row in table.itertuples():
        k = round(row.frequency * row.count)
        known = binomtest(k, row.count).proportion_ci(0.95, method="wilson")
        assert (row.low, row.high) == pytest.approx((known.low, known.high), abs=1e-12)
    gap = (table["mean_p"] - table["frequency"]).abs()
    error = ece(p, happened, n_bins)
    assert np.average(gap, weights=table["count"]) == pytest.approx(error, abs=1e-12)
    order = np.array(random.sample(range(len(p)), len(p)))
    assert ece(p[order], happened[order], n_bins) == pytest.approx(error, abs=1e-14)
    pd.testing.assert_frame_equal(reliability_table(p[order], happened[order], n_bins), table)
    floors = [ece_noise_floor(rows, np.random.default_rng(0), 20, n_bins) for rows in (p, p[order])]
    assert floors[0] == pytest.approx(floors[1], abs=1e-14)


def test_errors_by_hand():
    assert log_loss([0.0], [True]) == pytest.approx(27.631, abs=1e-3)
    # Two bins: mean .2 against 1/2, and mean .8 against 1.
    p = [0.1, 0.3, 0.7, 0.9]
    assert ece(p, [False, True, True, True], n_bins=2) == pytest.approx((0.3 + 0.2) / 2)
    # Said .2 four times (1 happened) and .6 twice (both happened).
    parts = brier_decomposition([0.2] * 4 + [0.6] * 2, [1, 0, 0, 0, 1, 1], n_bins=3)
    assert parts["within_bin"] == pytest.approx(0, abs=1e-15)
    assert parts["reliability"] == pytest.approx((4 * 0.05**2 + 2 * 0.4**2) / 6)
    assert parts["resolution"] == pytest.approx((4 * 0.25**2 + 2 * 0.5**2) / 6)
    assert parts["uncertainty"] == pytest.approx(0.25)


def test_bins_are_of_equal_count_and_ties_share_one():
    p = np.random.default_rng(0).random(103)
    slot = equal_mass_bins(p, 10)
    assert set(np.bincount(slot)) == {10, 11}
    assert (np.diff(slot[np.argsort(p)]) >= 0).all()
    tied = np.array([0.1] * 6 + [0.1 + 0.2 - 0.2] * 2 + [0.7, 0.9])
    assert equal_mass_bins(tied, 5).tolist() == [0] * 8 + [1, 1]
    assert equal_mass_bins(np.full(330, 1 / 30), 10).max() == 0


def test_a_perfect_forecaster_is_at_the_floor_and_an_overconfident_one_above():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.2, 0.85, 1230)
    floor, floor_95 = ece_noise_floor(p, rng, 400)
    errors = np.array([ece(p, rng.random(len(p)) < p) for _ in range(300)])
    assert errors.mean() == pytest.approx(floor, rel=0.05)
    assert (errors > floor_95).mean() == pytest.approx(0.05, abs=0.04)
    overconfident, happened = expit(2.5 * logit(p)), rng.random(len(p)) < p
    assert ece(overconfident, happened) > ece_noise_floor(overconfident, rng, 400)[1]
    assert ece_noise_floor([0.0, 1.0, 1.0], rng) == (0.0, 0.0)


def test_forecasts_of_one_event_on_several_dates_are_one_outcome():
    """The floor of labelled forecasts is that of a forecaster who watches an event unfold."""
    rng = np.random.default_rng(3)
    time = np.array([0.3, 0.33, 0.4, 0.5, 0.65, 0.8, 0.97])
    steps = np.sqrt(np.diff(time, prepend=0, append=1))
    path = (rng.normal(size=(200, 270, 8)) * steps).cumsum(axis=2)
    seasons = norm.cdf(path[:, :, :-1] / np.sqrt(1 - time)).reshape(200, -1)
    happened = np.repeat(path[:, :, -1] > 0, 7, axis=1)
    true = np.mean([ece(*season) for season in zip(seasons, happened, strict=True)])
    p, labels = seasons[0], np.repeat([f"team {i}" for i in range(270)], 7)
    assert ece_noise_floor(p, rng, 400, group=labels)[0] == pytest.approx(true, rel=0.1)
    assert ece_noise_floor(p, rng, 400)[0] < 0.8 * true


def test_every_variant_is_scored_season_by_season(league):
    tidy = season_scores(league)
    assert len(tidy) == 2 * 2 * 2 * len(SEASONS)
    chosen = "{} == 'noisy' and {} == 'title' and season == @SEASONS[1]"
    rows = league.query(chosen.format("variant", "event"))
    cell = tidy.query(chosen.format("ranker", "part")).set_index("metric")["value"]
    assert cell["brier"] == pytest.approx(brier(rows["p"], rows["happened"]))
    assert cell["log_loss"] == pytest.approx(log_loss(rows["p"], rows["happened"]))
    gaps = paired(tidy, "plain")
    assert (gaps.loc[gaps["part"] == "playoffs", "verdict"] == WORSE).all()
    with pytest.raises(ValueError, match="'noisy' differs from others in the forecasts of 'title'"):
        season_scores(league.iloc[:-1])


def test_calibration_is_measured_over_all_seasons(league):
    table = calibration_table(league, np.random.default_rng(0))
    rows = league[(league["variant"] == "plain") & (league["event"] == "playoffs")]
    first = table.iloc[0]
    assert first[["ranker", "part", "n"]].tolist() == ["plain", "playoffs", 480]
    assert first["ece"] == pytest.approx(ece(rows["p"], rows["happened"]))
    assert (table["ece_floor"] < table["ece_floor_95"]).all()
    assert (table["calibrated"] == (table["ece"] <= table["ece_floor_95"])).all()
    assert not table.loc[table["ranker"] == "noisy", "calibrated"].any()
    together = calibration_table(league, np.random.default_rng(0), ("season", "team_id"))
    assert together["ece_floor"].iloc[0] > 1.2 * table["ece_floor"].iloc[0]
    assert together["ece"].equals(table["ece"])


@pytest.mark.parametrize("function", [brier, log_loss, ece, brier_decomposition, reliability_table])
def test_bad_forecasts_are_refused(function):
    for p, happened, message in (
        ([0.5, 1.5], [True, False], r"from 0 to 1, got 1\.5"),
        ([0.5, np.nan], [True, False], "from 0 to 1, got nan"),
        ([0.5, 0.5], [True], "outcome for each of 2 forecasts, got shape"),
        ([0.5, 0.5], [2, 0], r"true or false, got 2\.0"),
        ([0.5, 0.5], [np.nan, 0], "true or false, got nan"),
        ([], [], "at least one number"),
    ):
        with pytest.raises(ValueError, match=message):
            function(p, happened)

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
def forecasts(draw, min_size=1):
    """Probabilities with ties, 0 and 1 among them, and outcomes."""
    n = draw(st.integers(min_size, 60))
    p = draw(st.lists(st.integers(0, 20), min_size=n, max_size=n))
    happened = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    return np.array(p) / 20, np.array(happened)


def perfect(n, rng):
    """Forecasts as of single games, and outcomes drawn from them."""
    p = rng.uniform(0.2, 0.85, n)
    return p, rng.random(n) < p


def league(rng, noise, events=("playoffs",), n=30, points=("open", "end")):
    """Forecasts of variants, each with its own noise on the log odds, over the same outcomes."""
    rows = []
    for season in SEASONS:
        for event in events:
            odds = rng.normal(scale=1.5, size=n)
            happened = rng.random(n) < 1 / (1 + np.exp(-odds))
            for point in points:
                for variant, size in noise.items():
                    stated = odds + size * rng.normal(size=n)
                    rows.append(
                        pd.DataFrame(
                            {
                                "variant": variant,
                                "event": event,
                                "season": season,
                                "as_of_point": point,
                                "team_id": np.arange(n),
                                "p": 1 / (1 + np.exp(-stated)),
                                "happened": happened,
                            }
                        )
                    )
    return pd.concat(rows, ignore_index=True)


# Scores.


@given(forecasts())
def test_scores_equal_scikit_learn(case):
    p, happened = case
    assert brier(p, happened) == pytest.approx(brier_score_loss(happened, p, labels=[0, 1]))
    clipped = np.clip(p, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP)
    assert log_loss(p, happened) == pytest.approx(
        sklearn_log_loss(happened, clipped, labels=[False, True])
    )


def test_scores_by_hand():
    assert brier([0.5, 0.5], [True, False]) == 0.25
    assert log_loss([0.5, 0.25], [True, False]) == pytest.approx(-np.log(0.5 * 0.75) / 2)
    assert log_loss([1.0, 0.0], [True, False]) == pytest.approx(0.0, abs=1e-11)
    assert log_loss([0.0], [True]) == pytest.approx(27.631, abs=1e-3)


# Bins and calibration error.


def test_bins_are_of_equal_count():
    p = np.random.default_rng(0).random(103)
    slot = equal_mass_bins(p, 10)
    assert set(np.bincount(slot)) == {10, 11}
    assert (np.diff(slot[np.argsort(p)]) >= 0).all()
    assert equal_mass_bins([0.3, 0.1, 0.2], 10).tolist() == [2, 0, 1]


def test_ties_share_a_bin():
    p = np.array([0.1] * 6 + [0.1 + 0.2 - 0.2] * 2 + [0.7, 0.9])
    assert equal_mass_bins(p, 5).tolist() == [0] * 8 + [1, 1]
    assert equal_mass_bins(np.full(330, 1 / 30), 10).max() == 0


def test_calibration_error_by_hand():
    # Two bins: mean .2 against 1/2, and mean .8 against 1.
    p = [0.1, 0.3, 0.7, 0.9]
    assert ece(p, [False, True, True, True], n_bins=2) == pytest.approx((0.3 + 0.2) / 2)
    # Bins of unequal count: .5 against 1/3, and 1 against 0.
    assert ece([0.5, 0.5, 0.5, 1.0], [1, 0, 0, 0], n_bins=2) == pytest.approx(
        3 / 4 * 1 / 6 + 1 / 4 * 1
    )


def test_a_uniform_forecast_of_the_title_has_no_calibration_error():
    happened = np.tile(np.arange(30) == 4, 11)
    p = np.full(330, 1 / 30)
    assert ece(p, happened) == pytest.approx(0, abs=1e-15)
    assert brier(p, happened) > brier(np.where(happened, 0.5, 0.5 / 29), happened)


@given(forecasts(), st.integers(1, 12), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(case, n_bins, random):
    p, happened = case
    order = np.array(random.sample(range(len(p)), len(p)))
    for score in (brier, log_loss, lambda *rows: ece(*rows, n_bins)):
        assert score(p[order], happened[order]) == pytest.approx(score(p, happened), abs=1e-14)
    pd.testing.assert_frame_equal(
        reliability_table(p[order], happened[order], n_bins), reliability_table(p, happened, n_bins)
    )
    floors = [ece_noise_floor(rows, np.random.default_rng(0), 20, n_bins) for rows in (p, p[order])]
    assert floors[0].mean == pytest.approx(floors[1].mean, abs=1e-14)


# Noise floor.


@pytest.mark.parametrize(("n", "expected"), [(30, 0.22), (330, 0.066), (1230, 0.033)])
def test_noise_floor_of_known_sizes(n, expected):
    rng = np.random.default_rng(1)
    means = [ece_noise_floor(perfect(n, rng)[0], rng, 400).mean for _ in range(5)]
    assert np.mean(means) == pytest.approx(expected, rel=0.05)


def test_a_perfect_forecaster_is_at_the_floor_and_a_boastful_one_above():
    rng = np.random.default_rng(2)
    p, happened = perfect(1230, rng)
    floor = ece_noise_floor(p, rng)
    errors = [ece(p, rng.random(len(p)) < p) for _ in range(300)]
    assert np.mean(errors) == pytest.approx(floor.mean, rel=0.05)
    assert np.mean(np.array(errors) > floor.percentile_95) == pytest.approx(0.05, abs=0.04)
    odds = 2.5 * np.log(p / (1 - p))
    boastful = 1 / (1 + np.exp(-odds))
    assert ece(boastful, happened) > ece_noise_floor(boastful, rng).percentile_95


def test_certain_forecasts_have_no_noise():
    floor = ece_noise_floor([0.0, 1.0, 1.0], np.random.default_rng(0))
    assert (floor.mean, floor.percentile_95) == (0.0, 0.0)


def test_forecasts_of_one_event_on_several_dates_are_one_outcome():
    """The floor of labelled forecasts is that of a forecaster who watches an event unfold."""
    rng = np.random.default_rng(3)
    time = np.array([0.3, 0.33, 0.4, 0.5, 0.65, 0.8, 0.97])
    steps = np.sqrt(np.diff(time, prepend=0, append=1))

    def season():
        path = (rng.normal(size=(270, 8)) * steps).cumsum(axis=1)
        p = norm.cdf(path[:, :-1] / np.sqrt(1 - time))
        return p.ravel(), np.repeat(path[:, -1] > 0, 7)

    true = np.mean([ece(*season()) for _ in range(300)])
    p = season()[0]
    labels = np.repeat([f"team {i}" for i in range(270)], 7)
    assert ece_noise_floor(p, rng, group=labels).mean == pytest.approx(true, rel=0.1)
    assert ece_noise_floor(p, rng).mean < 0.8 * true


def test_labels_of_their_own_are_independence():
    p = np.random.default_rng(4).random(200)
    alone = ece_noise_floor(p, np.random.default_rng(5), 2000)
    labelled = ece_noise_floor(p, np.random.default_rng(6), 2000, group=np.arange(200))
    assert labelled.mean == pytest.approx(alone.mean, rel=0.03)


# Decomposition and table.


@given(forecasts(), st.integers(1, 12))
def test_parts_add_up_to_the_brier_score(case, n_bins):
    p, happened = case
    parts = brier_decomposition(p, happened, n_bins)
    assert parts.brier == pytest.approx(brier(p, happened), abs=1e-12)
    assert min(parts.reliability, parts.resolution, parts.uncertainty) >= 0


def test_parts_of_forecasts_with_few_values_are_murphys():
    # Said .2 four times (1 happened) and .6 twice (both happened).
    parts = brier_decomposition([0.2] * 4 + [0.6] * 2, [1, 0, 0, 0, 1, 1], n_bins=3)
    assert parts.within_bin == pytest.approx(0, abs=1e-15)
    assert parts.reliability == pytest.approx((4 * 0.05**2 + 2 * 0.4**2) / 6)
    assert parts.resolution == pytest.approx((4 * 0.25**2 + 2 * 0.5**2) / 6)
    assert parts.uncertainty == pytest.approx(0.25)


def test_a_constant_forecast_resolves_nothing():
    parts = brier_decomposition(np.full(50, 0.3), np.arange(50) < 20)
    assert parts.resolution == 0
    assert parts.reliability == pytest.approx(0.01)
    assert parts.within_bin == pytest.approx(0, abs=1e-15)


@given(forecasts(), st.sampled_from([0.8, 0.95]))
def test_intervals_equal_wilsons(case, confidence):
    p, happened = case
    table = reliability_table(p, happened, 5, confidence)
    assert list(table.columns) == ["bin", "count", "mean_p", "frequency", "low", "high"]
    assert table["count"].sum() == len(p)
    assert table["mean_p"].is_monotonic_increasing
    for row in table.itertuples():
        k = round(row.frequency * row.count)
        known = binomtest(k, row.count).proportion_ci(confidence, method="wilson")
        assert (row.low, row.high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_table_and_error_agree():
    p, happened = perfect(330, np.random.default_rng(7))
    table = reliability_table(p, happened)
    gap = (table["mean_p"] - table["frequency"]).abs()
    assert np.average(gap, weights=table["count"]) == pytest.approx(ece(p, happened))


# Variants.


def test_every_variant_is_scored_season_by_season():
    frame = league(np.random.default_rng(8), {"plain": 0.0, "noisy": 2.5}, ("playoffs", "title"))
    tidy = season_scores(frame)
    assert len(tidy) == 2 * 2 * 2 * len(SEASONS)
    rows = frame[(frame["variant"] == "noisy") & (frame["season"] == SEASONS[1])]
    rows = rows[rows["event"] == "title"]
    cell = tidy.query("ranker == 'noisy' and part == 'title' and season == @SEASONS[1]")
    for name, function in (("brier", brier), ("log_loss", log_loss)):
        value = cell.set_index("metric").loc[name, "value"]
        assert value == pytest.approx(function(rows["p"], rows["happened"]))
    gaps = paired(tidy, "plain")
    assert (gaps.loc[gaps["part"] == "playoffs", "verdict"] == WORSE).all()
    with pytest.raises(ValueError, match="'noisy' differs from others in the forecasts of 'title'"):
        season_scores(frame.iloc[:-1])


def test_calibration_is_measured_over_all_seasons():
    frame = league(np.random.default_rng(8), {"plain": 0.0, "noisy": 1.5}, ("playoffs", "title"))
    table = calibration_table(frame, np.random.default_rng(0), 10, 200)
    assert table[["ranker", "part"]].to_numpy().tolist() == [
        ["plain", "playoffs"], ["noisy", "playoffs"], ["plain", "title"], ["noisy", "title"],
    ]  # fmt: skip
    assert (table["n"] == 480).all()
    rows = frame[(frame["variant"] == "plain") & (frame["event"] == "playoffs")]
    assert table["ece"].iloc[0] == pytest.approx(ece(rows["p"], rows["happened"]))
    parts = table["reliability"] - table["resolution"] + table["uncertainty"] + table["within_bin"]
    assert parts.iloc[0] == pytest.approx(brier(rows["p"], rows["happened"]))
    assert (table["ece_floor"] < table["ece_floor_95"]).all()
    assert (table["calibrated"] == (table["ece"] <= table["ece_floor_95"])).all()
    assert not table.loc[table["ranker"] == "noisy", "calibrated"].any()


def test_named_outcomes_raise_the_floor_of_pooled_dates():
    points = ("open", "0.25", "0.5", "0.75", "end")
    frame = league(np.random.default_rng(9), {"plain": 0.1}, points=points)
    apart, together = (
        calibration_table(frame, np.random.default_rng(0), 10, 400, outcome)
        for outcome in ((), ("season", "team_id"))
    )
    assert together["ece_floor"].item() > 1.5 * apart["ece_floor"].item()
    assert together["ece"].item() == apart["ece"].item()


# Bad input.


@pytest.mark.parametrize("function", [brier, log_loss, ece, brier_decomposition, reliability_table])
def test_bad_input_is_refused(function):
    with pytest.raises(ValueError, match=r"from 0 to 1, got 1\.5"):
        function([0.5, 1.5], [True, False])
    with pytest.raises(ValueError, match="from 0 to 1, got nan"):
        function([0.5, np.nan], [True, False])
    with pytest.raises(ValueError, match="outcome for each of 2 forecasts, got shape"):
        function([0.5, 0.5], [True])
    with pytest.raises(ValueError, match=r"true or false, got 2\.0"):
        function([0.5, 0.5], [2, 0])
    with pytest.raises(ValueError, match="true or false, got nan"):
        function([0.5, 0.5], [np.nan, 0])
    with pytest.raises(ValueError, match="at least one number"):
        function([], [])


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="n_bins must be at least 1"):
        ece([0.5], [True], n_bins=0)
    with pytest.raises(ValueError, match="n_draws must be at least 1"):
        ece_noise_floor([0.5], np.random.default_rng(0), n_draws=0)
    with pytest.raises(ValueError, match="a label for each of 1 forecasts"):
        ece_noise_floor([0.5], np.random.default_rng(0), group=["a", "b"])
    with pytest.raises(ValueError, match="confidence must be between 0 and 1"):
        reliability_table([0.5], [True], confidence=95)

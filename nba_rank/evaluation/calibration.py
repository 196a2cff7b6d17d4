"""Do events happen as often as their probabilities say, and how good are the probabilities?

Functions of one forecast take N forecasts of events that happen or not: `p`, float, shape (N,),
0 to 1, and `happened`, bool (or 0 and 1), shape (N,).

Bins have about equally many forecasts. Equal probabilities (to 12 decimals) always share a bin, so
that no value depends on the order of the rows; there may be fewer bins than asked for.

The calibration error (ECE) is above zero even for a perfect forecaster, so read it beside its noise
floor; a useless forecast may have none, so read it beside the Brier score or the log loss.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtri

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.evaluation.evaluate import tidy_rows

LOG_LOSS_CLIP = 1e-12
"""Probabilities are kept this far from 0 and 1: a miss costs 27.6 nats at most."""

_TIE_DECIMALS = 12
_DRAWS_AT_ONCE = 2_000_000
_CELL = ["variant", "event"]


def brier(p: npt.ArrayLike, happened: npt.ArrayLike) -> float:
    """Mean squared error of probabilities: 0 to 1, lower is better. Source: Brier 1950."""
    return float(_squared_error(*_checked(p, happened)).mean())


def log_loss(p: npt.ArrayLike, happened: npt.ArrayLike) -> float:
    """Mean of minus log the probability of what came, clipped at `LOG_LOSS_CLIP`, in nats."""
    return float(_surprise(*_checked(p, happened)).mean())


def group_scores(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return `brier` and `log_loss` of each group of forecasts `p`, `happened`, as they come."""
    case = _checked(frame["p"], frame["happened"])
    losses = frame[by].assign(brier=_squared_error(*case), log_loss=_surprise(*case))
    return losses.groupby(by, sort=False).mean()


def ece(p: npt.ArrayLike, happened: npt.ArrayLike, n_bins: int = 10) -> float:
    """Expected calibration error: mean of |mean p - frequency| over bins, weighted by count."""
    forecast, event = _checked(p, happened)
    slot = equal_mass_bins(forecast, n_bins)
    return float(np.abs(np.bincount(slot, forecast - event)).sum() / len(forecast))


def ece_noise_floor(
    p: npt.ArrayLike,
    rng: np.random.Generator,
    n_draws: int = 1000,
    n_bins: int = 10,
    group: npt.ArrayLike | None = None,
) -> tuple[float, float]:
    """Draw outcomes from the probabilities themselves and take their calibration error.

    Args:
        p: Probabilities.
        rng: Source of the outcomes.
        n_draws: Sets of outcomes drawn.
        n_bins: As in `ece`.
        group: Label of each forecast, shape (N,): forecasts of the same event on several dates
            share one, and one random number decides them. None: outcomes are independent.

    Returns:
        Mean and 95th percentile over the draws. That a list has one champion and sixteen playoff
        teams is not drawn, which makes them too high: by a fifth for titles, by a twentieth for the
        playoffs.
    """
    forecast = _checked_probability(p)
    order = np.argsort(forecast, kind="stable")
    ordered, n = forecast[order], len(forecast)
    labels = np.arange(n) if group is None else np.asarray(group)[order]
    codes = np.unique(labels, return_inverse=True)[1]
    starts = np.flatnonzero(np.diff(equal_mass_bins(ordered, n_bins), prepend=-1))
    errors = []
    block = max(1, _DRAWS_AT_ONCE // n)
    for start in range(0, n_draws, block):
        chance = rng.random((min(block, n_draws - start), codes.max() + 1))[:, codes]
        gap = np.add.reduceat(ordered - (chance < ordered), starts, axis=1)
        errors.append(np.abs(gap).sum(axis=1) / n)
    drawn = np.concatenate(errors)
    return float(drawn.mean()), float(np.quantile(drawn, 0.95))


def brier_decomposition(
    p: npt.ArrayLike, happened: npt.ArrayLike, n_bins: int = 10
) -> dict[str, float]:
    """Take a Brier score apart: `reliability - resolution + uncertainty + within_bin`.

    Returns:
        `reliability`: mean squared gap between mean probability and frequency of the bins; lower is
        better. `resolution`: variance of the bins' frequencies; higher is better. `uncertainty`:
        the Brier score of always saying the frequency. `within_bin`: variance of the probabilities
        within bins minus twice their covariance with the outcomes there.

    Source: Murphy 1973; the terms within bins: Stephenson, Coelho and Jolliffe 2008.
    """
    forecast, event = _checked(p, happened)
    slot = equal_mass_bins(forecast, n_bins)
    count, mean_p, frequency = _bins(forecast, event, slot)
    base = event.mean()
    own = forecast - mean_p[slot]
    return {
        "reliability": float(np.average((mean_p - frequency) ** 2, weights=count)),
        "resolution": float(np.average((frequency - base) ** 2, weights=count)),
        "uncertainty": float(base * (1 - base)),
        "within_bin": float((own**2 - 2 * own * (event - frequency[slot])).mean()),
    }


def reliability_table(p: npt.ArrayLike, happened: npt.ArrayLike, n_bins: int = 10) -> pd.DataFrame:
    """Set the frequency of the event against its probability, bin by bin.

    Returns:
        One row a bin, by probability: `bin` (from 1), `count`, `mean_p`, `frequency`, and `low` and
        `high` (Wilson's 95% interval of the frequency, too narrow where outcomes are not
        independent).

    Source: Wilson 1927; equals `scipy.stats.binomtest(...).proportion_ci(method="wilson")`.
    """
    forecast, event = _checked(p, happened)
    count, mean_p, frequency = _bins(forecast, event, equal_mass_bins(forecast, n_bins))
    z2 = ndtri(0.975) ** 2
    middle = (frequency + z2 / (2 * count)) / (1 + z2 / count)
    spread = np.sqrt(z2 * (frequency * (1 - frequency) / count + z2 / (4 * count**2)))
    half = spread / (1 + z2 / count)
    return pd.DataFrame(
        {
            "bin": np.arange(1, len(count) + 1),
            "count": count,
            "mean_p": mean_p,
            "frequency": frequency,
            "low": np.clip(middle - half, 0.0, frequency),
            "high": np.clip(middle + half, frequency, 1.0),
        }
    )


def reliability_tables(frame: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Return the reliability table of each group of forecasts `p`, `happened`, with its key."""
    parts = [
        reliability_table(rows["p"], rows["happened"]).assign(**rows[by].iloc[0])
        for _, rows in frame.groupby(by, sort=False)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=by)


def equal_mass_bins(p: npt.ArrayLike, n_bins: int) -> IntArray:
    """Return the bin of each forecast, from 0 in the order of p; bins are of about equal count.

    A run of equal probabilities goes as a whole into the bin in which its middle lies.
    """
    forecast = _checked_probability(p)
    _, run, count = np.unique(
        np.round(forecast, _TIE_DECIMALS), return_inverse=True, return_counts=True
    )
    middle = np.cumsum(count) - count / 2
    wanted = np.floor(n_bins * middle / len(forecast))
    used = np.unique(wanted, return_inverse=True)[1]
    return np.asarray(used[run], dtype=np.int64)


def measure_calibration(
    p: npt.ArrayLike,
    happened: npt.ArrayLike,
    rng: np.random.Generator,
    group: npt.ArrayLike | None = None,
) -> dict[str, float | bool]:
    """Measure how far probabilities are from frequencies, and judge it by the noise floor.

    Returns:
        `n` (forecasts), `ece`, `ece_floor` (a perfect forecaster's mean), `ece_floor_95` (its 95th
        percentile), `calibrated`: whether the error is at most that percentile.
    """
    floor, floor_95 = ece_noise_floor(p, rng, group=group)
    error = ece(p, happened)
    return {
        "n": len(np.asarray(p)),
        "ece": error,
        "ece_floor": floor,
        "ece_floor_95": floor_95,
        "calibrated": error <= floor_95,
    }


def season_scores(frame: pd.DataFrame) -> pd.DataFrame:
    """Score forecasts `p` of whether an event `happened` by `variant`, `event` and `season`.

    Returns tidy `brier` and `log_loss` with the event as `part` and the variant as `ranker`.

    Raises:
        ValueError: Variants have forecast other events in the same season.
    """
    key = [*_CELL, "season"]
    lists = frame.groupby(key, sort=False)
    counts = lists.agg(n=("happened", "size"), n_happened=("happened", "sum"))
    first = counts.groupby(key[1:]).transform("first")
    if len(odd := counts[(counts != first).any(axis=1)].reset_index()):
        one = odd.iloc[0]
        raise ValueError(
            f"variant {one['variant']!r} differs from others in the forecasts of {one['event']!r} "
            f"in {one['season']}: {one['n']} with {one['n_happened']} that happened"
        )
    scores = group_scores(frame, key).rename_axis(["ranker", "part", "season"])
    return tidy_rows(scores, as_of_point="all", scope="league")


def calibration_table(
    frame: pd.DataFrame, rng: np.random.Generator, same_outcome: Sequence[str] = ()
) -> pd.DataFrame:
    """Measure how far probabilities are from frequencies, all seasons and dates pooled.

    `frame` is that of `season_scores`. `same_outcome` are the columns that name an outcome, such as
    `season` and `team_id`, on all dates; without them every row is an outcome, which makes the
    floor over seven dates a third too low.

    Returns:
        `ranker` (the variant), `part` (the event), and what `measure_calibration` and
        `brier_decomposition` return.
    """
    rows = []
    for (variant, event), own in frame.groupby(_CELL, sort=False):
        p, happened = own["p"], own["happened"]
        group = own.groupby(list(same_outcome)).ngroup().to_numpy() if same_outcome else None
        measured = measure_calibration(p, happened, rng, group)
        parts = brier_decomposition(p, happened)
        rows.append({"ranker": variant, "part": event, **measured, **parts})
    return pd.DataFrame(rows)


def _squared_error(forecast: FloatArray, event: FloatArray) -> FloatArray:
    return (forecast - event) ** 2


def _surprise(forecast: FloatArray, event: FloatArray) -> FloatArray:
    came = np.where(event == 1, forecast, 1 - forecast)
    return -np.log(np.clip(came, LOG_LOSS_CLIP, 1 - LOG_LOSS_CLIP))


def _bins(
    forecast: FloatArray, event: FloatArray, slot: IntArray
) -> tuple[IntArray, FloatArray, FloatArray]:
    count = np.bincount(slot)
    return count, np.bincount(slot, forecast) / count, np.bincount(slot, event) / count


def _checked(p: npt.ArrayLike, happened: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    forecast = _checked_probability(p)
    event = np.asarray(happened, dtype=np.float64)
    if event.shape != forecast.shape:
        raise ValueError(
            f"happened must hold an outcome for each of {len(forecast)} forecasts, got shape "
            f"{event.shape}"
        )
    wrong = event[~np.isin(event, (0.0, 1.0))]
    if len(wrong):
        raise ValueError(f"happened must be true or false, got {wrong[0]}")
    return forecast, event


def _checked_probability(p: npt.ArrayLike) -> FloatArray:
    forecast = np.asarray(p, dtype=np.float64)
    if forecast.ndim != 1 or not len(forecast):
        raise ValueError(f"p must be a vector of at least one number, got shape {forecast.shape}")
    wrong = forecast[~((forecast >= 0) & (forecast <= 1))]
    if len(wrong):
        raise ValueError(f"p must be probabilities from 0 to 1, got {wrong[0]}")
    return forecast

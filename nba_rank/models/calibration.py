"""Platt scaling: from scores to probabilities of making the playoffs, of a series and of a game."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from nba_rank.core.arrays import BoolArray, FloatArray, IntArray
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.standings import BERTHS

PLAYOFF = EVENTS[0]
"""Event of making the playoffs."""

SERIES = "series"
"""Event of winning a series, for the teams that play in it; the same in each round."""

WIN = "win"
"""Event of winning a given game; its score is the gap of the teams' scores, home less away."""

PLACES = (BERTHS, BERTHS // 2, BERTHS // 4, BERTHS // 8, 1)
"""Teams of a conference that reach each of `EVENTS`; the title has one in the league."""

_HALVINGS = 100  # of the interval around a shift: more than a double has digits
_ACCURACY = 1e-6


@dataclass(frozen=True)
class PlattScaling:
    """`p = 1 / (1 + exp(-(slope score + intercept)))`, fitted with Platt's smoothed targets.

    Slope and intercept may move in a straight line with the share of the season played: a score
    means more late in a season than early.

    Source: Platt (1999), "Probabilistic Outputs for Support Vector Machines".

    Attributes:
        slope: Log odds per unit of the score, on opening night.
        intercept: Log odds of a score of zero, on opening night.
        slope_change: Change of the slope from opening night to the end of the season.
        intercept_change: Change of the intercept.
    """

    slope: float
    intercept: float
    slope_change: float = 0.0
    intercept_change: float = 0.0

    @classmethod
    def fit(
        cls,
        score: FloatArray,
        event: BoolArray,
        progress: FloatArray | None = None,
        weight: FloatArray | None = None,
    ) -> Self:
        """Fit on out-of-fold scores [N] and whether the event happened [N].

        `weight` is that of each case, [N]; None: all weigh 1.

        Slope and intercept are constant without `progress`, the share of the season played, and
        where moving would reverse the order of the scores.

        Raises:
            ValueError: The event always or never happened.
        """
        if event.all() or not event.any():
            raise ValueError("Platt scaling needs cases in which the event happened and cases not")
        if progress is not None:
            design = np.column_stack([score, progress * score, progress])
            slope, change, drift, intercept = _logistic(design, event, weight)
            if min(slope, slope + change) > 0:
                return cls(slope, intercept, change, drift)
        slope, intercept = _logistic(score[:, None], event, weight)
        return cls(slope, intercept)

    def log_odds(self, score: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Return log odds; without `progress` those of opening night."""
        share = np.zeros_like(score) if progress is None else progress
        slope = self.slope + self.slope_change * share
        return slope * score + self.intercept + self.intercept_change * share

    def predict(self, score: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Return probabilities, 0 to 1; without `progress` those of opening night."""
        return expit(self.log_odds(score, progress))


@dataclass(frozen=True)
class Outcome:
    """Cases to learn an event from.

    Attributes:
        scores: Score by name of what scored, each [N].
        progress: Share of the season played, [N]; None where it is unknown.
        event: Whether it happened, [N].
        weight: Weight of each case, [N]; None: all weigh 1.
    """

    scores: dict[str, FloatArray]
    progress: FloatArray | None
    event: BoolArray
    weight: FloatArray | None = None


CALIBRATIONS = ("platt_stack", "platt_per_model")
"""Names of the calibrations in the config: of the final score, and of each member's."""


@dataclass(frozen=True)
class Calibration:
    """Platt scaling of scores, combined in log odds.

    `log odds = intercept + sum of weight times the score's own log odds`

    Attributes:
        platt: Scaling of each event and score.
        weights: Weight of each event and score.
        intercept: Intercept of each event.
    """

    platt: dict[str, dict[str, PlattScaling]]
    weights: dict[str, dict[str, float]]
    intercept: dict[str, float]

    @classmethod
    def fit(cls, name: str, cases: dict[str, Outcome]) -> Self:
        """Fit on the cases of each event.

        `platt_stack` scales `score`; `platt_per_model` all other scores, which are the members',
        with weights of a logistic regression on the same cases.
        """
        fitted = cls({}, {}, {})
        for event, case in cases.items():
            names = ["score"]
            if name == "platt_per_model":
                names = [one for one in case.scores if one != "score"]
            platt = {
                one: PlattScaling.fit(case.scores[one], case.event, case.progress, case.weight)
                for one in names
            }
            weights, intercept = [1.0], 0.0
            if name == "platt_per_model":
                logits = [platt[one].log_odds(case.scores[one], case.progress) for one in names]
                # The ridge of scikit-learn's default: members agree too closely to be told apart.
                *weights, intercept = _logistic(
                    np.column_stack(logits), case.event, case.weight, penalty=1.0
                )
            fitted.platt[event] = platt
            fitted.weights[event] = dict(zip(names, weights, strict=True))
            fitted.intercept[event] = intercept
        return fitted

    def log_odds(
        self, event: str, scores: dict[str, FloatArray], progress: FloatArray | None
    ) -> FloatArray:
        """Return log odds of an event, [N]."""
        parts = self.platt[event]
        total = np.full(len(next(iter(scores.values()))), self.intercept[event])
        for name, weight in self.weights[event].items():
            total += weight * parts[name].log_odds(scores[name], progress)
        return total

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore a calibration exactly from its `asdict`."""
        platt = {
            event: {name: PlattScaling(**part) for name, part in parts.items()}
            for event, parts in fields["platt"].items()
        }
        return cls(platt, fields["weights"], fields["intercept"])


def probabilities(
    calibration: Calibration, frame: pd.DataFrame, scores: list[str], progress: FloatArray | None
) -> pd.DataFrame:
    """Return how likely each team is to reach each event; coherent on every date.

    On a date, the probabilities of a conference's teams sum to 8 for the playoffs and to 4, 2 and 1
    for winning the first three rounds; those of all teams sum to 1 for the title. Each event needs
    the one before:

        p(playoffs) = expit(log odds of `PLAYOFF` + shift)
        p(round k) = p(round k - 1) expit(log odds of `SERIES` + shift)

    The shift replaces the intercept. It is the same for all rivals, the teams of a conference or,
    for the title, of the league, and makes the sum right. The scores alone count: a team that is
    out already keeps its chance.

    Args:
        calibration: Fitted calibration.
        frame: Columns `season`, `as_of_date`, `conference` and the scores; all teams of each date.
        scores: Columns that the calibration may read.
        progress: Share of the season played, [N]; None where it is unknown.

    Returns:
        `<event>_prob_platt` (0 to 1) for each of `EVENTS`, one row a row of the frame; NaN on dates
        on which a score is unknown.

    Raises:
        ValueError: A conference has no more teams than places in the playoffs.
    """
    values = {name: frame[name].to_numpy(dtype=np.float64) for name in scores}
    date = ["season", "as_of_date"]
    conference, league = (
        np.asarray(frame.groupby(key).ngroup(), dtype=np.int64)
        for key in ([*date, "conference"], date)
    )
    reached, found = np.ones(len(frame)), {}
    for event, places in zip(EVENTS, PLACES, strict=True):
        log_odds = calibration.log_odds(PLAYOFF if event == PLAYOFF else SERIES, values, progress)
        rivals = league if event == EVENTS[-1] else conference
        reached = _go_on(reached, log_odds, rivals, places)
        found[f"{event}_prob_platt"] = reached
    return pd.DataFrame(found, index=frame.index)


def _go_on(reached: FloatArray, log_odds: FloatArray, group: IntArray, places: int) -> FloatArray:
    """Return `reached` times `expit(log_odds + shift)`, [N].

    Bisection finds the shift of each group with which it sums to `places`.
    """
    n_groups = group.max(initial=-1) + 1
    share = places / np.bincount(group, reached, n_groups)
    if (share >= 1).any():
        raise ValueError(f"no more than {places:g} teams compete for {places:g} places on a date")
    least, most = (np.full(n_groups, end) for end in (np.inf, -np.inf))
    with np.errstate(invalid="ignore"):  # NaN is unknown and stays so
        np.minimum.at(least, group, log_odds)
        np.maximum.at(most, group, log_odds)
    # With these shifts every team is at most, or at least, as likely as the average must be.
    low, high = logit(share) - most, logit(share) - least
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        total = np.bincount(group, reached * expit(log_odds + middle[group]), n_groups)
        low, high = np.where(total < places, middle, low), np.where(total < places, high, middle)
    result = reached * expit(log_odds + ((low + high) / 2)[group])
    off = np.abs(np.bincount(group, result, n_groups) - places)
    if (off > _ACCURACY).any():
        raise ValueError(f"probabilities of {places:g} places sum to {places + off.max():g}")
    return np.asarray(result)


# One thread: the last bits must not depend on how many a machine has.
@threadpool_limits.wrap(limits=1, user_api="blas")
def _logistic(
    design: FloatArray, event: BoolArray, weight: FloatArray | None, penalty: float = 0.0
) -> list[float]:
    """Fit a logistic regression to Platt's smoothed targets; return coefficients and intercept."""
    weight = np.ones(len(event)) if weight is None else weight
    happened, missed = weight[event].sum(), weight[~event].sum()
    high, low = (happened + 1) / (happened + 2), 1 / (missed + 2)
    target = np.where(event, high, low)
    # A target between 0 and 1 is the same row once as an event and once as none, weighted.
    X = np.concatenate([design, design])
    y = np.r_[np.ones(len(event)), np.zeros(len(event))]
    strength = 1 / penalty if penalty else np.inf
    # Newton's method gets to the optimum whatever the units of the scores; the default stops early.
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8)
    fitted = model.fit(X, y, sample_weight=np.r_[weight * target, weight * (1 - target)])
    return [*fitted.coef_[0].tolist(), float(fitted.intercept_[0])]

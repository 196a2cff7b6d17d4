"""Platt scaling: from scores to the probability of what a team may reach, and of winning a game.

Three events are learned: making the playoffs, winning a series given that the team plays in it, and
winning a game. How far a team goes follows from the first two, see `probabilities`.
"""

from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.standings import BERTHS

PLAYOFF = EVENTS[0]
"""Event of making the playoffs."""

SERIES = "series"
"""Event of winning a series, of the teams that play in it: the same in each round."""

WIN = "win"
"""Event of winning a given game; its score is the gap of the teams' scores, home less away."""

PLACES = (BERTHS, BERTHS // 2, BERTHS // 4, BERTHS // 8, 1)
"""Teams of a conference that reach each of `EVENTS`; the title has one in the league."""

_HALVINGS = 100  # of the interval that holds a shift: more than a double has digits
_ACCURACY = 1e-6


@dataclass(frozen=True)
class PlattScaling:
    """`p = 1 / (1 + exp(-(slope score + intercept)))`, fitted with Platt's smoothed targets.

    Slope and intercept may move in a straight line with the share of the season played, since a
    score means more late in a season than early.

    Source: Platt (1999), "Probabilistic Outputs for Support FloatArray Machines".

    Attributes:
        slope: Log odds for each unit of the score, on opening night.
        intercept: Log odds of a score of zero, on opening night.
        slope_change: Change of the slope from opening night to the end of the season.
        intercept_change: Change of the intercept likewise.
    """

    slope: float
    intercept: float
    slope_change: float = 0.0
    intercept_change: float = 0.0

    @classmethod
    def fit(
        cls, score: FloatArray, event: npt.NDArray[np.bool_], progress: FloatArray | None = None
    ) -> Self:
        """Fit on out-of-fold scores [N] and whether the event happened [N].

        Args:
            score: Scores.
            event: Whether the event happened.
            progress: Share of the season played, 0 to 1; None keeps slope and intercept. They are
                also kept where moving would turn the order of the scores round at some time.

        Raises:
            ValueError: The event always or never happened.
        """
        if event.all() or not event.any():
            raise ValueError("Platt scaling needs cases in which the event happened and cases not")
        if progress is not None:
            design = np.column_stack([score, progress * score, progress])
            slope, change, drift, intercept = _logistic(design, event)
            if min(slope, slope + change) > 0:
                return cls(slope, intercept, change, drift)
        slope, intercept = _logistic(score[:, None], event)
        return cls(slope, intercept)

    def log_odds(self, score: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Return log odds; without `progress` those of opening night."""
        share = np.zeros_like(score) if progress is None else progress
        slope = self.slope + self.slope_change * share
        return slope * score + self.intercept + self.intercept_change * share

    def predict(self, score: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Return probabilities, 0 to 1; without `progress` those of opening night."""
        return expit(self.log_odds(score, progress))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; `PlattScaling(**fields)` restores them exactly."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """Cases to learn an event from.

    Attributes:
        scores: Score by name of what scored, each [N].
        progress: Share of the season played, [N]; None where it is unknown.
        event: Whether it happened, [N].
    """

    scores: dict[str, FloatArray]
    progress: FloatArray | None
    event: npt.NDArray[np.bool_]


class Calibration(Protocol):
    """What turns scores into probabilities of events."""

    @property
    def events(self) -> list[str]:
        """Names of the events."""

    def log_odds(
        self, event: str, scores: dict[str, FloatArray], progress: FloatArray | None
    ) -> FloatArray:
        """Return log odds of an event, [N]."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""


@dataclass(frozen=True)
class PlattStack:
    """Platt scaling of the final score.

    Attributes:
        platt: Scaling of each event.
    """

    platt: dict[str, PlattScaling]

    @classmethod
    def fit(cls, cases: dict[str, Outcome]) -> Self:
        """Fit on each event's cases, whose scores hold `score`."""
        return cls(
            {
                name: PlattScaling.fit(case.scores["score"], case.event, case.progress)
                for name, case in cases.items()
            }
        )

    @property
    def events(self) -> list[str]:
        """Names of the events."""
        return list(self.platt)

    def log_odds(
        self, event: str, scores: dict[str, FloatArray], progress: FloatArray | None
    ) -> FloatArray:
        """Return log odds of an event, [N]."""
        return self.platt[event].log_odds(scores["score"], progress)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {name: part.to_dict() for name, part in self.platt.items()}

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore a calibration exactly from what `to_dict` returned."""
        return cls({name: PlattScaling(**part) for name, part in fields.items()})


@dataclass(frozen=True)
class PlattPerModel:
    """Platt scaling of each member's score, combined in log odds.

    `log odds = intercept + sum of weight times the member's log odds`, the weights fitted by
    logistic regression on the same cases.

    Attributes:
        platt: Scaling of each event and member.
        weights: Weight of each event and member.
        intercept: Intercept of each event.
    """

    platt: dict[str, dict[str, PlattScaling]]
    weights: dict[str, dict[str, float]]
    intercept: dict[str, float]

    @classmethod
    def fit(cls, cases: dict[str, Outcome]) -> Self:
        """Fit on each event's cases; every score but `score` is a member's."""
        platt: dict[str, dict[str, PlattScaling]] = {}
        weights: dict[str, dict[str, float]] = {}
        intercept: dict[str, float] = {}
        for event, case in cases.items():
            names = [name for name in case.scores if name != "score"]
            platt[event] = {
                name: PlattScaling.fit(case.scores[name], case.event, case.progress)
                for name in names
            }
            logits = [platt[event][name].log_odds(case.scores[name], case.progress)
                      for name in names]  # fmt: skip
            # The ridge of scikit-learn's default: members agree too closely to be told apart.
            *found, last = _logistic(np.column_stack(logits), case.event, penalty=1.0)
            weights[event] = dict(zip(names, found, strict=True))
            intercept[event] = last
        return cls(platt, weights, intercept)

    @property
    def events(self) -> list[str]:
        """Names of the events."""
        return list(self.platt)

    def log_odds(
        self, event: str, scores: dict[str, FloatArray], progress: FloatArray | None
    ) -> FloatArray:
        """Return log odds of an event, [N]."""
        parts = self.platt[event]
        total = np.full(len(next(iter(scores.values()))), self.intercept[event])
        for name, weight in self.weights[event].items():
            total += weight * parts[name].log_odds(scores[name], progress)
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, fields: dict[str, Any]) -> Self:
        """Restore a calibration exactly from what `to_dict` returned."""
        platt = {
            event: {name: PlattScaling(**part) for name, part in parts.items()}
            for event, parts in fields["platt"].items()
        }
        return cls(platt, fields["weights"], fields["intercept"])


CALIBRATIONS: dict[str, type[PlattStack] | type[PlattPerModel]] = {
    "platt_stack": PlattStack,
    "platt_per_model": PlattPerModel,
}
"""Calibrations by their name in the config."""


def probabilities(
    calibration: Calibration, frame: pd.DataFrame, scores: list[str], progress: FloatArray | None
) -> pd.DataFrame:
    """Return how likely each team is to reach each event; coherent on every date.

    On a date, the probabilities of a conference's teams sum to 8 for the playoffs and to 4, 2 and 1
    for winning the first three rounds; those of all teams sum to 1 for the title. Each event needs
    the one before, and its probability is that of the one before times that of winning the series:

        p(playoffs) = expit(log odds of `PLAYOFF` + shift)
        p(round k) = p(round k - 1) expit(log odds of `SERIES` + shift)

    The shift takes the place of the intercept and is the same for all that compete, the teams of
    the conference and, for the title, of the league: the one number with which the sum is right. It
    keeps the order of the log odds. Scores are all that is known here: that a team is already out
    of the playoffs is not.

    Args:
        calibration: Fitted calibration.
        frame: Columns `season`, `as_of_date`, `conference` and the scores; all teams of each date.
        scores: Columns of scores that the calibration reads.
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
    """Return `reached` times `expit(log_odds + shift)`, which sums to `places` in each group, [N].

    The shift of a group is found by bisection.
    """
    n_groups = group.max(initial=-1) + 1
    share = places / np.bincount(group, reached, n_groups)
    if (share >= 1).any():
        raise ValueError(f"no more than {places:g} teams compete for {places:g} places on a date")
    least, most = (np.full(n_groups, end) for end in (np.inf, -np.inf))
    with np.errstate(invalid="ignore"):  # NaN is unknown and stays so
        np.minimum.at(least, group, log_odds)
        np.maximum.at(most, group, log_odds)
    # With these shifts every team is at most, and at least, as likely as the average has to be.
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
    design: npt.NDArray[np.float64], event: npt.NDArray[np.bool_], penalty: float = 0.0
) -> list[float]:
    """Fit a logistic regression to Platt's smoothed targets; return coefficients and intercept."""
    happened = int(event.sum())
    high, low = (happened + 1) / (happened + 2), 1 / (len(event) - happened + 2)
    target = np.where(event, high, low)
    # A target between 0 and 1 is the same row once as an event and once as none, weighted.
    X = np.concatenate([design, design])
    y = np.r_[np.ones(len(event)), np.zeros(len(event))]
    strength = 1 / penalty if penalty else np.inf
    # Newton's method gets to the optimum whatever the units of the scores; the default stops early.
    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8)
    fitted = model.fit(X, y, sample_weight=np.r_[target, 1 - target])
    return [*fitted.coef_[0].tolist(), float(fitted.intercept_[0])]

"""The stacker: a ridge regression of relevance on the members' out-of-fold scores."""

from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Stacker:
    """A linear blend of standardised member scores.

    Attributes:
        members: Names of the members, in the order of the score columns.
        mean: Mean out-of-fold score of each member.
        scale: Standard deviation of each member's out-of-fold scores.
        coef: Ridge coefficient of each standardised score, in units of relevance.
        intercept: Relevance of an average team.
        alpha: Ridge penalty chosen by cross-validation over seasons.
    """

    members: list[str]
    mean: list[float]
    scale: list[float]
    coef: list[float]
    intercept: float
    alpha: float

    @classmethod
    def fit(
        cls,
        members: list[str],
        scores: Scores,
        relevance: Scores,
        season: npt.NDArray[Any],
        alphas: list[float],
    ) -> Self:
        """Fit on out-of-fold scores.

        Args:
            members: Names of the M members.
            scores: Out-of-fold scores, higher is better, [N, M].
            relevance: Relevance, higher is better, [N].
            season: Season of each row; rows of a season stay together in cross-validation.
            alphas: Penalties to choose from; with a single season the largest is taken.

        Raises:
            ValueError: A score is not finite, or a member scores every team alike.
        """
        if not np.isfinite(scores).all():
            raise ValueError(f"out-of-fold scores of {members} are not all finite")
        mean, scale = scores.mean(axis=0), scores.std(axis=0)
        if not (scale > 0).all():
            flat = [name for name, spread in zip(members, scale, strict=True) if not spread > 0]
            raise ValueError(f"{flat} give every team the same out-of-fold score")
        standardised = (scores - mean) / scale
        n_seasons = len(np.unique(season))
        if n_seasons > 1:
            splits = GroupKFold(n_splits=min(5, n_seasons)).split(scores, groups=season)
            ridge = RidgeCV(alphas=alphas, cv=list(splits))
        else:
            ridge = RidgeCV(alphas=[max(alphas)])
        ridge.fit(standardised, relevance)
        return cls(
            members=members,
            mean=mean.tolist(),
            scale=scale.tolist(),
            coef=ridge.coef_.tolist(),
            intercept=float(ridge.intercept_),
            alpha=float(ridge.alpha_),
        )

    def predict(self, scores: Scores) -> Scores:
        """Blend member scores [N, M] into stack scores [N], higher is better."""
        blended = np.full(len(scores), self.intercept)
        # Summed member by member: a matrix product's last bits depend on the number of rows.
        for column, (mean, scale, coef) in enumerate(
            zip(self.mean, self.scale, self.coef, strict=True)
        ):
            blended += coef * (scores[:, column] - mean) / scale
        return blended

    @property
    def blend_weights(self) -> dict[str, float]:
        """Each member's coefficient as a share of the sum of absolute coefficients."""
        total = sum(abs(value) for value in self.coef) or 1.0
        return {name: value / total for name, value in zip(self.members, self.coef, strict=True)}

    def to_dict(self) -> dict[str, Any]:
        """Return the fields for JSON; `Stacker(**fields)` restores them exactly."""
        return asdict(self)

"""The stacker: a ridge regression of relevance on scores, with weights that move over a season.

Each weight is a straight line in the share of the season played, as in feature-weighted linear
stacking (Sill et al. 2009, eq. 2): carried-over ratings know most on opening night, the record at
the end. A handful of seasons can hardly tell weights from noise, and a plain average is hard to
beat (Bates and Granger 1969; Stock and Watson 2004), so the ridge shrinks towards an average of
what some inputs say on their own, not towards 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from nba_rank.core.arrays import Array, FloatArray
from nba_rank.core.errors import UserError
from nba_rank.models.ridge import fit_ridge


@dataclass(frozen=True)
class Stacker:
    """A linear blend of standardised scores; an unknown one counts as its mean.

    Attributes:
        inputs: Names of the blended scores, in the order of the columns.
        mean: Mean out-of-fold score of each input.
        scale: Standard deviation of each input's out-of-fold scores.
        coef: Coefficient of each standardised score on opening night, in units of relevance.
        coef_change: Change of each coefficient from opening night to the end of the season; zeros
            where the weights stay.
        unknown: Of each input that was sometimes unknown in training, what being unknown adds, in
            units of relevance: on opening night, and its change to the end of the season.
        intercept: Relevance of an average team.
        alpha: Ridge penalty chosen by cross-validation over seasons.
    """

    inputs: list[str]
    mean: list[float]
    scale: list[float]
    coef: list[float]
    coef_change: list[float]
    unknown: dict[str, list[float]]
    intercept: float
    alpha: float

    # One thread: the last bits must not depend on how many a machine has.
    @classmethod
    @threadpool_limits.wrap(limits=1, user_api="blas")
    def fit(
        cls,
        inputs: list[str],
        scores: FloatArray,
        relevance: FloatArray,
        season: Array,
        alphas: list[float],
        progress: FloatArray | None = None,
        shrinkage_targets: Sequence[str] = (),
        weight: FloatArray | None = None,
    ) -> Self:
        """Fit on out-of-fold scores of the inputs [N, M], higher is better, NaN where unknown.

        `weight` is that of each row, [N]; None: all weigh 1.

        The penalty is one of `alphas`: with a single season, the largest. The weights are constant
        without `progress`, the share of the season played, 0 to 1. Targets that are not blended
        are ignored; where none is left, all inputs are targets.

        Raises:
            ValueError: A score is infinite, or an input is never known.
            UserError: An input scores every team alike.
        """
        unknown = np.isnan(scores)
        if np.isinf(scores).any() or unknown.all(axis=0).any():
            raise ValueError(f"out-of-fold scores of {inputs} are not all finite")
        weight = np.ones(len(scores)) if weight is None else weight
        mean = _known_mean(scores, weight)
        scale = np.sqrt(_known_mean(np.square(scores - mean), weight))
        varies = np.nanmax(scores, axis=0) > np.nanmin(scores, axis=0)
        if not varies.all():
            flat = [name for name, moving in zip(inputs, varies, strict=True) if not moving]
            raise UserError(
                f"{flat} give every team the same out-of-fold score, so there is nothing "
                "to blend: leave them out of model.members or model.stack.features, or let them "
                "learn more"
            )
        flagged = np.flatnonzero(unknown.any(axis=0))
        at_once = np.nan_to_num((scores - mean) / scale)
        if len(flagged):
            at_once = np.hstack([at_once, unknown[:, flagged]])
        design = at_once
        if progress is not None:
            design = np.hstack([at_once, at_once * progress[:, None]])
        n_columns = at_once.shape[1]
        response = relevance - np.average(relevance, weights=weight)
        average = _average(design, n_columns, response, weight, inputs, shrinkage_targets)
        ridge = fit_ridge(design, relevance - design @ average, season, alphas, weight)
        found = np.zeros((2, n_columns))
        found[: design.shape[1] // n_columns] = (average + ridge.coef).reshape(-1, n_columns)
        coef, of_unknown = np.split(found, [len(inputs)], axis=1)
        return cls(
            inputs=inputs,
            mean=mean.tolist(),
            scale=scale.tolist(),
            coef=coef[0].tolist(),
            coef_change=coef[1].tolist(),
            unknown={
                inputs[place]: own.tolist()
                for place, own in zip(flagged, of_unknown.T, strict=True)
            },
            intercept=ridge.intercept,
            alpha=ridge.alpha,
        )

    def parts(self, scores: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Return what each input adds to the intercept, in units of relevance, [N, M].

        Arguments are those of `predict`.
        """
        share = np.zeros(len(scores)) if progress is None else progress
        added = np.empty(scores.shape)
        for column, (name, mean, scale, coef, change) in enumerate(
            zip(self.inputs, self.mean, self.scale, self.coef, self.coef_change, strict=True)
        ):
            known = (coef + change * share) * (scores[:, column] - mean) / scale
            instead, instead_change = self.unknown.get(name, (0.0, 0.0))
            unknown = np.isnan(scores[:, column])
            added[:, column] = np.where(unknown, instead + instead_change * share, known)
        return added

    def predict(self, scores: FloatArray, progress: FloatArray | None = None) -> FloatArray:
        """Blend scores [N, M] into stack scores [N]; without `progress` as on opening night."""
        blended = np.full(len(scores), self.intercept)
        # Summed input by input: a matrix product's last bits depend on the number of rows.
        for part in self.parts(scores, progress).T:
            blended += part
        return blended

    def weights(self, progress: float = 0.0) -> dict[str, float]:
        """Return each input's share of the sum of absolute coefficients."""
        at_date = [
            value + progress * change
            for value, change in zip(self.coef, self.coef_change, strict=True)
        ]
        total = sum(abs(value) for value in at_date) or 1.0
        return {name: value / total for name, value in zip(self.inputs, at_date, strict=True)}


def _known_mean(values: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the weighted mean of the known values of each column, [M]."""
    known = ~np.isnan(values)
    total = np.where(known, weight[:, None] * values, 0.0).sum(axis=0)
    return np.asarray(total / (weight[:, None] * known).sum(axis=0))


def _average(
    design: FloatArray,
    n_columns: int,
    response: FloatArray,
    weight: FloatArray,
    inputs: list[str],
    shrinkage_targets: Sequence[str],
) -> FloatArray:
    """Return the coefficients of the average of single regressions on each shrinkage target.

    The design's indicators of unknown inputs have no part in it.
    """
    chosen = [column for column, name in enumerate(inputs) if name in shrinkage_targets]
    chosen = chosen or [*range(len(inputs))]
    columns = np.arange(design.shape[1]).reshape(-1, n_columns)
    result, root = np.zeros(design.shape[1]), np.sqrt(weight)
    for own in columns.T[chosen]:
        single = np.linalg.lstsq(root[:, None] * design[:, own], root * response, rcond=None)[0]
        result[own] = single / len(chosen)
    return result

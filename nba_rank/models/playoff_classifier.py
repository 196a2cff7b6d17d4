"""The playoff classifier: boosted trees that forecast whether a team makes the playoffs.

Half of each conference does. So the trees read how far each store feature of a team is from the
conference's median on the date: of fifteen teams that is the eighth, which has the last berth.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from xgboost import XGBClassifier

from nba_rank.config.schema import CloneConfig
from nba_rank.core.arrays import Array, BoolArray, Float32Array, FloatArray
from nba_rank.core.errors import UserError
from nba_rank.core.fit_or_load import fit_or_load
from nba_rank.data.outcomes import events
from nba_rank.features.store import KEY
from nba_rank.models.saved import reading
from nba_rank.models.trees import boosting
from nba_rank.samples.dataset import PROGRESS, Dataset

_FEATURES, _TREES = "features.json", "clone_classifier.ubj"


def berth_gaps(data: Dataset) -> Float32Array:
    """Return each feature less its median over the conference on the date, float32 [N, F].

    `PROGRESS`, which is the same for all teams, stays as it is; NaN is unknown. A row depends on
    the rows of its own date and conference alone.
    """
    values = pd.DataFrame(data.X, columns=data.columns)
    conference = [data.frame[name].to_numpy() for name in ("season", "as_of_date", "conference")]
    gaps = values - values.groupby(conference).transform("median")
    if PROGRESS in data.columns:
        gaps[PROGRESS] = values[PROGRESS]
    return gaps.to_numpy(dtype=np.float32)


def made_playoffs(frame: pd.DataFrame, results: pd.DataFrame) -> BoolArray:
    """Return whether each team was among the 16 of the bracket, bool [N].

    Losers of the play-in were not: it decides who gets into the playoffs. `results` are those of
    `nba_rank.data.outcomes.outcomes`.

    Raises:
        ValueError: A season has no outcome yet.
    """
    key = ["season", "team_id"]
    playoff = frame[key].merge(events(results), how="left", on=key, validate="many_to_one")[
        "playoff"
    ]
    if playoff.isna().any():
        unfinished = sorted(set(frame.loc[playoff.isna().to_numpy(), "season"]))
        raise ValueError(f"nobody knows yet who makes the playoffs of {unfinished}")
    return playoff.to_numpy(dtype=np.bool_)


@dataclass(frozen=True)
class Cases:
    """Teams on dates of finished seasons, as the classifier reads them.

    Attributes:
        season: Season text, [N].
        X: What `berth_gaps` returns, float32 [N, F].
        made: Whether the team made the playoffs, bool [N].
        weight: One over the teams of the date, so that each date counts alike, float64 [N].
    """

    season: Array
    X: Float32Array
    made: BoolArray
    weight: FloatArray

    @classmethod
    def of(cls, data: Dataset, results: pd.DataFrame) -> Self:
        """Prepare all rows; errors as `made_playoffs`."""
        teams = data.frame.groupby(KEY[:2])["team_id"].transform("size")
        made = made_playoffs(data.frame, results)
        return cls(data.season, berth_gaps(data), made, 1 / teams.to_numpy(dtype=np.float64))

    def of_seasons(self, seasons: list[str]) -> Self:
        """Return the cases of some seasons."""
        rows = np.isin(self.season, seasons)
        return type(self)(self.season[rows], self.X[rows], self.made[rows], self.weight[rows])


@dataclass(frozen=True)
class PlayoffClassifier:
    """A fitted classifier.

    Attributes:
        columns: Store features, in the order of fitting.
        trees: The boosted trees, up to the best for the validation season.
    """

    columns: list[str]
    trees: XGBClassifier

    @classmethod
    def fit(
        cls,
        train: Cases,
        validation: Cases,
        columns: list[str],
        config: CloneConfig,
        seed: int,
        n_jobs: int,
        *,
        cache: str | Path | None = None,
    ) -> Self:
        """Grow trees on the training seasons until the validation season's log loss stops falling.

        `cache` is the folder of what was fitted before on the same; None fits anew.

        Raises:
            UserError: A side has no cases, or all teams of it end alike.
        """
        for name, side in (("training", train), ("validation", validation)):
            if side.made.all() or not side.made.any():
                raise UserError(
                    f"the {name} seasons hold {len(side.made)} cases, {side.made.sum()} of them of "
                    "playoff teams: both playoff teams and others are needed"
                )
        fitted, _ = fit_or_load(
            cache,
            "playoff_classifier",
            [train, validation, columns, config, seed, n_jobs],
            made_by=__name__,
            make=lambda: cls(columns, _grow(train, validation, config, seed, n_jobs)),
            write=PlayoffClassifier.save,
            read=cls.load,
        )
        return fitted

    @property
    def n_trees(self) -> int:
        """Number of trees in use, the best for the validation season."""
        return int(self.trees.best_iteration) + 1

    def predict_proba(self, X: Float32Array) -> FloatArray:
        """Return the probability to make the playoffs, 0 to 1, of rows of `berth_gaps`, [N]."""
        return self.trees.predict_proba(X)[:, 1].astype(np.float64)

    def forecast(self, data: Dataset) -> FloatArray:
        """Return the probability to make the playoffs, [N], on dates with all their teams.

        Raises:
            ValueError: The features are not those that the classifier was fitted on.
        """
        if data.columns != self.columns:
            wrong = sorted(set(data.columns) ^ set(self.columns)) or "their order"
            raise ValueError(f"the features are not those of the fitted classifier: {wrong}")
        return self.predict_proba(berth_gaps(data))

    def save(self, folder: Path) -> None:
        """Write trees and names of features into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        self.trees.save_model(folder / _TREES)
        (folder / _FEATURES).write_text(json.dumps({"columns": self.columns}, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a classifier back; it forecasts exactly as the one that was saved.

        Raises:
            UserError: The folder holds none.
        """
        if not (folder / _TREES).exists():
            raise UserError(f"no playoff classifier in {folder}")
        trees = XGBClassifier()
        with reading(folder / _TREES):
            trees.load_model(folder / _TREES)
        with reading(folder / _FEATURES):
            columns = json.loads((folder / _FEATURES).read_text(encoding="utf-8"))["columns"]
        return cls(columns, trees)


def _grow(
    train: Cases, validation: Cases, config: CloneConfig, seed: int, n_jobs: int
) -> XGBClassifier:
    # With a mean weight of 1 `min_child_weight` means the same whatever the number of dates.
    weights = [side.weight / side.weight.mean() for side in (train, validation)]
    model = XGBClassifier(**boosting(config, seed, n_jobs), eval_metric="logloss")
    return model.fit(
        train.X,
        train.made,
        sample_weight=weights[0],
        eval_set=[(validation.X, validation.made)],
        sample_weight_eval_set=[weights[1]],
        verbose=False,
    )

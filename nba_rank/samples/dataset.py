"""What the models read: features, player sets and, for finished seasons, the relevance."""

from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY, FeatureStore

PROGRESS = "season_progress"
"""Store feature of the record group with the share of the season played, 0 to 1."""

PROJECTED = "projected_outcome"
"""Mean number of teams ranked behind by outcome in simulated seasons."""

PROJECTION = {PROJECTED: "projected_rank", "projected_wins": "expected_wins"}
"""Features that a projection adds, and their columns in a simulation's summary."""


@dataclass(frozen=True)
class Dataset:
    """Features and player sets of the same dates.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference` of the N store rows.
        columns: Names of the F store features.
        X: Store features, [N, F]; NaN is unknown.
        sets: Player sets; they may cover fewer dates than the store.
        relevance: From `nba_rank.samples.target.relevance`; empty for predictions only.
    """

    frame: pd.DataFrame
    columns: list[str]
    X: npt.NDArray[np.float32]
    sets: PlayerSets
    relevance: pd.DataFrame

    @classmethod
    def of(cls, store: FeatureStore, sets: PlayerSets, relevance: pd.DataFrame) -> Self:
        """Combine a store and player sets."""
        frame = store.frame[[*KEY, "conference"]]
        X = store.frame[store.columns].to_numpy(dtype=np.float32)
        return cls(frame, store.columns, X, sets, relevance)

    def with_projection(self, summary: pd.DataFrame) -> Self:
        """Add the features of what `MonteCarloOdds.predict` returns; NaN on other dates."""
        found = self.frame[KEY].merge(summary, on=KEY, how="left", validate="one_to_one")
        n_teams = self.frame.groupby(KEY[:2])["team_id"].transform("size")
        added = found[list(PROJECTION.values())].to_numpy(dtype=np.float64)
        added[:, 0] = n_teams - added[:, 0]
        X = np.hstack([self.X, added.astype(np.float32)])
        return replace(self, columns=[*self.columns, *PROJECTION], X=X)

    def keeping(self, columns: list[str]) -> Self:
        """Return the dataset with some of its features, in their order here."""
        kept = [name in columns for name in self.columns]
        return replace(self, columns=list(compress(self.columns, kept)), X=self.X[:, kept])

    def of_seasons(self, seasons: list[str]) -> Self:
        """Return the rows of some seasons."""
        rows = np.flatnonzero(self.frame["season"].isin(seasons))
        sets = np.flatnonzero(self.sets.frame["season"].isin(seasons))
        frame = self.frame.iloc[rows].reset_index(drop=True)
        return replace(self, frame=frame, X=self.X[rows], sets=self.sets.take(sets))

    @property
    def season(self) -> npt.NDArray[Any]:
        """Season of each store row, [N]."""
        return self.frame["season"].to_numpy()

    def features(self, columns: list[str]) -> pd.DataFrame:
        """Return some store features as float64; a `UserError` names those that are absent."""
        absent = [name for name in columns if name not in self.columns]
        if absent:
            raise UserError(
                f"the feature store holds no {absent}: switch their groups on or leave them out"
            )
        values = self.X[:, [self.columns.index(name) for name in columns]]
        return pd.DataFrame(values.astype(np.float64), columns=columns)

    def set_features(self, columns: list[str]) -> pd.DataFrame:
        """Return some store features of the rows of the player sets; errors as `features`.

        Raises:
            ValueError: Player sets have no store row.
        """
        store = pd.MultiIndex.from_frame(self.frame[KEY])
        row = store.get_indexer(pd.MultiIndex.from_frame(self.sets.frame[KEY]))
        absent = row < 0
        if absent.any():
            first = self.sets.frame.loc[absent, KEY].iloc[0]
            raise ValueError(
                f"{absent.sum()} rows of the player sets have no row in the feature store, such as "
                f"team {first['team_id']} on {first['as_of_date']:%Y-%m-%d}: build both for the "
                "same dates"
            )
        return self.features(columns).iloc[row].reset_index(drop=True)

    def team_prior(self, names: list[str]) -> pd.DataFrame:
        """Return `set_features` of those that the store holds, and of `PROGRESS` if any is held."""
        known = [name for name in names if name in self.columns]
        moving = [PROGRESS] if known and PROGRESS in self.columns else []
        return self.set_features([*known, *moving])

    def store_relevance(self) -> npt.NDArray[np.float64]:
        """Return the relevance of each store row, [N].

        Raises:
            ValueError: A season has not finished, so its relevance is unknown.
        """
        return _lookup(self.relevance, self.frame)

    def set_relevance(self) -> npt.NDArray[np.float32]:
        """Return the relevance of each row of the player sets; errors as `store_relevance`."""
        return _lookup(self.relevance, self.sets.frame).astype(np.float32)


def _lookup(relevance: pd.DataFrame, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
    key = ["season", "team_id"]
    values = frame[key].merge(relevance, on=key, how="left", validate="many_to_one")["relevance"]
    if values.isna().any():
        unfinished = sorted(set(frame.loc[values.isna().to_numpy(), "season"]))
        raise ValueError(f"no outcome is known for {unfinished}: train on finished seasons only")
    return values.to_numpy()

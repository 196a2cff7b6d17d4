"""What the models read: features, player sets and, for finished seasons, what to learn."""

from dataclasses import dataclass, replace
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
"""Mean number of teams behind in the outcome rank of simulated seasons; 0 is the worst."""

PROJECTION = {PROJECTED: "projected_rank", "projected_wins": "expected_wins"}
"""Features that a projection adds, and what of a simulation's summary they come from."""


@dataclass(frozen=True)
class Dataset:
    """Features and player sets of the same dates.

    Attributes:
        frame: Columns `season`, `as_of_date`, `team_id`, `conference` of the N store rows.
        columns: Names of the F store features.
        X: Store features, float32 [N, F]; NaN is unknown.
        sets: Player sets; they may cover fewer dates than the store.
        relevance: What to learn by season and team, from `nba_rank.samples.target.relevance`;
            empty where only predictions are wanted.
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
        """Return the dataset with the features of a projection.

        Args:
            summary: What `MonteCarloOdds.predict` returns; dates not in it are unknown.
        """
        found = self.frame[KEY].merge(summary, on=KEY, how="left", validate="one_to_one")
        n_teams = self.frame.groupby(KEY[:2])["team_id"].transform("size")
        added = found[list(PROJECTION.values())].to_numpy(dtype=np.float64)
        added[:, 0] = n_teams - added[:, 0]
        X = np.hstack([self.X, added.astype(np.float32)])
        return replace(self, columns=[*self.columns, *PROJECTION], X=X)

    def keeping(self, columns: list[str]) -> Self:
        """Return the dataset with some of its features, in their own order."""
        places = [place for place, name in enumerate(self.columns) if name in columns]
        kept = [self.columns[place] for place in places]
        return replace(self, columns=kept, X=self.X[:, places])

    def of_seasons(self, seasons: list[str]) -> Self:
        """Return the part of some seasons."""
        rows = np.flatnonzero(self.frame["season"].isin(seasons))
        sets = np.flatnonzero(self.sets.frame["season"].isin(seasons))
        return type(self)(
            frame=self.frame.iloc[rows].reset_index(drop=True),
            columns=self.columns,
            X=self.X[rows],
            sets=self.sets.take(sets),
            relevance=self.relevance,
        )

    @property
    def season(self) -> npt.NDArray[Any]:
        """Season text of each store row, [N]."""
        return self.frame["season"].to_numpy()

    def features(self, columns: list[str]) -> pd.DataFrame:
        """Return some store features, float64, one row a store row.

        Raises:
            UserError: The store holds no such features.
        """
        absent = [name for name in columns if name not in self.columns]
        if absent:
            raise UserError(
                f"the feature store holds no {absent}: switch their groups on or leave them out"
            )
        values = self.X[:, [self.columns.index(name) for name in columns]]
        return pd.DataFrame(values.astype(np.float64), columns=columns)

    def set_features(self, columns: list[str]) -> pd.DataFrame:
        """Return some store features, float64, one row a row of the player sets.

        Raises:
            UserError: The store holds no such features.
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
        """Return those of the features whose group is on and `PROGRESS`, as `set_features`.

        `PROGRESS` is left out where the store lacks it or no other feature is known.
        """
        known = [name for name in names if name in self.columns]
        moving = [PROGRESS] if known and PROGRESS in self.columns else []
        return self.set_features([*known, *moving])

    def store_relevance(self) -> npt.NDArray[np.float64]:
        """Return the relevance of each store row, [N].

        Raises:
            ValueError: A season has not finished, so there is nothing to learn from it.
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
        raise ValueError(f"no outcome is known for {unfinished}: only finished seasons teach")
    return values.to_numpy()

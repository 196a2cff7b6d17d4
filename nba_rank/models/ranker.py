"""The final ranker: members, the stacker over them, calibration and odds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd

from nba_rank.config import MEMBERS, Config
from nba_rank.dataset import Dataset
from nba_rank.models.calibration import PlattScaling
from nba_rank.models.members import Members, Predicted, progress_of
from nba_rank.models.stacking import Stacker
from nba_rank.odds.softmax import SoftmaxOdds


@dataclass(frozen=True)
class Head:
    """What turns member scores into the final score and its probabilities.

    Attributes:
        stacker: Blend of the members; None where there is one, whose score is final.
        platt: Playoff probability from the final score; None without calibration.
        odds: Title odds from the final scores; None without odds.
    """

    stacker: Stacker | None
    platt: PlattScaling | None
    odds: SoftmaxOdds | None

    @classmethod
    def fit(
        cls, oof: pd.DataFrame, outcomes: pd.DataFrame, relevance: pd.DataFrame, config: Config
    ) -> Self:
        """Fit on out-of-fold scores of the members that the frame holds.

        Args:
            oof: `Predicted.frame` of out-of-fold seasons.
            outcomes: Columns `season`, `team_id`, `outcome_rank`, `made_playoffs`.
            relevance: Columns `season`, `team_id`, `relevance`.
            config: The run's config.
        """
        members = [name for name in MEMBERS if name in oof.columns]
        key = ["season", "team_id"]
        known = oof.dropna(subset=members)
        known = known.merge(relevance, on=key, validate="many_to_one")
        known = known.merge(outcomes[[*key, "outcome_rank", "made_playoffs"]], on=key)
        stacker = None
        if len(members) > 1:
            stacker = Stacker.fit(
                members,
                known[members].to_numpy(),
                known["relevance"].to_numpy(),
                known["season"].to_numpy(),
                config.model.stack.alphas,
                progress_of(known) if config.model.stack.vary_with_progress else None,
            )
        score = cls(stacker, None, None)._score(known, members)
        platt, odds = None, None
        if config.calibration.name == "platt_stack":
            platt = PlattScaling.fit(score, known["made_playoffs"].to_numpy())
        if config.odds.name == "softmax":
            odds = SoftmaxOdds.fit(known.assign(score=score, champion=known["outcome_rank"] == 1))
        return cls(stacker, platt, odds)

    def apply(self, members: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        """Add `score` and, where fitted, `playoff_prob` and `title_odds` to member scores.

        Args:
            members: `Predicted.frame`.
            names: Names of the members.

        Raises:
            ValueError: A member has no score for some date.
        """
        absent = members[names].isna().any(axis=1)
        if absent.any():
            first = members.loc[absent, ["season", "as_of_date"]].iloc[0]
            raise ValueError(
                f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}: "
                "ingest that season's player logs, or train with model=xgb or model=rf"
            )
        scored = members.assign(score=self._score(members, names))
        if self.platt is not None:
            scored["playoff_prob"] = self.platt.predict(scored["score"].to_numpy())
        if self.odds is not None:
            scored["title_odds"] = self.odds.predict(scored)
        return scored

    def _score(self, members: pd.DataFrame, names: list[str]) -> np.ndarray:
        if self.stacker is None:
            return members[names[0]].to_numpy()
        return self.stacker.predict(members[names].to_numpy(), progress_of(members))


@dataclass(frozen=True)
class Ranker:
    """Fitted members and head; everything that ranks a date."""

    members: Members
    head: Head

    def predict(self, data: Dataset) -> Predicted:
        """Score all rows; see `complete` for what comes out."""
        return self.complete(self.members.predict(data))

    def complete(self, predicted: Predicted) -> Predicted:
        """Add `score` and, where fitted, `playoff_prob` and `title_odds` to the members' scores."""
        frame = self.head.apply(predicted.frame, self.members.names)
        return Predicted(frame, predicted.attention)

    def save(self, folder: Path) -> None:
        """Write the ranker into a folder."""
        self.members.save(folder)
        parts = {name: part.to_dict() for name, part in vars(self.head).items() if part is not None}
        (folder / "head.json").write_text(json.dumps(parts, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a ranker back; it scores exactly as the one that was saved."""
        members = Members.load(folder)
        parts = json.loads((folder / "head.json").read_text())
        head = Head(
            stacker=Stacker(**parts["stacker"]) if "stacker" in parts else None,
            platt=PlattScaling(**parts["platt"]) if "platt" in parts else None,
            odds=SoftmaxOdds(**parts["odds"]) if "odds" in parts else None,
        )
        return cls(members, head)

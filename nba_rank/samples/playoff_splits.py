"""Training, validation and test seasons of the playoff classifier."""

from collections.abc import Iterable
from dataclasses import dataclass

from nba_rank.core.seasons import season_label, season_start_year
from nba_rank.samples.folds import FoldError

REFERENCE, WALK_FORWARD = "reference", "walk_forward"
"""Designs: one split that is the same in every run, and one split for each test season."""

REFERENCE_TEST = "2024-25"
"""Season held out by the reference split."""

REFERENCE_TRAINING_SEASONS = 8
"""Its training seasons, before one for validation."""


@dataclass(frozen=True)
class PlayoffSplit:
    """One fit of the classifier.

    Attributes:
        design: `REFERENCE` or `WALK_FORWARD`.
        train: Seasons fitted on.
        validation: Season after them, for early stopping.
        test: Season after it, which is forecast.
    """

    design: str
    train: list[str]
    validation: str
    test: str

    @property
    def name(self) -> str:
        """Unique, also a folder name."""
        return f"{self.design}_{self.test}"


def reference_split(seasons: list[str]) -> PlayoffSplit:
    """Train on 2015-16 to 2022-23, validate on 2023-24, hold out 2024-25.

    All move back until the data, complete seasons in order, holds the one held out; absent training
    seasons are left out.

    Raises:
        FoldError: The data allows no such split.
    """
    last = season_start_year(REFERENCE_TEST)
    for year in range(last, season_start_year(min(seasons, default=REFERENCE_TEST)), -1):
        test, validation = season_label(year), season_label(year - 1)
        first = season_label(year - 1 - REFERENCE_TRAINING_SEASONS)
        train = [season for season in seasons if first <= season < validation]
        if test in seasons:
            if validation in seasons and train:
                return PlayoffSplit(REFERENCE, train, validation, test)
            break
    raise FoldError(
        "the reference split needs the last season up to "
        f"{REFERENCE_TEST} in the data and two or more before it, without a gap; the data holds "
        f"{', '.join(seasons) or 'none'}: add seasons"
    )


def walk_forward_splits(seasons: list[str], tests: Iterable[str]) -> list[PlayoffSplit]:
    """Validate on the season before each test season, and train on all earlier ones.

    Raises:
        FoldError: A test season has fewer than two complete seasons before it.
    """
    splits = []
    for test in tests:
        earlier = [season for season in seasons if season < test]
        if len(earlier) < 2:
            raise FoldError(
                f"two or more seasons before {test} are needed to learn who makes the playoffs, "
                f"one of them for early stopping; the data holds {len(earlier)}: add earlier "
                "seasons or forecast later ones"
            )
        splits.append(PlayoffSplit(WALK_FORWARD, earlier[:-1], earlier[-1], test))
    return splits

"""The parameters of the simulated world."""

from dataclasses import dataclass, fields
from math import isfinite

_FIRST_MODERN_SEASON = 2021
_LAST_START_YEAR = 2045


@dataclass(frozen=True)
class SimParams:
    """A simulated world; equal parameters give identical files.

    Attributes:
        seed: Root of every random stream.
        first_season_year: Year in which the first season starts, 2021 or later (82 games and a
            play-in each season).
        n_seasons: Seasons to play, 1 or more.
        home_edge: Points by which the home team outscores an equal visitor.
        back_to_back_cost: Points that a team loses when it also played the day before.
        talent_spread: Standard deviation of an entering player's peak skill, in points per 48
            minutes on court.
        shooting_luck: Share, 0 to 1, of shots that fall at random; the others follow the shooter's
            percentage. It sets how far a single game strays from the strengths.
        injury_rate: Expected injuries per player and season.
        trade_rate: Expected trades per season in the whole league.
        movement_rate: Probability that a player's contract ends in a given summer.
        shutdown_rate: Probability that a team out of the race in the last weeks shuts down each of
            its three best players.
    """

    seed: int = 0
    first_season_year: int = 2021
    n_seasons: int = 8
    home_edge: float = 2.5
    back_to_back_cost: float = 1.5
    talent_spread: float = 3.6
    shooting_luck: float = 0.42
    injury_rate: float = 1.4
    trade_rate: float = 24.0
    movement_rate: float = 0.2
    shutdown_rate: float = 0.4

    def __post_init__(self) -> None:
        """Refuse worlds that cannot be played, naming every bad argument at once."""
        problems = [
            f"{field.name} must be finite and not negative, got {getattr(self, field.name)}"
            for field in fields(self)
            if not isfinite(getattr(self, field.name)) or getattr(self, field.name) < 0
        ]
        if self.first_season_year < _FIRST_MODERN_SEASON:
            problems.append(
                f"first_season_year must be {_FIRST_MODERN_SEASON} or later, "
                f"got {self.first_season_year}"
            )
        if self.n_seasons < 1:
            problems.append(f"n_seasons must be 1 or more, got {self.n_seasons}")
        if self.first_season_year + self.n_seasons - 1 > _LAST_START_YEAR:
            problems.append(f"n_seasons: the last season must start by {_LAST_START_YEAR}")
        problems += [
            f"{name} is a probability and must be at most 1, got {getattr(self, name)}"
            for name in ("shooting_luck", "movement_rate", "shutdown_rate")
            if getattr(self, name) > 1
        ]
        if problems:
            raise ValueError("SimParams: " + "; ".join(problems))

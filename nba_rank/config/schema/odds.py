"""Options of the simulated odds and of calibration."""

from dataclasses import dataclass

from nba_rank.config.schema.option import option


@dataclass(kw_only=True)
class OddsConfig:
    """How far each team will go."""

    name: str = option(
        "`none`; `softmax`, title odds with a temperature fitted on earlier seasons; or "
        "`monte_carlo`, the rest of the season simulated.",
        choices=("none", "softmax", "monte_carlo"),
    )
    n_simulations: int = option("Simulations of each date.", low=2)
    playoff_strength: bool = option(
        "Give the playoffs a strength of their own, learned from playoff games; otherwise that "
        "of the regular season stands for both."
    )
    playoff_residual: bool = option(
        "Let the playoff strength also read what the regular season may miss: experience, "
        "health and shooting, turnover and rebound differentials."
    )


@dataclass(kw_only=True)
class CalibrationConfig:
    """Probabilities of events from scores, by Platt scaling: see `nba_rank.models.calibration`."""

    name: str = option(
        "`none`; `platt_stack`, of the final score; or `platt_per_model`, of each member's "
        "score, combined in log odds.",
        choices=("none", "platt_stack", "platt_per_model"),
    )

"""Options of the feature groups, the player sets and the projection."""

from dataclasses import dataclass

from nba_rank.config.schema.option import option


@dataclass(kw_only=True)
class GroupConfig:
    """A feature group; those without options of their own are described in `nba_rank.features`."""

    enabled: bool = option("Whether the models read the group.")


@dataclass(kw_only=True)
class RecordConfig(GroupConfig):
    """Win share and margin to date, regressed, and over the newest games."""

    last_games: int = option("Newest games of the form columns.", low=1, high=82)
    prior_games: float = option("Games that last season's record counts for.", low=0.1)
    prior_carry_over: float = option(
        "Share of last season's distance from .500 that carries over.", low=0, high=1
    )


@dataclass(kw_only=True)
class EloConfig(GroupConfig):
    """Elo in FiveThirtyEight's form; `k`, `home_edge` and `mean` in Elo points."""

    fit: bool = option(
        "Fit `k`, `home_edge` and `carry_over` on the seasons before each season; the values "
        "here are then those of the first season."
    )
    home_edge_seasons: int = option("Newest seasons that the home edge is fitted on.", low=1)
    k: float = option("Step size.", low=0)
    home_edge: float = option("Lead of the home team.")
    carry_over: float = option(
        "Share of a rating's distance from the mean that stays over the summer.", low=0, high=1
    )
    mean: float = option("Rating of the average team.")


@dataclass(kw_only=True)
class MasseyConfig(GroupConfig):
    """Massey rating that starts from last season's."""

    ridge: float = option("Games that what is carried over counts for.", low=1e-06)
    fit: bool = option("Fit the carry-over on the seasons before each season.")
    carry_over: float = option(
        "Share of last season's rating that carries over; with `fit`, until two seasons are known.",
        low=0,
        high=1,
    )


@dataclass(kw_only=True)
class TeamRollingConfig(GroupConfig):
    """Shooting and defence over the newest games, and the previous result."""

    windows: list[int] = option("Numbers of games, one set of columns each.", low=1, filled=True)


@dataclass(kw_only=True)
class PythagoreanConfig(GroupConfig):
    """Record that points for and against deserve, and luck."""

    exponent: float = option("Exponent of the points; 13.91 is Morey's.", low=1, high=50)
    prior_games: float = option("Games that last season counts for.", low=0.1)
    prior_carry_over: float = option(
        "Share of last season's distance from .500 that carries over.", low=0, high=1
    )


@dataclass(kw_only=True)
class PaceConfig(GroupConfig):
    """Possessions per 48 minutes."""

    prior_games: float = option("Games that last season counts for.", low=0.1)
    prior_carry_over: float = option(
        "Share of last season's distance from the mean that carries over.", low=0, high=1
    )


@dataclass(kw_only=True)
class MomentumConfig(GroupConfig):
    """Margin above expectation over the newest games, and against a longer stretch."""

    short_games: int = option("Newest games of the short stretch.", low=1)
    long_games: int = option("Newest games of the long stretch.", low=2)


@dataclass(kw_only=True)
class RestConfig(GroupConfig):
    """Days of rest, and games and time zones crossed lately."""

    window_days: int = option("Days over which games and time zones are counted.", low=1, high=60)


@dataclass(kw_only=True)
class MotivationConfig(GroupConfig):
    """What is left to play for."""

    late_season_share: float = option("Share of the season after which it is late.", low=0, high=1)


@dataclass(kw_only=True)
class MarketConfig(GroupConfig):
    """Bookmakers' preseason figures, and a rating from closing spreads of past games."""

    memory_days: float = option("Days until a line weighs 1/e.", low=1, high=365)
    prior_games: float = option("Games that what a season starts from counts for.", low=0.01)
    carry_over: float = option(
        "Share of last season's rating that carries over where win totals are missing.",
        low=0,
        high=1,
    )


@dataclass(kw_only=True)
class PlayerColumnsConfig:
    """Which player columns model A reads; see `nba_rank.features.roster`."""

    box_rates: bool = option("Points, rebounds, assists, steals, blocks and turnovers per game.")
    availability: bool = option("Share of the team's games played.")
    plus_minus_share: bool = option("A fifth of the on-court plus-minus per game.")
    returning_minutes: bool = option("Share of the team's minutes last season.")
    true_shooting: bool = option("True shooting.")
    usage: bool = option("Usage.")
    game_score: bool = option("Hollinger's Game Score per 36 minutes.")
    box_rating: bool = option("Box rating per 100 possessions with the coefficients of BPM 2.0.")
    last_season: bool = option("Last season's value of the four above.")
    impact_rating: bool = option("Prior and updated impact rating.")
    expected_minutes: bool = option("Expected minutes, as things are and with everybody healthy.")


@dataclass(kw_only=True)
class RosterConfig:
    """Player sets, the input of model A."""

    size: int = option("Players kept for each team and date.", low=1, high=30)
    windows: list[int] = option(
        "Games over which a player's rates are rolled, one set of columns each.", low=1, filled=True
    )
    columns: PlayerColumnsConfig


@dataclass(kw_only=True)
class ImpactConfig:
    """Player impact ratings and expected minutes, see `nba_rank.features.players.impact`."""

    box_decay_days: float = option("Days until a game weighs 1/e in the box vector.", low=1)
    shrink_minutes: float = option(
        "Weighted minutes at the low-minute mean added to each player's rates.", low=0
    )
    prior_ridge: float = option("Penalty of the box prior's standardised weights.", low=1e-06)
    season_half_life: float | None = option(
        "Seasons until a season weighs half in the box prior, by default that of the folds; "
        "null: all alike.",
        low=0.01,
    )
    margin_decay_days: float = option("Days until a game weighs 1/e in the update.", low=30)
    update_ridge: float = option("Penalty of a player's distance from his prior.", low=1e-06)
    margin_cap: float = option("Points at which margins are clipped.", low=1)
    stint_share: float = option(
        "Weight of the rating from stints in the impact rating, the rest is that from games; "
        "at 0 stints are not read.",
        low=0,
        high=1,
    )
    stint_decay_days: float = option("Days until a stint weighs 1/e.", low=30)
    stint_ridge: float = option(
        "Penalty of a player's distance from his prior, in stints of 100 possessions.", low=1e-06
    )
    minutes_half_life: float = option("Games until one weighs half in expected minutes.", low=0.5)


@dataclass(kw_only=True)
class RaptorConfig(GroupConfig):
    """Last season's RAPTOR of the players whom a team has now."""

    players: int = option("Leading players whose ratings are added.", low=1, high=15)
    prior_minutes: float = option("Minutes at replacement level added to those of a rating.", low=0)


@dataclass(kw_only=True)
class StatusWeightsConfig:
    """Probability to play, 0 to 1, of each status of an injury report."""

    out: float = option("Probability of a player listed as out.", low=0, high=1)
    doubtful: float = option("Probability of a player listed as doubtful.", low=0, high=1)
    questionable: float = option("Probability of a player listed as questionable.", low=0, high=1)
    probable: float = option("Probability of a player listed as probable.", low=0, high=1)
    available: float = option("Probability of a player listed as available.", low=0, high=1)


@dataclass(kw_only=True)
class InjuriesConfig(GroupConfig):
    """Who can play, from injury reports or from who has stopped appearing."""

    source: str = option(
        "`reports`, `inferred`, or `auto`: reports where there is a current one.",
        choices=("auto", "reports", "inferred"),
    )
    report_max_age_days: int = option("Days after which a report no longer counts.", low=0, high=30)
    status_weights: StatusWeightsConfig
    season_ending: list[str] = option(
        "Phrases, all of whose words in a reason mean that the season of a player hurt in it is "
        "over. Add `out for season` only where it was written at the time: see "
        "`nba_rank.features.players.availability`."
    )


@dataclass(kw_only=True)
class ProjectionConfig(GroupConfig):
    """Expected outcome and wins from simulations of the rest of the season."""

    n_simulations: int = option("Simulations of each date.", low=2)


@dataclass(kw_only=True)
class FeaturesConfig:
    """All feature groups of the store, the projection, and the player sets."""

    record: RecordConfig
    prior_season: GroupConfig
    four_factors: GroupConfig
    elo: EloConfig
    massey: MasseyConfig
    srs: GroupConfig
    team_rolling: TeamRollingConfig
    pythagorean: PythagoreanConfig
    pace: PaceConfig
    momentum: MomentumConfig
    rest: RestConfig
    motivation: MotivationConfig
    market: MarketConfig
    prior_records: GroupConfig
    roster_strength: GroupConfig
    on_off: GroupConfig
    continuity: GroupConfig
    raptor: RaptorConfig
    injuries: InjuriesConfig
    projection: ProjectionConfig
    impact: ImpactConfig
    roster: RosterConfig

    @property
    def reads_stints(self) -> bool:
        """Whether players are rated by stints at all."""
        return self.impact.stint_share > 0 or self.on_off.enabled

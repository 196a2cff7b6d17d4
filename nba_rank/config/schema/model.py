"""Options of the models."""

from dataclasses import dataclass

from nba_rank.config.schema.option import option

TEAM_PRIORS = (
    "projected_win_pct", "full_strength", "roster_strength",
    "regressed_win_pct", "elo_rating", "massey_rating",
)  # fmt: skip
"""Store features that can stand beside the players of model A."""


STACK_FEATURES = (*TEAM_PRIORS, "projected_outcome", "projected_wins")
"""Store features that can be blended with the scores of the members."""

RANKING = ("rank:ndcg", "rank:pairwise")
"""XGBoost's objectives that learn the order within a list."""


@dataclass(kw_only=True)
class AttentionConfig:
    """Pooling of a team's players; see `nba_rank.models.model_a.set_attention`."""

    pooling: str = option(
        "`attention`; `minutes`, players by share of minutes in each head; `uniform`, all alike; "
        "or `mean`, the plain mean of the encoded players.",
        choices=("attention", "minutes", "uniform", "mean"),
    )
    query: str = option(
        "`seed`, a learned query, or `mean`, a projection of the mean encoded player.",
        choices=("seed", "mean"),
    )
    n_heads: int = option("Heads; divides the model width.", low=1)
    minutes_bias_weight: float = option("Weight of log expected-minutes share in logits.", low=0)
    minutes_sum_min: float = option(
        "Sum of a team's minutes below which its minutes count as missing.", low=0, high=1
    )
    temperature: float = option("Divides the logits; where it is learned, its start.", low=0.001)
    learn_temperature: bool = option("Learn one temperature a head.")
    dropout: float = option("Share of attention weights dropped in training.", low=0, high=0.95)
    sigma_reparam: bool = option("Divide projections by their spectral norm, times a learned gain.")
    pre_norm: bool = option("Normalise the encoded players before the projections.")
    residual: bool = option("Add the query to the pooled vector, then a residual layer.")
    fallback: str = option(
        "What pools where the weights cannot: `minutes`, `uniform` or `error`.",
        choices=("minutes", "uniform", "error"),
    )
    weight_sum_min: float = option(
        "Sum of a team's raw weights below which they cannot pool.", low=0, high=0.99
    )


@dataclass(kw_only=True)
class GamesConfig:
    """The floor below; see `nba_rank.models.model_a.game_attention`."""

    enabled: bool = option(
        "Rate players by attention over their own earlier games: a player column, and beside the "
        "team prior its sum by expected minutes."
    )
    n_heads: int = option("Heads, each with a decay of its own.", low=2)
    value_penalty: float = option("L2 penalty of what a game says of a player.", low=0)
    content_penalty: float | None = option(
        "L2 penalty of the score of a game's content; null: minutes and age alone weigh it.", low=0
    )
    iterations: int = option("Steps of L-BFGS over all games.", low=1)


@dataclass(kw_only=True)
class ModelAConfig:
    """Model A, the set-attention ranker over rosters."""

    list_scope: str = option("Teams of one list.", choices=("conference", "league"))
    loss: str = option(
        "`list_mle`, `p_list_mle` (position-aware) or `soft_spearman`.",
        choices=("list_mle", "p_list_mle", "soft_spearman"),
    )
    team_prior: list[str] = option(
        "Store features, where their group is on, that enter as a linear skip beside the set, "
        "whose score then starts at zero; none: the players alone.",
        choices=TEAM_PRIORS,
    )
    embedding_dim: int = option("Size of a player's embedding; 0 is none.", low=0)
    encoder_dims: list[int] = option(
        "Widths of the player encoder's layers; the last is the model width.", low=1, filled=True
    )
    dropout: float = option("Dropout share in the encoder.", low=0, high=0.95)
    attention: AttentionConfig
    games: GamesConfig
    unknown_player_share: float = option(
        "Share of players that a training step treats as unknown, so that the shared embedding "
        "row learns to stand for newcomers.",
        low=0,
        high=1,
    )
    learning_rate: float = option("Step size of AdamW.", low=1e-08)
    weight_decay: float = option("Weight decay of AdamW.", low=0)
    lists_per_batch: int = option("Lists in one step at most.", low=1)
    dates_per_epoch: int = option(
        "Dates of all seasons together that an epoch draws, one from each of that many equal "
        "stretches, since neighbouring dates are near-duplicates; 0 takes all.",
        low=0,
    )
    n_seeds: int = option("Networks trained from different seeds and averaged.", low=1)
    mc_dropout_samples: int = option(
        "Forward passes with dropout on, per network, behind the intervals of score and rank; 0 "
        "gives none.",
        low=0,
    )


@dataclass(kw_only=True)
class BoostingConfig:
    """Boosted trees; names as in XGBoost."""

    n_estimators: int = option("Trees.", low=1)
    max_depth: int = option("Depth of a tree.", low=1)
    learning_rate: float = option("Weight of each tree.", low=1e-06, high=1)
    min_child_weight: float = option("Weight that a leaf needs at least.", low=0)
    subsample: float = option("Share of the rows that each tree draws.", low=0.001, high=1)
    colsample_bytree: float = option("Share of columns that each tree draws.", low=0.001, high=1)
    reg_lambda: float = option("L2 penalty of the leaves.", low=0)
    reg_alpha: float = option("L1 penalty of the leaves.", low=0)
    early_stopping_rounds: int = option(
        "Trees without a gain on the last training season, which is held out for it, before "
        "growth stops. 0: grow all trees on all seasons.",
        low=0,
    )


@dataclass(kw_only=True)
class XgbConfig(BoostingConfig):
    """Model B, boosted trees; names as in XGBoost."""

    objective: str = option(
        "What the trees learn: relevance itself, or the order of the teams of a date.",
        choices=("reg:squarederror", *RANKING),
    )


@dataclass(kw_only=True)
class RfConfig:
    """Model C, a random forest; names as in scikit-learn."""

    n_estimators: int = option("Trees.", low=1)
    max_depth: int = option("Depth of a tree.", low=1)
    min_samples_leaf: int = option("Rows that a leaf needs at least.", low=1)
    max_features: float = option("Share of the columns that each split draws.", low=0.001, high=1)
    max_samples: float = option(
        "Share of the rows that each tree draws. Neighbouring dates are near-duplicates, so a "
        "small share makes the trees differ and costs nothing.",
        low=0.001,
        high=1,
    )


@dataclass(kw_only=True)
class CloneConfig(BoostingConfig):
    """The playoff classifier, boosted trees for making the playoffs; names as in XGBoost."""

    n_estimators: int = option("Most trees.", low=1)
    early_stopping_rounds: int = option("Trees without validation gain before growth stops.", low=1)


@dataclass(kw_only=True)
class StackConfig:
    """The ridge stacker over the members."""

    alphas: list[float] = option(
        "Penalties to choose from by cross-validation over seasons. The dates of a season are "
        "near-duplicates, dozens of them: a penalty of a thousand is not a large one.",
        low=1e-9,
        filled=True,
    )
    vary_with_progress: bool = option(
        "Let the weights move with the share of the season played, where the record group is "
        "on, which knows it."
    )
    features: list[str] = option(
        "Store features, where their group is on, that are blended with the members.",
        choices=STACK_FEATURES,
    )
    shrinkage_targets: list[str] = option(
        "Members and features whose plain average the weights are shrunk towards; those that "
        "are not there are left out, and where none is left all inputs are targets."
    )


@dataclass(kw_only=True)
class ModelConfig:
    """Which members are fitted, and their parameters."""

    members: list[str] = option("Members to fit; two or more are stacked.", filled=True)
    model_a: ModelAConfig
    xgb: XgbConfig
    rf: RfConfig
    clone_classifier: CloneConfig
    stack: StackConfig

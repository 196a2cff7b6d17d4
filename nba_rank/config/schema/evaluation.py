"""Options of the target, the folds and the evaluation."""

from dataclasses import dataclass

from nba_rank.config.schema.option import RUN, option


@dataclass(kw_only=True)
class TargetConfig:
    """What the models learn."""

    name: str = option(
        "Outcome of a season that is ranked.",
        choices=("playoff_outcome", "final_rank", "standings"),
    )


@dataclass(kw_only=True)
class FoldsConfig:
    """Which seasons are held out, and how the stacker gets its out-of-fold scores."""

    n_test_seasons: int = option("Complete seasons held out, the last in the data.", low=1)
    first_test_season: str | None = option(
        "First season held out, such as `2023-24`, with all after it; null goes by "
        "`n_test_seasons`."
    )
    refit: bool = option("Fit anew before each test season (walk-forward) or once before all.")
    oof: str = option(
        "`forward` (each out-of-fold season is predicted from earlier ones only) or `kfold` "
        "(K-fold by season inside the training seasons).",
        choices=("forward", "kfold"),
    )
    n_oof_seasons: int = option(
        "Out-of-fold seasons before the first test season, for `forward`.", low=1
    )
    k: int = option("Number of folds, for `kfold`.", low=2)
    production: bool = option(
        "Also fit on every complete season, to rank the seasons after them; the test seasons vouch "
        "for it. Needs `refit`."
    )
    season_half_life: float | None = option(
        "Seasons until a season weighs half of the newest one, wherever something is learned "
        "across seasons: see `nba_rank.core.season_weights`; null: all alike.",
        low=0.01,
    )


@dataclass(kw_only=True)
class EvaluationConfig:
    """How the test seasons are judged."""

    exponential_ndcg: bool = option("Also report NDCG with exponential gain.", role=RUN)

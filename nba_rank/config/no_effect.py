"""Options that another option leaves without effect."""

from collections.abc import Iterable, Iterator

from nba_rank.config.schema import Config
from nba_rank.core.names import CLONE, MEMBERS


def without_effect(config: Config, keys: Iterable[str]) -> list[str]:
    """Say which of the options that somebody has set change nothing in a run, and what to set."""
    rules = list(_rules(config))
    return [
        f"{key} has no effect: {reason}"
        for key in keys
        if not key.endswith(".enabled")
        for reason in [reason for prefix, reason in rules if f"{key}.".startswith(f"{prefix}.")][:1]
    ]


def _rules(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the keys, or starts of keys, that have no effect, each with the reason."""
    features, folds, members = config.features, config.folds, config.model.members
    for name, group in vars(features).items():
        if not getattr(group, "enabled", True):
            yield f"features.{name}", f"the group is off; switch it on with features/{name}=on"
    if not features.reads_stints:
        for name in ("stint_decay_days", "stint_ridge"):
            reason = "stints are not read; take features/impact=default or features/on_off=on"
            yield f"features.impact.{name}", reason
    if features.elo.fit:
        for name in ("k", "home_edge", "carry_over"):
            yield (
                f"features.elo.{name}",
                "it is fitted, and this value serves the first season alone; keep it with "
                "features.elo.fit=false",
            )
    else:
        yield "features.elo.home_edge_seasons", "nothing is fitted; set features.elo.fit=true"
    if features.massey.fit:
        yield (
            "features.massey.carry_over",
            "it is fitted, and this value serves the first two seasons alone; keep it with "
            "features.massey.fit=false",
        )
    if config.data.source != "sim":
        yield "data.sim", "the data are not simulated; take data=sim"
    if folds.oof == "forward":
        yield "folds.k", "only folds.oof=kfold reads it"
    else:
        yield "folds.n_oof_seasons", "only folds.oof=forward reads it"
    if folds.first_test_season is not None:
        yield "folds.n_test_seasons", "folds.first_test_season decides; set that to null"
    if config.odds.name != "monte_carlo":
        for name in ("n_simulations", "playoff_strength", "playoff_residual"):
            reason = f"odds={config.odds.name} simulates nothing; take odds=monte_carlo"
            yield f"odds.{name}", reason
    for member in MEMBERS:
        if member not in members:
            yield f"model.{member}", f"model.members={members} leaves it out"
    if members != [CLONE] and not config.include_clone_classifier:
        yield f"model.{CLONE}", f"take model={CLONE}"
    if len(members) < 2:
        yield "model.stack", "one model alone is not stacked; take model=stack"
    if "model_a" not in members:
        for key in ("accelerator", "devices", "max_epochs", "precision", "gradient_clip_val"):
            yield f"trainer.{key}", f"model.members={members} leaves model_a out"
        for key in ("early_stopping_patience", "attention_diagnostics", "not_learning"):
            yield f"callbacks.{key}", f"model.members={members} leaves model_a out"
    for name in ("attention_diagnostics", "not_learning"):
        if not getattr(config.callbacks, name).enabled:
            yield f"callbacks.{name}", f"it is off; switch it on with callbacks/{name}=on"
    if not config.model.model_a.embedding_dim:
        reason = "players have no embeddings; set model.model_a.embedding_dim=8"
        yield "model.model_a.unknown_player_share", reason
    if not config.model.model_a.games.enabled:
        yield "model.model_a.games", "they are off; set model.model_a.games.enabled=true"
    if config.tuning.trial is None:
        yield "tuning", "only a sweep reads it, which -m starts"

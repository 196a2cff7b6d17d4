"""What the parts of model A are worth (`ablate_model_a`).

The first measure is the squared error of single games' margins by the strength that a score
implies, beside that of roster strength alone; the second is the rank correlation with the outcome.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import AblateModelAConfig, Config
from nba_rank.core.errors import ConfigError
from nba_rank.core.run_dir import RunDir
from nba_rank.evaluation.margin_error import margin_errors
from nba_rank.evaluation.networks import network_scores, network_summary
from nba_rank.evaluation.paired import MEAN, paired
from nba_rank.experiments.ablations import (
    Ablation,
    Variant,
    VariantRunner,
    named,
    without_intervals,
)
from nba_rank.experiments.comparison_run import comparison_run
from nba_rank.features.store import KEY
from nba_rank.models.oof import fit_folds, n_steps
from nba_rank.samples.dataset import Dataset

C = TypeVar("C", bound=Config)

WHOLE, PRIOR_ALONE = "full", "team prior alone"
"""The whole model A, and the one without players."""

MODEL_A, ROSTER = "model_a", "roster_strength"
"""The ranker that is judged, and the one that it is held against."""


def ablate_model_a(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Fit model A whole and without each of its parts; return the gains.

    Raises:
        ConfigError: `only` names a variant that there is not.
    """
    config = scoring_only(as_config(cfg, AblateModelAConfig))
    if unknown := [name for name in config.only if name not in MODEL_A_VARIANTS]:
        raise ConfigError(f"only={unknown} must name some of {', '.join(MODEL_A_VARIANTS)}")
    with comparison_run(config, "ablations of model A", console) as run_dir:
        runner = PartsRunner(config, run_dir, console)
        ablation = model_a_ablation(runner.config, runner.inputs.data, config.only)
        runner.run(ablation)
        return runner.report(
            ablation,
            prior=known_prior(runner.config, runner.inputs.data),
            against=runner.against(),
            networks=network_summary(runner.networks),
        )


class PartsRunner(VariantRunner):
    """Fits variants of model A and judges them by single games, by rank and network by network.

    Attributes:
        networks: A row a variant, test season and network: what `network_scores` measures, and the
            means over the points of `margin_error` and `spearman`.
    """

    def __init__(self, config: Config, run_dir: RunDir, console: Console) -> None:
        super().__init__(config, run_dir, console)
        self.networks = pd.DataFrame()

    def judged(self, name: str, ablation: Ablation) -> pd.DataFrame:
        """Fit a variant; return tidy rows of it and of roster strength."""
        variant, plan = ablation.variants[name], self.inputs.plan
        config, data = variant.config(self.config), variant.data(self.inputs.data)
        with self.stages.stage(name, n_steps(plan, config)) as advance:
            members, predicted = fit_folds(plan, data, config, self.seed, advance)
        scores = pd.concat([own.frame[[*KEY, MODEL_A]] for own in predicted.values()])
        single = {
            season: network_scores(model, data.of_seasons([season]))
            for fit in plan.fits
            if (model := members[fit.name].model_a) is not None
            for season in fit.predict
        }
        alone = pd.concat([own.frame for own in single.values()])
        strength = self.inputs.league.inputs[[*KEY, ROSTER]]
        judged = scores.merge(alone, on=KEY, how="left").merge(strength, on=KEY)
        rankers = [name for name in judged.columns if name not in KEY]
        judged = self.at_points(judged, rankers)
        errors = margin_errors(judged, self.inputs.tables, rankers)
        tested = errors[errors["season"].isin(plan.test_seasons)]
        tidy = named(name, pd.concat([tested, self.ranked(judged, rankers)]))
        measures = [single[season].measures.assign(season=season) for season in plan.test_seasons]
        means = tidy[(tidy["as_of_point"] == MEAN) & (tidy["scope"] == "league")]
        wide = means.set_index(["season", "ranker", "metric"])["value"].unstack()  # noqa: PD010
        networks = pd.concat(measures).join(wide, on=["season", "network"])
        networks.insert(0, "variant", name)
        self.networks = pd.concat([self.networks, networks], ignore_index=True)
        self.run_dir.write_frame("networks.csv", self.networks)
        return tidy[tidy["ranker"].isin([MODEL_A, ROSTER])]

    def against(self) -> pd.DataFrame:
        """Compare each variant, the `part`, with roster strength alone, as `paired` does."""
        rows = pd.concat([tidy.assign(part=name) for name, tidy in self.tidy.items()])
        found = paired(rows, ROSTER)
        self.run_dir.write_frame("against_roster_strength.csv", found)
        return found


def _with(**settings: Any) -> Callable[[C], C]:  # noqa: ANN401
    def changed(config: C) -> C:
        model_a = replace(config.model.model_a, **settings)
        return replace(config, model=replace(config.model, model_a=model_a))

    return changed


def _pooled(pooling: str) -> Callable[[C], C]:
    def changed(config: C) -> C:
        attention = replace(config.model.model_a.attention, pooling=pooling)
        return _with(attention=attention)(config)

    return changed


def _games(**settings: Any) -> Callable[[C], C]:  # noqa: ANN401
    def changed(config: C) -> C:
        return _with(games=replace(config.model.model_a.games, **settings))(config)

    return changed


def _untrained(config: C) -> C:
    """Keep the linear skip on the team prior as it starts: the set's part stays at zero."""
    one: C = _with(n_seeds=1)(_games(enabled=False)(config))
    return replace(one, trainer=replace(one.trainer, max_epochs=0))


def _without_columns(*patterns: str) -> Callable[[Dataset], Dataset]:
    def changed(data: Dataset) -> Dataset:
        known = data.sets.columns
        columns = [one for one in known if not any(fnmatch(one, pattern) for pattern in patterns)]
        stats = data.sets.stats[..., [known.index(one) for one in columns]]
        return replace(data, sets=replace(data.sets, columns=columns, stats=stats))

    return changed


def _exchanged(data: Dataset) -> Dataset:
    """Give each team another team's player of the same place by expected minutes on each date."""
    sets, rng = data.sets, np.random.default_rng(0)
    date = sets.frame.groupby(["season", "as_of_date"]).ngroup().to_numpy()
    drawn = rng.random(sets.player_id.shape)
    place = np.arange(drawn.shape[1])
    source = np.empty(drawn.shape, dtype=np.int64)
    of_date = np.argsort(date, kind="stable")
    # Rows in the order of the dates take those in the same order of dates, at random within each.
    source[of_date] = np.stack([np.lexsort((drawn[:, one], date)) for one in place], axis=1)
    exchanged = {
        name: getattr(sets, name)[source, place] for name in ("player_id", "minutes_share", "stats")
    }
    return replace(data, sets=replace(sets, **exchanged))


def _shuffled(data: Dataset) -> Dataset:
    """Give each season's outcomes to its teams at random."""
    rng = np.random.default_rng(0)
    drawn = data.relevance.groupby("season")["relevance"].transform(
        lambda own: rng.permutation(own.to_numpy())
    )
    return replace(data, relevance=data.relevance.assign(relevance=drawn))


MODEL_A_VARIANTS: Mapping[str, Variant] = {
    "without attention": Variant(
        "the plain mean of the encoded players is scored", _pooled("mean")
    ),
    "uniform weights": Variant(
        "the attention's projections stay, every player has the same weight", _pooled("uniform")
    ),
    "weights by minutes": Variant(
        "the attention's projections stay, players weigh by their share of minutes",
        _pooled("minutes"),
    ),
    "without games": Variant("no attention over a player's games", _games(enabled=False)),
    "games by decay alone": Variant(
        "a game's weight is its minutes and its age, whatever happened in it",
        _games(content_penalty=None),
    ),
    "players exchanged": Variant(
        "each player plays for another team that has one of the same place by minutes, in "
        "training and test; the team prior stays",
        data=_exchanged,
    ),
    "outcomes shuffled": Variant(
        "outcomes are dealt out to the teams of a season at random: what is learned is chance, and "
        "may rank the wrong way round",
        data=_shuffled,
    ),
    "without embeddings": Variant(
        "a player is his columns and nothing else", _with(embedding_dim=0)
    ),
    "without last season": Variant(
        "no player column of last season",
        data=_without_columns("*_last_season", "returning_minutes_share"),
    ),
    "without plus-minus": Variant(
        "no player column of on-court plus-minus", data=_without_columns("plus_minus_share_*")
    ),
    "without impact ratings": Variant(
        "no rating among the player columns; a team prior may still know it",
        data=_without_columns("prior_rating", "impact_rating"),
    ),
    "without expected minutes": Variant(
        "no minutes among the player columns; they still choose and weigh the players",
        data=_without_columns("expected_minutes", "full_strength_minutes"),
    ),
    "without team prior": Variant("the players alone", _with(team_prior=[])),
    PRIOR_ALONE: Variant(
        "the ridge from which the linear skip starts, without any player", _untrained
    ),
}
"""Changes of model A by name, in the order of reports."""


def model_a_ablation(config: Config, data: Dataset, only: Collection[str] = ()) -> Ablation:
    """Lay out the variants of model A that differ from the whole, and the reasons of the others.

    `only` names those to judge; none: all.
    """
    reasons = {name: _why_not(name, config, data) for name in only or MODEL_A_VARIANTS}
    fitted = {name: MODEL_A_VARIANTS[name] for name, why in reasons.items() if why is None}
    return Ablation(
        "parts of model A",
        [MODEL_A],
        {WHOLE: Variant("nothing is taken away"), **fitted},
        {"without": {name: (WHOLE, name) for name in fitted}},
        {name: why for name, why in reasons.items() if why is not None},
    )


def _why_not(name: str, config: Config, data: Dataset) -> str | None:
    variant, prior = MODEL_A_VARIANTS[name], known_prior(config, data)
    own = variant.data(data)
    columns = own.sets.columns
    if name == PRIOR_ALONE and not prior:
        return "the model has no team prior"
    if not columns:
        return "no player column would be left"
    known = _with(team_prior=prior)(config)
    if not known.model.model_a.games.enabled:  # its other options do nothing
        known = _games(content_penalty=None)(known)
    same = own.relevance is data.relevance and own.sets.player_id is data.sets.player_id
    if variant.config(known) == known and columns == data.sets.columns and same:
        return "it is the full model"
    return None


def known_prior(config: Config, data: Dataset) -> list[str]:
    """Return the features of the team prior whose group is on."""
    return [name for name in config.model.model_a.team_prior if name in data.columns]


def scoring_only(config: C) -> C:
    """Return the config of a run that fits model A alone, for its scores."""
    bare, callbacks = without_intervals(config), config.callbacks
    return replace(
        bare,
        model=replace(bare.model, members=["model_a"]),
        callbacks=replace(
            callbacks,
            attention_diagnostics=replace(
                callbacks.attention_diagnostics, enabled=False, attention_debug=False
            ),
            not_learning=replace(callbacks.not_learning, enabled=False),
        ),
    )

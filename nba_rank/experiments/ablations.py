"""What feature groups (`ablate`) and parts of model A (`ablate_model_a`) are worth.

Meant for `folds=walk_forward`, whose many test seasons can tell a gain from chance. Members whose
inputs a variant does not change come from the cache.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.schema import AblateConfig, Config
from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import RunDir
from nba_rank.core.seeds import Seeds
from nba_rank.core.stages import Stages
from nba_rank.evaluation.assessment import final_name, truth_of
from nba_rank.evaluation.evaluate import evaluate
from nba_rank.evaluation.metrics import SPEARMAN
from nba_rank.evaluation.paired import BETTER, MEAN, paired, with_mean
from nba_rank.experiments.comparison_run import comparison_run
from nba_rank.experiments.inputs import RunInputs, read_inputs
from nba_rank.features.registry import PLAYER_GROUPS, TEAM_GROUPS
from nba_rank.features.store import KEY
from nba_rank.models.oof import final_scores, fit_folds, n_steps
from nba_rank.report.ablation_report import AblationReport, write_ablation_report
from nba_rank.samples.dataset import Dataset

C = TypeVar("C", bound=Config)

GROUPS, PARTS = "feature groups", "parts of model A"
"""Kinds of ablation."""

FULL = "all groups"
"""The variant with every feature group."""

RECORD = "record"
"""The group that every other can be added to, and the variant of it alone."""

LEAN = "without all that bring nothing"
"""The variant without any of the groups that alone bring no more than noise: two may replace each
other."""

WHOLE, PRIOR_ALONE = "full", "team prior alone"
"""The whole model A, and the one without players."""

_TREES = ("xgb", "rf")
"""Members that read every feature of the store."""


def _unchanged(given: Any) -> Any:  # noqa: ANN401
    return given


@dataclass(frozen=True)
class Variant:
    """A change of a run's config and data.

    Attributes:
        words: What is left or gone, in words; empty where the name says it.
        config: The variant's config from the run's.
        data: The variant's data from the run's.
    """

    words: str = ""
    config: Callable[[Any], Any] = _unchanged
    data: Callable[[Dataset], Dataset] = _unchanged


@dataclass
class Ablation:
    """Variants to fit, by name and in order, and pairs to compare, by direction and part.

    A pair names the variants with and without the part. `kind` is `GROUPS` or `PARTS`, `rankers`
    the final ranker and members that are judged, `left_out` holds the reason for each variant that
    is not fitted.
    """

    kind: str
    rankers: list[str]
    variants: dict[str, Variant] = field(default_factory=dict)
    pairs: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def ablate_groups(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Fit the members and their stack with and without each feature group; return the gains."""
    config = without_intervals(as_config(cfg, AblateConfig))
    with comparison_run(config, "ablations of feature groups", console) as run_dir:
        runner = VariantRunner(config, run_dir, console)
        ablation = group_ablation(runner.config, runner.inputs, config.only, config.directions)
        if not any(ablation.pairs.values()):
            raise UserError(
                f"with {', '.join(runner.inputs.groups)} on, only={config.only} and "
                f"directions={config.directions} leave nothing to judge: switch more groups on or "
                "name others"
            )
        idle = idle_groups(runner.run(ablation))
        lean = [name for name in runner.inputs.groups if name not in idle]
        if len(idle) > 1 and in_store(lean):
            ablation.variants[LEAN] = _group_variant(lean, runner.inputs)
            ablation.pairs["lean"] = {LEAN: (FULL, LEAN)}
            runner.run(ablation)
        return runner.report(ablation)


def ablate_model_a(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Fit model A whole and without each of its parts; return the gains."""
    config = scoring_only(as_config(cfg, Config))
    with comparison_run(config, "ablations of model A", console) as run_dir:
        runner = VariantRunner(config, run_dir, console)
        ablation = model_a_ablation(runner.config, runner.inputs.data)
        runner.run(ablation)
        return runner.report(ablation)


class VariantRunner:
    """Fits variants on the same folds with the same seeds and compares how they rank.

    Tables are written after each variant, so an interruption loses none.

    Attributes:
        inputs: Shared by all variants.
        config: Of the run that all variants change, without members that the data cannot serve.
    """

    def __init__(self, config: Config, run_dir: RunDir, console: Console) -> None:
        self._run_dir, self._console = run_dir, console
        self._stages = Stages(console, config.callbacks.progress)
        self.inputs = read_inputs(config, run_dir, self._stages)
        self.config = replace(config, model=self.inputs.config.model)
        # The seeds of a run, so that the members are those of a run.
        self._seed = Seeds.of(config.seed).folds
        self._tidy: dict[str, pd.DataFrame] = {}

    def run(self, ablation: Ablation) -> pd.DataFrame:
        """Fit the variants that are not fitted yet; return the gains of all."""
        self._run_dir.note(left_out=ablation.left_out)
        for name in [name for name in ablation.variants if name not in self._tidy]:
            self._tidy[name] = self._judged(name, ablation)
            variants = pd.concat(self._tidy.values(), ignore_index=True)
            self._run_dir.write_frame("variants.csv", variants)
            self._run_dir.write_frame("gains.csv", self.gains(ablation))
            self._run_dir.note(seconds=self._stages.seconds)
        return self.gains(ablation)

    def gains(self, ablation: Ablation) -> pd.DataFrame:
        """Compare the variants that are fitted so far.

        Returns:
            `direction` and the columns of `nba_rank.evaluation.paired.paired`. `part` is what is
            taken away, the difference is with minus without it: above zero the part helps.
        """
        found = []
        for direction, pairs in ablation.pairs.items():
            sides = [
                self._tidy[variant].assign(part=part, side=side)
                for part, pair in pairs.items()
                if self._tidy.keys() >= set(pair)
                for side, variant in zip(("with", "without"), pair, strict=True)
            ]
            for ranker in ablation.rankers if sides else []:
                rows = pd.concat(sides).query("ranker == @ranker")
                gains = paired(rows.assign(ranker=rows["side"]), "without").assign(ranker=ranker)
                gains.insert(0, "direction", direction)
                found.append(gains)
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def report(self, ablation: Ablation) -> pd.DataFrame:
        """Write figures and analysis, and show and return the gains."""
        groups, gains = ablation.kind == GROUPS, self.gains(ablation)
        report = AblationReport(
            kind=ablation.kind,
            gains=gains,
            words={name: variant.words for name, variant in ablation.variants.items()},
            left_out=ablation.left_out,
            seconds=self._stages.seconds,
            build_seconds=self.inputs.group_seconds if groups else {},
            seasons=self.inputs.plan.test_seasons,
            prior=None if groups else known_prior(self.config, self.inputs.data),
        )
        write_ablation_report(report, self._run_dir, self._console)
        return gains

    def _judged(self, name: str, ablation: Ablation) -> pd.DataFrame:
        variant, plan = ablation.variants[name], self.inputs.plan
        config, data = variant.config(self.config), variant.data(self.inputs.data)
        # Only a stack learns from out-of-fold scores.
        stacked = len(config.model.members) > 1
        fits = None if stacked else {part.fit for part in plan.tests}
        with self._stages.stage(name, n_steps(plan, config, fits)) as advance:
            _, predicted = fit_folds(plan, data, config, self._seed, advance, only=fits)
            scores = pd.concat([predicted[season].frame for season in plan.test_seasons])
            if stacked:
                final = final_scores(plan, data, config, predicted)
                scores = scores.merge(final.rename(columns={"score": final_name(config)}), on=KEY)
        points = self.inputs.grid[self.inputs.grid["as_of_point"] != ""]
        judged = scores[[*KEY, *ablation.rankers]].merge(points, on=KEY[:2])
        long = judged.melt([*KEY, "as_of_point"], ablation.rankers, "ranker", "score")
        if (unknown := long["score"].isna()).any():
            first = long[unknown].iloc[0]
            raise UserError(
                f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}, so "
                "there is no score to judge: test seasons with player logs, see "
                "folds.n_test_seasons"
            )
        truth = truth_of(self.inputs.results, self.inputs.tables)
        tidy = evaluate(long, truth, SPEARMAN, ["league", "playoff16"])
        # The playoff teams are known at the end only.
        lists = tidy[(tidy["scope"] == "league") | (tidy["as_of_point"] == "end")]
        found = with_mean(lists).drop(columns="part")
        found.insert(0, "variant", name)
        return found


# Feature groups.


def group_ablation(
    config: Config, inputs: RunInputs, only: Iterable[str], directions: list[str]
) -> Ablation:
    """Lay out the variants that judge feature groups.

    Trees are judged beside the final ranker: they read groups that the stack may give no weight.

    Args:
        config: The config.
        inputs: Data of all groups that are on.
        only: Groups to judge; empty: all that are on.
        directions: `without`: each against all others; `alone`: each added to the record.
    """
    on = list(inputs.groups)
    asked = list(only) or on
    trees = [name for name in config.model.members if name in _TREES]
    ablation = Ablation(GROUPS, list(dict.fromkeys([final_name(config), *trees])))
    if "without" in directions:
        ablation.variants[FULL] = _group_variant(on, inputs)
        ablation.pairs["without"] = {}
        for group in asked:
            name, others = f"without {group}", [other for other in on if other != group]
            if not in_store(others):
                ablation.left_out[name] = "no other group would be in the feature store"
                continue
            ablation.variants[name] = _group_variant(others, inputs)
            ablation.pairs["without"][group] = (FULL, name)
    if "alone" in directions:
        others = [group for group in asked if group != RECORD]
        ablation.pairs["alone"] = {group: (f"{RECORD} and {group}", RECORD) for group in others}
        if others:
            ablation.variants[RECORD] = _group_variant([RECORD], inputs)
        for group in others:
            both = [name for name in on if name in (RECORD, group)]
            ablation.variants[f"{RECORD} and {group}"] = _group_variant(both, inputs)
    return ablation


def idle_groups(gains: pd.DataFrame) -> list[str]:
    """Return the groups whose mean gain beside all others is not `BETTER` for any ranker.

    With too few seasons to tell there are none. `gains` is what `VariantRunner.gains` returns.
    """
    means = gains[(gains["direction"] == "without") & (gains["as_of_point"] == MEAN)]
    judged = means.dropna(subset="low")
    helps = (judged["verdict"] == BETTER).groupby(judged["part"], sort=False).any()
    return [str(group) for group in helps.index[~helps]]


def in_store(groups: list[str]) -> list[str]:
    """Return the groups with columns in the feature store: all but the projection."""
    return [name for name in groups if name in TEAM_GROUPS or name in PLAYER_GROUPS]


def _group_variant(groups: list[str], inputs: RunInputs) -> Variant:
    columns = [name for group in groups for name in inputs.groups[group].columns]

    def switched(config: C) -> C:
        features = {
            name: replace(group, enabled=name in groups)
            for name, group in vars(config.features).items()
            if hasattr(group, "enabled")
        }
        return replace(config, features=replace(config.features, **features))

    return Variant("", switched, lambda data: data.keeping(columns))


# Parts of model A.


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
        "outcomes are dealt out to the teams of a season at random, which must cost nearly all",
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
    "one network": Variant("one seed instead of an average", _with(n_seeds=1)),
}
"""Changes of model A by name, in the order of reports."""


def model_a_ablation(config: Config, data: Dataset) -> Ablation:
    """Lay out the variants of model A that differ from the whole, and the reasons of the others."""
    reasons = {name: _why_not(name, config, data) for name in MODEL_A_VARIANTS}
    fitted = {name: MODEL_A_VARIANTS[name] for name, why in reasons.items() if why is None}
    return Ablation(
        PARTS,
        ["model_a"],
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


def without_intervals(config: C) -> C:
    """Return the config without model A's intervals."""
    return _with(mc_dropout_samples=0)(config)


def scoring_only(config: Config) -> Config:
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

"""What parts of a ranker are worth, by fitting it with and without them; feature groups (`ablate`).

Meant for `folds=walk_forward`, whose many test seasons can tell a gain from chance. Members whose
inputs a variant does not change come from the cache.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

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

FULL = "all groups"
"""The variant with every feature group."""

RECORD = "record"
"""The group that every other can be added to, and the variant of it alone."""

LEAN = "without all that bring nothing"
"""The variant without any of the groups that alone bring no more than noise: two may replace each
other."""

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

    A pair names the variants with and without the part. `kind` says in words what is judged,
    `rankers` are the final ranker and members that are, `left_out` holds the reason for each
    variant that is not fitted.
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
        return runner.report(ablation, build_seconds=runner.inputs.group_seconds)


class VariantRunner:
    """Fits variants on the same folds with the same seeds and compares how they rank.

    Tables are written after each variant, so an interruption loses none.

    Attributes:
        inputs: Shared by all variants.
        config: Of the run that all variants change, without members that the data cannot serve.
        run_dir: Where tables go.
        stages: Show and time the variants.
        seed: That of the folds.
        tidy: What was measured of each variant, by name.
    """

    def __init__(self, config: Config, run_dir: RunDir, console: Console) -> None:
        self.run_dir, self._console = run_dir, console
        self.stages = Stages(console, config.callbacks.progress)
        self.inputs = read_inputs(config, run_dir, self.stages)
        self.config = replace(config, model=self.inputs.config.model)
        # The seeds of a run, so that the members are those of a run.
        self.seed = Seeds.of(config.seed).folds
        self.tidy: dict[str, pd.DataFrame] = {}

    def run(self, ablation: Ablation) -> pd.DataFrame:
        """Fit the variants that are not fitted yet; return the gains of all."""
        self.run_dir.note(left_out=ablation.left_out)
        for name in [name for name in ablation.variants if name not in self.tidy]:
            self.tidy[name] = self.judged(name, ablation)
            variants = pd.concat(self.tidy.values(), ignore_index=True)
            self.run_dir.write_frame("variants.csv", variants)
            self.run_dir.write_frame("gains.csv", self.gains(ablation))
            self.run_dir.note(seconds=self.stages.seconds)
        return self.gains(ablation)

    def gains(self, ablation: Ablation) -> pd.DataFrame:
        """Compare the variants that are fitted so far.

        Returns:
            `direction` and the columns of `nba_rank.evaluation.paired.paired`. `part` is what is
            taken away, the difference is with minus without it.
        """
        found = []
        for direction, pairs in ablation.pairs.items():
            sides = [
                self.tidy[variant].assign(part=part, side=side)
                for part, pair in pairs.items()
                if self.tidy.keys() >= set(pair)
                for side, variant in zip(("with", "without"), pair, strict=True)
            ]
            for ranker in ablation.rankers if sides else []:
                rows = pd.concat(sides).query("ranker == @ranker")
                gains = paired(rows.assign(ranker=rows["side"]), "without").assign(ranker=ranker)
                gains.insert(0, "direction", direction)
                found.append(gains)
        return pd.concat(found, ignore_index=True) if found else pd.DataFrame()

    def report(self, ablation: Ablation, **more: Any) -> pd.DataFrame:  # noqa: ANN401
        """Write the analysis with what more `AblationReport` holds; show and return the gains."""
        gains = self.gains(ablation)
        report = AblationReport(
            kind=ablation.kind,
            gains=gains,
            words={name: variant.words for name, variant in ablation.variants.items()},
            left_out=ablation.left_out,
            seconds=self.stages.seconds,
            seasons=self.inputs.plan.test_seasons,
            **more,
        )
        write_ablation_report(report, self.run_dir, self._console)
        return gains

    def judged(self, name: str, ablation: Ablation) -> pd.DataFrame:
        """Fit a variant; return its tidy rows, see `named`."""
        variant, plan = ablation.variants[name], self.inputs.plan
        config, data = variant.config(self.config), variant.data(self.inputs.data)
        # Only a stack learns from out-of-fold scores.
        stacked = len(config.model.members) > 1
        fits = None if stacked else {part.fit for part in plan.tests}
        with self.stages.stage(name, n_steps(plan, config, fits)) as advance:
            _, predicted = fit_folds(plan, data, config, self.seed, advance, only=fits)
            scores = pd.concat([predicted[season].frame for season in plan.test_seasons])
            if stacked:
                final = final_scores(plan, data, config, predicted)
                scores = scores.merge(final.rename(columns={"score": final_name(config)}), on=KEY)
        judged = self.at_points(scores, ablation.rankers)
        return named(name, self.ranked(judged, ablation.rankers))

    def at_points(self, scores: pd.DataFrame, rankers: list[str]) -> pd.DataFrame:
        """Return the scores of rankers at the as-of points; a `UserError` if one is unknown."""
        points = self.inputs.grid[self.inputs.grid["as_of_point"] != ""]
        judged = scores[[*KEY, *rankers]].merge(points, on=KEY[:2])
        if (unknown := judged[rankers].isna().any(axis=1)).any():
            first = judged[unknown].iloc[0]
            raise UserError(
                f"no players are known in {first['season']} on {first['as_of_date']:%Y-%m-%d}, so "
                "there is no score to judge: test seasons with player logs, see "
                "folds.n_test_seasons"
            )
        return judged

    def ranked(self, judged: pd.DataFrame, rankers: list[str]) -> pd.DataFrame:
        """Return how well scores at the points of the test seasons rank, as tidy rows."""
        tested = judged[judged["season"].isin(self.inputs.plan.test_seasons)]
        long = tested.melt([*KEY, "as_of_point"], rankers, "ranker", "score")
        truth = truth_of(self.inputs.results, self.inputs.tables)
        tidy = evaluate(long, truth, SPEARMAN, ["league", "playoff16"])
        # The playoff teams are known at the end only.
        return tidy[(tidy["scope"] == "league") | (tidy["as_of_point"] == "end")]


def named(variant: str, tidy: pd.DataFrame) -> pd.DataFrame:
    """Return tidy rows of a variant with its name and the means over the points."""
    found = with_mean(tidy).drop(columns="part")
    found.insert(0, "variant", variant)
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
    ablation = Ablation("feature groups", list(dict.fromkeys([final_name(config), *trees])))
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


def without_intervals(config: C) -> C:
    """Return the config without model A's intervals."""
    model_a = replace(config.model.model_a, mc_dropout_samples=0)
    return replace(config, model=replace(config.model, model_a=model_a))

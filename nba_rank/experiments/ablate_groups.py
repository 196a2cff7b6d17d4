"""`python -m nba_rank.ablate`: what each feature group is worth, and what it costs.

Takes the overrides of `nba_rank.train`; meant for `folds=walk_forward`, whose many test seasons
can tell a gain from chance. Members whose inputs a variant leaves as they were come from the
cache, and so does everything that an interrupted start has fitted.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.program import comparison_run
from nba_rank.config.schema import AblateConfig
from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.evaluation.ablations import GAIN_COLUMNS, TIDY_COLUMNS, paired_gains, spearman_by_list
from nba_rank.evaluation.assessment import final_name
from nba_rank.evaluation.group_verdicts import COSTS, verdicts
from nba_rank.experiments.group_variants import (
    FULL,
    GroupPlan,
    GroupVariant,
    in_store,
    plan_variants,
)
from nba_rank.experiments.inputs import RunInputs, read_inputs
from nba_rank.experiments.variants import without_intervals
from nba_rank.models.oof import final_scores, fit_folds, n_steps
from nba_rank.report.group_report import GroupReport, print_groups, write_group_report

LEAN = "without all that cost more than they bring"
"""Variant without any of the groups that should be off, since two may stand in for each other."""


def ablate(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Fit the stack with and without each feature group, and write what each is worth.

    The results of a variant are in the run folder as soon as it has been judged.

    Returns:
        What `nba_rank.evaluation.ablations.paired_gains` returns, `direction` before it.
    """
    config = without_intervals(as_config(cfg, AblateConfig))
    with comparison_run(config, "ablations of feature groups", console) as run_dir:
        return _ablate(config, run_dir, console)


def _ablate(config: AblateConfig, run_dir: RunDir, console: Console) -> pd.DataFrame:
    stages = Stages(console, config.callbacks.progress)
    inputs = read_inputs(config, run_dir, stages)
    config = replace(config, model=inputs.config.model)
    on = list(inputs.groups)
    plan = plan_variants(on, config.only or on, config.directions)
    if not any(plan.pairs.values()):
        raise ValueError(
            f"with {', '.join(on)} on, only={config.only} and directions={config.directions} leave "
            "nothing to judge: switch more groups on or name others"
        )
    run_dir.note(left_out=plan.left_out)
    judge = _Judge(config, inputs, run_dir, stages)
    with stages.stage("variants", len(plan.variants)) as advance:
        for name, variant in plan.variants.items():
            judge.add(name, variant, plan)
            advance()
        found = judge.verdicts(plan)
        off = found.loc[found["verdict"] == COSTS, "group"].tolist()
        lean = [name for name in on if name not in off]
        if len(off) > 1 and in_store(lean):
            plan.pairs["lean"] = {LEAN: (FULL, LEAN)}
            judge.add(LEAN, GroupVariant(lean), plan)
    report = GroupReport(
        run=run_dir.path.name,
        ranker=final_name(config),
        gains=judge.gains(plan),
        verdicts=found,
        left_out=plan.left_out,
        seasons=inputs.plan.test_seasons,
    )
    analysis = write_group_report(report, run_dir)
    print_groups(console, report)
    console.print(f"Run folder: {run_dir.path}, analysis: {analysis.name}")
    return report.gains


class _Judge:
    """Fits variants on the same folds and keeps how they rank.

    Args:
        config: The config of all groups.
        inputs: Their data.
        run_dir: Where the tables are written after each variant.
        stages: Shows how far the fits are.
    """

    def __init__(
        self, config: AblateConfig, inputs: RunInputs, run_dir: RunDir, stages: Stages
    ) -> None:
        self._config, self._inputs = config, inputs
        self._run_dir, self._stages = run_dir, stages
        # As a run spawns them, so that the members are those of a run.
        self._folds_seed, _, self._bootstrap_seed = np.random.SeedSequence(config.seed).spawn(3)
        self._tidy = pd.DataFrame(columns=TIDY_COLUMNS)

    def add(self, name: str, variant: GroupVariant, plan: GroupPlan) -> None:
        """Fit and judge a variant, and write the tables anew."""
        config, inputs = variant.config(self._config), self._inputs
        data = variant.data(inputs.data, inputs.groups)
        with self._stages.stage(name, n_steps(inputs.plan, config)) as advance:
            _, predicted = fit_folds(inputs.plan, data, config, self._folds_seed, advance)
            scores = final_scores(inputs.plan, data, config, predicted)
        points = inputs.grid[inputs.grid["season"].isin(inputs.plan.test_seasons)]
        judged = spearman_by_list(scores, points, inputs.results).assign(variant=name)
        self._tidy = pd.concat([self._tidy, judged[TIDY_COLUMNS]], ignore_index=True)
        self._run_dir.write_frame("variants.csv", self._tidy)
        self._run_dir.write_frame("group_gains.csv", self.gains(plan))
        self._run_dir.write_frame("group_verdicts.csv", self.verdicts(plan))
        self._run_dir.note(seconds=self._stages.seconds)

    def gains(self, plan: GroupPlan) -> pd.DataFrame:
        """Return the gain of each group that has been judged so far, by direction."""
        parts = [
            paired_gains(
                self._tidy,
                pairs,
                np.random.default_rng(self._bootstrap_seed),
                self._config.evaluation.bootstrap_samples,
            ).assign(direction=direction)
            for direction, pairs in plan.pairs.items()
        ]
        known = [part for part in parts if not part.empty] or parts[:1]
        return pd.concat(known, ignore_index=True)[["direction", *GAIN_COLUMNS]]

    def verdicts(self, plan: GroupPlan) -> pd.DataFrame:
        """Return what can be said of each group that has been taken from all others so far."""
        gains = self.gains(plan)
        return verdicts(gains[gains["direction"] == "without"], self._inputs.group_seconds)

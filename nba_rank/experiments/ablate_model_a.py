"""`python -m nba_rank.ablate_model_a`: what each part of model A is worth.

Takes the overrides of `nba_rank.train`; meant for `folds=walk_forward`, whose many test seasons
can tell a cost from chance.
"""

import numpy as np
import pandas as pd
from omegaconf import DictConfig
from rich.console import Console

from nba_rank.config.compose import as_config
from nba_rank.config.program import comparison_run
from nba_rank.config.schema import Config
from nba_rank.core.run_dir import RunDir
from nba_rank.core.stages import Stages
from nba_rank.evaluation.ablations import TIDY_COLUMNS, paired_gains, spearman_by_list
from nba_rank.experiments.inputs import read_inputs
from nba_rank.experiments.variants import (
    FULL,
    VARIANTS,
    Variant,
    known_prior,
    score_test_seasons,
    scoring_only,
)
from nba_rank.report.ablation_report import (
    AblationReport,
    plot_ablations,
    print_costs,
    write_ablation_analysis,
)
from nba_rank.samples.dataset import Dataset
from nba_rank.samples.folds import FoldPlan


def ablate(cfg: DictConfig, console: Console) -> pd.DataFrame:
    """Fit model A and its variants, and write what each costs into a new run folder.

    The results of a variant are in the folder as soon as it has been fitted.

    Returns:
        What `nba_rank.evaluation.ablations.paired_gains` returns, a part a variant that lacks it.
    """
    config = scoring_only(as_config(cfg, Config))
    with comparison_run(config, "ablations of model A", console) as run_dir:
        return _ablate(config, run_dir, console)


def _ablate(config: Config, run_dir: RunDir, console: Console) -> pd.DataFrame:
    stages = Stages(console, config.callbacks.progress)
    inputs = read_inputs(config, run_dir, stages)
    plan, data, results = inputs.plan, inputs.data, inputs.results
    points = inputs.grid[inputs.grid["season"].isin(plan.test_seasons)]

    variants, left_out = _variants(config, data)
    run_dir.note(left_out=left_out)
    for name, why in left_out.items():
        console.print(f"{name}: left out, {why}")
    # As a run spawns them, so that the full model is that of a run.
    folds_seed, _, bootstrap_seed = np.random.SeedSequence(config.seed).spawn(3)
    tidy, gains = pd.DataFrame(columns=TIDY_COLUMNS), pd.DataFrame()
    pairs = {name: (FULL, name) for name in variants if name != FULL}
    for name, variant in variants.items():
        scores = _scores(name, variant, config, data, plan, folds_seed, stages)
        judged = spearman_by_list(scores, points, results).assign(variant=name)
        tidy = pd.concat([tidy, judged[TIDY_COLUMNS]], ignore_index=True)
        gains = paired_gains(
            tidy, pairs, np.random.default_rng(bootstrap_seed), config.evaluation.bootstrap_samples
        )
        run_dir.write_frame("ablations.csv", tidy)
        run_dir.write_frame("ablation_gains.csv", gains)
        run_dir.note(seconds=stages.seconds)

    report = AblationReport(
        run=run_dir.path.name,
        full=FULL,
        gains=gains,
        words={name: variant.words for name, variant in variants.items()},
        left_out=left_out,
        seconds={name: stages.seconds[name] for name in variants},
        seasons=plan.test_seasons,
        prior=known_prior(config, data),
    )
    plot_ablations(report, run_dir.path / "figures" / "ablations.png")
    analysis = run_dir.next_analysis()
    write_ablation_analysis(analysis, report, "figures/ablations.png")
    print_costs(console, report)
    console.print(f"Run folder: {run_dir.path}, analysis: {analysis.name}")
    return gains


def _variants(config: Config, data: Dataset) -> tuple[dict[str, Variant], dict[str, str]]:
    """Return the full model and the variants that differ from it, and why others do not."""
    reasons = {name: variant.left_out(config, data) for name, variant in VARIANTS.items()}
    left_out = {name: why for name, why in reasons.items() if why is not None}
    fitted = {name: variant for name, variant in VARIANTS.items() if name not in left_out}
    return {FULL: Variant(words="nothing is taken away"), **fitted}, left_out


def _scores(
    name: str,
    variant: Variant,
    config: Config,
    data: Dataset,
    plan: FoldPlan,
    seed: np.random.SeedSequence,
    stages: Stages,
) -> pd.DataFrame:
    changed = variant.config(config)
    epochs = len(plan.tests) * changed.model.model_a.n_seeds * changed.trainer.max_epochs
    with stages.stage(name, epochs) as advance:
        return score_test_seasons(changed, variant.data(data), plan, seed, advance)

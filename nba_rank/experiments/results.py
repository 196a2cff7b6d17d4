"""`python -m nba_rank.results`: RESULTS.md from run folders."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.config.schema.option import NOTHING, roles
from nba_rank.core.errors import UserError
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.paired import MIN_SEASONS, against_each, paired, season_means
from nba_rank.evaluation.past_runs import PastRun, read_run
from nba_rank.report.render import render

_RANKERS = ("stack", "model_a", "projected_outcome", "xgb", "rf", "standings", "elo", "market")
_BASELINES = ("standings", "elo")


def results(folders: Sequence[Path]) -> str:
    """Return the results as Markdown.

    Args:
        folders: A run of many test seasons, then comparisons of variants, whose newest analyses are
            copied.

    Raises:
        UserError: The first folder holds no run, or a further one no analysis.
    """
    first, *others = folders
    context = _run_tables(read_run(first, read_manifest(first)))
    return render("results.md.j2", context) + "".join(f"\n{_analysis(path)}" for path in others)


def _run_tables(run: PastRun) -> dict[str, object]:
    tidy = run.metrics
    skill = tidy[tidy["metric"].isin(["spearman", "rank_mae"]) & tidy["ranker"].isin(_RANKERS)]
    skill = skill[skill["scope"].isin(["league", "playoff16"])]
    chances = tidy[tidy["metric"].str.endswith(("_brier", "_log_loss"))]
    coverage = tidy[tidy["metric"] == "rank_interval_coverage"]
    scored = pd.concat([skill, chances])
    gaps = against_each(scored[scored["ranker"].isin([run.ranker, *_BASELINES])], [run.ranker])
    games = chances[chances["metric"] == "game_brier"]
    priced = (games["ranker"] == "market").any()
    return {
        "command": " ".join(filter(_changes_the_result, run.manifest.get("overrides", []))),
        "seasons": sorted(skill["season"].unique()),
        "min_seasons": MIN_SEASONS,
        "ranker": run.ranker,
        "skill": season_means(skill),
        "gaps": gaps,
        "chances": season_means(chances),
        "games": paired(games if priced else games.iloc[:0], "market"),
        "coverage": season_means(coverage),
        "seconds": run.seconds,
        "environment": run.manifest.get("environment", {}),
    }


def _changes_the_result(override: str) -> bool:
    return roles(Config).get(override.split("=")[0].lstrip("+~")) != NOTHING


def _analysis(folder: Path) -> str:
    """Return the newest analysis of a folder without figures, headings one level down."""
    read_manifest(folder)
    analyses = sorted(folder.glob("ANALYSIS_[0-9]*.md"))
    if not analyses:
        raise UserError(f"{folder} holds no ANALYSIS_NN.md: has the program finished?")
    text = analyses[-1].read_text(encoding="utf-8")
    text = re.sub(r"^!\[.*\n+", "", text, flags=re.MULTILINE)
    text = re.sub(r"^#+ Figures\n+(?=#)", "", text, flags=re.MULTILINE)
    return re.sub(r"^#", "##", text, flags=re.MULTILINE)

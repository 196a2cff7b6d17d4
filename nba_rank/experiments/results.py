"""`python -m nba_rank.results`: RESULTS.md, and the first table of the README, from run folders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.config.schema.option import NOTHING, RESULT, roles
from nba_rank.core.errors import UserError
from nba_rank.core.names import ALL, CLOSING_SPREADS, MARGINS, MARKET
from nba_rank.core.run_dir import read_manifest
from nba_rank.evaluation.paired import MIN_SEASONS, against_each, paired, season_means
from nba_rank.evaluation.past_runs import PastRun, read_run
from nba_rank.report.render import render

_RANKERS = (
    "stack", "model_a", "projected_outcome", "xgb", "rf", "standings", "elo", MARGINS, MARKET,
    CLOSING_SPREADS,
)  # fmt: skip
_BASELINES = ("standings", "elo")
_OPEN = "open"

WITH_MARKET, LAST_ROSTERS = "with_market", "last_season_rosters"
VARIANTS = {"features.market.enabled": WITH_MARKET, "data.opening_rosters": LAST_ROSTERS}
"""Names of the runs that differ from the first in one option alone."""

_MARKS = "<!-- results -->\n", "<!-- end of results -->\n"
_MEASURES = ("spearman", "champion_log_loss")


@dataclass(frozen=True)
class ResultRuns:
    """The runs of RESULTS.md: the first, its variants by `VARIANTS`, and copied comparisons."""

    first: PastRun
    variants: dict[str, PastRun]
    comparisons: list[Path]

    @classmethod
    def read(cls, folders: Sequence[Path]) -> Self:
        """Read folders.

        Args:
            folders: A run of many test seasons; then, in any order, the same run with another value
                of one of `VARIANTS`, and comparisons of variants.

        Raises:
            UserError: A folder is none of these, or a variant differs in something else.
        """
        first = read_run(folders[0], read_manifest(folders[0]))
        variants: dict[str, PastRun] = {}
        comparisons, role = [], roles(Config)
        for folder in folders[1:]:
            manifest = read_manifest(folder)
            if "kind" in manifest:
                comparisons.append(folder)
                continue
            run = read_run(folder, manifest)
            changed = [
                key
                for key in first.fields.keys() | run.fields.keys()
                if role.get(key) == RESULT and first.fields.get(key) != run.fields.get(key)
            ]
            if len(changed) != 1 or changed[0] not in VARIANTS:
                raise UserError(
                    f"{folder} differs from {folders[0]} in {sorted(changed) or 'nothing'}: a "
                    f"further run has to differ in one of {', '.join(VARIANTS)} alone"
                )
            variants[VARIANTS[changed[0]]] = run
        return cls(first, variants, comparisons)


def results(runs: ResultRuns) -> str:
    """Return the results as Markdown; newest analyses of comparisons are copied.

    Raises:
        UserError: A comparison holds no analysis.
    """
    variants = {name: _variant(runs.first, name, run) for name, run in runs.variants.items()}
    context = _run_tables(runs.first) | {"variants": variants}
    copied = "".join(f"\n{_analysis(path)}" for path in runs.comparisons)
    return render("results.md.j2", context) + copied


def with_results(readme: str, runs: ResultRuns) -> str:
    """Return a README with the first tables of the results between its two marks.

    Raises:
        UserError: The marks are missing.
    """
    start, end = _MARKS
    before, found, rest = readme.partition(start)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise UserError(
            f"the README has no lines {start.strip()} and {end.strip()} to write between"
        )
    return f"{before}{start}\n{render('readme.md.j2', _readme_tables(runs))}\n{end}{after}"


def _readme_tables(runs: ResultRuns) -> dict[str, object]:
    """Return the means of all seasons, and on opening night of those with preseason figures."""
    run = runs.first
    tidy = _measured(run)
    shown = tidy[tidy["ranker"].isin([run.ranker, *_BASELINES])]
    opening = pd.concat(
        [shown, *[_named(other, name) for name, other in runs.variants.items()],
         tidy[tidy["ranker"] == MARKET]]
    )  # fmt: skip
    opening = opening[opening["as_of_point"] == _OPEN]
    priced = [
        set(part["season"]) for _, part in opening[opening["ranker"] == MARKET].groupby("metric")
    ]
    seasons = set.intersection(*priced) if len(priced) == len(_MEASURES) else set()
    return {
        "seasons": sorted(shown["season"].unique()),
        "skill": season_means(shown[shown["metric"] == "spearman"]),
        "opening": season_means(opening[opening["season"].isin(seasons)]),
        "n_priced": len(seasons),
    }


def _named(run: PastRun, name: str) -> pd.DataFrame:
    """Return what a run's final ranker scores over all teams, under another name."""
    tidy = _measured(run)
    return tidy[tidy["ranker"] == run.ranker].assign(ranker=name)


def _measured(run: PastRun) -> pd.DataFrame:
    """Return `_MEASURES` of all rankers over all teams."""
    tidy = run.metrics
    return tidy[(tidy["scope"] == "league") & tidy["metric"].isin(_MEASURES)]


def _variant(first: PastRun, name: str, run: PastRun) -> dict[str, object]:
    """Return a variant beside the first run, in the seasons of both.

    With the market, these are the seasons with closing spreads, and the market stands beside both.
    """
    tidy = _measured(first)
    both = pd.concat([_named(run, name), tidy[tidy["ranker"] == first.ranker]])
    seasons = set(run.metrics["season"]) & set(first.metrics["season"]) - {ALL}
    others = tidy.iloc[:0]
    if name == WITH_MARKET:
        others = tidy[tidy["ranker"].isin([MARKET, CLOSING_SPREADS])]
        priced = (others["ranker"] == CLOSING_SPREADS) & (others["as_of_point"] != _OPEN)
        seasons &= set(others.loc[priced, "season"])
    if not seasons:
        what = "with closing spreads" if name == WITH_MARKET else "tested in both"
        raise UserError(f"{run.folder} and {first.folder} have no season {what} in common")
    both, others = (part[part["season"].isin(seasons)] for part in (both, others))
    return {
        "command": _command(run),
        "n_seasons": len(seasons),
        "means": season_means(pd.concat([both, others])),
        "gaps": paired(both, first.ranker),
    }


def _run_tables(run: PastRun) -> dict[str, object]:
    """Return the tables of all seasons and, where choices have seen some, of the others alone."""
    seen = run.manifest.get("choices")
    parts = {"": _tables(run, run.metrics)}
    if seen and seen["reported"] and (seen["development"] or seen["validation"]):
        own = run.metrics["season"].isin(seen["reported"])
        parts["Reported seasons alone"] = _tables(run, run.metrics[own])
    return {
        "command": _command(run),
        "seasons": sorted(set(run.metrics["season"]) - {ALL}),
        "min_seasons": MIN_SEASONS,
        "ranker": run.ranker,
        "seen": seen,
        "parts": parts,
        "seconds": run.seconds,
        "environment": run.manifest.get("environment", {}),
    }


def _tables(run: PastRun, tidy: pd.DataFrame) -> dict[str, object]:
    skill = tidy[tidy["metric"].isin(["spearman", "rank_mae"]) & tidy["ranker"].isin(_RANKERS)]
    skill = skill[skill["scope"].isin(["league", "playoff16"])]
    chances = tidy[tidy["metric"].str.endswith(("_brier", "_log_loss"))]
    coverage = tidy[tidy["metric"] == "rank_interval_coverage"]
    scored = pd.concat([skill, chances])
    bars = [run.ranker, *_BASELINES, MARGINS]
    gaps = against_each(scored[scored["ranker"].isin(bars)], [run.ranker])
    games = chances[chances["metric"] == "game_brier"]
    priced = (games["ranker"] == "market").any()
    against = paired(games if priced else games.iloc[:0], "market")
    return {
        "skill": season_means(skill),
        "gaps": gaps,
        "chances": season_means(chances),
        "games": against.sort_values(["scope", "value"], ascending=[False, True]),
        "coverage": season_means(coverage),
    }


def _command(run: PastRun) -> str:
    return " ".join(filter(_changes_the_result, run.manifest.get("overrides", [])))


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

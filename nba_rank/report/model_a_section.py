"""What an analysis says of model A: what it adds, whether it attends, and how sure it is."""

from dataclasses import dataclass

import pandas as pd

from nba_rank.evaluation.evaluate import RANKERS
from nba_rank.report.health import ALIVE_ENTROPY_RATIO, GRADIENTS, health_summary
from nba_rank.report.labels import POINT_LABELS, ranker_label
from nba_rank.report.text import (
    by_sign,
    excludes_zero,
    intervals,
    markdown_table,
    number,
    points_of,
    seasons,
    share,
    signed,
)

_STATISTICS = {
    "entropy_ratio": "entropy over that of equal weights",
    "attention_max": "largest weight of a team",
    "fallback_share": "share of fallbacks",
    "score_spread": "spread of the scores in a list",
} | {name: f"gradient norm, {name.removeprefix('gradient_')}" for name in GRADIENTS}


@dataclass(frozen=True, kw_only=True)
class ModelAFindings:
    """What there is to say of model A alone; empty frames say nothing.

    Attributes:
        pooling: `model.model_a.attention.pooling`.
        last_epochs: What `nba_rank.report.health.last_epochs` returns.
        occlusion: What `nba_rank.evaluation.occlusion.summarise_occlusion` returns.
        coverage: Columns `as_of_point`, `coverage` (mean over seasons of the share of teams whose
            outcome lies in the interval of rank), `lowest`, `highest` (of a season), `width`
            (places).
        nominal: Share of the samples that the spread holds.
    """

    pooling: str
    last_epochs: pd.DataFrame
    occlusion: pd.DataFrame
    coverage: pd.DataFrame
    nominal: float

    @property
    def attends(self) -> bool:
        """Whether the weights are those of attention, and so can be alive or faithful."""
        return self.pooling == "attention"


def contribution_section(contributions: pd.DataFrame | None) -> str:
    """Say what model A adds to the stack, then tabulate it for every member."""
    if contributions is None:
        return ""
    league = contributions[contributions["scope"] == "league"]
    points = points_of(league)
    table = {"all teams": [POINT_LABELS[point] for point in points]}
    sentence = ""
    for member in [name for name in RANKERS if name in set(league["member"])]:
        own = league[league["member"] == member].set_index("as_of_point").reindex(points)
        label = ranker_label(member)
        table[label] = own["gain"].map(signed).tolist()
        table[f"{label}, 95% interval"] = intervals(own["gain_low"], own["gain_high"])
        if member == "model_a":
            sentence = f"{_improves(own)}\n\n"
    return (
        f"## What each member adds\n\n{sentence}Mean Spearman of the stack minus that of the stack "
        "fitted without the member, paired by season; higher is better.\n\n"
        f"{markdown_table(pd.DataFrame(table))}"
    )


def model_a_sections(findings: ModelAFindings | None) -> list[str]:
    """Return the sections on attention and intervals; empty where there is nothing to say."""
    if findings is None:
        return []
    return [_alive(findings), _faithful(findings), _sure(findings)]


def _improves(own: pd.DataFrame) -> str:
    phrases = {
        1: "improves the stack",
        0: "leaves the stack as it is",
        -1: "makes the stack worse",
    }
    firmness = excludes_zero(own["gain_low"], own["gain_high"], "gain", "positive", "negative")
    return f"**Model A {by_sign(own['gain'], phrases)}** ({seasons(own)}). {firmness}"


def _alive(findings: ModelAFindings) -> str:
    last = findings.last_epochs
    if last.empty:
        return ""
    n, dead = len(last), last[~last["alive"]]
    low, high = ALIVE_ENTROPY_RATIO
    needs = (
        f"entropy ratio between {low:g} and {high:g}, no fallbacks, and finite gradients that are "
        "not zero"
    )
    if not findings.attends:
        verdict = f"Players are pooled by `{findings.pooling}`: there is no attention to judge."
    elif dead.empty:
        verdict = f"**The attention is alive in all {n} networks when training ends**: {needs}."
    else:
        named = [f"{row.fit} network {row.network:.0f}" for row in dead.head(5).itertuples()]
        more = f" and {len(dead) - 5} more" if len(dead) > 5 else ""
        verdict = (
            f"**The attention is not alive in {len(dead)} of {n} networks when training ends** "
            f"({', '.join(named)}{more}). Alive is: {needs}."
        )
    summary = health_summary(last)
    columns = ["mean", "lowest", "highest"]
    table = pd.DataFrame({"last epoch": summary["statistic"].map(_STATISTICS)}).join(
        summary[columns].map(number)
    )
    return f"## Is the attention alive\n\n{verdict}\n\n{markdown_table(table)}"


def _faithful(findings: ModelAFindings) -> str:
    if findings.occlusion.empty or not findings.attends:
        return ""
    own = findings.occlusion.set_index("as_of_point")
    phrases = {1: "more", 0: "as much", -1: "less"}
    ratio = own["top"].mean() / own["like_minutes"].mean()
    firmness = excludes_zero(
        own["difference_low"], own["difference_high"], "difference", "positive", "negative"
    )
    table = {
        "regular season": [POINT_LABELS[point] for point in own.index],
        "without the top player": own["top"].map(number),
        "without one of like minutes": own["like_minutes"].map(number),
        "difference": own["difference"].map(signed),
        "95% interval": intervals(own["difference_low"], own["difference_high"]),
        "teams that move more without the top": own["top_moves_more"].map(share),
    }
    return (
        "## Is the attention faithful\n\n**Without its player of most attention a team's score "
        f"moves {by_sign(own['difference'], phrases)}** than without the team-mate of most similar "
        f"minutes: {ratio:.1f} times as much on average, and more for "
        f"{own['top_moves_more'].mean():.0%} of the teams ({seasons(own)}). {firmness}\n\n"
        f"{markdown_table(pd.DataFrame(table))}"
    )


def _sure(findings: ModelAFindings) -> str:
    coverage = findings.coverage
    if coverage.empty:
        return ""
    least, most = coverage["coverage"].min(), coverage["coverage"].max()
    table = {
        "regular season": coverage["as_of_point"].map(POINT_LABELS),
        "outcome inside": coverage["coverage"].map(share),
        "season of the fewest": coverage["lowest"].map(share),
        "season of the most": coverage["highest"].map(share),
        "width in places": [f"{width:.1f}" for width in coverage["width"]],
    }
    return (
        "## How far model A's networks agree\n\nThe spread of a rank holds the middle "
        f"{findings.nominal:.0%} of the ranks that seeds and dropout samples give. **It is no "
        f"forecast interval: {least:.0%} to {most:.0%} of the teams finish inside, depending on "
        "the point of the season**, because it leaves out the season still to come."
        f"\n\n{markdown_table(pd.DataFrame(table))}"
    )

"""Figures of explanations: the strength of one team, and of all, by their parts."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nba_rank.explain.names import SHAP
from nba_rank.report.explained import Told, by_reason, plain, prefix_of, whose
from nba_rank.report.format import number
from nba_rank.report.labels import label
from nba_rank.report.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    look,
    panels,
    room_for,
)

_LINES = 12
"""Most bars of a team; the others are one."""

_PALETTE = (BLUE, SKY, ORANGE, GREEN, PURPLE)


@look
def explanation_figure(table: pd.DataFrame, told: Told) -> Figure:
    """Draw the strength of a team as a waterfall of its parts, players summed over the inputs.

    It is the strength that the ranking is made from: the projection's, where there is one.
    """
    parts = by_reason(plain(table, prefix_of(table) + "strength"))
    few = parts.iloc[:_LINES]
    if len(parts) > len(few):
        few = pd.concat([few, pd.Series({"all others": parts.iloc[_LINES:].sum()})])
    end = few.cumsum()
    start, total = end - few, float(few.sum())
    names = [*few.index, "strength"]
    caption = _caption("on a neutral court", table, told)
    title = f"{told.team} on {told.as_of_date:%Y-%m-%d}: strength by part"
    figure, axes = panels(
        title,
        caption,
        (7, 0.32 * len(names) + 0.4),
        left=room_for(names) + 0.3,
        bottom=0.5,
        top=0.1,
    )
    ax, places = axes.item(), np.arange(len(names))
    colours = [*[BLUE if value >= 0 else ORANGE for value in few], INK]
    ax.barh(places, [*few, total], left=[*start, 0.0], color=colours, height=0.62)
    # Where a part ends the next one begins.
    for place, edge in zip(places, end, strict=False):
        ax.plot([edge, edge], [place - 0.31, place + 1.31], color=GREY, lw=0.8)
    ax.axvline(0, color=GREY, lw=1)
    for place, value, edge in zip(places, [*few, total], [*end, total], strict=True):
        right = max(edge, edge - value)
        ax.annotate(number(value, "+.2f"), (right, place), (4, 0), textcoords="offset points",
                    va="center", fontsize=10)  # fmt: skip
    ax.set_yticks(places, names)
    ax.invert_yaxis()
    low, high = min(start.min(), end.min(), 0.0), max(start.max(), end.max(), 0.0)
    ax.set_xlim(low - 0.02 * (high - low), high + 0.12 * (high - low))
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("points")
    return figure


def _caption(how: str, table: pd.DataFrame, told: Told) -> str:
    """Say what is drawn, and what is assumed."""
    assumed = f" What if: {told.hypothetical}." if told.hypothetical else ""
    return f"Points per game above an average team, {how}. {whose(table)}.{assumed}"


_BEST = 3
"""Players of a team who are drawn apart from the others."""


@look
def teams_figure(table: pd.DataFrame, told: Told) -> Figure:
    """Draw the strengths of all teams as stacked bars of their parts, the best-ranked team first.

    What adds to a strength stands right of zero, what takes from it left; a dot is their sum.
    """
    prefix = prefix_of(table)
    parts = _kinds(plain(table, prefix + "strength"))
    ranks = plain(table, "rank").sort_values("value")
    parts = parts.reindex(ranks["team"])
    names = [f"{team} {rank:.0f}" for team, rank in zip(ranks["team"], ranks["value"], strict=True)]
    figure, axes = panels(
        f"{told.as_of_date:%Y-%m-%d}: what each team's strength is made of",
        _caption("best-ranked team first", table, told),
        (7.5, 0.22 * len(names) + 0.5),
        left=room_for(names) + 0.3,
        bottom=1.0,
        top=0.1,
    )
    ax, places = axes.item(), np.arange(len(names))
    edges = {True: np.zeros(len(names)), False: np.zeros(len(names))}
    for (kind, values), colour in zip(parts.items(), _PALETTE, strict=False):
        for positive, edge in edges.items():
            own = np.where((values > 0) == positive, values, 0.0)
            ax.barh(places, own, left=edge, color=colour, height=0.7,
                    label=str(kind) if positive else None)  # fmt: skip
            edge += own
    ax.plot(parts.sum(axis=1), places, "o", color=INK, ms=5, label="strength")
    ax.axvline(0, color=GREY, lw=1)
    ax.set_yticks(places, names, fontsize=9)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("points")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncol=3, frameon=False, fontsize=9)
    return figure


def _kinds(parts: pd.DataFrame) -> pd.DataFrame:
    """Return the points of each team, a row, by kind of part, a column."""
    of_players = parts[parts["player"] != ""].groupby(["team", "player"])["value"].sum()
    order = of_players.groupby("team").rank(ascending=False, method="first")
    kinds = {
        f"{_BEST} best players": of_players[order <= _BEST].groupby("team").sum(),
        "other players": of_players[order > _BEST].groupby("team").sum(),
    }
    others = parts[parts["player"] == ""]
    for kind, names in _OF_TEAMS.items():
        kinds[kind] = others[others["part"].isin(names)].groupby("team")["value"].sum()
    known = [name for names in _OF_TEAMS.values() for name in names]
    rest = others[~others["part"].isin(known)]
    kinds["other parts"] = rest.groupby("team")["value"].sum()
    teams = parts["team"].unique()
    table = pd.DataFrame({name: of.reindex(teams) for name, of in kinds.items()}, dtype="float64")
    table = table.fillna(0.0)
    return table.loc[:, table.abs().sum() > 0]


_OF_TEAMS = {
    "margin and opponents to date": ("margin_to_date", "opponents_to_date", "margin_restated"),
    "Elo": ("elo_of_earlier_seasons", "elo_of_this_season"),
}


_TREES = {"xgb": BLUE, "rf": ORANGE}


@look
def importance_figure(table: pd.DataFrame) -> Figure:
    """Draw what the trees rest on, by feature group, with intervals over seasons."""
    own = table[table["measure"] == SHAP]
    order = own.groupby("group")["mean"].max().sort_values(ascending=False).index
    figure, axes = panels(
        "What the trees rest on",
        "Mean absolute SHAP value against the average team of the date, relevance; lines are 95% "
        "intervals over the test seasons.",
        (7, 0.5 * len(order) + 0.4),
        left=room_for([*order]) + 0.3,
        bottom=0.6,
        top=0.1,
    )
    ax, places = axes.item(), np.arange(len(order))
    for shift, (member, colour) in zip((-0.2, 0.2), _TREES.items(), strict=True):
        rows = own[own["member"] == member].set_index("group").reindex(order)
        if rows["mean"].isna().all():
            continue
        ax.barh(places + shift, rows["mean"], height=0.36, color=colour,
                label=label("ranker", member))  # fmt: skip
        ax.hlines(places + shift, rows["low"], rows["high"], color=INK, lw=1.4)
    ax.set_yticks(places, [*order])
    ax.invert_yaxis()
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("relevance")
    ax.legend(loc="lower right", frameon=False)
    return figure


@look
def dependence_figure(table: pd.DataFrame) -> Figure:
    """Draw how the scores of the trees depend on each of their strongest features."""
    features = table["feature"].unique()
    shape = (-(-len(features) // 3), min(3, len(features)))
    figure, axes = panels(
        "How the trees' scores depend on their strongest features",
        "Mean score of all teams with the feature at the value below, all others as they are, less "
        "its mean over the values; bands are 95% intervals over the test seasons. Each panel has a "
        "scale of its own.",
        (3.1, 2.4),
        shape,
        left=0.85,
        bottom=0.75,
        top=0.45,
    )
    for ax in axes.flat[len(features) :]:
        ax.set_visible(False)
    for ax, feature in zip(axes.flat, features, strict=False):
        own = table[table["feature"] == feature]
        for member, rows in own.groupby("member", sort=False):
            colour = _TREES[str(member)]
            ax.plot(rows["at"], rows["mean"], color=colour, label=label("ranker", member))
            ax.fill_between(rows["at"], rows["low"], rows["high"], color=colour, alpha=0.2, lw=0)
        ax.set_title(str(feature), fontsize=11)
        ax.axhline(0, color=GREY, lw=0.8)
    axes.flat[0].legend(loc="upper left", frameon=False, fontsize=9)
    return figure

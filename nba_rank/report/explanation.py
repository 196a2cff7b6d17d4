"""Why a team is ranked where it is: tables for the console and for Markdown, and a figure."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console

from nba_rank.core import escape
from nba_rank.explain.parts import AVERAGE
from nba_rank.explain.seasons import PART, PERMUTATION, SHAP
from nba_rank.explain.stack import ALONE, projection_share
from nba_rank.report.format import console_table, number, print_table, with_interval
from nba_rank.report.labels import ABSENT, label
from nba_rank.report.render import render
from nba_rank.report.style import BLUE, GREY, INK, ORANGE, look, panels, room_for

_LINES = 12
"""Most lines of a table of players or features."""

_REASONS = 3

_SHOWN = 0.05
"""Points below which a reason is none."""


class Told(NamedTuple):
    """What stands over an explanation.

    Attributes:
        as_of_date: Its date.
        team: Abbreviation; empty: all teams.
        against: The other team, or empty.
        since: The earlier date, or empty.
        basis: What the forecast rests on.
        hypothetical: What is assumed, or empty.
        run: Name of the run folder.
    """

    as_of_date: pd.Timestamp
    team: str
    against: str
    since: str
    basis: str
    hypothetical: str
    run: str


class Section(NamedTuple):
    """A table of text, with its title and a note."""

    title: str
    table: pd.DataFrame
    note: str = ""


def explanation_text(table: pd.DataFrame, told: Told, figure: str | None = None) -> str:
    """Return the analysis as Markdown.

    Args:
        table: `Explanation.table`.
        told: What stands over it.
        figure: Path of the figure from the folder of the analysis; None: there is none.
    """
    who = told.team or "each team"
    context = {
        "title": f"Why {who} is ranked where it is on {told.as_of_date:%Y-%m-%d}, by {told.run}",
        "basis": told.basis,
        "lines": _lines(table, told),
        "figure": (f"{who}: strength by part", figure) if figure else None,
        "sections": _sections(table, told),
    }
    return render("explanation.md.j2", context)


def show_explanation(table: pd.DataFrame, told: Told, console: Console) -> None:
    """Print what `explanation_text` holds; arguments likewise."""
    for line in (told.basis, *_lines(table, told)):
        console.print(escape.terminal(line), soft_wrap=True)
    for section in _sections(table, told):
        print_table(console_table(section.table, section.title), console)
        if section.note:
            console.print(escape.terminal(section.note), soft_wrap=True)


def importance_text(table: pd.DataFrame, run: str) -> str:
    """Return what `over_seasons` holds as Markdown."""
    context = {
        "title": f"What the models of {run} rest on over its test seasons",
        "basis": "In brackets: 95% t interval over seasons, from five seasons on.",
        "lines": [],
        "figure": None,
        "sections": _importance(table),
    }
    return render("explanation.md.j2", context)


def show_importance(table: pd.DataFrame, console: Console) -> None:
    """Print what `over_seasons` holds."""
    for section in _importance(table):
        print_table(console_table(section.table, section.title), console)


def _importance(table: pd.DataFrame) -> list[Section]:
    headings = {
        SHAP: "mean absolute SHAP", PERMUTATION: "Spearman lost when dealt anew",
        PART: "mean absolute part",
    }  # fmt: skip
    found = []
    for member, rows in table.groupby("member", sort=False):
        names = rows["group"].drop_duplicates()
        texts = pd.DataFrame({"input" if member == "stack" else "feature group": names})
        for measure, own in rows.groupby("measure", sort=False):
            bounds = zip(own["mean"], own["low"], own["high"], strict=True)
            shown = [with_interval(*each, ".4f") for each in bounds]
            cell = dict(zip(own["group"], shown, strict=True))
            texts[headings[str(measure)]] = [cell.get(name, ABSENT) for name in names]
        title = f"{label('ranker', member)}, {rows['n_seasons'].max()} season(s)"
        found.append(Section(title, texts))
    return found


@look
def explanation_figure(table: pd.DataFrame, told: Told) -> Figure:
    """Draw the strength of a team as a waterfall of its parts, players summed over the inputs."""
    parts = _by_reason(_plain(table, _prefix(table) + "strength"))
    few = parts.iloc[:_LINES]
    if len(parts) > len(few):
        few = pd.concat([few, pd.Series({"all others": parts.iloc[_LINES:].sum()})])
    end = few.cumsum()
    start, total = end - few, float(few.sum())
    names = [*few.index, "strength"]
    caption = "Points per game above an average team, on a neutral court."
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


def is_strength_known(table: pd.DataFrame) -> bool:
    """Return whether the run knows strengths, which `explanation_figure` draws."""
    return not _plain(table, _prefix(table) + "strength").empty


def _prefix(table: pd.DataFrame) -> str:
    """Return how the levels of the strengths that make the ranking begin."""
    return "projection_" if "projection_strength" in table["level"].to_numpy() else ""


def _plain(table: pd.DataFrame, level: str, compared_with: str = "") -> pd.DataFrame:
    own = (table["level"] == level) & (table["compared_with"] == compared_with)
    return table[own]


def _by_reason(parts: pd.DataFrame) -> pd.Series:
    """Return the values by player or part, in words, the greatest first."""
    named = parts["player"].where(parts["player"] != "", [label("part", p) for p in parts["part"]])
    total = parts["value"].groupby(named).sum()
    return total.reindex(total.abs().sort_values(ascending=False, kind="stable").index)


def _lines(table: pd.DataFrame, told: Told) -> list[str]:
    lines = []
    if told.hypothetical:
        lines.append(f"Hypothetical, what if: {told.hypothetical}")
    if told.team:
        [rank] = _plain(table, "rank")["value"]
        score = _plain(table, "score")["whole"].iloc[0]
        lines.append(f"{told.team} is ranked {rank:.0f} with a score of {score:.3f}")
        lines += _most_missed(table)
    lines += _who_makes_it(table, told)
    return lines


def _who_makes_it(table: pd.DataFrame, told: Told) -> list[str]:
    """Say where a single input makes the score."""
    score = _plain(table, "score")
    inputs = score.loc[score["part"] != AVERAGE, "part"].unique().tolist()
    if len(inputs) == 1:
        return [f"The score is that of {label('ranker', inputs[0])} alone"]
    share = projection_share(score)
    if share < ALONE:
        return []
    whose = "this team's score" if told.team else "the scores"
    return [
        f"The projection alone makes {whose}: {number(share, '.1%')} of what sets it apart from "
        "the average. The members are explained for comparison"
    ]


def _most_missed(table: pd.DataFrame) -> list[str]:
    """Say who is missed most, in places."""
    left = _plain(table, "without_player")
    if left.empty:
        return []
    wide = _by_player(left).sort_values(["places", "score"], ascending=[False, True])
    texts = []
    for name, row in wide.head(_REASONS).iterrows():
        wins = f", {number(row['wins'], '+.1f')} wins" if "wins" in row else ""
        texts.append(f"{name}: {_places(row['places'])}{wins}")
    return [f"Without {'; without '.join(texts)}"]


def _places(places: float) -> str:
    if not places:
        return "the same place"
    n = abs(round(places))
    return f"{n} place{'s' if n > 1 else ''} {'lower' if places > 0 else 'higher'}"


def _sections(table: pd.DataFrame, told: Told) -> list[Section]:
    if not told.team:
        return [_all_teams(table), *_changes(table, told)]
    found = [*_score(table), *_strengths(table), *_members(table), *_changes(table, told)]
    return [section for section in found if len(section.table)]


def _score(table: pd.DataFrame) -> Iterator[Section]:
    places = _plain(table, "places").set_index("part")["value"]
    yield _added(
        "The score", _plain(table, "score"), ".4f", "relevance",
        {"places": lambda part: number(places.get(part), "+.0f")},
        "Places: those that the team would lose with the average team's part in its stead.",
    )  # fmt: skip


def _strengths(table: pd.DataFrame) -> Iterator[Section]:
    """Return strength, wins and outcome, or what a run without strengths knows of its players."""
    prefix = _prefix(table)
    left = _by_player(_plain(table, "without_player"))
    whole = _plain(table, prefix + "strength")
    if whole.empty:
        yield _missed(left)
        return
    strength, playoffs, wins = (
        _by_reason(_plain(table, prefix + name))
        for name in ("strength", "playoff_strength", "wins")
    )
    order = strength.index[:_LINES]
    rows = pd.DataFrame({"part": order})
    for heading, values, spec in (
        ("points", strength, "+.2f"),
        ("wins", wins, "+.2f"),
        ("playoffs, points", playoffs, "+.2f"),
        ("without him: places", left.get("places"), "+.0f"),
        ("wins ", left.get("wins"), "+.1f"),
        ("points ", left.get("strength"), "+.2f"),
    ):
        if values is not None:
            rows[heading] = [number(values.get(name), spec) for name in order]
    after = _plain(table, prefix + "playoff_strength")["whole"].iloc[0]
    yield Section(
        f"Strength, {number(whole['whole'].iloc[0], '+.2f')} points, "
        f"{number(after, '+.2f')} in the playoffs",
        rows,
        "Points above an average team. A player's are his share of the minutes times his rating "
        "above that of the league's average minute; without him the others share his minutes.",
    )
    yield _ratings(table, prefix)
    of_wins = _plain(table, prefix + "wins")
    own = of_wins["part"].isin(whole["part"])
    together = (
        of_wins[own]
        .head(1)
        .assign(part="own_strength", player="", value=of_wins.loc[own, "value"].sum())
    )
    summed = pd.concat([of_wins[~own], together])
    yield _added("Expected wins of the regular season", summed, ".2f", "wins")
    outcome = _plain(table, prefix + "outcome")
    yield _added("Teams ranked behind, in simulated seasons", outcome, ".2f", "places")


def _missed(left: pd.DataFrame) -> Section:
    """Return players by the places that their team would lose without them."""
    if left.empty:
        return Section("Without a player", left)
    left = left.sort_values(["places", "score"], ascending=[False, True])
    texts = pd.DataFrame({"player": left.index})
    for name, spec in (("places", "+.0f"), ("score", "+.4f")):
        texts[name] = [number(value, spec) for value in left[name]]
    return Section("Without a player", texts)


def _by_player(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the values of rows, a line a player and a column a part."""
    return rows.pivot(index="player", columns="part", values="value")  # noqa: PD010


def _ratings(table: pd.DataFrame, prefix: str) -> Section:
    """Return what the players' ratings are made of."""
    parts = [_plain(table, f"{prefix}strength_{split}") for split in ("by_evidence", "by_side")]
    rows = pd.concat(parts)
    wide = _by_player(rows).fillna(0.0)[rows["part"].unique().tolist()]
    size = parts[0].groupby("player")["value"].sum().abs()
    order = size.sort_values(ascending=False, kind="stable").index[:_LINES]
    texts = pd.DataFrame({"player": order})
    for part, values in wide.items():
        texts[label("part", part)] = [number(value, "+.2f") for value in values[order]]
    return Section(
        "Ratings of the players, by what they are made of",
        texts,
        "Points of strength. Box score and results make the whole, offence, defence and the rest "
        "make it once more.",
    )


def _members(table: pd.DataFrame) -> Iterator[Section]:
    trees = {name: _plain(table, name).set_index("part")["value"] for name in ("xgb", "rf")}
    trees = {name: values.drop(AVERAGE) for name, values in trees.items() if len(values)}
    if trees:
        size = pd.DataFrame(trees).abs().sum(axis=1).sort_values(ascending=False, kind="stable")
        order = size.index[:_LINES]
        rows = pd.DataFrame({"feature": order})
        for name, values in trees.items():
            rows[label("ranker", name)] = [number(values.get(part), "+.4f") for part in order]
        yield Section("Trees by feature", rows, "SHAP values against the average team.")
    yield _added("Model A", _plain(table, "model_a"), "+.3f", "score")
    beside = _plain(table, "model_a_weights")
    if len(beside):
        wide = _by_player(beside).sort_values("minutes", ascending=False)
        rows = pd.DataFrame({"player": wide.index})
        for part, spec in (
            ("minutes", ".3f"), ("attention", ".3f"), ("occlusion", "+.3f"),
            ("integrated_gradients", "+.3f"),
        ):  # fmt: skip
            rows[label("part", part)] = [number(value, spec) for value in wide[part]]
        ranks = _plain(table, "model_a_rank_correlation")
        told = ", ".join(
            f"{part.replace('_', ' ')} {number(value, '.2f')}"
            for part, value in zip(ranks["part"], ranks["value"], strict=True)
        )
        yield Section("Model A's players", rows, f"Rank correlations of the sizes: {told}.")
    columns = _plain(table, "model_a_players").groupby("part")["value"].sum()
    order = columns.abs().sort_values(ascending=False, kind="stable").index[:_LINES]
    rows = pd.DataFrame(
        {"column": order, "score": [number(columns[name], "+.3f") for name in order]}
    )
    yield Section("Model A's players by column", rows)


def _changes(table: pd.DataFrame, told: Told) -> Iterator[Section]:
    for other, words in (
        (told.against, f"less {told.against}"),
        (told.since, f"since {told.since}"),
    ):
        if not other or not told.team:
            continue
        for name, heading, spec in (
            ("score", "Score", "+.4f"),
            (_prefix(table) + "strength", "Strength", "+.2f"),
            (_prefix(table) + "wins", "Expected wins", "+.2f"),
        ):
            parts = _plain(table, name, other)
            if len(parts):
                yield _added(f"{heading} {words}", parts, spec, parts["unit"].iloc[0])


def _added(
    title: str,
    parts: pd.DataFrame,
    spec: str,
    unit: str,
    more: Mapping[str, object] | None = None,
    note: str = "",
) -> Section:
    """Return parts and their whole as a table; the smallest together."""
    names = parts["player"].where(parts["player"] != "", parts["part"])
    values = parts["value"].groupby(names, sort=False).sum()
    values = values.reindex(values.abs().sort_values(ascending=False, kind="stable").index)
    first = values.iloc[:_LINES]
    rows = [(label("part", name), number(value, spec), name) for name, value in first.items()]
    if len(values) > len(first):
        rows.append(("all others", number(values.iloc[_LINES:].sum(), spec), ""))
    if len(values):
        rows.append(("sum", number(float(parts["whole"].iloc[0]), spec), ""))
    texts = pd.DataFrame(rows, columns=["part", unit, "key"])
    for heading, value_of in (more or {}).items():
        texts[heading] = [value_of(key) if key else ABSENT for key in texts["key"]]  # type: ignore[operator]
    return Section(title, texts.drop(columns="key"), note)


def _all_teams(table: pd.DataFrame) -> Section:
    """Return each team's rank and the greatest parts of its strength, best team first."""
    strength = _plain(table, _prefix(table) + "strength")
    left, rows = _plain(table, "without_player"), []
    for _, own in _plain(table, "rank").sort_values("value").iterrows():
        team = own["team"]
        parts = _by_reason(strength[strength["team"] == team])
        missed = left[(left["team"] == team) & (left["part"] == "places")]
        missed = missed[missed["value"] > 0].sort_values("value", ascending=False)
        rows.append(
            {
                "team": team,
                "rank": number(own["value"], ".0f"),
                **({"points": number(parts.sum(), "+.1f")} if len(strength) else {}),
                "for it": _reasons(parts[parts >= _SHOWN]),
                "against it": _reasons(parts[parts <= -_SHOWN]),
                "without": ", ".join(
                    f"{name} {_places(value)}"
                    for name, value in zip(missed["player"], missed["value"], strict=True)
                ),
            }
        )
    return Section("All teams", pd.DataFrame(rows), "Points of strength above an average team.")


def _reasons(parts: pd.Series) -> str:
    return ", ".join(f"{name} {number(v, '+.1f')}" for name, v in parts.head(_REASONS).items())

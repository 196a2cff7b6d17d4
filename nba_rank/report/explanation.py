"""Why a team is ranked where it is: tables for the console and for Markdown."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rich.console import Console

from nba_rank.core import escape
from nba_rank.explain.names import (
    ABLATION,
    BY_FEATURE,
    CHANGE,
    PART,
    PERMUTATION,
    PLACES,
    SHAP,
    SMALL,
    WINS,
)
from nba_rank.explain.parts import AVERAGE
from nba_rank.explain.stack import ALONE, projection_share
from nba_rank.report.explained import (
    STATES,
    Told,
    by_name,
    by_reason,
    places_lower,
    plain,
    prefix_of,
    whose,
)
from nba_rank.report.format import console_table, number, print_table, with_interval
from nba_rank.report.labels import ABSENT, label
from nba_rank.report.render import render

_LINES = 12
"""Most lines of a table of players or features."""

_REASONS = 3

_CAUSES = 4

_SHOWN = 0.05
"""Points below which a reason is none."""


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
        "figures": [(f"{who}: strength by part", figure)] if figure else [],
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


def importance_text(table: pd.DataFrame, run: str, figures: Sequence[str] = ()) -> str:
    """Return what `over_seasons` holds as Markdown, with figures by their paths from its folder."""
    context = {
        "title": f"What the models of {run} rest on over its test seasons",
        "basis": "In brackets: 95% t interval over seasons, from five seasons on.",
        "lines": [],
        "figures": [(Path(figure).stem.replace("_", " "), figure) for figure in figures],
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
        PART: "mean absolute part", CHANGE: "mean absolute change of the score at the average",
        ABLATION: "Spearman lost at the average",
    }  # fmt: skip
    found = []
    for member, rows in table[table["measure"] != BY_FEATURE].groupby("member", sort=False):
        names = rows["group"].drop_duplicates()
        trees = member in ("xgb", "rf")
        texts = pd.DataFrame({"feature group" if trees else "input": names})
        for measure, own in rows.groupby("measure", sort=False):
            bounds = zip(own["mean"], own["low"], own["high"], strict=True)
            shown = [with_interval(*each, ".4f") for each in bounds]
            cell = dict(zip(own["group"], shown, strict=True))
            texts[headings[str(measure)]] = [cell.get(name, ABSENT) for name in names]
        title = f"{label('ranker', member)}, {rows['n_seasons'].max()} season(s)"
        found.append(Section(title, texts))
    return found


def _lines(table: pd.DataFrame, told: Told) -> list[str]:
    lines = []
    if told.hypothetical:
        lines.append(f"Hypothetical, what if: {told.hypothetical}")
    if told.team:
        [rank] = plain(table, "rank")["value"]
        score = plain(table, "score")["whole"].iloc[0]
        lines.append(f"{told.team} is ranked {rank:.0f} with a score of {score:.3f}")
    if told.since:
        lines += _movers(table, told)
    if told.team:
        lines += _most_missed(table)
    lines += _who_makes_it(table, told)
    return lines


def _movers(table: pd.DataFrame, told: Told) -> list[str]:
    """Say of one team why it has moved, of all who has moved most."""
    movement = _movement(table, told)
    if told.team:
        return [f"{row.team}: {row.text}" for row in movement.itertuples()]
    shown = [*movement.head(_REASONS).itertuples(), *movement.tail(_REASONS).itertuples()]
    return [f"{row.team}: {row.text}" for row in shown if row.places]


def _movement(table: pd.DataFrame, told: Told) -> pd.DataFrame:
    """Return how teams have moved, those first who gained most places.

    Columns: `team`, `places`, where seasons are simulated `wins`, and `text`, which says why: by
    what the places are made of or, without any, the wins.
    """
    rows = []
    ranks = plain(table, "rank").set_index("team")["value"]
    for team, own in table[table["compared_with"] == told.since].groupby("team", sort=False):
        levels = {name: own[own["level"] == name] for name in (PLACES, WINS)}
        whole = {name: of["whole"].iloc[0] for name, of in levels.items() if len(of)}
        places, wins = whole[PLACES], whole.get(WINS)
        gained = f"{places:+.0f} place{'s' if abs(places) != 1 else ''}" if places else ""
        gained = gained or "the same place"
        text = f"{gained} since {told.since}"
        split = levels[PLACES if places or wins is None else WINS]
        in_wins = _in_wins(wins)
        if places:
            text += f": {_causes(split)}" + (f"; {in_wins}" if in_wins else "")
        elif in_wins:
            text += f", {in_wins}: {_causes(split)}"
        rows.append((team, ranks[team], places, wins, text))
    found = pd.DataFrame(rows, columns=["team", "rank", "places", "wins", "text"])
    return found.sort_values(["places", "wins"], ascending=False, ignore_index=True)


def _in_wins(wins: float | None) -> str:
    """Return a difference in wins, empty where it is shown as none, as in the playoffs."""
    return "" if wins is None or abs(wins) < _SHOWN else f"{number(wins, '+.1f')} wins"


def _causes(parts: pd.DataFrame) -> str:
    """Return the greatest parts as a clause that sums to the whole."""
    values = by_reason(parts.assign(part=parts["part"].where(parts["part"] != SMALL, "")))
    rest = values.pop("") if "" in values else 0.0
    shown = values.head(_CAUSES)
    shown = shown[shown.abs() >= _SHOWN]
    rest += values.sum() - shown.sum()
    states = tuple(STATES.values())
    told = [
        f"{number(value, '+.1f')} {'since' if str(name).endswith(states) else 'by'} {name}"
        for name, value in shown.items()
    ]
    if abs(rest) >= _SHOWN:
        told.append(f"{number(rest, '+.1f')} by all others")
    return ", ".join(told) or "no part of any size"


def _who_makes_it(table: pd.DataFrame, told: Told) -> list[str]:
    """Say where a single input makes the score."""
    score = plain(table, "score")
    inputs = score.loc[score["part"] != AVERAGE, "part"].unique().tolist()
    if len(inputs) == 1:
        return [f"The score is that of {label('ranker', inputs[0])} alone"]
    share = projection_share(score)
    if share < ALONE:
        return []
    whose, apart = ("this team's score", "it") if told.team else ("the scores", "teams")
    return [
        f"The projection alone makes {whose}: {number(share, '.1%')} of what sets {apart} apart "
        "from the average. The members are explained for comparison"
    ]


def _most_missed(table: pd.DataFrame) -> list[str]:
    """Say who is missed most, in places."""
    left = plain(table, "without_player")
    if left.empty:
        return []
    wide = _by_player(left).sort_values(["places", "score"], ascending=[False, True])
    texts = []
    for name, row in wide.head(_REASONS).iterrows():
        wins = _in_wins(row.get("wins"))
        texts.append(f"{name}: {places_lower(row['places'])}" + (f", {wins}" if wins else ""))
    return [f"Without {'; without '.join(texts)}"]


def _sections(table: pd.DataFrame, told: Told) -> list[Section]:
    if not told.team:
        return [_all_teams(table), *_all_moves(table, told)]
    found = [*_score(table), *_strengths(table), *_members(table), *_changes(table, told)]
    return [section for section in found if len(section.table)]


def _score(table: pd.DataFrame) -> Iterator[Section]:
    places = plain(table, "places").set_index("part")["value"]
    yield _added(
        "The score", plain(table, "score"), ".4f", "relevance",
        {"places": lambda part: number(places.get(part), "+.0f")},
        "Places: those that the team would lose with the average team's part in its stead.",
    )  # fmt: skip


_OF_PLAYERS = (
    "A player's are his share of the minutes times his rating above that of the league's average "
    "minute; without him, in what is forecast, the others share his minutes. "
)


def _strengths(table: pd.DataFrame) -> Iterator[Section]:
    """Return strength, wins and outcome, or what a run without strengths knows of its players."""
    prefix = prefix_of(table)
    left = _by_player(plain(table, "without_player"))
    whole = plain(table, prefix + "strength")
    if whole.empty:
        yield _missed(left)
        return
    strength, playoffs, wins = (
        by_reason(plain(table, prefix + name)) for name in ("strength", "playoff_strength", "wins")
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
    after = plain(table, prefix + "playoff_strength")["whole"].iloc[0]
    known = (whole["player_id"] > 0).any()
    yield Section(
        f"Strength, {number(whole['whole'].iloc[0], '+.2f')} points, "
        f"{number(after, '+.2f')} in the playoffs",
        rows,
        f"Points above an average team. {_OF_PLAYERS if known else ''}{whose(table)}.",
    )
    yield _ratings(table, prefix)
    of_wins = plain(table, prefix + "wins")
    own = of_wins["part"].isin(whole["part"])
    together = (
        of_wins[own]
        .head(1)
        .assign(part="own_strength", player="", value=of_wins.loc[own, "value"].sum())
    )
    summed = pd.concat([of_wins[~own], together])
    yield _added("Expected wins of the regular season", summed, ".2f", "wins")
    outcome = plain(table, prefix + "outcome")
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
    parts = [plain(table, f"{prefix}strength_{split}") for split in ("by_evidence", "by_side")]
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
    trees = {name: plain(table, name).set_index("part")["value"] for name in ("xgb", "rf")}
    trees = {name: values.drop(AVERAGE) for name, values in trees.items() if len(values)}
    if trees:
        size = pd.DataFrame(trees).abs().sum(axis=1).sort_values(ascending=False, kind="stable")
        order = size.index[:_LINES]
        rows = pd.DataFrame({"feature": order})
        for name, values in trees.items():
            rows[label("ranker", name)] = [number(values.get(part), "+.4f") for part in order]
        yield Section("Trees by feature", rows, "SHAP values against the average team.")
    yield _added("Model A", plain(table, "model_a"), "+.3f", "score")
    beside = plain(table, "model_a_weights")
    if len(beside):
        wide = _by_player(beside).sort_values("minutes", ascending=False)
        rows = pd.DataFrame({"player": wide.index})
        for part, spec in (
            ("minutes", ".3f"), ("attention", ".3f"), ("occlusion", "+.3f"),
            ("integrated_gradients", "+.3f"),
        ):  # fmt: skip
            rows[label("part", part)] = [number(value, spec) for value in wide[part]]
        ranks = plain(table, "model_a_rank_correlation")
        told = ", ".join(
            f"{part.replace('_', ' ')} {number(value, '.2f')}"
            for part, value in zip(ranks["part"], ranks["value"], strict=True)
        )
        yield Section("Model A's players", rows, f"Rank correlations of the sizes: {told}.")
    columns = plain(table, "model_a_players").groupby("part")["value"].sum()
    order = columns.abs().sort_values(ascending=False, kind="stable").index[:_LINES]
    rows = pd.DataFrame(
        {"column": order, "score": [number(columns[name], "+.3f") for name in order]}
    )
    yield Section("Model A's players by column", rows)


def _changes(table: pd.DataFrame, told: Told) -> Iterator[Section]:
    """Return the differences to another team, and to an earlier date."""
    prefix = prefix_of(table)
    strength = (prefix + "strength", "Strength", "+.2f")
    less = [("score", "Score", "+.4f"), strength, (prefix + "wins", "Expected wins", "+.2f")]
    since = [(PLACES, "Places", "+.2f"), strength, (WINS, "Expected wins", "+.2f")]
    for other, words, levels in (
        (told.against, f"less {told.against}", less),
        (told.since, f"since {told.since}", since),
    ):
        for name, heading, spec in levels if other else ():
            parts = plain(table, name, other)
            if len(parts):
                note = _SPLIT if name == PLACES else ""
                yield _added(f"{heading} {words}", parts, spec, parts["unit"].iloc[0], note=note)


_SPLIT = (
    "Places are split by Shapley values: each part counts by the places that it moves the team, "
    "on average over all orders in which the parts can come."
)


def _all_moves(table: pd.DataFrame, told: Told) -> Iterator[Section]:
    """Return who has moved since the earlier date, and why."""
    if not told.since:
        return
    movement = _movement(table, told)
    strength = plain(table, prefix_of(table) + "strength", told.since)
    points = strength.groupby("team")["whole"].first()
    rows = pd.DataFrame({"team": movement["team"]})
    rows["rank"] = [number(value, ".0f") for value in movement["rank"]]
    rows["places"] = [number(value, "+.0f") for value in movement["places"]]
    if len(points):
        rows["points"] = [number(points.get(team), "+.1f") for team in movement["team"]]
    if movement["wins"].notna().any():
        rows["wins"] = [number(value, "+.1f") for value in movement["wins"]]
    rows["why"] = [text.partition(": ")[2].partition(";")[0] for text in movement["text"]]
    yield Section(
        f"Since {told.since}",
        rows,
        f"Why: what the places are made of or, where there are none, the wins. {_SPLIT}",
    )


def _added(
    title: str,
    parts: pd.DataFrame,
    spec: str,
    unit: str,
    more: Mapping[str, object] | None = None,
    note: str = "",
) -> Section:
    """Return parts and their whole as a table; the smallest together."""
    values = by_name(parts)
    first = values.iloc[:_LINES]
    first = first[[float(format(value, spec)) != 0 for value in first]]
    rows = [(label("part", name), number(value, spec), name) for name, value in first.items()]
    if len(values) > len(first):
        others = number(float(values.sum() - first.sum()), spec)
        if float(others):
            rows.append((f"{len(values) - len(first)} other(s)", others, ""))
    if len(values):
        rows.append(("sum", number(float(parts["whole"].iloc[0]), spec), ""))
    texts = pd.DataFrame(rows, columns=["part", unit, "key"])
    for heading, value_of in (more or {}).items():
        texts[heading] = [value_of(key) if key else ABSENT for key in texts["key"]]  # type: ignore[operator]
    return Section(title, texts.drop(columns="key"), note)


def _all_teams(table: pd.DataFrame) -> Section:
    """Return each team's rank and the greatest parts of its strength, best team first."""
    strength = plain(table, prefix_of(table) + "strength")
    left, rows = plain(table, "without_player"), []
    for _, own in plain(table, "rank").sort_values("value").iterrows():
        team = own["team"]
        parts = by_reason(strength[strength["team"] == team])
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
                    f"{name} {places_lower(value)}"
                    for name, value in zip(missed["player"], missed["value"], strict=True)
                ),
            }
        )
    return Section("All teams", pd.DataFrame(rows), "Points of strength above an average team.")


def _reasons(parts: pd.Series) -> str:
    return ", ".join(f"{name} {number(v, '+.1f')}" for name, v in parts.head(_REASONS).items())

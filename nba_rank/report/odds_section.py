"""What an analysis says of probabilities: how far teams go, series, single games and players."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from nba_rank.data.outcomes import EVENTS, FINISHES
from nba_rank.evaluation.advancement import SIMULATION
from nba_rank.evaluation.compare import MIN_SEASONS
from nba_rank.evaluation.market import RANKER as MARKET
from nba_rank.evaluation.probability_assessment import PLATT
from nba_rank.evaluation.references import MIN_EARLIER
from nba_rank.odds.season_sim import COVERAGE
from nba_rank.report.labels import EVENT_LABELS, POINT_LABELS, ranker_label
from nba_rank.report.odds_findings import (
    MIDDLE,
    MIDDLE_POOLED,
    POOLED,
    PRICED,
    OddsFindings,
)
from nba_rank.report.text import (
    ABSENT,
    excludes_zero,
    labels_of,
    markdown_table,
    number,
    points_of,
    seasons,
    share,
)

TOP_PLAYERS = 10
"""Players shown of each season."""

_TITLE_RANKERS = (PLATT, "standings", "elo", MARKET, "random", "random16")
_PLAYOFF_RANKERS = (PLATT, "standings", "elo", "random")
_KINDS = {"regular": "regular season", "playoffs": "playoffs"}
_IN_A_SENTENCE = {
    "standings": "the standings", MARKET: "the bookmakers", PLATT: "its Platt calibration",
    "always_home": "the home teams' share",
}  # fmt: skip
_INTERVAL = ("value", "low", "high")
_FLOOR_MULTIPLE = 2
_BEYOND = " (beyond noise)"


class _Measure(NamedTuple):
    """A metric over a list, its name in words, and the digits that it is told with."""

    metric: str
    scope: str
    words: str
    digits: int = 3


_MEASURES = (
    _Measure("champion_log_loss", "league", "Champion log loss"),
    _Measure("champion_brier", "league", "Brier score of title odds", 4),
    _Measure("playoff_brier", "league", "Brier score of playoff odds"),
    _Measure("game_log_loss", "regular", "Log loss of games, regular season"),
    _Measure("game_log_loss", "playoffs", "Log loss of games, playoffs"),
)


def odds_sections(findings: OddsFindings | None) -> list[str]:
    """Return the sections on probabilities; empty where there is nothing to say."""
    if findings is None:
        return []
    return [
        _worse(findings),
        _how_far(findings),
        _playoffs(findings),
        _calibrated(findings),
        _games(findings),
        _series(findings),
        _intervals(findings),
        _finishes(findings),
        _players(findings),
        _schedule(findings),
    ]


def _worse(findings: OddsFindings) -> str:
    """List every reference that is better, and by how much."""
    lines, counts = [], [0]
    for measure in _MEASURES:
        subject = findings.subject(measure.metric, measure.scope)
        if subject is None:
            continue
        rows = _differences(findings, measure.metric, measure.scope, subject)
        # Bookmakers have priced some games only, on which all are compared with them.
        priced = _differences(findings, measure.metric, measure.scope + PRICED, subject)
        rows = pd.concat([rows, priced[priced["reference"] == MARKET]])
        counts += rows["n_seasons"].tolist()
        behind = [
            f"{_named(reference)} {phrase}"
            for reference, some in rows.groupby("reference", sort=False)
            if (phrase := _by_points(some[_worse_by(some, measure.digits) > 0], measure.digits))
        ]
        if behind:
            lines.append(f"- {measure.words}: worse than {'; worse than '.join(behind)}")
    behind = [phrase for phrase in _upset_gaps(findings) if phrase.startswith("worse")]
    if behind:
        lines.append(f"- Upset AUC over all playoff series: {'; '.join(behind)}")
    if not max(counts):
        return ""
    title = "## Odds: where they are worse than a reference"
    listed = "\n".join(lines) or "Nowhere."
    return f"{title}\n\n{listed}\n\n{_how_compared(max(counts))}"


def _how_compared(n_seasons: int) -> str:
    n = f"{n_seasons} test season{'' if n_seasons == 1 else 's'}"
    if n_seasons < MIN_SEASONS:
        return f"Differences are means of {n}, too few to tell them from noise."
    return (
        f"Differences are paired by season and averaged over up to {n}. Beyond noise: the 95% "
        "bootstrap interval over seasons excludes zero."
    )


def _how_far(findings: OddsFindings) -> str:
    subject = findings.subject("champion_log_loss")
    if subject is None:
        return ""
    rankers = (findings.ranker, *_TITLE_RANKERS)
    losses = _score_table(findings, "champion_log_loss", "league", rankers)
    brier = _score_table(findings, "champion_brier", "league", rankers, digits=4, interval=False)
    return "\n\n".join([
        "## How far will each team go",
        _verdict(findings, "champion_log_loss", subject, "Title odds", "champion log loss"),
        "Champion log loss is minus the log of the odds that the later champion was given (nats, "
        "lower is better); random gives all teams equal odds. In brackets: 95% intervals over "
        "seasons, wide since a season has one champion: compare by the paired differences.",
        losses,
        *_difference_table(findings, "champion_log_loss", subject, ("standings", "elo", MARKET)),
        "Brier score of title odds, mean over the teams (lower is better):",
        brier,
    ])  # fmt: skip


def _playoffs(findings: OddsFindings) -> str:
    subject = findings.subject("playoff_brier")
    if subject is None:
        return ""
    parts = [
        "## Making the playoffs",
        _verdict(findings, "playoff_brier", subject, "Playoff odds", "Brier score"),
        "Brier score, mean over the teams (lower is better):",
        _score_table(findings, "playoff_brier", "league", (findings.ranker, *_PLAYOFF_RANKERS)),
        *_difference_table(findings, "playoff_brier", subject, ("standings", "elo")),
    ]
    rows = findings.calibration
    rows = rows[(rows["event"] == "playoff") & (rows["as_of_point"] != POOLED)]
    if not rows.empty:
        own = dict.fromkeys(rows["ranker"])
        parts.append(" ".join(_within_floor(rows[rows["ranker"] == name], name) for name in own))
        table = {
            "regular season": [_point(point) for point in rows["as_of_point"]],
            "forecast by": rows["ranker"].map(ranker_label),
            **_calibration_columns(rows),
        }
        parts.append(markdown_table(pd.DataFrame(table)))
    return "\n\n".join(parts)


def _within_floor(rows: pd.DataFrame, ranker: str) -> str:
    """Say at which points the calibration error is above twice its noise floor."""
    points = rows.set_index("as_of_point")
    above = points["ece"] > _FLOOR_MULTIPLE * points["ece_floor"]
    name = _capital(ranker_label(ranker))
    if not above.any():
        where = "at every point and with the points pooled" if len(above) > 1 else "throughout"
        return f"**{name}: the calibration error is within twice its noise floor {where}.**"
    over, under = (
        ", ".join(_point(str(point)) for point in above.index[mask]) for mask in (above, ~above)
    )
    rest = f" and within it at {under}" if under else ""
    return f"**{name}: the calibration error is above twice its noise floor at {over}{rest}.**"


def _calibrated(findings: OddsFindings) -> str:
    rows = findings.calibration[findings.calibration["as_of_point"] == POOLED]
    order = {event: place for place, event in enumerate(EVENTS)}
    rows = rows.sort_values("event", key=lambda event: event.map(order), kind="stable")
    if rows.empty:
        return ""
    above = rows[rows["ece"] > _FLOOR_MULTIPLE * rows["ece_floor"]]
    named = [
        f"{EVENT_LABELS[event]} ({ranker_label(ranker)})"
        for event, ranker in zip(above["event"], above["ranker"], strict=True)
    ]
    verdict = (
        f"The calibration error is above twice its noise floor for: {', '.join(named)}."
        if named
        else "For no event is the calibration error above twice its noise floor."
    )
    table = {
        "event": rows["event"].map(EVENT_LABELS),
        "forecast by": rows["ranker"].map(ranker_label),
        "Brier": [_fixed(value, 4) for value in rows["brier"]],
        **_calibration_columns(rows),
    }
    return (
        f"## Are the odds calibrated, round by round\n\n**{verdict}** All as-of points are pooled."
        f"\n\n{markdown_table(pd.DataFrame(table))}\n\n"
        "The calibration error (ECE) is the mean gap between probability and frequency over ten "
        "bins of equal count. The floor is what a perfect forecaster with the same odds would "
        "show by chance, where the forecasts of a team at several points come true together. It "
        "does not know that exactly 16 teams make the playoffs and one wins the title, and so is "
        "somewhat too high: by a twentieth for playoffs, by a fifth for titles."
    )


def _calibration_columns(rows: pd.DataFrame) -> dict[str, list[str]]:
    within = rows["ece"] <= _FLOOR_MULTIPLE * rows["ece_floor"]
    return {
        "forecasts": [f"{n:,}" for n in rows["n"]],
        "ECE": [number(value) for value in rows["ece"]],
        "noise floor": [number(value) for value in rows["ece_floor"]],
        "its 95th percentile": [number(value) for value in rows["ece_floor_95"]],
        "within twice the floor": ["yes" if value else "no" for value in within],
    }


def _games(findings: OddsFindings) -> str:
    parts = []
    for kind, words in _KINDS.items():
        subject = findings.subject("game_brier", kind)
        if subject is None:
            continue
        parts.append(f"### {_capital(words)}")
        for scope in (kind, kind + PRICED):
            n_games = findings.n_games.get(scope, 0)
            if not n_games:
                continue
            which = "all games" if scope == kind else "the games that bookmakers have priced"
            said = _against_all(findings, "game_brier", scope, subject)
            own = _scores(findings, "game_brier", scope)
            over = f"{which[0].upper()}{which[1:]} ({n_games:,} in {seasons(own)}): "
            parts.append(f"{over}**by Brier score {ranker_label(subject)} is {said}.**")
            parts.append(_games_table(findings, scope))
    if not parts:
        return ""
    intro = (
        "Probability that the home team wins, by the newest as-of date before the game; all of a "
        "table forecast the same games. Means over seasons with 95% intervals, lower is better."
    )
    return "\n\n".join(["## Single games", intro, *parts])


def _games_table(findings: OddsFindings, scope: str) -> str:
    brier, loss = (_scores(findings, name, scope) for name in ("game_brier", "game_log_loss"))
    order = (findings.ranker, PLATT, "always_home", "elo", "elo_fitted", MARKET)
    present = [ranker for ranker in order if ranker in set(brier["ranker"])]
    table = {
        "forecast by": [ranker_label(ranker) for ranker in present],
        "Brier": _cells(brier.set_index("ranker").loc[present], 4),
        "log loss": _cells(loss.set_index("ranker").loc[present], 4),
    }
    return markdown_table(pd.DataFrame(table))


def _series(findings: OddsFindings) -> str:
    pooled = findings.series
    if pooled.empty or SIMULATION not in pooled.index:
        return ""
    metric = "series_upset_auc"
    auc = pooled[metric]
    others = [ranker for ranker in ("standings", "elo") if ranker in auc.index]
    said = _upset_gaps(findings)
    n, upsets = findings.n_series, findings.n_upsets
    verdict = f"{n} series, {upsets} of them upsets."
    if said:
        verdict = (
            f"**The simulation's strengths foretell upsets {', '.join(said)}** (AUC over {n} "
            f"series with {upsets} upsets)."
        )
    by_season = _scores(findings, metric, "league").set_index("ranker")
    present = [SIMULATION, *others]
    paired = _differences(findings, metric, "league", SIMULATION).set_index("reference")
    paired = paired.reindex(others).rename(columns={"difference": "value"})
    table = {
        "strengths of": [ranker_label(ranker) for ranker in present],
        "upset AUC, all series": [number(auc[ranker]) for ranker in present],
        "mean over seasons": _cells(by_season.reindex(present), 3),
        "simulation minus it": [ABSENT, *_cells(paired, 3, sign=True)],
        "Brier": [number(value) for value in pooled["series_brier"].reindex(present)],
        "log loss": [number(value) for value in pooled["series_log_loss"].reindex(present)],
    }
    base = upsets / n if n else np.nan
    return (
        f"## Playoff series\n\n{verdict} The host is the side with the better record; an upset is "
        "a win of the other. AUC: .5 is chance, higher is better; Brier and log loss: lower is "
        "better. Always saying the share of series that hosts won, known with hindsight, has a "
        f"Brier score of {number(base * (1 - base))}.\n\n{markdown_table(pd.DataFrame(table))}"
    )


def _upset_gaps(findings: OddsFindings) -> list[str]:
    """Set the simulation's upset AUC over all series against each reference, the best first."""
    if SIMULATION not in findings.series.index:
        return []
    auc = findings.series["series_upset_auc"]
    ahead = (auc[SIMULATION] - auc.drop(SIMULATION)).dropna().sort_values().round(3)
    return [
        f"{'worse' if gap < 0 else 'better'} than {_named(ranker)} by {abs(gap):.3f}"
        if gap
        else f"level with {_named(ranker)}"
        for ranker, gap in ahead.items()
    ]


def _intervals(findings: OddsFindings) -> str:
    table = findings.intervals
    if table.empty:
        return ""
    table = table.set_index("as_of_point").reindex(points_of(table))
    fewer = table[table["coverage"] < COVERAGE]
    told = ", ".join(
        f"{POINT_LABELS[str(point)]} ({share(value)})" for point, value in fewer["coverage"].items()
    )
    if fewer.empty:
        verdict = f"hold at least {COVERAGE:.0%} of the outcomes at every point"
    else:
        rest = "" if len(fewer) == len(table) else ", and at least as many at the other points"
        verdict = f"hold fewer than {COVERAGE:.0%} of the outcomes at {told}{rest}"
    cells = {
        "regular season": [POINT_LABELS[str(point)] for point in table.index],
        "outcome inside": table["coverage"].map(share),
        "season of the fewest": table["lowest"].map(share),
        "season of the most": table["highest"].map(share),
        "width in places": [f"{width:.1f}" for width in table["width"]],
    }
    return (
        f"## How sure the simulation is\n\n**Its intervals of the final rank, made to hold "
        f"{COVERAGE:.0%} of the simulations, {verdict}.** Places are whole, so that an "
        f"interval holds somewhat more than it is made to.\n\n{markdown_table(pd.DataFrame(cells))}"
    )


def _finishes(findings: OddsFindings) -> str:
    table = findings.finishes
    if table.empty:
        return ""
    season = str(table["season"].iloc[0])
    hits = int((table["likely_finish"] == table["finish"]).sum())
    expected = table["likely_finish_prob"].sum()
    shown = table[table["finish"].map(FINISHES.index) < FINISHES.index("Play-in")]
    cells = {
        "playoff team": shown["team"],
        "likeliest finish": shown["likely_finish"],
        "its odds": shown["likely_finish_prob"].map(share),
        "actual finish": shown["finish"],
        "odds of that": shown["finish_prob"].map(_odds),
    }
    return (
        f"## Likely and actual finishes, {season}\n\nForecast on the morning after the regular "
        f"season. Of all {len(table)} teams {hits} finished as was likeliest; by its own odds the "
        f"simulation expected {expected:.1f}.\n\n{markdown_table(pd.DataFrame(cells))}"
    )


def _players(findings: OddsFindings) -> str:
    parts = []
    players = findings.players
    if not players.empty:
        for season, rows in players.groupby("season", sort=True):
            top = rows.sort_values("contribution", ascending=False, kind="stable")
            parts.append(f"### {season}\n\n{_players_table(top.head(TOP_PLAYERS))}")
    without = findings.without_players
    if not parts and not without:
        return ""
    said = [
        "Contribution is a player's box rating (points per 100 possessions) times his share of "
        "his team's playoff minutes: minutes alone earn some. Change is against his regular season."
    ] if parts else []  # fmt: skip
    if parts and players["reconstructed"].any():
        said.append("An asterisk marks rates of which some counts were allotted from the team's.")
    if parts and (players["unlogged_games"] > 0).any():
        gaps = players[players["unlogged_games"] > 0]
        named = sorted(set(gaps["season"]))
        said.append(f"Of some playoff games there is no player log ({', '.join(named)}).")
    if without:
        said.append(f"There are no player logs of the playoffs of {', '.join(without)}.")
    return "\n\n".join(["## Players in the playoffs", " ".join(said), *parts])


def _players_table(top: pd.DataFrame) -> str:
    mark = np.where(top["reconstructed"], "*", "")
    table = {
        "player": top["player_name"] + pd.Series(mark, index=top.index).map({"*": "\\*", "": ""}),
        "team": top["team"],
        "finish": top["finish"],
        "games": [f"{games:.0f}" for games in top["games"]],
        "share of minutes": top["minutes_share"].map(share),
        "box rating": [_fixed(value, 1) for value in top["box_rating"]],
        "contribution": [_fixed(value, 2) for value in top["contribution"]],
        "change of box rating": [_fixed(value, 1, sign=True) for value in top["change"]],
    }
    return markdown_table(pd.DataFrame(table))


def _schedule(findings: OddsFindings) -> str:
    if not findings.simulated:
        return ""
    lines = [
        f"- {season}, {dates} date{'' if dates == 1 else 's'}, the first: {assumption}"
        for season, dates, assumption in findings.assumptions.to_numpy().tolist()
    ]
    told = "\n".join(lines) or "Nothing: of every game that was simulated the day is known."
    return f"## What was assumed of the schedule\n\n{told}"


def _verdict(findings: OddsFindings, metric: str, subject: str, what: str, words: str) -> str:
    """Say where the odds are worse and better than the standings', by how much, and how surely."""
    rows = _differences(findings, metric, "league", subject)
    rows = rows[rows["reference"] == "standings"].set_index("as_of_point")
    of = f"{what} ({ranker_label(subject)})"
    if rows.empty:
        return (
            f"{of} are not compared with the standings, whose odds need {MIN_EARLIER} earlier "
            "seasons to be fitted on."
        )
    rows = rows.reindex(points_of(rows.reset_index()))
    worse = _worse_by(rows, 3)
    parts = []
    for phrase, mask in (("worse than", worse > 0), ("level with", worse == 0),
                         ("better than", worse < 0)):  # fmt: skip
        if mask.any():
            amounts = ", ".join(
                f"{POINT_LABELS[str(point)]}" + (f" by {abs(value):.3f}" if value else "")
                for point, value in worse[mask].items()
            )
            parts.append(f"{phrase} those of the standings at {amounts}")
    firmness = excludes_zero(
        rows["low"], rows["high"], "paired difference", "unfavourable", "favourable"
    )
    return f"**{of} are {'; '.join(parts)}** ({words}, {seasons(rows)}). {firmness}"


def _against_all(findings: OddsFindings, metric: str, scope: str, subject: str) -> str:
    """Compare with every reference at once, the best of them first."""
    rows = _differences(findings, metric, scope, subject)
    rows = rows.assign(worse=_worse_by(rows, 4)).sort_values("worse", ascending=False)
    said = []
    for reference, worse, firm in zip(rows["reference"], rows["worse"], _firm(rows), strict=True):
        if worse == 0:
            said.append(f"level with {_named(reference)}")
            continue
        how = "worse" if worse > 0 else "better"
        said.append(f"{how} than {_named(reference)} by {abs(worse):.4f}{firm}")
    return "; ".join(said) or "alone"


def _difference_table(
    findings: OddsFindings, metric: str, subject: str, references: tuple[str, ...]
) -> list[str]:
    """Return the paired differences by point as a table, or nothing without a reference."""
    rows = _differences(findings, metric, "league", subject)
    points = points_of(rows)
    table: dict[str, list[str]] = {
        f"{ranker_label(subject)} minus": [POINT_LABELS[point] for point in points]
    }
    for reference in references:
        own = rows[rows["reference"] == reference].set_index("as_of_point").reindex(points)
        if own["difference"].isna().all():
            continue
        cells = own.rename(columns={"difference": "value"})
        table[ranker_label(reference)] = _cells(cells, 3, sign=True)
        table[f"seasons better than {ranker_label(reference)}"] = [
            f"{better:.0f} of {n:.0f}" if np.isfinite(n) else ABSENT
            for better, n in zip(own["n_better"], own["n_seasons"], strict=True)
        ]
    if len(table) == 1:
        return []
    return ["Paired differences, below zero is better:", markdown_table(pd.DataFrame(table))]


def _score_table(
    findings: OddsFindings,
    metric: str,
    scope: str,
    rankers: tuple[str, ...],
    *,
    digits: int = 3,
    interval: bool = True,
) -> str:
    """Tabulate a metric, a row a ranker and a column a point."""
    rows = _scores(findings, metric, scope)
    rows = rows[rows["ranker"].isin(rankers)]
    if not interval:
        rows = rows.assign(low=np.nan, high=np.nan)
    labels = labels_of(rows)
    present = [name for name in rankers if name in labels]
    table = {"forecast by": [labels[name] for name in present]}
    for point in points_of(rows):
        at = rows[rows["as_of_point"] == point].set_index("ranker").reindex(present)
        # The label tells of the point with the most seasons.
        most = rows.groupby("ranker")["n_seasons"].max().reindex(present)
        table[POINT_LABELS[point]] = [
            f"{cell}, {n:.0f} of {of} seasons" if n < of else cell
            for cell, n, of in zip(_cells(at, digits), at["n_seasons"], most, strict=True)
        ]
    return markdown_table(pd.DataFrame(table))


def _cells(rows: pd.DataFrame, digits: int, *, sign: bool = False) -> list[str]:
    """Return `value (low to high)` of each row, the value alone where that is all there is."""
    columns = ([_fixed(x, digits, sign=sign) for x in rows[name]] for name in _INTERVAL)
    # What is the same in every season has no interval to tell.
    return [
        value if low == high else f"{value} ({low} to {high})"
        for value, low, high in zip(*columns, strict=True)
    ]


def _by_points(rows: pd.DataFrame, digits: int) -> str:
    """Return `at opening by 0.020, 5% by 0.010 (beyond noise)`; empty without rows."""
    place = {point: number for number, point in enumerate(POINT_LABELS)}
    rows = rows.sort_values("as_of_point", key=lambda points: points.map(place))
    said = [
        f"{POINT_LABELS.get(point, '')} by {abs(gap):.{digits}f}{firm}".lstrip()
        for point, gap, firm in zip(
            rows["as_of_point"], rows["difference"], _firm(rows), strict=True
        )
    ]
    at = "at " if rows["as_of_point"].isin(place).any() else ""
    return at + ", ".join(said)


def _firm(rows: pd.DataFrame) -> list[str]:
    """Return `_BEYOND` for each difference whose interval excludes zero, else nothing."""
    return [_BEYOND if firm else "" for firm in (rows["low"] > 0) | (rows["high"] < 0)]


def _worse_by(rows: pd.DataFrame, digits: int) -> pd.Series:
    """Return by how much the ranker is worse in a loss, rounded to what is printed."""
    return rows["difference"].round(digits) + 0.0


def _scores(findings: OddsFindings, metric: str, scope: str) -> pd.DataFrame:
    rows = findings.scores
    return rows[(rows["metric"] == metric) & (rows["scope"] == scope)]


def _differences(findings: OddsFindings, metric: str, scope: str, subject: str) -> pd.DataFrame:
    rows = findings.differences
    chosen = (rows["metric"] == metric) & (rows["scope"] == scope)
    return rows[chosen & (rows["ranker"] == subject)]


def _fixed(value: float, digits: int, *, sign: bool = False) -> str:
    if not np.isfinite(value):
        return ABSENT
    # What rounds to zero has no sign of its own.
    return f"{round(value, digits) + 0.0:{'+' if sign else ''}.{digits}f}"


def _odds(value: float) -> str:
    """Return whole percents; what is possible reads at least `<1%`."""
    return "<1%" if 0 < value < 0.005 else share(value)


def _named(reference: object) -> str:
    return _IN_A_SENTENCE.get(str(reference)) or ranker_label(str(reference))


def _point(point: str) -> str:
    pooled = {MIDDLE_POOLED: f"{POINT_LABELS[MIDDLE[0]]} to {POINT_LABELS[MIDDLE[-1]]} pooled"}
    return pooled.get(point) or POINT_LABELS[point]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]

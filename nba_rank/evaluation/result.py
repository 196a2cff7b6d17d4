"""The result of an evaluation: tables from which files, figures and reports are written.

Tidy tables and comparisons have the columns of `nba_rank.evaluation.paired`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.metrics import METRICS, higher_is_better
from nba_rank.core.names import ALL, MARKET, MEMBERS, PLATT, SIMULATION
from nba_rank.data.outcomes import EVENTS, FINISHES, events
from nba_rank.data.tables import Tables
from nba_rank.evaluation.attention import faithfulness, health_summary, last_epochs
from nba_rank.evaluation.calibration import brier, measure_calibration, reliability_tables
from nba_rank.evaluation.paired import PAIRED_COLUMNS, against_each, paired, season_means
from nba_rank.evaluation.playoff_players import playoff_contributions
from nba_rank.evaluation.predictions import SIMULATED
from nba_rank.evaluation.probability_assessment import ProbabilityFindings
from nba_rank.evaluation.single_games import KINDS, game_metrics
from nba_rank.models.members import Scores
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.samples.dataset import PROJECTED

PRICED = "_priced"
"""End of the scope of games that bookmakers have priced."""

WITHOUT = "without_"
"""Start of the name of the stack that leaves a member out."""

CALIBRATION_POINTS = ("0.25", "0.5", "0.75")
"""Points at which the calibration of playoff odds is judged one by one."""

MEASURES = (
    *((name, scope) for scope in ("league", "playoff16")
      for name in ("spearman", "kendall", "rank_mae", "rank_rmse", "ndcg_16", "precision_8")),
    *((name, "league") for name in ("champion_log_loss", "champion_brier", "playoff_brier")),
    *((name, "playoffs") for name in ("champion_log_loss", "series_log_loss")),
    *(("game_log_loss", scope) for scope in ("regular", "regular_priced", "playoffs",
                                             "playoffs_priced")),
    ("series_upset_auc", "league"),
)  # fmt: skip
"""Metrics and lists on which a run is held against all references."""

_KEY = ["season", "team_id"]
_DATE = ["season", "as_of_date"]


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """All tables on a run's test seasons; what was not measured is empty.

    Attributes:
        ranker: Name of the final ranker: the stack, or its only member.
        metrics: Tidy metrics; those pooled over seasons have `ALL` for the season.
        means: `season_means` of them. Games are those that all rankers of a scope forecast: of a
            kind, or with `PRICED` of those that bookmakers forecast as well.
        differences: The ranker, its calibration and its simulation against all others.
        behind: Rows of `differences` in which the ranker (of series its simulation) is behind the
            best reference that is not its own part, by measure in the order of `MEASURES`, with
            `lead`: how much better the reference is, above 0 to the digits of the metric.
        contributions: The ranker against the stack without a member, whose name is in `part`.
        predictions: See `predictions_table`.
        simulated: What was simulated for each row of it, `SIMULATED` and the seeds.
        reliability: `reliability_tables` of the odds by `ranker` and `event`.
        calibration: `brier` and what `measure_calibration` returns by `event`, `as_of_point`
            (`ALL`; of the playoffs also `CALIBRATION_POINTS`) and `ranker`.
        games: Win probabilities of single games, see `game_references`.
        n_games: Number of games of each scope of `means`.
        series: Strengths and probabilities of playoff series, see `series_upsets`.
        finishes: `finish_table` at the as-of points, best finish first.
        players: See `playoff_contributions`.
        assumptions: What had to be assumed of schedules, by `season`: `dates` (number of them)
            and `assumption` (of the first).
        weights: Weights in the stack: `fit`, `moment`, `model`, `weight`.
        losses: Model A's losses: `fit`, `network`, `epoch`, `train_loss`, `val_loss`.
        diagnostics: Model A's health: `fit`, `network`, `epoch` and its statistics.
        health: Its last epoch, see `last_epochs`, like `health_summary`.
        occlusion: `occlusion_effects` and `game_effects` with the as-of point.
        faithfulness: `faithfulness` of them.
    """

    ranker: str
    metrics: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    behind: pd.DataFrame
    contributions: pd.DataFrame
    predictions: pd.DataFrame
    simulated: pd.DataFrame
    reliability: pd.DataFrame
    calibration: pd.DataFrame
    games: pd.DataFrame
    n_games: Mapping[str, int]
    series: pd.DataFrame
    finishes: pd.DataFrame
    players: pd.DataFrame
    assumptions: pd.DataFrame
    weights: pd.DataFrame
    losses: pd.DataFrame
    diagnostics: pd.DataFrame
    health: pd.DataFrame
    health_summary: pd.DataFrame
    occlusion: pd.DataFrame
    faithfulness: pd.DataFrame

    @property
    def seasons(self) -> list[str]:
        """The test seasons in order."""
        return sorted(self.predictions["season"].unique())


def evaluation_result(
    *,
    ranker: str,
    rankings: pd.DataFrame,
    probabilities: ProbabilityFindings,
    more: pd.DataFrame,
    predictions: pd.DataFrame,
    completed: Mapping[str, Scores],
    tables: Tables,
    results: pd.DataFrame,
    weights: pd.DataFrame,
    losses: pd.DataFrame,
    diagnostics: pd.DataFrame,
    occlusion: pd.DataFrame,
    rng: np.random.Generator,
) -> EvaluationResult:
    """Compare and sum up what was measured.

    `rankings` are tidy metrics of rankings, those of stacks that leave a member out included,
    `more` further ones; `completed` are the ranker's forecasts by test season, `results` the
    outcomes; `rng` draws the noise floors of calibration. The others are as in `EvaluationResult`.
    """
    without = rankings["ranker"].str.startswith(WITHOUT)
    health = diagnostics if diagnostics.empty else last_epochs(diagnostics)
    metrics = pd.concat([rankings[~without], probabilities.metrics, more], ignore_index=True)
    games, n_games = _shared_games(probabilities.games)
    whole = (metrics["season"] != ALL) & ~metrics["metric"].str.startswith("game_")
    by_season = pd.concat([metrics[whole], game_metrics(games)], ignore_index=True)
    directed = [higher_is_better(name) is not None for name in by_season["metric"]]
    differences = against_each(by_season[directed], [ranker, PLATT, SIMULATION])
    odds = probabilities.odds
    own_odds = _forecasts_of_events(odds[odds["ranker"].isin([ranker, PLATT])], results)
    return EvaluationResult(
        ranker=ranker,
        metrics=metrics,
        means=season_means(by_season),
        differences=differences,
        behind=_behind(differences, ranker),
        contributions=_contributions(rankings, ranker),
        predictions=predictions,
        simulated=_simulated(completed, predictions),
        reliability=reliability_tables(own_odds, ["ranker", "event"]),
        calibration=_event_calibration(own_odds, rng),
        games=probabilities.games,
        n_games=n_games,
        series=probabilities.series,
        finishes=_likely_finishes(probabilities.finishes, tables),
        players=playoff_contributions(tables, results, completed),
        assumptions=_assumptions(completed.values()),
        weights=weights,
        losses=losses,
        diagnostics=diagnostics,
        health=health,
        health_summary=health if health.empty else health_summary(health),
        occlusion=occlusion,
        faithfulness=faithfulness(occlusion),
    )


def _behind(differences: pd.DataFrame, ranker: str) -> pd.DataFrame:
    inside = {ranker, *MEMBERS, PROJECTED, PLATT, SIMULATION}
    rows = differences[~differences["reference"].isin(inside)]
    subject = np.where(rows["metric"] == "series_upset_auc", SIMULATION, ranker)
    priced = rows["scope"].str.endswith(PRICED)
    rows = rows[(rows["ranker"] == subject) & (~priced | (rows["reference"] == MARKET))]
    order = {measure: place for place, measure in enumerate(MEASURES)}
    place = [order.get(one, -1) for one in zip(rows["metric"], rows["scope"], strict=True)]
    lead = [
        round(-gap if higher_is_better(name) else gap, METRICS[name].digits)
        for gap, name in zip(rows["difference"], rows["metric"], strict=True)
    ]
    rows = rows.assign(lead=lead, place=place)
    rows = rows[(rows["lead"] > 0) & (rows["place"] >= 0)].sort_values(
        ["place", "lead"], ascending=[True, False], kind="stable"
    )
    best = rows.drop_duplicates(["metric", "scope", "as_of_point"], ignore_index=True)
    return best.drop(columns="place")


def _contributions(tidy: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Compare the stack by Spearman with the stacks that leave one member out."""
    rows = tidy[tidy["metric"] == "spearman"]
    parts = [
        paired(rows[rows["ranker"].isin([ranker, name])], name).assign(
            part=name.removeprefix(WITHOUT)
        )
        for name in rows["ranker"].unique()
        if name.startswith(WITHOUT)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PAIRED_COLUMNS)


def _shared_games(games: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the games that all rankers of a scope forecast, as their kind, and their numbers.

    Scopes are the kinds, and for games that bookmakers forecast as well those with `PRICED`.
    """
    parts, counts = [], {}
    for kind in KINDS:
        rows = games[games["kind"] == kind]
        priced = rows["ranker"] == MARKET
        scopes = {kind: rows[~priced]} if len(rows) else {}
        if priced.any():
            scopes[f"{kind}{PRICED}"] = rows
        for scope, some in scopes.items():
            n_rankers = some.groupby("game_id")["ranker"].transform("nunique")
            shared = some[n_rankers == some["ranker"].nunique()]
            parts.append(shared.assign(kind=scope))
            counts[scope] = shared["game_id"].nunique()
    return (pd.concat(parts, ignore_index=True) if parts else games), counts


def _forecasts_of_events(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return `p` and whether it `happened`, by ranker, season, point, team and `event`."""
    rows = odds.merge(events(results), how="left", on=_KEY, validate="many_to_one")
    first = rows[["ranker", "season", "as_of_point", "team_id"]]
    parts = [
        first.assign(event=event, p=rows[f"{event}_prob"], happened=rows[event])
        for event in EVENTS
        if f"{event}_prob" in rows
    ]
    columns = [*first, "event", "p", "happened"]
    table = pd.concat(parts) if parts else pd.DataFrame(columns=columns)
    return table.dropna(subset="p").astype({"happened": bool}).reset_index(drop=True)


def _event_calibration(forecasts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    table = []
    for event in EVENTS:
        of_event = forecasts[forecasts["event"] == event]
        points = (*CALIBRATION_POINTS, ALL) if event == "playoff" else (ALL,)
        for ranker, own in of_event.groupby("ranker", sort=False):
            for point in points:
                rows = own if point == ALL else own[own["as_of_point"] == point]
                if rows.empty:
                    continue
                p, happened = rows["p"], rows["happened"]
                # Forecasts of a team at several points come true together.
                group = rows.groupby(_KEY).ngroup().to_numpy()
                cell = {"event": event, "as_of_point": point, "ranker": str(ranker)}
                measured = measure_calibration(p, happened, rng, group)
                table.append({**cell, "brier": brier(p, happened), **measured})
    return pd.DataFrame(table)


def _likely_finishes(finishes: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Add the name of each `team`, and put the best finish first."""
    if finishes.empty:
        return finishes
    names = tables.teams[[*_KEY, "abbreviation"]].rename(columns={"abbreviation": "team"})
    rows = finishes.merge(names, on=_KEY, validate="many_to_one")
    place = rows["finish"].map(FINISHES.index)
    return rows.assign(place=place).sort_values(
        ["season", "as_of_point", "place", "likely_finish_prob", "team"],
        ascending=[True, True, True, False, True], ignore_index=True,
    ).drop(columns="place")  # fmt: skip


def _assumptions(completed: Iterable[Scores]) -> pd.DataFrame:
    frames = [part.frame for part in completed if "assumption" in part.frame]
    if not frames:
        return pd.DataFrame()
    rows = pd.concat(frames, ignore_index=True).drop_duplicates(_DATE).sort_values(_DATE)
    made = rows[rows["assumption"].fillna("") != ""]
    table = made.groupby("season")["assumption"].agg(dates="size", assumption="first")
    return table.reset_index()


def _simulated(completed: Mapping[str, Scores], predictions: pd.DataFrame) -> pd.DataFrame:
    parts = [part.frame for part in completed.values() if "projected_rank" in part.frame]
    if not parts:
        return pd.DataFrame()
    key = [*_DATE, "team_id"]
    names = predictions[[*key, "as_of_point", "team"]]
    table = names.merge(pd.concat(parts), on=key, validate="one_to_one", suffixes=("", "_"))
    seeds = [f"seed_{place}" for place in range(1, N_SEEDS + 1)]
    first = [*_DATE, "as_of_point", "team_id", "team"]
    return table.sort_values(key, ignore_index=True)[[*first, *SIMULATED, *seeds]]

"""What an evaluation found: tidy tables, from which files, figures and reports are written.

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
from nba_rank.evaluation.attention_health import last_epochs
from nba_rank.evaluation.calibration import brier, measure_calibration, reliability_table
from nba_rank.evaluation.occlusion import faithfulness
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
    *(("game_log_loss", scope) for scope in ("regular", "regular_priced", "playoffs",
                                             "playoffs_priced")),
    ("series_upset_auc", "league"),
)  # fmt: skip
"""Metrics and lists on which a run is held against all references."""

_KEY = ["season", "team_id"]
_DATE = ["season", "as_of_date"]


@dataclass(frozen=True, kw_only=True)
class EvaluationResult:
    """All that is known of a run's test seasons; what was not measured is empty.

    Attributes:
        ranker: Name of the final ranker: the stack, or its only member.
        metrics: Tidy metrics, those of probabilities and intervals included; pooled ones have
            `nba_rank.core.names.ALL` for the season.
        means: Means over seasons, see `nba_rank.evaluation.paired.season_means`. Games are those
            that all rankers of a scope forecast: of a kind, or with `PRICED` of those that
            bookmakers forecast as well.
        differences: The ranker, its calibration and its simulation against all others.
        behind: Where the ranker is behind, see `behind`.
        contributions: The ranker against the stack without a member, whose name is in `part`.
        predictions: The predictions table.
        simulated: All that the simulation says of every date.
        reliability: Bins of the odds by `ranker` and `event`, see
            `nba_rank.evaluation.calibration.reliability_table`.
        calibration: Calibration of the odds, see `event_calibration`.
        games: Win probabilities of single games, see `nba_rank.evaluation.single_games`.
        n_games: Games by scope as in `means`.
        series: Playoff series with the strengths of both sides, see
            `nba_rank.evaluation.series`.
        finishes: Likeliest and actual finish of every team at the as-of points, see
            `nba_rank.evaluation.advancement.finish_table`.
        players: What `nba_rank.evaluation.playoff_players.playoff_contributions` returns.
        assumptions: What had to be assumed of schedules, by `season`: `dates` (number of them)
            and `assumption` (of the first).
        weights: Weights in the stack: `fit`, `moment`, `model`, `weight`.
        losses: Model A's losses: `fit`, `network`, `epoch`, `train_loss`, `val_loss`.
        diagnostics: Model A's health: `fit`, `network`, `epoch` and the names of
            `nba_rank.models.model_a.diagnostics.Diagnostics.to_dict`.
        health: Its last epoch, see `nba_rank.evaluation.attention_health.last_epochs`.
        occlusion: What taking out a player does to model A's score, see
            `nba_rank.models.model_a.faithfulness`, and the as-of point.
        faithfulness: The player of most attention against one of like minutes, see
            `nba_rank.evaluation.occlusion`.
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

    Args:
        ranker: Name of the final ranker.
        rankings: Tidy metrics of rankings, those of stacks that leave a member out included.
        probabilities: What was found of probabilities.
        more: Further tidy metrics.
        predictions: The predictions table.
        completed: The ranker's forecasts by test season.
        tables: The canonical tables.
        results: What `nba_rank.data.outcomes.outcomes` returns; holds the test seasons.
        weights: As in `EvaluationResult`, like the following ones.
        losses: Losses of model A.
        diagnostics: Health of model A.
        occlusion: Effects of taking out players.
        rng: Source of the noise floors of calibration.
    """
    without = rankings["ranker"].str.startswith(WITHOUT)
    metrics = pd.concat([rankings[~without], probabilities.metrics, more], ignore_index=True)
    games, n_games = paired_games(probabilities.games)
    whole = (metrics["season"] != ALL) & ~metrics["metric"].str.startswith("game_")
    by_season = pd.concat([metrics[whole], game_metrics(games)], ignore_index=True)
    differences = comparisons(by_season, ranker)
    odds = probabilities.odds
    own_odds = forecasts_of_events(odds[odds["ranker"].isin([ranker, PLATT])], results)
    return EvaluationResult(
        ranker=ranker,
        metrics=metrics,
        means=season_means(by_season),
        differences=differences,
        behind=behind(differences, ranker),
        contributions=contributions(rankings, ranker),
        predictions=predictions,
        simulated=_simulated(completed, predictions),
        reliability=reliability_bins(own_odds),
        calibration=event_calibration(own_odds, rng),
        games=probabilities.games,
        n_games=n_games,
        series=probabilities.series,
        finishes=likely_finishes(probabilities.finishes, tables),
        players=playoff_players(tables, completed),
        assumptions=assumptions(completed.values()),
        weights=weights,
        losses=losses,
        diagnostics=diagnostics,
        health=diagnostics if diagnostics.empty else last_epochs(diagnostics),
        occlusion=occlusion,
        faithfulness=faithfulness(occlusion),
    )


def comparisons(tidy: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Compare a ranker, its calibration and its simulation with every other ranker.

    Args:
        tidy: Tidy metrics; those without a direction are left out.
        ranker: Name of the final ranker.
    """
    directed = [higher_is_better(name) is not None for name in tidy["metric"]]
    return against_each(tidy[directed], [ranker, PLATT, SIMULATION])


def behind(differences: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Return the best reference of each measure and point that leads the ranker.

    Args:
        differences: What `comparisons` returns.
        ranker: Name of the final ranker, whose members are no references. Series are those of its
            simulation.

    Returns:
        Rows of `differences` by measure in the order of `MEASURES`, with `lead`: how much better
        the reference is, above zero to the digits of the metric.
    """
    inside = {ranker, *MEMBERS, PROJECTED, PLATT, SIMULATION}
    rows = differences[~differences["reference"].isin(inside)]
    subject = np.where(rows["metric"] == "series_upset_auc", SIMULATION, ranker)
    priced = rows["scope"].str.endswith(PRICED)
    rows = rows[(rows["ranker"] == subject) & (~priced | (rows["reference"] == MARKET))]
    order = {measure: place for place, measure in enumerate(MEASURES)}
    place = [order.get(one, -1) for one in zip(rows["metric"], rows["scope"], strict=True)]
    sign = [-1 if higher_is_better(name) else 1 for name in rows["metric"]]
    lead = [
        round(one, METRICS[name].digits)
        for one, name in zip(sign * rows["difference"], rows["metric"], strict=True)
    ]
    rows = rows.assign(lead=lead, place=place)
    rows = rows[(rows["lead"] > 0) & (rows["place"] >= 0)].sort_values(
        ["place", "lead"], ascending=[True, False], kind="stable"
    )
    best = rows.drop_duplicates(["metric", "scope", "as_of_point"], ignore_index=True)
    return best.drop(columns="place")


def contributions(tidy: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Compare the stack with the stacks that leave one member out.

    Args:
        tidy: Tidy metrics of `ranker` and of rankers named `without_<member>`.
        ranker: Name of the full stack.

    Returns:
        Comparisons by Spearman, with the member that is left out in `part`.
    """
    rows = tidy[tidy["metric"] == "spearman"]
    parts = [
        paired(rows[rows["ranker"].isin([ranker, name])], name).assign(
            part=name.removeprefix(WITHOUT)
        )
        for name in rows["ranker"].unique()
        if name.startswith(WITHOUT)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=PAIRED_COLUMNS)


def paired_games(games: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the games that all rankers forecast, and those that bookmakers do as well.

    Returns:
        The rows, with the scope for the kind, and the number of games of each scope.
    """
    parts, counts = [], {}
    for kind in KINDS:
        rows = games[games["kind"] == kind]
        if rows.empty:
            continue
        priced = rows["ranker"] == MARKET
        for scope, some in ((kind, rows[~priced]), (f"{kind}{PRICED}", rows)):
            if scope.endswith(PRICED) and not priced.any():
                continue
            n_rankers = some.groupby("game_id")["ranker"].transform("nunique")
            shared = some[n_rankers == some["ranker"].nunique()]
            parts.append(shared.assign(kind=scope))
            counts[scope] = shared["game_id"].nunique()
    return (pd.concat(parts, ignore_index=True) if parts else games), counts


def forecasts_of_events(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return forecasts of events with what came of them.

    Args:
        odds: As in `nba_rank.evaluation.probability_assessment.ProbabilityFindings`.
        results: What `nba_rank.data.outcomes.outcomes` returns.

    Returns:
        `ranker`, `season`, `as_of_point`, `team_id`, `event`, `p` (0 to 1), `happened` (bool): a
        row a ranker, team, point and event of which there are odds.
    """
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


def event_calibration(forecasts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return how well forecasts of events are calibrated.

    Args:
        forecasts: What `forecasts_of_events` returns.
        rng: Source of the noise floors.

    Returns:
        A row an `event`, `as_of_point` (`ALL` for all at once; of the playoffs also each of
        `CALIBRATION_POINTS`) and `ranker`: `brier`, and what
        `nba_rank.evaluation.calibration.measure_calibration` returns.
    """
    cells = [
        (event, point, str(ranker), rows if point == ALL else rows[at == point])
        for event in EVENTS
        for ranker, rows in forecasts[forecasts["event"] == event].groupby("ranker", sort=False)
        for at in [rows["as_of_point"]]
        for point in (*(CALIBRATION_POINTS if event == "playoff" else ()), ALL)
    ]
    table = [
        {"event": event, "as_of_point": point, "ranker": ranker, **_calibration(rows, rng)}
        for event, point, ranker, rows in cells
        if not rows.empty
    ]
    return pd.DataFrame(table)


def reliability_bins(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return the reliability table of each `ranker` and `event`, all points pooled."""
    parts = []
    for _, rows in forecasts.groupby(["ranker", "event"], sort=False):
        bins = reliability_table(rows["p"], rows["happened"])
        parts.append(bins.assign(**rows[["ranker", "event"]].iloc[0]))
    return (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"ranker": [], "event": []})
    )


def likely_finishes(finishes: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    """Return likely and actual finishes with the name of each `team`, the best finish first."""
    if finishes.empty:
        return finishes
    rows = finishes.merge(_names(tables), on=_KEY, validate="many_to_one")
    place = rows["finish"].map(FINISHES.index)
    return rows.assign(place=place).sort_values(
        ["season", "as_of_point", "place", "likely_finish_prob", "team"],
        ascending=[True, True, True, False, True], ignore_index=True,
    ).drop(columns="place")  # fmt: skip


def playoff_players(tables: Tables, seasons: Iterable[str]) -> pd.DataFrame:
    """Return what players contributed to the playoffs of all seasons that have logs of them."""
    games = tables.player_games
    logged = set(games.loc[games["kind"] == "playoffs", "season"])
    parts = [playoff_contributions(tables, season) for season in seasons if season in logged]
    if not parts:
        return pd.DataFrame()
    table = pd.concat(parts, ignore_index=True)
    return table.merge(_names(tables), how="left", on=_KEY, validate="many_to_one")


def assumptions(completed: Iterable[Scores]) -> pd.DataFrame:
    """Return what simulations assumed of schedules; see `EvaluationResult.assumptions`."""
    frames = [part.frame for part in completed if "assumption" in part.frame]
    if not frames:
        return pd.DataFrame()
    rows = pd.concat(frames, ignore_index=True).drop_duplicates(_DATE).sort_values(_DATE)
    made = rows[rows["assumption"].fillna("") != ""]
    table = made.groupby("season")["assumption"].agg(dates="size", assumption="first")
    return table.reset_index()


def _simulated(completed: Mapping[str, Scores], predictions: pd.DataFrame) -> pd.DataFrame:
    """Return all that the simulation says of every test date; empty without one."""
    parts = [part.frame for part in completed.values() if "projected_rank" in part.frame]
    if not parts:
        return pd.DataFrame()
    key = [*_DATE, "team_id"]
    columns = [*SIMULATED, *(f"seed_{place}" for place in range(1, N_SEEDS + 1))]
    names = predictions[[*key, "as_of_point", "team"]]
    table = names.merge(pd.concat(parts), on=key, validate="one_to_one", suffixes=("", "_"))
    first = ["season", "as_of_date", "as_of_point", "team_id", "team"]
    return table.sort_values(key, ignore_index=True)[[*first, *columns]]


def _calibration(forecasts: pd.DataFrame, rng: np.random.Generator) -> dict[str, float | bool]:
    # Forecasts of a team at several points come true together.
    group = forecasts.groupby(_KEY).ngroup().to_numpy()
    score = brier(forecasts["p"], forecasts["happened"])
    return {"brier": score} | measure_calibration(forecasts["p"], forecasts["happened"], rng, group)


def _names(tables: Tables) -> pd.DataFrame:
    return tables.teams[[*_KEY, "abbreviation"]].rename(columns={"abbreviation": "team"})

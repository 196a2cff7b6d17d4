"""What a run's forecasts of probabilities amount to, in numbers that are ready to be told.

Only seasons are independent, so intervals are bootstrapped over seasons, and what is compared is
compared within a season.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.core.metrics import higher_is_better
from nba_rank.data.outcomes import EVENTS, FINISHES, events
from nba_rank.data.tables import Tables
from nba_rank.evaluation.advancement import SIMULATION
from nba_rank.evaluation.calibration import brier, ece, ece_noise_floor
from nba_rank.evaluation.compare import bootstrap_mean
from nba_rank.evaluation.market import RANKER as MARKET
from nba_rank.evaluation.playoff_players import playoff_contributions
from nba_rank.evaluation.probability_assessment import PLATT, ProbabilityFindings
from nba_rank.evaluation.series import ALL_SEASONS
from nba_rank.evaluation.single_games import game_metrics
from nba_rank.models.members import Scores

MIDDLE = ("0.25", "0.5", "0.75")
"""Points at which the calibration of playoff odds is judged one by one."""

MIDDLE_POOLED, POOLED = "middle", "pooled"
"""What stands for the as-of point where those of `MIDDLE`, and where all of them, are pooled."""

PRICED = "_priced"
"""End of the scope of games that bookmakers have priced."""

_CELL = ["metric", "scope", "as_of_point", "ranker"]
_KEY = ["season", "team_id"]
_DATE = ["season", "as_of_date"]


@dataclass(frozen=True, kw_only=True)
class OddsFindings:
    """What there is to say of probabilities; empty frames say nothing.

    Attributes:
        ranker: Name of the final ranker.
        simulated: Whether its odds are simulated.
        scores: Means over the test seasons: `metric`, `scope`, `as_of_point`, `ranker`, `value`
            with its 95% interval `low`, `high` (NaN with too few seasons) and `n_seasons`. Single
            games are paired: all rankers of a scope (`regular`, `playoffs`, and these with
            `PRICED`) forecast the same games.
        differences: The ranker, its calibration and its simulation against all others: `metric`,
            `scope`, `as_of_point`, `ranker`, `reference`, `difference` (ranker minus reference,
            mean over the seasons that both have) with `low`, `high`, `n_better` (seasons in which
            the ranker is the better of the two) and `n_seasons`.
        calibration: The calibration of `ranker` by `event` and `as_of_point` (of `MIDDLE`,
            `MIDDLE_POOLED` or `POOLED`): `n` (forecasts), `brier`, `ece`, `ece_floor` and
            `ece_floor_95` (mean and 95th percentile for a perfect forecaster).
        n_games: Games by scope.
        series: Playoff series of all test seasons at once, by `ranker`: `series_upset_auc` and,
            where there are probabilities, `series_brier` and `series_log_loss`.
        n_series: Number of series.
        n_upsets: Number of them that the side with the worse record won.
        intervals: The simulation's intervals of the final rank, see `interval_coverage`.
        finishes: All teams of the last test season after its regular season, best finish first:
            `season`, `team`, `likely_finish`, `likely_finish_prob`, `finish`, `finish_prob`.
        players: What `nba_rank.evaluation.playoff_players.playoff_contributions` returns of the
            test seasons, with `team`.
        without_players: Test seasons of whose playoffs there are no player logs.
        assumptions: What had to be assumed of schedules, by `season`: `dates` (number of them) and
            `assumption` (of the first).
    """

    ranker: str
    simulated: bool
    scores: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    n_games: Mapping[str, int]
    series: pd.DataFrame
    n_series: int
    n_upsets: int
    intervals: pd.DataFrame
    finishes: pd.DataFrame
    players: pd.DataFrame
    without_players: list[str]
    assumptions: pd.DataFrame

    def subject(self, metric: str, scope: str = "league") -> str | None:
        """Return whom to speak of: the ranker, else its calibration, else nobody."""
        rows = self.scores[(self.scores["metric"] == metric) & (self.scores["scope"] == scope)]
        present = set(rows["ranker"])
        return next((name for name in (self.ranker, PLATT) if name in present), None)


def gather_odds(
    found: ProbabilityFindings,
    completed: Mapping[str, Scores],
    tables: Tables,
    results: pd.DataFrame,
    ranker: str,
    rng: np.random.Generator,
    n_resamples: int = 10_000,
) -> OddsFindings:
    """Sum up what was found.

    Args:
        found: Metrics, odds, games, series and finishes of the test seasons.
        completed: The ranker's forecasts by test season.
        tables: The canonical tables.
        results: What `nba_rank.data.outcomes.outcomes` returns; holds the test seasons.
        ranker: Name of the final ranker.
        rng: Source of the resamples over seasons and of noise floors.
        n_resamples: Number of resamples.
    """
    games, n_games = _paired_games(found.games)
    tidy = found.metrics[~found.metrics["metric"].str.startswith("game_")]
    by_season = pd.concat([tidy[tidy["season"] != ALL_SEASONS], game_metrics(games)])
    n_series, n_upsets = _count_series(found.series)
    players, without = _players(tables, list(completed))
    return OddsFindings(
        ranker=ranker,
        simulated=any("projected_rank" in part.frame for part in completed.values()),
        scores=_means(by_season, rng, n_resamples),
        differences=_differences(by_season, (ranker, PLATT, SIMULATION), rng, n_resamples),
        calibration=_calibration(found.odds, results, (ranker, PLATT), rng),
        n_games=n_games,
        series=_pooled(tidy),
        n_series=n_series,
        n_upsets=n_upsets,
        intervals=interval_coverage(found.metrics, SIMULATION),
        finishes=_finishes(found.finishes, tables),
        players=players,
        without_players=without,
        assumptions=_assumptions(completed),
    )


def interval_coverage(metrics: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Return how often a ranker's intervals of rank hold the outcome, by as-of point.

    Args:
        metrics: Tidy metrics.
        ranker: Whose intervals.

    Returns:
        `as_of_point`, `coverage` (mean over seasons of the share of teams inside, 0 to 1),
        `lowest` and `highest` (of a season), `width` (places).
    """
    rows = metrics[metrics["ranker"] == ranker]
    covered = rows[rows["metric"] == "rank_interval_coverage"]
    width = rows[rows["metric"] == "rank_interval_width"].groupby("as_of_point")["value"].mean()
    by_point = covered.groupby("as_of_point", sort=False)["value"]
    table = by_point.agg(coverage="mean", lowest="min", highest="max")
    return table.assign(width=width).reset_index()


def reliability_rows(odds: pd.DataFrame, results: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Return a ranker's forecasts with what came of them.

    Args:
        odds: As in `ProbabilityFindings`.
        results: What `nba_rank.data.outcomes.outcomes` returns.
        ranker: Whose forecasts.

    Returns:
        `season`, `as_of_point`, `team_id`, `event`, `p` (0 to 1), `happened` (bool): a row a team,
        point and event of which the ranker has odds.
    """
    own = odds[odds["ranker"] == ranker]
    rows = own.merge(events(results), how="left", on=_KEY, validate="many_to_one")
    parts = [
        rows[["season", "as_of_point", "team_id"]].assign(
            event=event, p=rows[f"{event}_prob"], happened=rows[event]
        )
        for event in EVENTS
        if f"{event}_prob" in rows
    ]
    columns = ["season", "as_of_point", "team_id", "event", "p", "happened"]
    if not parts:
        return pd.DataFrame(columns=columns)
    return pd.concat(parts, ignore_index=True).dropna(subset="p").astype({"happened": bool})


def _paired_games(games: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the games that all rankers forecast, and those that bookmakers do as well.

    Returns:
        The rows, with the scope for the kind, and the number of games of each scope.
    """
    parts, counts = [], {}
    for kind, rows in games.groupby("kind"):
        priced = rows["ranker"] == MARKET
        for scope, some in ((str(kind), rows[~priced]), (f"{kind}{PRICED}", rows)):
            wanted = some["ranker"].nunique()
            forecasts = some.groupby("game_id")["ranker"].transform("nunique")
            shared = some[forecasts == wanted]
            if scope.endswith(PRICED) and not priced.any():
                continue
            parts.append(shared.assign(kind=scope))
            counts[scope] = shared["game_id"].nunique()
    paired = pd.concat(parts, ignore_index=True) if parts else games
    return paired, counts


def _means(tidy: pd.DataFrame, rng: np.random.Generator, n_resamples: int) -> pd.DataFrame:
    by_season = _by_season(tidy)
    boot = bootstrap_mean(by_season.to_numpy(dtype=np.float64), rng, n_resamples)
    cells = by_season.columns.to_frame(index=False)
    return cells.assign(value=boot["mean"], **boot[["low", "high", "n_seasons"]])


def _differences(
    tidy: pd.DataFrame, own: tuple[str, ...], rng: np.random.Generator, n_resamples: int
) -> pd.DataFrame:
    by_season = _by_season(tidy)
    values = by_season.to_numpy(dtype=np.float64)
    cells = by_season.columns.to_frame(index=False)
    pairs = [
        (left, right)
        for _, cell in cells.groupby(_CELL[:-1], sort=False)
        for left in cell.index[cell["ranker"].isin(own)]
        for right in cell.index.drop(left)
    ]
    own_cell, other = (np.array([pair[i] for pair in pairs], dtype=int) for i in (0, 1))
    gaps = values[:, own_cell] - values[:, other]
    boot = bootstrap_mean(gaps, rng, n_resamples)
    keys = cells.iloc[own_cell].reset_index(drop=True)
    keys["reference"] = cells["ranker"].to_numpy()[other]
    sign = np.array([1 if higher_is_better(metric) else -1 for metric in keys["metric"]])
    table = keys.assign(
        difference=boot["mean"],
        **boot[["low", "high"]],
        n_better=(gaps * sign > 0).sum(axis=0),
        n_seasons=boot["n_seasons"],
    )
    return table[table["n_seasons"] > 0].reset_index(drop=True)


def _by_season(tidy: pd.DataFrame) -> pd.DataFrame:
    """Return a row a season and a column a cell."""
    # Not pivot_table, which would average repeated rows instead of refusing them.
    return tidy.pivot(index="season", columns=_CELL, values="value")  # noqa: PD010


def _calibration(
    odds: pd.DataFrame, results: pd.DataFrame, own: tuple[str, ...], rng: np.random.Generator
) -> pd.DataFrame:
    rows = []
    for ranker in own:
        known = reliability_rows(odds, results, ranker)
        for event, forecasts in known.groupby("event", sort=False):
            groups = {point: forecasts["as_of_point"] == point for point in MIDDLE}
            groups[MIDDLE_POOLED] = forecasts["as_of_point"].isin(MIDDLE)
            if event != "playoff":
                groups = {}
            groups[POOLED] = pd.Series(True, index=forecasts.index)
            for point, chosen in groups.items():
                if chosen.any():
                    cell = {"event": event, "as_of_point": point, "ranker": ranker}
                    rows.append(cell | _calibration_of(forecasts[chosen], rng))
    columns = ["event", "as_of_point", "ranker", "n", "brier", "ece", "ece_floor", "ece_floor_95"]
    return pd.DataFrame(rows, columns=columns)


def _calibration_of(forecasts: pd.DataFrame, rng: np.random.Generator) -> dict[str, float]:
    p, happened = forecasts["p"].to_numpy(), forecasts["happened"].to_numpy()
    # Forecasts of a team at several points come true together.
    team = forecasts.groupby(_KEY).ngroup().to_numpy()
    floor = ece_noise_floor(p, rng, group=team)
    return {
        "n": len(p),
        "brier": brier(p, happened),
        "ece": ece(p, happened),
        "ece_floor": floor.mean,
        "ece_floor_95": floor.percentile_95,
    }


def _pooled(tidy: pd.DataFrame) -> pd.DataFrame:
    """Return the metrics of all series at once, a row a ranker."""
    rows = tidy[tidy["season"] == ALL_SEASONS]
    return rows.pivot(index="ranker", columns="metric", values="value")  # noqa: PD010


def _count_series(series: pd.DataFrame) -> tuple[int, int]:
    """Return how many playoff series there are, and how many upsets among them."""
    if series.empty:
        return 0, 0
    different = series.drop_duplicates(["season", "host_team_id", "guest_team_id"])
    return len(different), int((~different["host_won"].astype(bool)).sum())


def _finishes(finishes: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    if finishes.empty:
        return finishes
    at_end = finishes[finishes["as_of_point"] == "end"]
    rows = at_end[at_end["season"] == at_end["season"].max()]
    rows = rows.merge(_names(tables), on=_KEY, validate="one_to_one")
    rows = rows.assign(place=rows["finish"].map(FINISHES.index)).sort_values(
        ["place", "likely_finish_prob", "team"], ascending=[True, False, True], ignore_index=True
    )
    columns = ["season", "team", "likely_finish", "likely_finish_prob", "finish", "finish_prob"]
    return rows[columns]


def _players(tables: Tables, seasons: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """Return the players' playoffs of all seasons with logs of them, and the other seasons."""
    games = tables.player_games
    logged = set(games.loc[games["kind"] == "playoffs", "season"])
    parts = [playoff_contributions(tables, season) for season in seasons if season in logged]
    without = [season for season in seasons if season not in logged]
    if not parts:
        return pd.DataFrame(), without
    table = pd.concat(parts, ignore_index=True)
    return table.merge(_names(tables), how="left", on=_KEY, validate="many_to_one"), without


def _names(tables: Tables) -> pd.DataFrame:
    return tables.teams[[*_KEY, "abbreviation"]].rename(columns={"abbreviation": "team"})


def _assumptions(completed: Mapping[str, Scores]) -> pd.DataFrame:
    parts = [
        part.frame[[*_DATE, "assumption"]].drop_duplicates(_DATE)
        for part in completed.values()
        if "assumption" in part.frame
    ]
    columns = ["season", "dates", "assumption"]
    if not parts:
        return pd.DataFrame(columns=columns)
    rows = pd.concat(parts, ignore_index=True).sort_values(_DATE)
    made = rows[rows["assumption"].fillna("") != ""]
    table = made.groupby("season")["assumption"].agg(dates="size", assumption="first")
    return table.reset_index()[columns]

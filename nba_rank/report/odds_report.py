"""Files and figures on probabilities that a run writes."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nba_rank.core.run_dir import RunDir
from nba_rank.data.outcomes import EVENTS
from nba_rank.evaluation.calibration import reliability_table
from nba_rank.evaluation.predictions import SIMULATED
from nba_rank.evaluation.probability_assessment import PLATT, ProbabilityFindings
from nba_rank.models.members import Scores
from nba_rank.odds.season_sim import N_SEEDS
from nba_rank.report.calibration_figures import plot_reliability
from nba_rank.report.labels import EVENT_LABELS, POINT_LABELS, ranker_label
from nba_rank.report.odds_figures import plot_odds_heatmap, plot_title_odds
from nba_rank.report.odds_findings import OddsFindings, reliability_rows

MOMENTS = ("open", "0.5", "end")
"""As-of points of the odds that are drawn as a table, and of the line that is printed."""

_KEY = ["season", "team_id"]
_ROW = ["season", "as_of_date", "team_id"]
_ALL_ODDS = [f"{event}_prob" for event in EVENTS]


def write_odds(
    run_dir: RunDir,
    found: ProbabilityFindings,
    completed: Mapping[str, Scores],
    players: pd.DataFrame,
    predictions: pd.DataFrame,
) -> None:
    """Write `odds.parquet`, `games.csv`, `finishes.csv`, `series.csv` and `playoff_players.csv`.

    What is empty is not written: without a simulation there are neither odds nor finishes and
    series, and without player logs no players.

    Args:
        run_dir: The run's folder.
        found: Games, finishes and series.
        completed: The ranker's forecasts by test season.
        players: What `OddsFindings.players` holds.
        predictions: The predictions table, for names and as-of points.
    """
    names = predictions.drop_duplicates(_KEY)[[*_KEY, "team"]]
    finishes, series = found.finishes, found.series
    if not finishes.empty:
        finishes = finishes.merge(names, how="left", on=_KEY, validate="many_to_one")
    for side in ("host", "guest") if not series.empty else ():
        named = names.rename(columns={"team_id": f"{side}_team_id", "team": f"{side}_team"})
        series = series.merge(
            named, how="left", on=["season", f"{side}_team_id"], validate="many_to_one"
        )
    for name, table in (
        ("odds.parquet", _odds_table(completed, predictions)),
        ("games.csv", found.games),
        ("finishes.csv", finishes),
        ("series.csv", series),
        ("playoff_players.csv", players),
    ):
        if not table.empty:
            run_dir.write_frame(name, table)


def draw_odds(
    folder: Path,
    found: ProbabilityFindings,
    predictions: pd.DataFrame,
    results: pd.DataFrame,
    ranker: str,
) -> list[tuple[str, str]]:
    """Draw the race for the title, tables of the odds and their reliability.

    Args:
        folder: Where to put the figures.
        found: The odds at the as-of points.
        predictions: The predictions table.
        results: What `nba_rank.data.outcomes.outcomes` returns.
        ranker: Name of the final ranker.

    Returns:
        Caption and name of each figure, as far as there are odds to draw.
    """
    figures = []
    seasons = sorted(predictions["season"].unique())
    for season in seasons if "title_prob" in predictions else []:
        rows = predictions[predictions["season"] == season]
        champion = rows.loc[rows["actual_rank"] == 1, "team"]
        name = f"title_race_{season}"
        title = f"{season}: the race for the title"
        later = None if champion.empty else str(champion.iloc[0])
        plot_title_odds(rows, folder / f"{name}.png", title, later)
        figures.append((f"The race for the title, {season}", name))
    if set(_ALL_ODDS) <= set(predictions):
        rows = predictions[predictions["season"] == seasons[-1]]
        rows = rows.merge(results[[*_KEY, "finish"]], how="left", on=_KEY)
        for point in MOMENTS:
            at = rows[rows["as_of_point"] == point]
            if at.empty:
                continue
            name = f"odds_{seasons[-1]}_{point}"
            when = _when(point)
            title = f"{seasons[-1]}: how far each team goes, {when}"
            plot_odds_heatmap(at, folder / f"{name}.png", title)
            figures.append((f"How far each team goes, {seasons[-1]} {when}", name))
    for own, name in ((ranker, "reliability_odds"), (PLATT, "reliability_calibration")):
        forecasts = reliability_rows(found.odds, results, own)
        tables = {
            EVENT_LABELS[event][0].upper() + EVENT_LABELS[event][1:]: reliability_table(
                rows["p"], rows["happened"]
            )
            for event in EVENTS
            if not (rows := forecasts[forecasts["event"] == event]).empty
        }
        if tables:
            title = f"Does it happen as often as forecast? By {ranker_label(own)}, all as-of points"
            plot_reliability(tables, folder / f"{name}.png", title)
            figures.append((f"Reliability of the odds by {ranker_label(own)}", name))
    return figures


def champion_line(findings: OddsFindings) -> str:
    """Return the champion log loss of the ranker and the standings in one line, or nothing."""
    rows = findings.scores[findings.scores["metric"] == "champion_log_loss"]
    by_cell = rows.set_index(["ranker", "as_of_point"])["value"]
    said = []
    for ranker in (findings.ranker, "standings"):
        parts = [
            f"{by_cell[ranker, point]:.3f} {_moment(point)}"
            for point in MOMENTS
            if (ranker, point) in by_cell.index
        ]
        if not parts and ranker == findings.ranker:
            return ""
        said.append(f"{ranker_label(ranker)} {', '.join(parts) or 'no odds'}")
    return f"Champion log loss (lower is better): {'; '.join(said)}"


def _odds_table(completed: Mapping[str, Scores], predictions: pd.DataFrame) -> pd.DataFrame:
    """Return all that the simulation says of every test date; empty without one."""
    parts = [part.frame for part in completed.values() if "projected_rank" in part.frame]
    if not parts:
        return pd.DataFrame()
    columns = [*SIMULATED, *(f"seed_{place}" for place in range(1, N_SEEDS + 1))]
    names = predictions[[*_ROW, "as_of_point", "team"]]
    table = names.merge(pd.concat(parts), on=_ROW, validate="one_to_one", suffixes=("", "_"))
    table = table.sort_values(_ROW, ignore_index=True)
    first = ["season", "as_of_date", "as_of_point", "team_id", "team"]
    return table[[*first, *columns]]


def _moment(point: str) -> str:
    return f"at {POINT_LABELS[point]}"


def _when(point: str) -> str:
    words = {"open": "at opening", "end": "at the end of the regular season"}
    return words.get(point, f"{POINT_LABELS[point]} into the season")

"""Forecasts of finished runs of the same events: are they calibrated, and whose are better?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.standings import BERTHS
from nba_rank.evaluation.calibration import (
    calibration_table,
    reliability_tables,
    season_scores,
)
from nba_rank.evaluation.paired import PAIRED_COLUMNS, paired, season_means
from nba_rank.evaluation.past_runs import PastRun, read_columns
from nba_rank.evaluation.predictions import event_column
from nba_rank.models.calibration import WIN
from nba_rank.samples.playoff_splits import WALK_FORWARD

LAST_RANK = {"title": 1, "playoff": 2 * BERTHS}
"""Events of a season that are read from the outcome rank: the last rank to which they happen."""

_SPOKEN_OF = {"title": "titles", "playoff": "playoffs", WIN: "single games"}
_TEAM = ["season", "as_of_point", "team_id"]
_COLUMNS = ["season", "outcome", "p", "happened"]
_NOISE_SEED = 0  # equal forecasts have equal floors


@dataclass(frozen=True)
class PastForecasts:
    """How good the probabilities of runs are, on what all runs with such forecasts forecast.

    All tables are empty where no event can be judged.

    Attributes:
        reliability: `nba_rank.evaluation.calibration.reliability_tables` by `variant`, the run, and
            `event`, of `LAST_RANK` and `WIN`.
        means: Brier score and log loss of each run, the `ranker`, by event, the `part`, as
            `nba_rank.evaluation.paired.season_means`.
        differences: The same minus those of the baseline, as `nba_rank.evaluation.paired.paired`,
            of events that the baseline has forecast.
        calibration: `nba_rank.evaluation.calibration.calibration_table`.
        notes: What is missing, in words.
    """

    reliability: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame
    calibration: pd.DataFrame
    notes: list[str]


def past_forecasts(runs: Sequence[PastRun], seasons: Sequence[str], baseline: str) -> PastForecasts:
    """Judge the probabilities of titles, playoffs and single games in some seasons.

    Teams are forecast at the as-of points, games on the morning of their day.
    """
    parts: list[pd.DataFrame] = []
    notes: list[str] = []
    for event, words in _SPOKEN_OF.items():
        found = {run.name: _forecasts(run, event, seasons) for run in runs}
        known = {name: rows for name, rows in found.items() if len(rows)}
        if lacking := [name for name in found if name not in known]:
            notes.append(f"there are no forecasts of {words} in {', '.join(lacking)}")
        shared = _shared(known)
        if len(known) > 1 and shared.empty:
            notes.append(f"the runs have no forecast of {words} in common")
        elif shared.groupby(level=0)["happened"].nunique().gt(1).any():
            notes.append(f"the outcomes of {words} differ between the runs, so they are left out")
        else:
            parts.append(shared.assign(event=event))
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if frame.empty:
        none = pd.DataFrame()
        return PastForecasts(none, none, pd.DataFrame(columns=PAIRED_COLUMNS), none, notes)
    scores = season_scores(frame)
    has_baseline = scores.groupby("part")["ranker"].transform(lambda names: baseline in set(names))
    calibration = [
        calibration_table(own, np.random.default_rng(_NOISE_SEED), same_outcome=["outcome"])
        for _, own in frame.groupby("variant", sort=False)
    ]
    return PastForecasts(
        reliability=reliability_tables(frame, ["variant", "event"]),
        means=season_means(scores),
        differences=paired(scores[has_baseline.astype(bool)], baseline),
        calibration=pd.concat(calibration, ignore_index=True),
        notes=notes,
    )


def _forecasts(run: PastRun, event: str, seasons: Sequence[str]) -> pd.DataFrame:
    """Return `_COLUMNS`, a row a forecast with its outcome, by a key; empty without any."""
    rows = _games(run) if event == WIN else _teams(run, event)
    rows = rows[rows["season"].isin(seasons)].dropna(subset=["p", "happened"])
    if rows.empty:
        return pd.DataFrame(columns=_COLUMNS)
    rows.index = pd.Index(rows[["season", "outcome", "as_of_point"]].agg(" ".join, axis=1))
    return rows[_COLUMNS].astype({"happened": bool})


def _games(run: PastRun) -> pd.DataFrame:
    path = run.folder / "game_forecasts.parquet"
    if not path.exists():
        return pd.DataFrame(columns=_COLUMNS)
    names = {"game_id": "outcome", "home_win_prob": "p", "home_won": "happened"}
    return read_columns(path, ["season", *names]).rename(columns=names).assign(as_of_point="")


def _teams(run: PastRun, event: str) -> pd.DataFrame:
    """Return forecasts of an event at the as-of points; those of a walk-forward where it is said.

    The simulation's probabilities come before the calibrated ones.
    """
    path = run.folder / "predictions.parquet"
    none = pd.DataFrame(columns=_COLUMNS)
    if not path.exists():
        return none
    frame = read_columns(path, _TEAM)
    p = event_column(frame, event)
    if p is None:
        return none
    if "design" in frame:  # of the playoff classifier
        frame = frame[frame["design"] == WALK_FORWARD]
    rows = frame[frame["as_of_point"].isin(AS_OF_POINTS)]
    if event == "playoff" and "made_playoffs" in rows:
        happened = rows["made_playoffs"]
    elif "actual_rank" in rows:
        rows = rows.dropna(subset="actual_rank")
        happened = rows["actual_rank"] <= LAST_RANK[event]
    else:
        return none
    outcome = rows["season"] + " " + rows["team_id"].astype(str)
    return rows.assign(p=rows[p], outcome=outcome, happened=happened)


def _shared(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the forecasts that all runs have, with the run as `variant`."""
    if not found:
        return pd.DataFrame(columns=[*_COLUMNS, "variant"])
    long = pd.concat([rows.assign(variant=name) for name, rows in found.items()])
    n_runs = long.groupby(level=0)["variant"].transform("nunique")
    return long[n_runs == len(found)]

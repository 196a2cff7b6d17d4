"""The predictions table: ranks, probabilities and top players of every team on every date."""

import json
from collections.abc import Container

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import MEMBERS
from nba_rank.data.calendar import PLAYOFFS, as_of_points, playoff_points
from nba_rank.data.outcomes import EVENTS
from nba_rank.data.tables import Tables
from nba_rank.features.players.names import player_names
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY
from nba_rank.models.members import Scores
from nba_rank.models.model_a.uncertainty import INTERVALS

ALIGNED_PLACES = 3.0
"""Places that a rank may be off and the team still counts as aligned."""

TOP_PLAYERS = 3

PROBABILITIES = tuple(f"{event}_prob_platt" for event in EVENTS)
"""Columns of a calibration."""

SIMULATED = (
    "regular_strength", "playoffs_strength", "expected_wins", "wins_low", "wins_high",
    "projected_rank", "rank_low", "rank_high", "playin_prob",
    *[f"{event}_prob" for event in EVENTS], "assumption",
)  # fmt: skip
"""Columns of a simulation, see `nba_rank.odds.monte_carlo`; softmax odds are `title_prob` alone."""

_DATE = ["season", "as_of_date"]


def predictions_table(
    predicted: Scores, sets: PlayerSets, tables: Tables, outcomes: pd.DataFrame
) -> pd.DataFrame:
    """Lay out the predictions, best team of each date first.

    Returns:
        `season`, `as_of_date`, `as_of_point` (between the points empty, and `PLAYOFFS` after
        `end`), `team_id`, `team`, `name`, `conference`, `score` (higher is better),
        `strength_percentile` (0 to 100), `rank`, `conference_rank` (1 is best), `<member>_rank`
        (null where it has no score), after model A's rank its `INTERVALS` where it has them,
        `model_agreement` (0 to 1), where fitted `PROBABILITIES` and `SIMULATED`, with model A
        `top_players` (a list of `player_id`, `player`, `weight` by attention weight, empty where no
        players are known), `actual_rank`, `actual_conference_rank` and `verdict` (null while the
        outcome is unknown).
    """
    frame = predicted.frame.copy()
    teams = tables.teams[["season", "team_id", "abbreviation", "name"]]
    frame = frame.merge(teams, on=["season", "team_id"], validate="many_to_one")
    frame["as_of_point"] = _points(tables, frame)
    n_teams = frame.groupby(_DATE)["team_id"].transform("size")
    frame["rank"] = _rank(frame, _DATE, "score")
    frame["conference_rank"] = _rank(frame, [*_DATE, "conference"], "score")
    frame["strength_percentile"] = 100.0 * (n_teams - frame["rank"]) / (n_teams - 1)
    members = [name for name in MEMBERS if name in frame.columns]
    for name in members:
        rank = _rank(frame, _DATE, name)
        unknown = frame[name].isna()
        frame[f"{name}_rank"] = rank.astype("Int64").mask(unknown) if unknown.any() else rank
    member_ranks = frame[[f"{name}_rank" for name in members]].to_numpy(np.float64, na_value=np.nan)
    frame["model_agreement"] = agreement(member_ranks, int(n_teams.max()))
    bounds = {"model_a": [name for name in INTERVALS if name in frame]}
    frame = frame.astype({name: "Int64" for name in bounds["model_a"] if "_rank_" in name})

    truth = outcomes[["season", "team_id", "outcome_rank"]]
    frame = frame.merge(truth, on=["season", "team_id"], how="left", validate="many_to_one")
    frame["actual_rank"] = frame["outcome_rank"].astype("Int64")
    actual = frame.groupby([*_DATE, "conference"])["outcome_rank"].rank()
    frame["actual_conference_rank"] = actual.astype("Int64")
    frame["verdict"] = verdict(frame["rank"], frame["outcome_rank"], ALIGNED_PLACES)
    if predicted.attention is not None:
        frame = frame.merge(_top_players(predicted, sets, tables), on=KEY, how="left")
        known = frame["top_players"].notna()
        frame["top_players"] = frame["top_players"].where(known, pd.Series([[]] * len(frame)))

    optional = [name for name in (*PROBABILITIES, *SIMULATED, "top_players") if name in frame]
    frame = frame.rename(columns={"abbreviation": "team"})
    columns = [
        *_DATE, "as_of_point", "team_id", "team", "name", "conference", "score",
        "strength_percentile", "rank", "conference_rank",
        *[column for name in members for column in (f"{name}_rank", *bounds.get(name, []))],
        "model_agreement", *optional,
        "actual_rank", "actual_conference_rank", "verdict",
    ]  # fmt: skip
    return frame[columns].sort_values([*_DATE, "rank"], ignore_index=True)


def agreement(ranks: npt.ArrayLike, n_teams: int) -> FloatArray:
    """Return how closely models agree on ranks [L, models]: 1 - (worst - best) / (n_teams - 1)."""
    by_model = np.asarray(ranks, dtype=np.float64)
    return 1 - (np.nanmax(by_model, axis=1) - np.nanmin(by_model, axis=1)) / (n_teams - 1)


def verdict(
    rank: npt.ArrayLike, actual_rank: npt.ArrayLike, tolerance: float
) -> npt.NDArray[np.object_]:
    """Return `over-ranked` (finished worse by more than `tolerance`), `under-ranked` or `aligned`.

    It is None where the actual rank is NaN.
    """
    places = np.asarray(actual_rank, dtype=np.float64) - np.asarray(rank, dtype=np.float64)
    return np.select(
        [np.isnan(places), places > tolerance, places < -tolerance],
        np.array([None, "over-ranked", "under-ranked"], dtype=object)[:, None],
        default="aligned",
    ).astype(object)


def event_column(columns: Container[str], event: str) -> str | None:
    """Return the column of one of `EVENTS`: the simulation's, else the calibration's, else None.

    `columns` are those of a predictions table, or the table itself.
    """
    names = (f"{event}_prob", f"{event}_prob_platt")
    return next((name for name in names if name in columns), None)


def flat(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the table with top players as text, such as `Jokic 0.21; Murray 0.17`."""
    if "top_players" not in predictions:
        return predictions
    text = [
        "; ".join(f"{player['player']} {player['weight']:.2f}" for player in players)
        for players in predictions["top_players"]
    ]
    return predictions.assign(top_players=text)


def as_json(predictions: pd.DataFrame) -> str:
    """Return the table as a JSON list, an object and a line a row; unknown values are null."""
    text = predictions.assign(as_of_date=predictions["as_of_date"].dt.strftime("%Y-%m-%d"))
    records = text.astype(object).where(text.notna(), None).to_dict("records")
    rows = (json.dumps(record, ensure_ascii=False, default=_plain) for record in records)
    return "[\n" + ",\n".join(rows) + "\n]\n"


def _plain(value: object) -> object:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value)} has no place in a JSON file")


def _rank(frame: pd.DataFrame, by: list[str], score: str) -> pd.Series:
    """Rank from 1 without ties: of equal scores the lower team id goes first."""
    ordered = frame.sort_values([score, "team_id"], ascending=[False, True])
    return ordered.groupby(by).cumcount().reindex(frame.index) + 1


def _points(tables: Tables, frame: pd.DataFrame) -> pd.Series:
    names = pd.Series("", index=frame.index, dtype="str")
    for season, dates in frame.groupby("season")["as_of_date"]:
        points = as_of_points(tables, str(season))
        over = dates > points.get("end", pd.Timestamp.max)
        if over.any():
            points |= playoff_points(tables, str(season))
        of_dates = dates.map({date: point for point, date in points.items()})
        names[dates.index] = of_dates.fillna(over.map({True: PLAYOFFS, False: ""}))
    return names


def _top_players(predicted: Scores, sets: PlayerSets, tables: Tables) -> pd.DataFrame:
    """Return each team's players of most attention, as a column of lists."""
    assert predicted.attention is not None
    names = player_names(tables)
    order = np.argsort(-predicted.attention, axis=1, kind="stable")[:, :TOP_PLAYERS]
    weights = np.take_along_axis(predicted.attention, order, axis=1)
    ids = np.take_along_axis(sets.player_id, order, axis=1)
    text = names.reindex(ids.ravel()).to_numpy().reshape(ids.shape)
    players = [
        [
            {"player_id": int(player), "player": str(name), "weight": round(float(weight), 4)}
            for player, name, weight in zip(*team, strict=True)
            if weight > 0
        ]
        for team in zip(ids, text, weights, strict=True)
    ]
    return sets.frame[KEY].assign(top_players=pd.Series(players, dtype=object))

"""Is model A's attention faithful? How far scores move without a player, or without games."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.features.asof import days
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY
from nba_rank.models.model_a.fitted import FittedModelA, TeamScores


def occlusion_effects(
    model: FittedModelA,
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    rng: np.random.Generator,
    whole: TeamScores | None = None,
) -> pd.DataFrame:
    """Take one player out of each team: the one of most attention, or the one of like minutes.

    If attention shows whom a score rests on, the first moves it more. The other is the team-mate
    whose minutes are nearest to his, since a player of few minutes moves it less by these alone.
    The minutes of the others are scaled up to sum 1.

    Args:
        model: The fitted model.
        sets: Player sets of N rows.
        team_prior: Store features of the same rows, see `FittedModelA.predict`.
        rng: Draws among team-mates of the same minutes.
        whole: The model's scores of the sets; None predicts them.

    Returns:
        `season`, `as_of_date`, `team_id`, `left_out` (`player`), and the absolute change of model
        A's score without the player of most weight (mean over networks and heads), `top`, and
        without the other one, `other`. Teams of fewer than two players are left out.

    Source: Serrano and Smith (2019), "Is Attention Interpretable?", section 4.
    """
    taken = sets.player_id != 0
    rows = np.flatnonzero(taken.sum(axis=1) > 1)
    if whole is None:
        whole = model.predict(sets, team_prior, with_intervals=False)
    score, attention = whole.score[rows], whole.attention[rows]
    sets, team_prior, taken = sets.take(rows), team_prior.iloc[rows], taken[rows]
    top = np.where(taken, attention, -1).argmax(axis=1)
    others = taken.copy()
    others[np.arange(len(rows)), top] = False
    share = sets.minutes_share
    gap = np.abs(share - np.take_along_axis(share, top[:, None], axis=1))
    nearest = others & (gap == np.where(others, gap, np.inf).min(axis=1, keepdims=True))
    other = np.where(nearest, rng.random(others.shape), -1).argmax(axis=1)

    def effect(place: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        left = model.predict(without(sets, place), team_prior, with_intervals=False)
        return np.abs(left.score - score)

    return sets.frame[KEY].assign(left_out="player", top=effect(top), other=effect(other))


def game_effects(
    model: FittedModelA,
    sets: PlayerSets,
    team_prior: pd.DataFrame,
    rng: np.random.Generator,
    whole: TeamScores,
) -> pd.DataFrame:
    """Take one game from each player of a team: that of most weight, or the one before or after.

    The other is so near in time that both count alike but for minutes and what happened in them.
    Arguments and columns are those of `occlusion_effects`, `left_out` is `game`; empty where
    model A has no attention over games.
    """
    floor, log = model.inputs.floor, sets.games
    found = sets.frame[KEY].assign(left_out="game", top=np.nan, other=np.nan)
    if floor is None or log is None:
        return found.head(0)
    for index in found.groupby("as_of_date").indices.values():
        rows = np.asarray(index)
        own, prior = sets.take(rows), team_prior.iloc[rows]
        player = np.setdiff1d(own.player_id, [0])
        day = np.full(len(player), days(own.frame["as_of_date"])[0])
        heaviest, n_games = floor.heaviest(log, player, day)
        heaviest, n_games = heaviest[n_games > 1], n_games[n_games > 1]
        first = log.first_of(heaviest)
        last = first + n_games - 1
        after = (heaviest == first) | ((heaviest < last) & (rng.random(len(first)) < 0.5))
        for name, gone in (("top", heaviest), ("other", heaviest + np.where(after, 1, -1))):
            kept = np.ones(len(log.day), dtype=np.bool_)
            kept[gone] = False
            left = model.predict(
                replace(own, games=log.take(kept)), prior, with_intervals=False
            ).score
            found.loc[rows, name] = np.abs(left - whole.score[rows])
    return found


def without(sets: PlayerSets, place: npt.NDArray[np.int64]) -> PlayerSets:
    """Return the sets with one place of each row emptied, [N]; minutes are shares as before."""
    emptied = np.arange(len(place)), place
    left = replace(
        sets,
        player_id=sets.player_id.copy(),
        minutes_share=sets.minutes_share.copy(),
        stats=sets.stats.copy(),
    )
    left.player_id[emptied] = 0
    left.minutes_share[emptied] = 0
    left.stats[emptied] = np.nan
    return left

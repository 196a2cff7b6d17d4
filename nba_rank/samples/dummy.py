"""A made-up season, to look at model A without data."""

import numpy as np
import pandas as pd

from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import FeatureStore
from nba_rank.samples.dataset import Dataset

SEASON = "2000-01"
N_DATES, N_TEAMS, N_COLUMNS = 24, 30, 17


def dummy_season(n_places: int, priors: list[str], seed: int) -> Dataset:
    """Make up a season of weekly dates, two conferences and `n_places` players a team.

    The mean of the players' first column decides the relevance; the other columns are noise. Each
    of the store features `priors` is the team's strength and as much noise.
    """
    rng = np.random.default_rng(seed)
    team = np.tile(np.arange(N_TEAMS), N_DATES)
    rows = len(team)
    dates = pd.date_range("2000-10-31", periods=N_DATES, freq="7D", unit="us")
    frame = pd.DataFrame(
        {
            "season": pd.Series([SEASON] * rows, dtype="str"),
            "as_of_date": dates.repeat(N_TEAMS),
            "team_id": team + 1,
            "conference": np.where(team % 2, "West", "East"),
        }
    )
    skill = rng.normal(size=(N_TEAMS, n_places))
    strength = skill.mean(axis=1) * np.sqrt(n_places)
    stats = rng.normal(size=(rows, n_places, N_COLUMNS))
    stats[..., 0] = skill[team] + 0.1 * stats[..., 0]
    minutes = rng.uniform(0.1, 1, size=(rows, n_places))
    player_id = 1 + np.arange(N_TEAMS * n_places).reshape(N_TEAMS, n_places)
    sets = PlayerSets(
        frame=frame,
        player_id=player_id[team],
        minutes_share=(minutes / minutes.sum(axis=1, keepdims=True)).astype(np.float32),
        stats=stats.astype(np.float32),
        columns=[f"made_up_{number}" for number in range(N_COLUMNS)],
        dates_left_out=0,
    )
    known = {name: strength[team] + rng.normal(size=rows) for name in priors}
    truth = pd.DataFrame(
        {
            "season": pd.Series([SEASON] * N_TEAMS, dtype="str"),
            "team_id": np.arange(N_TEAMS) + 1,
            "relevance": strength.argsort().argsort() / (N_TEAMS - 1),
        }
    )
    return Dataset.of(FeatureStore(frame.assign(**known), list(known), {}), sets, truth)

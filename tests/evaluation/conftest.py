import numpy as np
import pandas as pd
import pytest

from nba_rank.data.calendar import AS_OF_POINTS
from nba_rank.data.league import league_teams

# How much of each ranker's score is the outcome, the rest being noise.
SIGNAL = {"stack": 0.9, "standings": 0.7, "elo": 0.75, "random": 0.0}


@pytest.fixture(scope="session")
def truth():
    """Outcomes of four seasons in a random order, eight playoff teams a conference."""
    rng = np.random.default_rng(11)
    seasons = []
    for season in ("2019-20", "2020-21", "2021-22", "2022-23"):
        teams = league_teams(season)[["team_id", "conference"]].assign(season=season)
        strength = pd.Series(rng.normal(size=len(teams)))
        made = strength.groupby(teams["conference"]).rank(ascending=False) <= 8
        order = np.lexsort((-strength, ~made))
        teams["outcome_rank"] = np.argsort(order) + 1
        seasons.append(teams.assign(made_playoffs=made))
    return pd.concat(seasons, ignore_index=True)


@pytest.fixture(scope="session")
def scores(truth):
    """Scores of four rankers at all points."""
    rng = np.random.default_rng(12)
    frames = []
    for point in AS_OF_POINTS:
        for ranker, share in SIGNAL.items():
            noise = rng.normal(scale=9, size=len(truth))
            frames.append(
                truth[["season", "team_id"]].assign(
                    as_of_date=pd.Timestamp("2020-01-01"),
                    as_of_point=point,
                    ranker=ranker,
                    score=-share * truth["outcome_rank"] + (1 - share) * noise,
                )
            )
    return pd.concat(frames, ignore_index=True)

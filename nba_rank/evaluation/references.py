"""Odds from a ranking alone, or from chance: the bar for simulated odds."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from scipy.special import softmax

from nba_rank.data.outcomes import events
from nba_rank.data.standings import BERTHS
from nba_rank.models.calibration import PlattScaling
from nba_rank.odds.softmax import SoftmaxOdds

TABLE_RANKERS = ("standings", "elo")
"""Baselines whose scores are turned into odds."""

UNIFORM, UNIFORM_FIELD = "random", "random16"
"""Rankers that give every team, and every team of the playoffs, the same odds."""

MIN_EARLIER = 3
"""Earlier seasons below which nothing is fitted."""

COLUMNS = ["season", "as_of_point", "team_id", "ranker", "playoff_prob", "title_prob"]

_FIELD = 2 * BERTHS


def reference_odds(
    scores: pd.DataFrame, results: pd.DataFrame, seasons: Iterable[str]
) -> pd.DataFrame:
    """Turn the scores of `TABLE_RANKERS` into odds, and add chance.

    At each as-of point alone, playoff odds come by Platt scaling of the score, and title odds by a
    softmax with one temperature, both fitted on the seasons before the one asked for. Earlier
    seasons in which a ranker has the same score for all teams (nothing is known yet) do not count.

    Args:
        scores: What `baseline_scores` returns, of the seasons asked for and of all before them;
            rows between the as-of points are ignored.
        results: What `nba_rank.data.outcomes.outcomes` returns.
        seasons: Seasons asked for.

    Returns:
        `COLUMNS`, a row a team, point and ranker; title odds add up to 1, playoff odds only on
        average to 16, and are NaN where only teams of the playoffs are scored. Of `TABLE_RANKERS`,
        the seasons after at least `MIN_EARLIER` earlier ones. Of `random`, 16 and 1 over the number
        of teams. Of `random16`, at the point `end` of complete seasons, title odds of 1/16 for each
        team of the playoffs and 0 for all others.
    """
    asked = list(dict.fromkeys(seasons))
    chosen = scores["ranker"].isin(TABLE_RANKERS) & (scores["as_of_point"] != "")
    known = scores[chosen].merge(
        events(results)[["season", "team_id", "playoff", "title"]],
        how="left",
        on=["season", "team_id"],
        validate="many_to_one",
    )
    for ranker in TABLE_RANKERS:
        absent = sorted(set(asked) - set(known.loc[known["ranker"] == ranker, "season"]))
        if absent:
            raise ValueError(f"no scores of the ranker {ranker!r} in the seasons {absent}")
    lists = known.groupby(["ranker", "as_of_point"], sort=False)
    parts = [_fitted(rows, asked) for _, rows in lists]
    parts += _uniform(known[(known["ranker"] == TABLE_RANKERS[0]) & known["season"].isin(asked)])
    return pd.concat([part[COLUMNS] for part in parts], ignore_index=True)


def _fitted(rows: pd.DataFrame, asked: list[str]) -> pd.DataFrame:
    """Return the odds of one ranker at one point in the seasons after enough others."""
    number, seasons = pd.factorize(rows["season"], sort=True)
    value = rows["score"].to_numpy()
    by_season = rows["score"].groupby(number)
    apart = by_season.transform("max") > by_season.transform("min")
    usable = (apart & rows["title"].notna()).to_numpy()
    made, champion = (rows[name].to_numpy() == True for name in ("playoff", "title"))  # noqa: E712
    playoff_prob, title_prob = np.full((2, len(rows)), np.nan)
    for i in np.flatnonzero(seasons.isin(asked)):
        earlier, now = usable & (number < i), number == i
        if len(np.unique(number[earlier])) < MIN_EARLIER:
            continue
        # Elo ratings are far from zero, where the fit of the curve would not converge.
        score = (value - value[earlier].mean()) / value[earlier].std(ddof=1)
        # A season has one date at a point; numbers are grouped faster than text.
        lists = {"season": number, "as_of_date": number, "score": score, "champion": champion}
        if not made[earlier].all():
            platt = PlattScaling.fit(score[earlier], made[earlier])
            playoff_prob[now] = platt.predict(score[now])
        odds = SoftmaxOdds.fit(pd.DataFrame(lists)[earlier])
        title_prob[now] = softmax(score[now] / odds.temperature)
    table = rows.assign(playoff_prob=playoff_prob, title_prob=title_prob)
    return table[~np.isnan(title_prob)]


def _uniform(rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the odds of chance, from one row a team and point of the seasons asked for."""
    teams = rows.groupby(["season", "as_of_point"])["team_id"].transform("size")
    field = rows[(rows["as_of_point"] == "end") & rows["title"].notna()]
    made = field["playoff"].to_numpy(dtype=np.bool_)
    return [
        rows.assign(ranker=UNIFORM, playoff_prob=_FIELD / teams, title_prob=1 / teams),
        field.assign(
            ranker=UNIFORM_FIELD, playoff_prob=np.nan, title_prob=np.where(made, 1 / _FIELD, 0.0)
        ),
    ]

"""How good are the odds during the playoffs, from the first round to the Finals?

Rankings are not judged there: the eliminated teams' ranks are known, and few teams are left.
"""

import pandas as pd

from nba_rank.core.names import MARGINS
from nba_rank.data.calendar import PLAYOFF_POINTS, playoff_points
from nba_rank.data.outcomes import EVENTS, ROUNDS, events
from nba_rank.data.tables import Tables
from nba_rank.evaluation.advancement import advancement_metrics
from nba_rank.evaluation.baselines import baseline_scores
from nba_rank.evaluation.calibration import group_scores
from nba_rank.evaluation.evaluate import TIDY_COLUMNS, tidy_rows
from nba_rank.evaluation.references import reference_odds

SCOPE = "playoffs"
"""Scope of the metrics: all teams, the eliminated ones with odds of 0."""

_LIST = ["season", "as_of_point", "ranker"]
_KEY = ["season", "as_of_point", "team_id"]
_ROUND_OF = {"round_1_brier": 1, "round_2_brier": 2, "finals_brier": 3} | dict.fromkeys(
    ("champion_brier", "champion_log_loss"), ROUNDS
)
"""Metrics of `advancement_metrics` that are kept, and the round that decides the event."""


def playoff_metrics(
    own: pd.DataFrame, simulated: pd.DataFrame, tables: Tables, results: pd.DataFrame, ranker: str
) -> pd.DataFrame:
    """Score odds at `PLAYOFF_POINTS` beside those of references.

    The references are the season simulated from margins alone and, for the title, equal odds for
    the teams that are still in, and a softmax of their standings and of their Elo ratings.

    Args:
        own: Columns `season`, `as_of_point`, `team_id` and the odds of each event, all teams of the
            test seasons at the points.
        simulated: The same of `MARGINS`, at any points.
        tables: The canonical tables.
        results: What `nba_rank.data.outcomes.outcomes` returns; from its seasons before the test
            season the softmax learns.
        ranker: Name of the ranker.

    Returns:
        Tidy rows of scope `SCOPE`: those of `advancement_metrics` whose event is open, and of
        winning the round at hand `series_brier` and `series_log_loss`, over the teams still in.
    """
    alive = _still_in(tables, sorted(results["season"].unique()))
    odds = pd.concat(
        [
            own.assign(ranker=ranker),
            simulated[simulated["as_of_point"].isin(PLAYOFF_POINTS)].assign(ranker=MARGINS),
            _title_references(alive, tables, results, own["season"].unique().tolist()),
        ],
        ignore_index=True,
    )
    odds = odds[[*_KEY, "ranker", *[f"{event}_prob" for event in EVENTS]]]
    tidy = advancement_metrics(odds, results)
    open_events = tidy["metric"].map(_ROUND_OF) >= tidy["as_of_point"].map(_round)
    happened = odds.merge(alive[_KEY], on=_KEY).merge(events(results), on=["season", "team_id"])
    parts = []
    for number, event in enumerate(EVENTS[1:], start=1):
        rows = happened[happened["as_of_point"].map(_round) == number]
        parts.append(rows[_LIST].assign(p=rows[f"{event}_prob"], happened=rows[event]))
    scores = group_scores(pd.concat(parts).dropna(subset="p"), _LIST).add_prefix("series_")
    tidy = pd.concat([tidy[open_events].assign(scope=SCOPE), tidy_rows(scores, scope=SCOPE)])
    order = tidy["as_of_point"].map(PLAYOFF_POINTS.index)
    return tidy.assign(order=order).sort_values(
        ["season", "order"], kind="stable", ignore_index=True
    )[TIDY_COLUMNS]


def _round(point: str) -> int:
    """Return the round of one of `PLAYOFF_POINTS`."""
    return PLAYOFF_POINTS.index(point) // 2 + 1


def _still_in(tables: Tables, seasons: list[str]) -> pd.DataFrame:
    """Return the teams that have a playoff game to come at the points of complete seasons."""
    points = pd.concat(
        [
            pd.DataFrame(
                playoff_points(tables, season).items(), columns=["as_of_point", "as_of_date"]
            ).assign(season=season)
            for season in seasons
        ]
    )
    games = tables.team_games[tables.team_games["kind"] == "playoffs"]
    last = games.groupby(["season", "team_id"])["game_date"].max().reset_index()
    rows = points.merge(last, on="season")
    return rows[rows["game_date"] >= rows["as_of_date"]].drop(columns="game_date")


def _title_references(
    alive: pd.DataFrame, tables: Tables, results: pd.DataFrame, asked: list[str]
) -> pd.DataFrame:
    """Return the title odds of `reference_odds` among the teams still in, of all others 0."""
    scores = baseline_scores(tables, alive.drop(columns="team_id").drop_duplicates())
    odds = reference_odds(scores.merge(alive[_KEY], on=_KEY), results, asked)
    lists = odds[_LIST].drop_duplicates().merge(results[["season", "team_id"]], on="season")
    odds = odds[[*_KEY, "ranker", "title_prob"]]
    return lists.merge(odds, how="left", on=[*_KEY, "ranker"]).fillna({"title_prob": 0.0})

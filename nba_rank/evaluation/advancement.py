"""How good are the odds of reaching the playoffs, winning each round and the title?"""

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray
from nba_rank.core.names import SIMULATION
from nba_rank.data.league import play_in
from nba_rank.data.outcomes import EVENTS, FINISHES, events
from nba_rank.data.standings import BERTHS
from nba_rank.evaluation.calibration import group_scores
from nba_rank.evaluation.evaluate import interval_metrics, tidy_rows

_METRIC_OF = {event: "champion" if event == "title" else event for event in EVENTS}
_LIST = ["ranker", "season", "as_of_point"]
_KEY = ["season", "team_id"]
_SAFE_SEEDS = [f"seed_{place}" for place in range(1, BERTHS - 1)]


def advancement_metrics(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Score odds of reaching the playoffs, winning each round and the title.

    Args:
        odds: Columns `season`, `as_of_point`, `team_id`, `ranker` and `<event>_prob` (0 to 1), all
            teams of each list. A column that is absent, or NaN in a whole list, is not scored.
        results: What `nba_rank.data.outcomes.outcomes` returns.

    Returns:
        Tidy rows of scope `league`: the Brier score of each event (of the title as
        `champion_brier`); `playoff_log_loss`; `champion_log_loss`, of the champion alone;
        `advancement_log_loss`, the mean over all five events, where there are odds of all.

    Raises:
        ValueError: A list lacks or repeats a team, or odds are not 0 to 1.
    """
    happened = events(results)
    odds = odds.dropna(axis=1, how="all")
    rows = odds.merge(happened, how="left", on=_KEY, validate="many_to_one")
    _check_teams(rows, happened)
    lists = rows.groupby(_LIST, sort=False)
    values: dict[str, pd.Series] = {}
    log_losses = []
    for event, metric in _METRIC_OF.items():
        if f"{event}_prob" not in odds:
            continue
        forecasts = rows[_LIST].assign(p=rows[f"{event}_prob"], happened=rows[event])
        forecasts = forecasts[lists[f"{event}_prob"].transform("count") > 0]
        scores = group_scores(forecasts, _LIST)
        values[f"{metric}_brier"] = scores["brier"]
        log_losses.append(scores["log_loss"])
        if event == "playoff":
            values["playoff_log_loss"] = scores["log_loss"]
        if event == "title":
            of_champions = group_scores(forecasts[forecasts["happened"]], _LIST)
            values["champion_log_loss"] = of_champions["log_loss"]
    if len(log_losses) == len(EVENTS):
        together = pd.concat(log_losses, axis=1)
        values["advancement_log_loss"] = together.mean(axis=1, skipna=False)
    table = pd.DataFrame(values).reindex(lists.size().index)
    return tidy_rows(table, scope="league").dropna(subset="value", ignore_index=True)


def finish_table(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return each team's likeliest finish, and how likely its actual one was.

    `odds` have the columns of `advancement_metrics` and, in seasons with a play-in, `playin_prob`
    (a game in it) and `seed_1` to `seed_6` (the seeds that need no play-in).

    Returns:
        `season`, `team_id`, `likely_finish` (one of `FINISHES`; of equally likely ones the best),
        `likely_finish_prob`, `finish` (the actual one) and `finish_prob` (what it was given); rows
        as in `odds`.
    """
    reached = odds[[f"{event}_prob" for event in EVENTS]].to_numpy(dtype=np.float64)
    playin = _playin_finish(odds)
    # In the order of FINISHES: the champion, then one round less each.
    ended = reached - np.column_stack([reached[:, 1:], np.zeros(len(odds))])
    shares = np.column_stack([ended[:, ::-1], playin, 1 - reached[:, 0] - playin])
    finish = odds[_KEY].merge(results, how="left", on=_KEY, validate="many_to_one")["finish"]
    return odds[_KEY].assign(
        likely_finish=np.array(FINISHES)[shares.argmax(axis=1)],
        likely_finish_prob=shares.max(axis=1),
        finish=finish.array,
        finish_prob=shares[np.arange(len(odds)), finish.map(FINISHES.index)],
    )


def rank_interval_metrics(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return `interval_metrics` of the simulation's outcome ranks, `rank_low` to `rank_high`."""
    ranks = results[[*_KEY, "outcome_rank"]].rename(columns={"outcome_rank": "actual_rank"})
    judged = odds.merge(ranks, on=_KEY, validate="many_to_one")
    return interval_metrics(judged, SIMULATION, "rank_low", "rank_high")


def _check_teams(rows: pd.DataFrame, happened: pd.DataFrame) -> None:
    lists = rows.groupby(_LIST, sort=False)
    n_rows, n_teams, n_known = lists.size(), lists["team_id"].nunique(), lists["title"].count()
    wanted = n_rows.index.get_level_values("season").map(
        happened["season"].value_counts().to_dict()
    )
    wrong = (n_rows != wanted) | (n_teams != wanted) | (n_known != wanted)
    if wrong.any():
        ranker, season, point = one = wrong.index[wrong][0]
        raise ValueError(
            f"{ranker} in season {season} at {point}: odds of {n_teams[one]} teams in "
            f"{n_rows[one]} rows, {n_known[one]} of them with results"
        )


def _playin_finish(odds: pd.DataFrame) -> FloatArray:
    """Return how likely each team is to play in the play-in and miss the playoffs, [N]."""
    share = np.zeros(len(odds))
    for season in odds["season"].unique():
        rule = play_in(str(season))
        if rule is None:
            continue
        of_season = (odds["season"] == season).to_numpy()
        rows = odds[of_season]
        missed = 1 - rows["playoff_prob"]
        if rule.max_games_behind is None:
            # A team is in it, safe by its seed, or out; of the first two some miss the playoffs.
            lost = rows["playin_prob"] + rows[_SAFE_SEEDS].sum(axis=1) - rows["playoff_prob"]
        else:
            # In 2020 it was held only where it was certain who would be in it.
            lost = np.minimum(rows["playin_prob"], missed)
        share[of_season] = np.clip(lost, 0, missed)
    return share

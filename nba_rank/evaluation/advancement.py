"""How good are the odds of reaching the playoffs, winning each round and the title?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from nba_rank.core.names import SIMULATION
from nba_rank.data.league import play_in
from nba_rank.data.outcomes import EVENTS, FINISHES, events
from nba_rank.data.standings import BERTHS
from nba_rank.evaluation.calibration import brier, log_loss
from nba_rank.evaluation.evaluate import TIDY_COLUMNS, interval_metrics

_METRIC_OF = {event: "champion" if event == "title" else event for event in EVENTS}
_LIST = ["season", "as_of_point"]
_KEY = ["season", "team_id"]
_SAFE_SEEDS = [f"seed_{place}" for place in range(1, BERTHS - 1)]


def advancement_metrics(odds: pd.DataFrame, results: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Score odds of reaching the playoffs, winning each round and the title.

    Args:
        odds: Columns `season`, `as_of_point`, `team_id` and `<event>_prob` (0 to 1) of the events
            to score; every team of a season once at each point. A column that is NaN at a whole
            point is not scored there.
        results: What `nba_rank.data.outcomes.outcomes` returns.
        ranker: Name of the source of the odds.

    Returns:
        Tidy rows of scope `league`: the Brier score of each event (of the title as
        `champion_brier`); `playoff_log_loss`; `champion_log_loss`, of the champion alone;
        `advancement_log_loss`, the mean over all five events, where there are odds of all.

    Raises:
        ValueError: A list lacks or repeats a team, there are no results, or odds are not 0 to 1.
    """
    offered = {event: f"{event}_prob" for event in EVENTS if f"{event}_prob" in odds}
    happened = events(results)
    rows = odds[[*_LIST, "team_id", *offered.values()]].merge(
        happened, how="left", on=_KEY, validate="many_to_one"
    )
    n_teams = happened["season"].value_counts()
    tidy: list[tuple[str, str, str, str, str, float]] = []
    for (season, point), teams in rows.groupby(_LIST, sort=False):
        _check_teams(teams, int(n_teams.get(season, 0)), f"season {season} at {point}")
        log_losses: dict[str, float] = {}
        values: dict[str, float] = {}
        for event, column in offered.items():
            p, came = teams[column].to_numpy(), teams[event].to_numpy(dtype=np.bool_)
            if np.isnan(p).all():
                continue
            values[f"{_METRIC_OF[event]}_brier"] = brier(p, came)
            log_losses[event] = log_loss(p, came)
            if event == "playoff":
                values["playoff_log_loss"] = log_losses[event]
            if event == "title" and came.any():
                values["champion_log_loss"] = log_loss(p[came], came[came])
        if len(log_losses) == len(EVENTS):
            values["advancement_log_loss"] = float(np.mean(list(log_losses.values())))
        tidy += [(str(season), str(point), "league", ranker, *one) for one in values.items()]
    return pd.DataFrame(tidy, columns=TIDY_COLUMNS)


def finish_table(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return each team's likeliest finish, and how likely its actual one was.

    Args:
        odds: One row a team of a date: columns `season`, `team_id`, the five odds of
            `advancement_metrics`, and in seasons with a play-in `playin_prob` (a game in it) and
            `seed_1` to `seed_6` (the seeds that need no play-in).
        results: What `nba_rank.data.outcomes.outcomes` returns.

    Returns:
        `season`, `team_id`, `likely_finish` (one of `FINISHES`; of equally likely ones the best),
        `likely_finish_prob`, `finish` (the actual one) and `finish_prob` (what it was given); rows
        as in `odds`. The last two are missing in seasons without results.
    """
    needed = [*_KEY, *(f"{event}_prob" for event in EVENTS)]
    if any(play_in(str(season)) is not None for season in odds["season"].unique()):
        needed += ["playin_prob", *_SAFE_SEEDS]
    missing = [name for name in needed if name not in odds]
    if missing:
        raise ValueError(f"the odds of finishes lack the columns {missing}")
    reached = odds[[f"{event}_prob" for event in EVENTS]].to_numpy(dtype=np.float64)
    playin = _playin_finish(odds)
    # In the order of FINISHES: the champion, then one round less each.
    ended = reached - np.column_stack([reached[:, 1:], np.zeros(len(odds))])
    shares = np.column_stack([ended[:, ::-1], playin, 1 - reached[:, 0] - playin])
    likely = shares.argmax(axis=1)
    table = odds[_KEY].assign(
        likely_finish=np.array(FINISHES)[likely],
        likely_finish_prob=shares.max(axis=1),
    )
    table = table.merge(
        results[[*_KEY, "finish"]], how="left", on=_KEY, validate="one_to_one"
    ).set_axis(odds.index)
    place = table["finish"].map(FINISHES.index, na_action="ignore")
    known = place.notna().to_numpy()
    own = shares[np.arange(len(odds)), place.fillna(0).to_numpy(dtype=np.int64)]
    return table.assign(finish_prob=np.where(known, own, np.nan))


def rank_interval_metrics(odds: pd.DataFrame, results: pd.DataFrame) -> pd.DataFrame:
    """Return `interval_metrics` of the simulation's outcome ranks, `rank_low` to `rank_high`."""
    ranks = results[[*_KEY, "outcome_rank"]].rename(columns={"outcome_rank": "actual_rank"})
    bounds = [name for name in ("rank_low", "rank_high") if name in odds]
    judged = odds[[*_LIST, "team_id", *bounds]].merge(ranks, on=_KEY, validate="many_to_one")
    return interval_metrics(judged, SIMULATION, "rank_low", "rank_high")


def _check_teams(teams: pd.DataFrame, n_teams: int, where: str) -> None:
    if not n_teams:
        raise ValueError(f"{where}: odds of a season without results")
    known = teams["title"].notna()
    if teams["team_id"].duplicated().any() or not known.all() or len(teams) != n_teams:
        raise ValueError(
            f"{where}: odds of {teams['team_id'].nunique()} teams in {len(teams)} rows, "
            f"{int((~known).sum())} of them unknown, results of {n_teams}"
        )


def _playin_finish(odds: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Return how likely each team is to play in the play-in and miss the playoffs, [N]."""
    share = np.zeros(len(odds))
    missed = 1 - odds["playoff_prob"].to_numpy(dtype=np.float64)
    for season in odds["season"].unique():
        rule = play_in(str(season))
        if rule is None:
            continue
        of_season = (odds["season"] == season).to_numpy()
        in_it = odds["playin_prob"].to_numpy(dtype=np.float64)
        if rule.max_games_behind is None:
            # A team is in it, safe by its seed, or out; of the first two some miss the playoffs.
            safe = odds[_SAFE_SEEDS].to_numpy(dtype=np.float64).sum(axis=1)
            lost = in_it + safe - (1 - missed)
        else:
            # In 2020 it was held only where it was certain who would be in it.
            lost = np.minimum(in_it, missed)
        share[of_season] = np.clip(lost, 0, missed)[of_season]
    return share

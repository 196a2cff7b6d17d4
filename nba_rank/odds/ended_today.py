"""The standings of a morning, as if the season ended there, and what can still become of them.

Letters: T teams of the season in ascending order of id.
"""

from dataclasses import replace

import numpy as np
import pandas as pd

from nba_rank.core.arrays import FloatArray, IntArray
from nba_rank.data import league as league_facts
from nba_rank.data.remaining import SeasonGames
from nba_rank.data.standings import BERTHS, standings_of
from nba_rank.data.tables import Tables
from nba_rank.odds.hypothesis import Hypothesis
from nba_rank.odds.lottery import lottery_odds
from nba_rank.odds.pairings import PLAY_IN, pairings
from nba_rank.odds.possible_seeds import possible_seeds
from nba_rank.odds.season_sim import Situation

STAGES = ("first round", "play-in", "lottery")
"""Where a team would go."""

_FIRST_ROUND, _PLAY_IN, _LOTTERY = STAGES


def ended_today(
    tables: Tables,
    season: str,
    as_of_date: pd.Timestamp,
    strength: pd.Series,
    hypothesis: Hypothesis | None = None,
) -> pd.DataFrame:
    """Return the standings of a morning and what would follow if the season ended there.

    The play-in is played by its rules; games of it that are already played count. Before the first
    game all teams are level, so their order is that of lots, the team ids. Draft picks stay with
    the team that they are from: trades of picks are not known here.

    Args:
        tables: The canonical tables; results of the date and later are not read.
        season: Season of the date.
        as_of_date: The morning.
        strength: Strength of each team now, points, by team id.
        hypothesis: What is assumed of the games left; they count as played where it has results.

    Returns:
        A row a team, by conference and seed: `season`, `as_of_date`, `team_id`, `team`,
        `conference`; `seed`, `wins`, `losses`, `win_pct`, `games_behind`, `point_diff`, `tie_break`
        as in `standings`;
        `stage` (one of `STAGES`), `opponent` (empty while it is open and in the lottery), `hosts`
        (home court, by the rules);
        `first_pick_prob` and `expected_pick` of the lottery, as if those ahead in the standings won
        what is left of the play-in; null outside it. Those of 2019-20 go by the records at the
        stop;
        `games_left`, `home_games_left` (not those on neutral courts), `opponents_strength` (mean
        over the games left, points; home court is not in it; null without games);
        `best_seed` and `worst_seed` still possible, by wins (see `possible_seeds`); the seed after
        the last game; before it null until 2014-15, when division winners were seeded first;
        `clinched_first_seed`, `clinched_playoffs`, `clinched_play_in` (its last seed or better,
        while the team is not out) and `eliminated`: certain by those bounds, then by the play-in.
    """
    situation = Situation.of(tables, season, as_of_date)
    if hypothesis is not None:
        situation = replace(situation, results=hypothesis.results).settled()
    records, left = situation.records, situation.remaining
    members = tables.teams[tables.teams["season"] == season]
    members = members.sort_values("team_id", ignore_index=True)
    table = standings_of(records, members).sort_values("team_id", ignore_index=True)
    table["team"] = members["abbreviation"]
    table["as_of_date"] = as_of_date

    places = _places(situation, table["seed"].to_numpy())
    stage, opponent, hosts = _pairings(situation, places)
    table["stage"] = stage
    table["opponent"] = ["" if one < 0 else table["team"][one] for one in opponent]
    table["hosts"] = hosts
    odds = _lottery(tables, situation, places, stage)
    table["first_pick_prob"] = odds[:, 0]
    table["expected_pick"] = odds @ np.arange(1, odds.shape[1] + 1)

    T = len(records.team_id)
    sides, opponents = np.r_[left.home, left.away], np.r_[left.away, left.home]
    to_play = np.bincount(sides, minlength=T)
    points = strength.reindex(records.team_id).to_numpy()
    met = np.bincount(sides, points[opponents], minlength=T)
    table["games_left"] = to_play
    table["home_games_left"] = np.bincount(left.home[~left.neutral], minlength=T)
    table["opponents_strength"] = np.where(to_play > 0, met / np.maximum(to_play, 1), np.nan)

    over = not len(left.home)
    if over:
        best = worst = table["seed"].astype("Int64")
    elif situation.league.seeded_with_winners is None:
        best, worst = (pd.Series(of, dtype="Int64") for of in possible_seeds(records, left))
    else:
        best = worst = pd.Series(pd.NA, index=table.index, dtype="Int64")
    table["best_seed"], table["worst_seed"] = best, worst
    line = _line(situation)
    uninvited = np.isin(np.arange(T), situation.uninvited)
    # Seeds of teams that do not go on are passed over.
    passed = np.bincount(records.conference[uninvited], minlength=2)[records.conference]
    table["clinched_first_seed"] = (worst == 1).fillna(False).astype(bool)
    safe = worst <= 2 * BERTHS - line
    table["clinched_playoffs"] = stage == _FIRST_ROUND if over else safe.fillna(False).astype(bool)
    out = (best > line + passed).fillna(False).astype(bool) | uninvited
    table["eliminated"] = stage == _LOTTERY if over else out
    table["clinched_play_in"] = (worst <= line).fillna(False).astype(bool) & ~table["eliminated"]
    columns = [
        "season", "as_of_date", "team_id", "team", "conference", "seed", "wins", "losses",
        "win_pct", "games_behind", "point_diff", "tie_break", "stage", "opponent", "hosts",
        "first_pick_prob", "expected_pick", "games_left", "home_games_left", "opponents_strength",
        "best_seed", "worst_seed", "clinched_first_seed", "clinched_playoffs", "clinched_play_in",
        "eliminated",
    ]  # fmt: skip
    return table.sort_values(["conference", "seed"], ignore_index=True)[columns]


def _line(situation: Situation) -> int:
    """Return the last seed that can still reach the playoffs."""
    return situation.play_in.line if situation.play_in else BERTHS


def _places(situation: Situation, seeds: IntArray) -> IntArray:
    """Return the seeds among the teams that go on [T]; those that do not come last."""
    places = seeds + len(seeds) * np.isin(np.arange(len(seeds)), situation.uninvited)
    conference = situation.league.conference
    return np.asarray(pd.Series(places).groupby(conference).rank().astype("int64"))


def _pairings(situation: Situation, places: IntArray) -> tuple[np.ndarray, IntArray, np.ndarray]:
    """Return stage, position of the opponent (-1: open or none) and whether a team hosts, [T]."""
    rule, none = situation.play_in, situation.remaining.take(np.array([], dtype=np.int64))
    met = pairings(replace(situation, remaining=none, playoff_wins=None))
    T = len(places)
    certain = places <= 2 * BERTHS - _line(situation)
    stage = np.where(certain, _FIRST_ROUND, _LOTTERY).astype(object)
    # The first two seeds may not know their opponents yet.
    opponent, hosts = np.full(T, -1), certain.copy()
    if rule is not None and rule.max_games_behind is None:
        lost = np.bincount([loser for _, loser in situation.playin], minlength=T)
        stage[~certain & (places <= rule.line) & (lost <= (places <= BERTHS))] = _PLAY_IN
        hosts |= (stage == _PLAY_IN) & (places <= BERTHS)
    for one in met:
        stage[[*one.teams]] = _PLAY_IN if one.round == PLAY_IN else _FIRST_ROUND
        opponent[[*one.teams]] = one.teams[::-1]
        hosts[[*one.teams]] = True, False
    return stage, opponent, hosts


def _lottery(
    tables: Tables, situation: Situation, places: IntArray, stage: np.ndarray
) -> FloatArray:
    """Return how likely each team gets each pick of the lottery [T, K]; NaN outside it."""
    season, conference = situation.season, situation.league.conference
    rules, win_pct = league_facts.lottery(season), situation.records.win_pct
    tier = np.full(len(places), -1)
    if rules.play_in:
        tier[places > BERTHS] = 1
        tier[places > _line(situation)] = 0
        seventh = np.isin(places, (BERTHS - 1, BERTHS))
        lost = [loser for winner, loser in situation.playin if seventh[winner] and seventh[loser]]
        tier[(places == BERTHS) & ~np.isin(conference, conference[lost])] = 2
        tier[lost] = 2
    else:
        # Those who are in come first, then those who still can be, by seed.
        reached = np.array([STAGES.index(one) for one in stage])
        order = np.lexsort((places, reached, conference))
        rank = pd.Series(order).groupby(conference[order]).cumcount()
        tier[order[rank >= BERTHS]] = 0
    restart = league_facts.restart(season)
    if restart is not None and situation.uninvited:
        stop = restart.stopped + pd.Timedelta(days=1)
        games = tables.once(("season games", season), lambda: SeasonGames.of(tables, season))
        win_pct = games.record(stop).win_pct
    own = np.flatnonzero(tier >= 0)
    odds = np.full((len(places), len(rules.chances)), np.nan)
    odds[own] = lottery_odds(rules, tier[own], win_pct[own])
    return odds

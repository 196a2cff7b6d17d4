"""Who can play: what injury reports say on a morning.

The remark `(out for season)` in compiled reports is not read: of 402 absences with it in 2015-16
to 2022-23, 94% carry it from the first day, sore knees among them, and 1.5% ended with a return in
that regular season. It was added in hindsight. Injuries that always take longer are read instead.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from nba_rank.data.tables import Tables
from nba_rank.features.asof import days, start_years

SEASON_ENDING = (
    "torn acl", "acl tear",
    "torn achilles", "achilles tear", "ruptured achilles", "achilles rupture",
    "torn patellar tendon", "patellar tendon tear", "ruptured patellar", "ruptured patella",
    "ruptured quadriceps",
)  # fmt: skip
"""Injuries that end a season, as phrases whose words are all in the reason. None of the 25 players
with one in the reports of 2015-16 to 2022-23 came back in that season."""

STATUS_PLAY_PROB = {
    "Out": 0.0, "Doubtful": 0.25, "Questionable": 0.5, "Probable": 0.75, "Available": 1.0,
}  # fmt: skip
"""Probability to play the next game, by status: what the league's rules mean by the words."""

MAX_REPORT_AGE_DAYS = 3
"""Days after which a report says nothing of who can play now."""


def has_report(
    tables: Tables, dates: pd.DataFrame, max_age_days: int = MAX_REPORT_AGE_DAYS
) -> pd.Series:
    """Return whether each date has a report at most so many days old (bool, index of `dates`)."""
    age = dates["as_of_date"] - _newest_report(tables, dates)
    return age.notna() & (age <= pd.Timedelta(days=max_age_days))


def reported_availability(
    tables: Tables,
    dates: pd.DataFrame,
    *,
    max_age_days: int = MAX_REPORT_AGE_DAYS,
    play_prob: Mapping[str, float] = STATUS_PLAY_PROB,
    season_ending: Sequence[str] = SEASON_ENDING,
) -> pd.DataFrame:
    """Say what the newest report up to each morning, of the same season, says of its players.

    A report of the morning itself is public by then. That a player cannot play now is believed as
    long as the report is current; that his season is over, until he plays again.

    Args:
        tables: The canonical tables.
        dates: Columns `season` and `as_of_date`; repeated dates count once.
        max_age_days: Days that a report may be old to say who can play now.
        play_prob: Probability to play, 0 to 1, of each of `STATUSES`.
        season_ending: Phrases. A player who has played in the season is out for the rest of it if
            his reason has all words of a phrase, and none for a partial injury or a recovery.

    Returns:
        One row a date and player, in this order: `season`, `as_of_date`, `player_id`, `team_id` (of
        the report), `play_prob` (NaN where the report is too old) and `season_out` (bool). Players
        who are not listed on a date with a current report are fit.
    """
    asked = dates[["season", "as_of_date"]].drop_duplicates().sort_values("as_of_date")
    asked = asked.assign(date=_newest_report(tables, asked)).dropna(subset="date")
    listed = asked.merge(tables.injury_reports, on=["season", "date"])
    current = has_report(tables, listed, max_age_days)
    first, last = _games_around(tables, listed)
    hurt_in_season = first.notna() & (first <= listed["date"])
    back = last.notna() & (last >= listed["date"])
    ending = _names_any(listed["reason"], season_ending)
    listed["play_prob"] = listed["status"].map(dict(play_prob)).astype("float64").where(current)
    listed["season_out"] = ending & hurt_in_season & ~back
    told = listed[current | listed["season_out"]]
    columns = ["season", "as_of_date", "player_id", "team_id", "play_prob", "season_out"]
    return told[columns].sort_values(["as_of_date", "player_id"], ignore_index=True)


def _newest_report(tables: Tables, dates: pd.DataFrame) -> pd.Series:
    """Return the date of the newest report up to each morning, NaT where its season has none."""
    reports = tables.injury_report_dates
    known = days(reports["date"])
    day = days(dates["as_of_date"])
    place = np.searchsorted(known, day, side="right") - 1
    found = reports["date"].to_numpy(), start_years(reports["season"])
    if not len(known):
        return pd.Series(pd.NaT, index=dates.index, dtype="datetime64[us]")
    newest = np.maximum(place, 0)
    same = (place >= 0) & (found[1][newest] == start_years(dates["season"]))
    return pd.Series(np.where(same, found[0][newest], np.datetime64("NaT")), dates.index)


def _games_around(tables: Tables, listed: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return the first and the newest game of each listed player in his season, before the date."""
    games = tables.player_games[["season", "player_id", "game_date"]]
    games = games.sort_values("game_date")
    key = ["season", "player_id"]
    first = games.drop_duplicates(key).set_index(key)["game_date"]
    asked = pd.MultiIndex.from_frame(listed[key])
    start = pd.Series(first.reindex(asked).to_numpy(), listed.index)
    order = listed[[*key, "as_of_date"]].assign(place=np.arange(len(listed)))
    newest = pd.merge_asof(
        order.sort_values("as_of_date"), games, left_on="as_of_date", right_on="game_date",
        by=key, allow_exact_matches=False,
    )  # fmt: skip
    end = newest.sort_values("place")["game_date"].set_axis(listed.index)
    return start.where(start < listed["as_of_date"]), end


_AGAINST = frozenset({"partial", "partially", "recovering", "recovery", "rehab"})


def _names_any(reasons: pd.Series, phrases: Sequence[str]) -> pd.Series:
    """Mark the reasons (text) that hold every word of a phrase, and none that speaks against."""
    asked = [frozenset(_words(phrase)) for phrase in phrases]

    def named(reason: str) -> bool:
        words = frozenset(_words(reason))
        return not words & _AGAINST and any(phrase <= words for phrase in asked)

    return reasons.map({reason: named(reason) for reason in reasons.unique()}).astype("bool")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

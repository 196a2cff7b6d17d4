"""Who can play, by the injury reports known on a morning.

The remark `(out for season)` in compiled reports is ignored, because it was added in hindsight: of
402 absences with it in 2015-16 to 2022-23, 94% carry it from the first day, even sore knees, and
1.5% ended with a return in that regular season. Injuries that always end a season are read instead.
"""

import re
from collections.abc import Mapping, Sequence

import pandas as pd

from nba_rank.data.tables import Tables

SEASON_ENDING = (
    "torn acl", "acl tear",
    "torn achilles", "achilles tear", "ruptured achilles", "achilles rupture",
    "torn patellar tendon", "patellar tendon tear", "ruptured patellar", "ruptured patella",
    "ruptured quadriceps",
)  # fmt: skip
"""Injuries that end a season. None of the 25 players with one in the reports of 2015-16 to 2022-23
came back in that season."""

STATUS_PLAY_PROB = {
    "Out": 0.0, "Doubtful": 0.25, "Questionable": 0.5, "Probable": 0.75, "Available": 1.0,
}  # fmt: skip
"""Probability to play the next game by status, as the league's rules define the words."""

MAX_REPORT_AGE_DAYS = 3
"""Days after which a report says nothing of who can play now."""


def has_report(
    tables: Tables, dates: pd.DataFrame, max_age_days: int = MAX_REPORT_AGE_DAYS
) -> pd.Series:
    """Return whether each date has a report of at most `max_age_days`, by the index of `dates`.

    With a column `team_id`: a report for which the team had submitted its injuries.
    """
    newest = _newest_report(tables, dates)
    age = dates["as_of_date"] - newest
    current = age.notna() & (age <= pd.Timedelta(days=max_age_days))
    if "team_id" in dates:
        unreported = pd.MultiIndex.from_frame(tables.unreported_teams[["date", "team_id"]])
        current &= ~pd.MultiIndex.from_arrays([newest, dates["team_id"]]).isin(unreported)
    return current


def reported_availability(
    tables: Tables,
    dates: pd.DataFrame,
    *,
    max_age_days: int = MAX_REPORT_AGE_DAYS,
    play_prob: Mapping[str, float] = STATUS_PLAY_PROB,
    season_ending: Sequence[str] = SEASON_ENDING,
) -> pd.DataFrame:
    """Return the players of each morning's newest report of the season, that morning's included.

    Args:
        tables: The canonical tables.
        dates: Columns `season` and `as_of_date`; repeated dates count once.
        max_age_days: Age of a report up to which it says who can play now.
        play_prob: Probability to play of each of `STATUSES`.
        season_ending: Phrases. A player who was hurt in the season is out for the rest of it, until
            he plays again, if his reason has all words of a phrase and none that tells of a partial
            injury or a recovery.

    Returns:
        One row a date and player, in this order: `season`, `as_of_date`, `player_id`, `team_id` (of
        the report), `play_prob` (NaN where the report is too old) and `season_out` (bool). Players
        who are not listed on a date with a current report are fit.
    """
    asked = dates[["season", "as_of_date"]].drop_duplicates()
    asked = asked.assign(date=_newest_report(tables, asked)).dropna(subset="date")
    listed = asked.merge(tables.injury_reports, on=["season", "date"]).sort_values("as_of_date")
    games = tables.player_games[["season", "player_id", "game_date"]].sort_values("game_date")
    listed = pd.merge_asof(
        listed, games, left_on="as_of_date", right_on="game_date", by=["season", "player_id"],
        allow_exact_matches=False,
    )  # fmt: skip
    current = has_report(tables, listed, max_age_days)
    # He has played in the season, and not since the report.
    hurt_in_season = listed["game_date"] < listed["date"]
    ending = _names_any(listed["reason"], season_ending)
    listed["play_prob"] = listed["status"].map(dict(play_prob)).astype("float64").where(current)
    listed["season_out"] = ending & hurt_in_season
    told = listed[current | listed["season_out"]]
    columns = ["season", "as_of_date", "player_id", "team_id", "play_prob", "season_out"]
    return told[columns].sort_values(["as_of_date", "player_id"], ignore_index=True)


def _newest_report(tables: Tables, dates: pd.DataFrame) -> pd.Series:
    """Return the date of the season's newest report up to each morning, NaT if there is none."""
    asked = dates[["season", "as_of_date"]].assign(row=dates.index).sort_values("as_of_date")
    reports = tables.injury_report_dates.sort_values("date")
    found = pd.merge_asof(asked, reports, left_on="as_of_date", right_on="date", by="season")
    return found.set_index("row")["date"].reindex(dates.index)


_AGAINST = frozenset({"partial", "partially", "recovering", "recovery", "rehab"})


def _names_any(reasons: pd.Series, phrases: Sequence[str]) -> pd.Series:
    """Return which reasons hold every word of a phrase, and none of `_AGAINST`."""
    asked = [frozenset(_words(phrase)) for phrase in phrases]

    def named(reason: str) -> bool:
        words = frozenset(_words(reason))
        return not words & _AGAINST and any(phrase <= words for phrase in asked)

    return reasons.map({reason: named(reason) for reason in reasons.unique()}).astype("bool")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())

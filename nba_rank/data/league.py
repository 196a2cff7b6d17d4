"""Facts of the league that no game log holds: teams, conferences, schedule lengths and formats.

Everything here is known before the season that it describes (except where a docstring says
otherwise), so it may enter a feature without leaking the future.
"""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from nba_rank.core.arrays import IntArray
from nba_rank.core.seasons import season_start_year

EAST, WEST = "East", "West"

_NOW = {
    # team_id: (abbreviation, city, division since 2004-05)
    1610612737: ("ATL", "Atlanta", "Southeast"),
    1610612738: ("BOS", "Boston", "Atlantic"),
    1610612739: ("CLE", "Cleveland", "Central"),
    1610612740: ("NOP", "New Orleans", "Southwest"),
    1610612741: ("CHI", "Chicago", "Central"),
    1610612742: ("DAL", "Dallas", "Southwest"),
    1610612743: ("DEN", "Denver", "Northwest"),
    1610612744: ("GSW", "Golden State", "Pacific"),
    1610612745: ("HOU", "Houston", "Southwest"),
    1610612746: ("LAC", "LA Clippers", "Pacific"),
    1610612747: ("LAL", "LA Lakers", "Pacific"),
    1610612748: ("MIA", "Miami", "Southeast"),
    1610612749: ("MIL", "Milwaukee", "Central"),
    1610612750: ("MIN", "Minnesota", "Northwest"),
    1610612751: ("BKN", "Brooklyn", "Atlantic"),
    1610612752: ("NYK", "New York", "Atlantic"),
    1610612753: ("ORL", "Orlando", "Southeast"),
    1610612754: ("IND", "Indiana", "Central"),
    1610612755: ("PHI", "Philadelphia", "Atlantic"),
    1610612756: ("PHX", "Phoenix", "Pacific"),
    1610612757: ("POR", "Portland", "Northwest"),
    1610612758: ("SAC", "Sacramento", "Pacific"),
    1610612759: ("SAS", "San Antonio", "Southwest"),
    1610612760: ("OKC", "Oklahoma City", "Northwest"),
    1610612761: ("TOR", "Toronto", "Atlantic"),
    1610612762: ("UTA", "Utah", "Northwest"),
    1610612763: ("MEM", "Memphis", "Southwest"),
    1610612764: ("WAS", "Washington", "Southeast"),
    1610612765: ("DET", "Detroit", "Central"),
    1610612766: ("CHA", "Charlotte", "Southeast"),
}
_NICKNAMES = {
    "ATL": "Hawks", "BOS": "Celtics", "CLE": "Cavaliers", "NOP": "Pelicans", "CHI": "Bulls",
    "DAL": "Mavericks", "DEN": "Nuggets", "GSW": "Warriors", "HOU": "Rockets", "LAC": "Clippers",
    "LAL": "Lakers", "MIA": "Heat", "MIL": "Bucks", "MIN": "Timberwolves", "BKN": "Nets",
    "NYK": "Knicks", "ORL": "Magic", "IND": "Pacers", "PHI": "76ers", "PHX": "Suns",
    "POR": "Trail Blazers", "SAC": "Kings", "SAS": "Spurs", "OKC": "Thunder", "TOR": "Raptors",
    "UTA": "Jazz", "MEM": "Grizzlies", "WAS": "Wizards", "DET": "Pistons", "CHA": "Hornets",
}  # fmt: skip
_OTHER_NAMES = {
    "Los Angeles Clippers": "LAC", "Los Angeles Lakers": "LAL", "Charlotte Bobcats": "CHA",
    "New Jersey Nets": "BKN", "New Orleans Hornets": "NOP",
    "New Orleans/Oklahoma City Hornets": "NOP", "Seattle SuperSonics": "OKC",
    "Vancouver Grizzlies": "MEM",
}  # fmt: skip
_CONFERENCE = {
    "Atlantic": EAST, "Central": EAST, "Southeast": EAST,
    "Northwest": WEST, "Pacific": WEST, "Southwest": WEST, "Midwest": WEST,
}  # fmt: skip
# Hours from UTC in winter, by the arena of today.
_UTC_OFFSETS = {
    -5: ("ATL", "BOS", "BKN", "CHA", "CLE", "DET", "IND", "MIA", "NYK", "ORL", "PHI", "TOR", "WAS"),
    -6: ("CHI", "DAL", "HOU", "MEM", "MIL", "MIN", "NOP", "OKC", "SAS"),
    -7: ("DEN", "PHX", "UTA"),
    -8: ("GSW", "LAC", "LAL", "POR", "SAC"),
}  # fmt: skip
# Four divisions until 2003-04.
_OLD_ATLANTIC = ("BOS", "MIA", "BKN", "NYK", "ORL", "PHI", "WAS")
_OLD_MIDWEST = ("DAL", "DEN", "HOU", "MEM", "MIN", "SAS", "UTA")
_OLD_PACIFIC = ("GSW", "LAC", "LAL", "PHX", "POR", "SAC", "OKC")


_MOVED = {1610612766: (2002, 1610612740)}
"""Clubs that moved under another id: the old id -> their first season with the new one, that id."""


@dataclass(frozen=True)
class PlayIn:
    """The play-in of one season.

    Attributes:
        line: Last seed of a conference that can still reach the playoffs.
        max_games_behind: Games that the ninth may trail the eighth for a play-in to be held
            (None: it is always held).
    """

    line: int
    max_games_behind: float | None = None


@dataclass(frozen=True)
class Restart:
    """A season that was stopped and resumed with a part of its teams.

    Attributes:
        stopped: Day of the last game before the stop.
        announced: Day on which the teams and games of the restart became public.
        resumed: Day of the first game after the stop.
        games: Regular-season games of each invited team after the restart.
        uninvited: Ids of the teams whose season ended with the stop.
    """

    stopped: pd.Timestamp
    announced: pd.Timestamp
    resumed: pd.Timestamp
    games: int
    uninvited: frozenset[int]


def league_teams(season: str) -> pd.DataFrame:
    """Return the teams of a season.

    Returns:
        Columns `team_id`, `abbreviation` and `city` (today's, of the same franchise),
        `conference`, `division`; 29 rows before 2004-05, 30 since.
    """
    year = season_start_year(season)
    rows = []
    for team_id, (abbreviation, city, current) in _NOW.items():
        division = current
        if year < 2004:
            # The first Charlotte club carries the id of today's Hornets in 2000-01 and 2001-02
            # and moved to New Orleans, which sat in the East until 2003-04.
            if abbreviation == ("CHA" if year >= 2002 else "NOP"):
                continue
            if abbreviation in _OLD_ATLANTIC:
                division = "Atlantic"
            elif abbreviation in _OLD_MIDWEST:
                division = "Midwest"
            elif abbreviation in _OLD_PACIFIC:
                division = "Pacific"
            else:
                division = "Central"
        rows.append((team_id, abbreviation, city, _CONFERENCE[division], division))
    columns = ["team_id", "abbreviation", "city", "conference", "division"]
    return pd.DataFrame(rows, columns=columns).astype({"team_id": "int64"})


@cache
def team_ids(season: str) -> frozenset[int]:
    """Return the ids of the teams of a season."""
    return frozenset(league_teams(season)["team_id"])


def utc_offsets(season: str) -> dict[int, int]:
    """Return the hours from UTC, in winter, of the arena of every franchise by team id.

    The Thunder played in Seattle until 2007-08 and the Grizzlies in Vancouver until 2000-01. Other
    moves since 2000 stayed within a time zone or changed the id: New Jersey to Brooklyn, New
    Orleans to Oklahoma City for 2005-07, the first Charlotte club to New Orleans. Summer time is
    left out: it shifts all but Phoenix alike.
    """
    year = season_start_year(season)
    offset_of = {team: hours for hours, teams in _UTC_OFFSETS.items() for team in teams}
    moved = {"OKC": 2008, "MEM": 2001}
    return {
        team_id: -8 if year < moved.get(abbreviation, year) else offset_of[abbreviation]
        for team_id, (abbreviation, *_) in _NOW.items()
    }


def club_ids(season: IntArray, team_id: IntArray) -> IntArray:
    """Return the id that each team's club has had since its last move.

    The first Charlotte club became New Orleans in 2002-03; its old id has been that of today's
    Charlotte club since 2004-05.

    Args:
        season: Start years, any shape.
        team_id: Team ids in those seasons, of the same shape.
    """
    club = team_id.copy()
    for old, (since, new) in _MOVED.items():
        club[(team_id == old) & (season < since)] = new
    return club


def known_team_ids() -> frozenset[int]:
    """Return the ids of all franchises."""
    return frozenset(_NOW)


def franchise_names() -> dict[str, int]:
    """Return the id of every full name that a franchise has had since 2000-01, in lower case."""
    names = {}
    for team_id, (abbreviation, city, _) in _NOW.items():
        others = [name for name, short in _OTHER_NAMES.items() if short == abbreviation]
        for name in (f"{city} {_NICKNAMES[abbreviation]}", *others):
            names[name.lower()] = team_id
    return names


def scheduled_games(season: str) -> int:
    """Return the games that each team was to play when the season began (2019-20: 82)."""
    return {"2011-12": 66, "2020-21": 72}.get(season, 82)


def expected_regular_games(season: str) -> int:
    """Return how many regular-season games were played, as known after the season.

    Short seasons: the 2011 lockout, one game cancelled in 2012-13, the stop of March 2020, 72 games
    a team in 2020-21. Used by the quality report only, never by a feature.
    """
    played = {"2011-12": 990, "2012-13": 1229, "2019-20": 1059, "2020-21": 1080}
    return played.get(season, len(team_ids(season)) * scheduled_games(season) // 2)


def play_in(season: str) -> PlayIn | None:
    """Return the play-in rule of a season, or None where there was none."""
    year = season_start_year(season)
    if year == 2019:
        return PlayIn(line=9, max_games_behind=4.0)
    return PlayIn(line=10) if year >= 2020 else None


def division_winners_first(season: str) -> bool:
    """Whether division winners were seeded ahead of better records (until 2014-15)."""
    return season_start_year(season) < 2015


def restart(season: str) -> Restart | None:
    """Return how a stopped season was resumed (2019-20), or None.

    Known from the day after `announced` on, not before the season.
    """
    if season != "2019-20":
        return None
    uninvited = ("ATL", "CHA", "CHI", "CLE", "DET", "GSW", "MIN", "NYK")
    return Restart(
        stopped=pd.Timestamp("2020-03-11"),
        announced=pd.Timestamp("2020-06-04"),
        resumed=pd.Timestamp("2020-07-30"),
        games=8,
        uninvited=frozenset(
            team_id for team_id, (abbreviation, *_) in _NOW.items() if abbreviation in uninvited
        ),
    )


def wins_needed(season: str, playoff_round: int) -> int:
    """Return the wins that decide a playoff series: 4; 3 in a first round before 2002-03."""
    return 3 if playoff_round == 1 and season_start_year(season) < 2002 else 4

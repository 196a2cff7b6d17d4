"""Facts of the league outside the game logs: teams, conferences, schedule lengths and formats.

All are known before their season, unless a docstring says otherwise, so features may use them.
"""

from dataclasses import dataclass
from functools import cache

import pandas as pd

from nba_rank.core.arrays import IntArray
from nba_rank.core.seasons import season_start_year

EAST, WEST = "East", "West"

HOST_IS_HOME = (True, True, False, False, True, False, True)
"""Whether the host of a best of seven is at home in each game, by today's rule."""

FIRST_SEASON = "1995-96"
"""The first season with the teams that are known here."""

_NOW = {
    # team_id: abbreviation, city, nickname, division since 2004-05, hours from UTC in winter
    1610612737: ("ATL", "Atlanta", "Hawks", "Southeast", -5),
    1610612738: ("BOS", "Boston", "Celtics", "Atlantic", -5),
    1610612739: ("CLE", "Cleveland", "Cavaliers", "Central", -5),
    1610612740: ("NOP", "New Orleans", "Pelicans", "Southwest", -6),
    1610612741: ("CHI", "Chicago", "Bulls", "Central", -6),
    1610612742: ("DAL", "Dallas", "Mavericks", "Southwest", -6),
    1610612743: ("DEN", "Denver", "Nuggets", "Northwest", -7),
    1610612744: ("GSW", "Golden State", "Warriors", "Pacific", -8),
    1610612745: ("HOU", "Houston", "Rockets", "Southwest", -6),
    1610612746: ("LAC", "LA Clippers", "Clippers", "Pacific", -8),
    1610612747: ("LAL", "LA Lakers", "Lakers", "Pacific", -8),
    1610612748: ("MIA", "Miami", "Heat", "Southeast", -5),
    1610612749: ("MIL", "Milwaukee", "Bucks", "Central", -6),
    1610612750: ("MIN", "Minnesota", "Timberwolves", "Northwest", -6),
    1610612751: ("BKN", "Brooklyn", "Nets", "Atlantic", -5),
    1610612752: ("NYK", "New York", "Knicks", "Atlantic", -5),
    1610612753: ("ORL", "Orlando", "Magic", "Southeast", -5),
    1610612754: ("IND", "Indiana", "Pacers", "Central", -5),
    1610612755: ("PHI", "Philadelphia", "76ers", "Atlantic", -5),
    1610612756: ("PHX", "Phoenix", "Suns", "Pacific", -7),
    1610612757: ("POR", "Portland", "Trail Blazers", "Northwest", -8),
    1610612758: ("SAC", "Sacramento", "Kings", "Pacific", -8),
    1610612759: ("SAS", "San Antonio", "Spurs", "Southwest", -6),
    1610612760: ("OKC", "Oklahoma City", "Thunder", "Northwest", -6),
    1610612761: ("TOR", "Toronto", "Raptors", "Atlantic", -5),
    1610612762: ("UTA", "Utah", "Jazz", "Northwest", -7),
    1610612763: ("MEM", "Memphis", "Grizzlies", "Southwest", -6),
    1610612764: ("WAS", "Washington", "Wizards", "Southeast", -5),
    1610612765: ("DET", "Detroit", "Pistons", "Central", -5),
    1610612766: ("CHA", "Charlotte", "Hornets", "Southeast", -5),
}
_OTHER_NAMES = {
    "Los Angeles Clippers": "LAC", "Los Angeles Lakers": "LAL", "Charlotte Bobcats": "CHA",
    "New Jersey Nets": "BKN", "New Orleans Hornets": "NOP",
    "New Orleans/Oklahoma City Hornets": "NOP", "Seattle SuperSonics": "OKC",
    "Vancouver Grizzlies": "MEM",
}  # fmt: skip
_OTHER_NICKNAMES = {
    "Blazers": "POR", "Sixers": "PHI", "Cavs": "CLE", "Mavs": "DAL", "Wolves": "MIN",
    "Bobcats": "CHA", "SuperSonics": "OKC", "Sonics": "OKC",
    # The former city alone, of teams that were the only one there.
    "New Jersey": "BKN", "Seattle": "OKC", "Vancouver": "MEM",
}  # fmt: skip
_OTHER_ABBREVIATIONS = {
    # ESPN's, Basketball-Reference's and former ones.
    "GS": "GSW", "NO": "NOP", "NY": "NYK", "SA": "SAS", "UTAH": "UTA", "UTH": "UTA", "WSH": "WAS",
    "BRK": "BKN", "PHO": "PHX", "CHO": "CHA", "CHH": "CHA", "CHR": "CHA", "NJN": "BKN", "NJ": "BKN",
    "NOH": "NOP", "NOK": "NOP", "SEA": "OKC", "VAN": "MEM",
}  # fmt: skip
_CONFERENCE = {
    "Atlantic": EAST, "Central": EAST, "Southeast": EAST,
    "Northwest": WEST, "Pacific": WEST, "Southwest": WEST, "Midwest": WEST,
}  # fmt: skip
_DIVISIONS_UNTIL_2003_04 = {
    "Atlantic": ("BOS", "MIA", "BKN", "NYK", "ORL", "PHI", "WAS"),
    "Midwest": ("DAL", "DEN", "HOU", "MEM", "MIN", "SAS", "UTA"),
    "Pacific": ("GSW", "LAC", "LAL", "PHX", "POR", "SAC", "OKC"),
}  # the others played in the Central
_MOVED = {1610612766: (2002, 1610612740)}
"""Clubs that moved under another id: the old id -> their first season with the new one, that id."""


@dataclass(frozen=True)
class PlayIn:
    """The play-in of one season.

    Attributes:
        line: Last seed of a conference that can still reach the playoffs.
        max_games_behind: Games by which the ninth may trail the eighth for a play-in to be held;
            None: it is always held.
    """

    line: int
    max_games_behind: float | None = None


@dataclass(frozen=True)
class Lottery:
    """The draft lottery after one season.

    Attributes:
        chances: Chances of each place, the team with the worst record first [K].
        drawn: Picks that are drawn; the others go by place.
        floor: How many of the first places fall no further than a pick, and that pick.
        play_in: Whether the teams in the play-in take part, whatever comes of it, after those that
            missed it: the 9th and 10th seeds, then the losers of the games of 7th against 8th.
            Otherwise it is for the teams that miss the playoffs.
    """

    chances: tuple[int, ...]
    drawn: int
    floor: tuple[int, int] | None = None
    play_in: bool = False


@dataclass(frozen=True)
class Restart:
    """A season that was stopped and resumed with some of its teams.

    Attributes:
        stopped: Day of the last game before the stop.
        announced: Day on which the teams and games of the restart became public.
        resumed: Day of the first game after the stop.
        games: Regular-season games of each invited team after the stop.
        uninvited: Ids of the other teams.
    """

    stopped: pd.Timestamp
    announced: pd.Timestamp
    resumed: pd.Timestamp
    games: int
    uninvited: frozenset[int]


def league_teams(season: str) -> pd.DataFrame:
    """Return the teams of a season: 29 before 2004-05, 30 since.

    Returns:
        `team_id`, `abbreviation` and `city` (today's, of the same franchise), `conference`,
        `division`.
    """
    year = season_start_year(season)
    former = {team: name for name, teams in _DIVISIONS_UNTIL_2003_04.items() for team in teams}
    # The first Charlotte club has the id of today's Hornets until 2001-02, when it moved to New
    # Orleans, which was in the East until 2003-04.
    absent = None if year >= 2004 else "CHA" if year >= 2002 else "NOP"
    rows = []
    for team_id, (abbreviation, city, _, division, _) in _NOW.items():
        if abbreviation == absent:
            continue
        if year < 2004:
            division = former.get(abbreviation, "Central")
        rows.append((team_id, abbreviation, city, _CONFERENCE[division], division))
    columns = ["team_id", "abbreviation", "city", "conference", "division"]
    return pd.DataFrame(rows, columns=columns).astype({"team_id": "int64"})


@cache
def team_ids(season: str) -> frozenset[int]:
    """Return the ids of the teams of a season."""
    return frozenset(league_teams(season)["team_id"])


def utc_offsets(season: str) -> dict[int, int]:
    """Return the hours from UTC, in winter, of each franchise's arena by team id.

    The Thunder played in Seattle until 2007-08 and the Grizzlies in Vancouver until 2000-01; other
    moves since 2000 stayed within a time zone or changed the id. Summer time shifts all but Phoenix
    alike and is left out.
    """
    year = season_start_year(season)
    moved = {"OKC": 2008, "MEM": 2001}
    return {
        team_id: -8 if year < moved.get(abbreviation, year) else hours
        for team_id, (abbreviation, _, _, _, hours) in _NOW.items()
    }


def club_ids(season: IntArray, team_id: IntArray) -> IntArray:
    """Return the id of each team's club since its last move; seasons are start years."""
    club = team_id.copy()
    for old, (since, new) in _MOVED.items():
        club[(team_id == old) & (season < since)] = new
    return club


def known_team_ids() -> frozenset[int]:
    """Return the ids of all franchises."""
    return frozenset(_NOW)


def franchise_names() -> dict[str, int]:
    """Return the id of every full name of a franchise since 2000-01, in lower case."""
    ids = {abbreviation: team_id for team_id, (abbreviation, *_) in _NOW.items()}
    former = {name: ids[short] for name, short in _OTHER_NAMES.items()}
    return {name.lower(): team for name, team in (former | _full_names()).items()}


def _full_names() -> dict[str, int]:
    return {
        city if city.endswith(nickname) else f"{city} {nickname}": team
        for team, (_, city, nickname, _, _) in _NOW.items()
    }


def abbreviations() -> dict[str, int]:
    """Return the id of every abbreviation of a franchise since 2000-01, of any producer."""
    ids = {abbreviation: team_id for team_id, (abbreviation, *_) in _NOW.items()}
    return ids | {other: ids[short] for other, short in _OTHER_ABBREVIATIONS.items()}


def names_of_today() -> dict[int, tuple[str, str]]:
    """Return abbreviation and full name of every franchise by its id."""
    full = {team: name for name, team in _full_names().items()}
    return {team: (abbreviation, full[team]) for team, (abbreviation, *_) in _NOW.items()}


@cache
def _meanings() -> dict[str, int]:
    ids = {abbreviation: team_id for team_id, (abbreviation, *_) in _NOW.items()}
    nicknames = {nickname.lower(): team for team, (_, _, nickname, _, _) in _NOW.items()}
    nicknames |= {name.lower(): ids[short] for name, short in _OTHER_NICKNAMES.items()}
    cities = {city.lower(): team for team, (_, city, _, _, _) in _NOW.items()}
    short = {name.lower(): team for name, team in abbreviations().items()}
    known = {**cities, **nicknames, **franchise_names(), **short, **{str(t): t for t in _NOW}}
    return {name.replace(" ", ""): team for name, team in known.items()} | known


def team_ids_of(written: pd.Series) -> pd.Series:
    """Return the franchise (float64) that an id, abbreviation, name or nickname means, else NaN."""
    codes, distinct = pd.factorize(written)
    plain = pd.Series(distinct, dtype="str").str.lower().str.split().str.join(" ")
    ids = plain.str.removesuffix(".0").map(_meanings()).astype("float64")
    return ids.reindex(codes).set_axis(written.index)


def usual_opening(season: str) -> pd.Timestamp:
    """Return the day on which a season opens where nothing says when."""
    return pd.Timestamp(season_start_year(season), 10, 22)


def christmas_eve(season: str) -> pd.Timestamp:
    """Return 24 December of a season: from 2000-01 to 2023-24 no game was played on it."""
    return pd.Timestamp(season_start_year(season), 12, 24)


def scheduled_games(season: str) -> int:
    """Return the scheduled games of a team when the season began (2019-20: 82)."""
    return {"2011-12": 66, "2020-21": 72}.get(season, 82)


def expected_regular_games(season: str) -> int:
    """Return how many regular-season games were played, as known after the season."""
    # The lockout of 2011, a game cancelled in 2012-13, the stop of March 2020, 72 games a team.
    played = {"2011-12": 990, "2012-13": 1229, "2019-20": 1059, "2020-21": 1080}
    return played.get(season, len(team_ids(season)) * scheduled_games(season) // 2)


def playing_days(season: str, kind: str) -> tuple[pd.Timestamp, pd.Timestamp]:
    """Return days between which all games of a kind of a season lie, some days more than needed.

    The lockout of 1998 and the pandemic moved those of three seasons.
    """
    year = season_start_year(season)
    last = {"1998-99": "05-10", "2019-20": "08-31", "2020-21": "05-31"}.get(season, "04-30")
    first = {"1998-99": "05-01", "2019-20": "08-10", "2020-21": "05-10"}.get(season, "04-01")
    finals = {"2019-20": "10-31", "2020-21": "07-31"}.get(season, "06-30")
    if kind == "regular":
        return pd.Timestamp(f"{year}-09-25"), pd.Timestamp(f"{year + 1}-{last}")
    return pd.Timestamp(f"{year + 1}-{first}"), pd.Timestamp(f"{year + 1}-{finals}")


def play_in(season: str) -> PlayIn | None:
    """Return the play-in rule of a season, or None."""
    year = season_start_year(season)
    if year == 2019:
        return PlayIn(line=9, max_games_behind=4.0)
    return PlayIn(line=10) if year >= 2020 else None


def lottery(season: str) -> Lottery:
    """Return the rules of the draft lottery after a season.

    Sources: the league's tables of combinations (nba.com, "NBA Draft Lottery: Odds, history and how
    it works"); for 2027 its announcement of 28 May 2026, as reported by ESPN and Field Level Media:
    37 balls, all 16 picks drawn, and the three worst pick no later than 12th. Left out are the bans
    of 2027 (no first pick twice running, no top five three times), the two clubs that could not
    pick first in 1996 to 1998, and Charlotte's fixed fourth pick of 2004.
    """
    year = season_start_year(season)
    if year >= 2026:
        chances = (2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1, 1)
        return Lottery(chances, drawn=16, floor=(3, 12), play_in=True)
    if year >= 2018:
        return Lottery((140, 140, 140, 125, 105, 90, 75, 60, 45, 30, 20, 15, 10, 5), drawn=4)
    if year >= 2004:
        return Lottery((250, 199, 156, 119, 88, 63, 43, 28, 17, 11, 8, 7, 6, 5), drawn=3)
    return Lottery((250, 200, 157, 120, 89, 64, 44, 29, 18, 11, 7, 6, 5), drawn=3)


def seeded_with_winners(season: str) -> int | None:
    """Return how many others were seeded with a conference's division winners, ahead of the rest.

    One from 2006-07 to 2014-15, when three winners and the best of the others had the first four
    seeds, in order of record; none before; None since: seeds go by record alone.
    """
    year = season_start_year(season)
    return None if year >= 2015 else 1 if year >= 2006 else 0


def restart(season: str) -> Restart | None:
    """Return how a stopped season was resumed, or None; known from the day after `announced`."""
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


def host_is_home(season: str, playoff_round: int) -> tuple[bool, ...]:
    """Return whether the host of a series is at home in each game, were all of them played.

    2-2-1-1-1, in a best of five 2-2-1; in the Finals 2-3-2 from 1984-85 to 2012-13.
    """
    if playoff_round == 4 and season_start_year(season) < 2013:
        return (True, True, False, False, False, True, True)
    return HOST_IS_HOME[: 2 * wins_needed(season, playoff_round) - 1]

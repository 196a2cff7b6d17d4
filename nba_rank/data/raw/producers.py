"""The columns of other producers than the league's game logs.

Names are compared without case, spaces and signs, so that `Player_ID`, `playerId` and `PLAYER ID`
are one. Columns of a game log that follow from others are added.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from nba_rank.data import league
from nba_rank.data.raw import values as raw_values

_GAME_LOG = {
    "GAME_ID": ["idgame"],
    "GAME_DATE": ["gamedateest", "gamedatetimeest", "date", "gamedatetime", "dategame"],
    "SEASON_ID": [],
    "TEAM_ID": ["playerteamid", "idteam"],
    "TEAM_ABBREVIATION": ["teamtricode", "teamabbr", "tricode", "team", "tm", "slugteam"],
    "TEAM_NAME": ["teamdisplayname", "playerteamname", "nameteam"],
    "TEAM_CITY": ["teamlocation", "playerteamcity"],
    "OPPONENT": ["opponentteamid", "opponentteamabbreviation", "opponentteamname", "opp"],
    "HOME_AWAY": ["teamhomeaway", "home", "location", "homeaway"],
    "MIN": ["minutes", "nummin", "numminutes", "mp"],
    "WL": ["win", "teamwinner", "outcomegame"],
    "PTS": ["points", "teamscore", "totalpoints"],
    "PLUS_MINUS": ["plusminuspoints", "plusminus"],
    "FGM": ["fieldgoalsmade", "fg"],
    "FGA": ["fieldgoalsattempted"],
    "FG3M": ["threepointfieldgoalsmade", "threepointersmade", "3p", "3pm"],
    "FG3A": ["threepointfieldgoalsattempted", "threepointersattempted", "3pa"],
    "FTM": ["freethrowsmade", "ft"],
    "FTA": ["freethrowsattempted"],
    "OREB": ["offensiverebounds", "reboundsoffensive", "orb"],
    "DREB": ["defensiverebounds", "reboundsdefensive", "drb"],
    "REB": ["totalrebounds", "reboundstotal", "rebounds", "trb"],
    "AST": ["assists"],
    "STL": ["steals"],
    "BLK": ["blocks"],
    # The turnovers of the team itself count, as in `LeagueGameLog`.
    "TOV": ["totalturnovers", "turnovers", "to"],
    "PF": ["fouls", "foulspersonal", "personalfouls"],
}
_PERSON = {"PLAYER_ID": ["personid", "athleteid", "idplayer", "playerid"],
           "PLAYER_NAME": ["athletedisplayname", "player", "nameplayer", "playername",
                           "personname"],
           "FIRST_NAME": [], "LAST_NAME": ["familyname"]}  # fmt: skip
_FIXTURE = {
    "DATE": ["gamedate", "gamedateest", "startdate", "datetime", "gamedatetimeest", "day", "gdte",
             "dateeventlocal", "gameet", "scheduled", "starttime", "dateutc", "gametimeutc"],
    "HOME": ["hometeam", "homename", "hometeamtricode", "homeabbreviation", "hometeamteamtricode",
             "hometeamabbreviation", "homedisplayname", "homeneutral", "hta", "team1", "homealias",
             "teamshomename", "strhometeam", "hometeamname", "homeid", "hometeamid",
             "hometeamteamid"],
    "AWAY": ["awayteam", "visitor", "visitorteam", "awayname", "awayteamtricode",
             "awayabbreviation", "awayteamteamtricode", "awayteamabbreviation", "awaydisplayname",
             "visitorneutral", "visitorteamabbreviation", "vta", "team2", "awayalias",
             "teamsawayname", "strawayteam", "awayteamname", "awayid", "awayteamid",
             "visitorteamid", "awayteamteamid"],
    "NEUTRAL": ["neutralsite", "isneutral"],
    "SEASON_TYPE": ["gametype", "gamelabel", "playoff", "postseason"],
    "GAME_ID": ["gid"],
    "STATUS": ["gamestatustext", "statustypedescription"],
}  # fmt: skip
NAMES: dict[str, dict[str, list[str]]] = {
    "team": _GAME_LOG,
    "player": {**_GAME_LOG, "TOV": ["turnovers", "to"], **_PERSON},
    "schedule": _FIXTURE,
    "market_lines": {
        "DATE": ["gamedate", "commencetime"], "HOME": _FIXTURE["HOME"], "AWAY": _FIXTURE["AWAY"],
        "HOME_SPREAD": ["spreadhome", "spread"], "MONEYLINE_HOME": ["homemoneyline"],
        "MONEYLINE_AWAY": ["awaymoneyline"],
    },
    "market_totals": {
        "TEAM_NAME": ["team"], "WIN_TOTAL": ["overunder", "wintotals"],
        "TITLE_ODDS_AMERICAN": ["titleodds", "odds"],
    },
    "roster": {
        **_PERSON, "DATE": ["asof", "asofdate", "day"],
        "TEAM_ABBREVIATION": ["team", "teamtricode", "tm"], "TEAM_ID": [],
    },
    "drafts": {
        "PLAYER_ID": _PERSON["PLAYER_ID"], "DRAFT_YEAR": ["season", "yeardraft"],
        "DRAFT_NUMBER": ["overallpick", "numberpickoverall"],
    },
    "injury_entries": {
        "DATE": ["gamedate"], "STATUS": ["currentstatus"], "TEAM_ID": ["team"],
        "PLAYER_ID": ["personid"], "PLAYER_NAME": ["player"], "REASON": ["notes", "comment"],
    },
}  # fmt: skip
"""Other names of the columns of each level, the best first."""

_PRODUCERS = {
    "a table of Basketball-Reference, which has no game id": ("rk", "fg", "trb"),
    "Basketball-Reference's injuries, whose status is inside a text": ("update", "description"),
    "ProSportsTransactions' moves, which have no status": ("acquired", "relinquished"),
    "Rotowire's injuries, which have no date: put it into the file's name, like 2023-10-24.csv":
        ("injury", "estreturn"),
    "season totals, not games": ("gp", "w", "l"),
    "the totals of pbpstats.com, not games": ("gamesplayed", "offposs"),
    "the possessions of pbpstats.com, not events": ("startscoredifferential", "starttype"),
    "ESPN's play-by-play (hoopR), whose events are not the league's": ("typeid", "sequencenumber"),
    "lines of the-odds-api.com, which are named market/betting_lines_...":
        ("commencetime", "marketkey"),
    "FiveThirtyEight's Elo history (nbaallelo)": ("gameorder", "eloi"),
    "the odds archive of Sportsbook Reviews Online, which is named market/betting_lines_ and its "
    "season, and has two rows a game, V before H": ("rot", "vh", "open", "close"),
    "lines of a Kaggle set (C. Viax), which is named market/betting_lines_...": ("whosfavored",),
    "Kaggle's games.csv (N. Lauga), which has no field goals made: take other "
    "team logs; its games_details.csv is read as players": ("gamestatustext", "ptshome"),
    "balldontlie's box scores, whose ids are not the league's": ("turnover", "playerid", "fgpct"),
    "Kaggle's box scores (P. Rossotti), which have no game id": ("gmdate", "teamabbr"),
    "Kaggle's game stats (ionaskel), which have no game id": ("winorloss", "teampoints"),
    "BigDataBall's box scores, which are not read": ("bigdataballdataset", "gameid"),
    "FiveThirtyEight's Elo ratings, whose games are read if it is named schedules/...":
        ("elo1pre", "elo2pre"),
    "ESPN's box scores (hoopR)": ("teamslug", "teamcolor"),
    "the players of ESPN's box scores (hoopR)": ("athleteid", "athletedisplayname"),
    "Kaggle's box scores (E. Moore)": ("gameid", "threepointersmade", "numminutes"),
    "the league's schedule, which is named schedules/...": ("gamecode", "gamestatus", "arenaname"),
}  # fmt: skip
"""Columns by which the files of well-known producers are recognised."""

_ONLY_WITH = {"team1": "elo1pre", "team2": "elo2pre"}
"""Names that mean what we think only beside another: FiveThirtyEight's first team is at home."""

_MIN_PAIRS = 8
"""So many columns of `_home` and `_away` make a table of one row a game."""


def squash(name: object) -> str:
    """Return a name's letters and digits in lower case, `%` as `pct`."""
    plain = str(name).lower().replace("+/-", "plusminus").replace("%", "pct")
    return re.sub(r"[^a-z0-9]", "", plain)


def producer_of(columns: Iterable[object]) -> str | None:
    """Return whose file has such columns, None if it is not known."""
    found = {squash(column) for column in columns}
    return next((name for name, some in _PRODUCERS.items() if found.issuperset(some)), None)


def renamed(frame: pd.DataFrame, level: str, known: Sequence[str]) -> pd.DataFrame:
    """Return a frame whose columns have our names, in capitals; a name can stand twice.

    Args:
        frame: Rows as they were parsed.
        level: What a row would be.
        known: Our names of the columns of the level.
    """
    others = NAMES.get(level, {})
    written = [squash(column) for column in frame.columns]
    wanted: dict[str, str] = {}
    for name in dict.fromkeys([*known, *others]):
        forms = [squash(name), *others.get(name, [])]
        there = [form for form in forms if form in written and form not in wanted]
        form = next((form for form in there if _ONLY_WITH.get(form, form) in written), None)
        if form is not None:
            wanted[form] = name
    plain = [str(column).strip().upper() for column in frame.columns]
    names = [wanted.get(form, name) for form, name in zip(written, plain, strict=True)]
    renamed = frame.set_axis(pd.Index(names), axis=1)
    for form, name in wanted.items():
        if (form.endswith("est") or form == "gameet") and name in renamed:
            # Times of Eastern Standard Time, though the league writes a Z behind them.
            renamed[name] = renamed[name].astype("str").str.removesuffix("Z")
    return renamed


def one_row_a_team(frame: pd.DataFrame) -> pd.DataFrame:
    """Return two rows, home and away, of each row whose columns end in `_home` and `_away`."""
    names = {squash(column): column for column in frame.columns}
    bases = [name.removesuffix("home") for name in names if name.endswith("home")]
    both = [base for base in bases if base and f"{base}away" in names]
    if len(both) < _MIN_PAIRS:
        return frame
    sided = {side: [names[base + side] for base in both] for side in ("home", "away")}
    shared = frame.drop(columns=sided["home"] + sided["away"])
    parts = []
    for side, columns in sided.items():
        own = frame[columns].set_axis(pd.Index(both), axis=1)
        parts.append(pd.concat([shared, own], axis=1).assign(HOME_AWAY=side))
    return pd.concat(parts).sort_index(kind="stable")


def one_row_a_game(frame: pd.DataFrame, season: str) -> tuple[pd.DataFrame, pd.Index]:
    """Return one row of each two of Sportsbook Reviews Online's odds archive, the visitors' first.

    Its dates are month and day, in order, so its season has to be known. Of the two closing figures
    the smaller is the spread of the team of its row, the larger the total of both scores. Also
    returns the index of the rows without their other half; a frame of another form stays as it is.
    """
    names = {squash(column): column for column in frame.columns}
    if not {"date", "vh", "team", "close", "ml"} <= {*names} or not season:
        return frame, frame.index[:0]
    side = raw_values.text(frame[names["vh"]]).str.upper()
    place = pd.Series(range(len(frame)), frame.index)
    # At a neutral site both rows say N: they pair up from the first of their run on.
    run = place.groupby(side.ne(side.shift()).cumsum()).cumcount()
    after = side.shift(-1)
    first = (side.eq("V") & after.isin(["H", "N"])) | (
        side.eq("N") & (run % 2 == 0) & after.isin(["H", "N"])
    )
    other = first.shift(1, fill_value=False) & ~first
    if 2 * other.sum() <= 0.5 * len(frame):
        return frame, frame.index[:0]
    first = other.shift(-1, fill_value=False)
    away, home = (frame[rows].set_axis(range(int(other.sum()))) for rows in (first, other))
    close = [
        raw_values.numbers(raw_values.odds(side[names["close"]])).fillna(np.inf)
        for side in (away, home)
    ]
    spread = close[0].where(close[0] < close[1], -close[1])
    day = raw_values.digits(home[names["date"]], width=4)
    year = int(season[:4]) + raw_values.numbers(day.str[:2]).lt(9).cummax()
    games = pd.DataFrame(
        {
            "DATE": year.astype("str") + "-" + day.str[:2] + "-" + day.str[2:],
            "HOME": home[names["team"]],
            "AWAY": away[names["team"]],
            "HOME_SPREAD": spread.where(np.isfinite(spread)),
            "MONEYLINE_HOME": home[names["ml"]],
            "MONEYLINE_AWAY": away[names["ml"]],
        }
    )
    return games.set_axis(frame.index[other]), frame.index[~(first | other)]


def of_outcomes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row a game of rows of the-odds-api.com, which have one an outcome.

    Of several bookmakers the first one that has it gives the spread, and both moneylines.
    """
    names = {squash(column): column for column in frame.columns}
    needed = ("commencetime", "hometeam", "awayteam", "marketkey", "outcomesname", "outcomesprice")
    if not {*needed} <= {*names}:
        return frame
    rows = frame.rename(columns={names[name]: name for name in needed})
    point = names.get("outcomespoint")
    rows["outcomespoint"] = frame[point] if point else None
    bookmaker = names.get("bookmakerkey", names.get("bookmaker"))
    rows["maker"] = frame[bookmaker] if bookmaker else ""
    game = ["commencetime", "hometeam", "awayteam"]
    found = rows[game].drop_duplicates()
    for column, market, side, value in (
        ("HOME_SPREAD", "spreads", "hometeam", "outcomespoint"),
        ("MONEYLINE_HOME", "h2h", "hometeam", "outcomesprice"),
        ("MONEYLINE_AWAY", "h2h", "awayteam", "outcomesprice"),
    ):
        of_market = rows[rows["marketkey"].eq(market)]
        chosen = of_market["maker"].eq(of_market.groupby(game)["maker"].transform("first"))
        own = of_market[of_market["outcomesname"].eq(of_market[side]) & chosen]
        first = own.drop_duplicates(game)[[*game, value]].rename(columns={value: column})
        found = found.reset_index().merge(first, on=game, how="left").set_index("index")
    names_of_lines = dict(zip(game, ("DATE", "HOME", "AWAY"), strict=True))
    return found.rename(columns=names_of_lines).rename_axis(None)


def complete(frame: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return a game log with the columns that follow from others.

    Those are team, its names and its opponent, home or away, rebounds, and a player's name; the
    date of a player's row comes from the team's log.
    """
    frame = frame.copy(deep=False)
    if level == "player":
        if "PLAYER_NAME" not in frame and {"FIRST_NAME", "LAST_NAME"} <= {*frame}:
            frame["PLAYER_NAME"] = frame["FIRST_NAME"].str.cat(frame["LAST_NAME"], sep=" ")
        for name in ("GAME_DATE", "PLAYER_NAME"):
            if name not in frame and "PLAYER_ID" in frame:
                frame[name] = None
    if "REB" not in frame and {"OREB", "DREB"} <= {*frame}:
        offensive, defensive = (raw_values.numbers(frame[name]) for name in ("OREB", "DREB"))
        frame["REB"] = offensive + defensive
    known = [*league.known_team_ids()]
    if "TEAM_ID" not in frame or not raw_values.numbers(frame["TEAM_ID"]).isin(known).any():
        teams = _team_ids(frame)
        if teams is None:
            return frame
        frame["TEAM_ID"] = teams
    if level == "player":
        return frame
    ids = raw_values.numbers(frame["TEAM_ID"])
    names = league.names_of_today()
    for column, form in (("TEAM_ABBREVIATION", 0), ("TEAM_NAME", 1)):
        looked_up = ids.map({team: both[form] for team, both in names.items()})
        frame[column] = frame[column].fillna(looked_up) if column in frame else looked_up
    if "MATCHUP" not in frame and {"HOME_AWAY", "GAME_ID"} <= {*frame}:
        short = ids.map({team: both[0] for team, both in names.items()}).astype("str")
        game = short.groupby(frame["GAME_ID"])
        first, last = game.transform("first"), game.transform("last")
        other = first.where(first != short, last).astype("str")
        home = raw_values.text(frame["HOME_AWAY"]).str.lower()
        at_home = home.isin(["home", "h", "1", "1.0", "true"])
        sign = pd.Series(np.where(at_home, " vs. ", " @ "), frame.index, dtype="str")
        frame["MATCHUP"] = (short + sign + other).where(home.notna())
    if "WL" in frame:
        won = {"true": "W", "false": "L", "1": "W", "0": "L", "1.0": "W", "0.0": "L"}
        result = raw_values.text(frame["WL"])
        frame["WL"] = result.str.lower().map(won).fillna(result)
    return frame


def _team_ids(frame: pd.DataFrame) -> pd.Series | None:
    """Return the team of each row by id, abbreviation, name or matchup; None without any."""
    found: pd.Series | None = None
    forms = [name for name in ("TEAM_ID", "TEAM_ABBREVIATION", "TEAM_NAME") if name in frame]
    for form in forms:
        ids = league.team_ids_of(raw_values.text(frame[form]))
        found = ids if found is None else found.fillna(ids)
    if "TEAM_CITY" in frame and "TEAM_NAME" in frame and found is not None:
        whole = raw_values.text(frame["TEAM_CITY"]) + " " + raw_values.text(frame["TEAM_NAME"])
        found = found.fillna(league.team_ids_of(whole))
    if not forms and "MATCHUP" in frame:
        first = raw_values.text(frame["MATCHUP"]).str.extract(r"^(\S+)", expand=False)
        found = league.team_ids_of(first)
    return found

"""The rows of players: who appeared, under which id, and whether they add up to their teams."""

import pandas as pd

from nba_rank.data.duplicates import deduplicate
from nba_rank.data.foreign_ids import players_of_league
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.player_names import plain_name
from nba_rank.data.tables import BOX_COLUMNS

GAME_SECONDS, OVERTIME_SECONDS = 240 * 60, 25 * 60
"""Seconds on court of all players of a team in a game without overtime, and in an overtime."""

MAX_SECONDS_APART = 5 * 60
"""By so much the seconds of a team's players, rounded one by one, may miss those of a game."""

MAX_CAMEOS_PER_GAME = 0.3
"""A file with more rows of no minutes and no counts lists those who did not play, too.

The league's logs have up to .05 in a regular season and .23 in playoffs.
"""

MAX_CAMEOS_PER_PLAYER = 10
"""A player with more such rows in a season did not play; the league's logs have up to seven."""

REGULAR_SECONDS = 24 * 60
"""A player of so many seconds a game has one such row at most; in the league's logs those with more
have under 23.8 minutes."""

POSSIBLE_SHARE = (0.5, 2.0)
"""Share of the seconds of a game without overtime that a team's players can have."""

MAX_EQUAL_TURNOVERS = 0.9
"""A team has just its players' turnovers in about half of its games, if its own are counted."""

MIN_GAMES = 10
"""Fewer games of a season and kind say nothing of how its files are made."""

_KEY = ["game_id", "team_id"]
_SHOWN = [*_KEY, "player_name"]


def player_rows(rows: pd.DataFrame, sides: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return one row for each player who appeared in a game of `sides`, with the game's date.

    Args:
        rows: Normalised rows of all player logs, with `file`, `row`, `folder` and `modified`.
        sides: Both teams' rows of every game, as `assemble.pair_sides` returns them.
        issues: Collects what is left out or doubtful. Where the rows of most games of a season do
            not add up to their teams, that is an error; where most games have none, a warning, and
            the season has no players.
    """
    covered = rows.drop_duplicates(["season", "kind"])
    rows = players_of_league(_who_appeared(rows, issues), issues)
    rows = number_players(_join(rows, sides, issues), issues)
    rows = _of_one_id(rows, issues)
    repeated = rows[rows.duplicated(["game_id", "player_id"], keep=False)]
    both = repeated.groupby(["game_id", "player_id"])["team_id"].transform("nunique") > 1
    issues.warn("player on both sides of a game: one row is kept", repeated, both, _SHOWN)
    side = rows.groupby(["season", "player_id", "team_id"])["game_id"].transform("nunique")
    trust = side.where(both.reindex(rows.index, fill_value=False), 0)
    rows = deduplicate(rows, ["game_id", "player_id"], ["player_name"], issues, trust)
    return _of_whole_teams(rows, sides, covered, issues)


def _who_appeared(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Leave out the rows of players who did not play.

    A row without minutes and counts is an absence where the minutes are empty. Where they are 0, it
    can also be an appearance of under half a minute; those are rare, so where a player has many
    such rows, or a file has many of other players, they are absences.
    """
    idle = rows[["points", *BOX_COLUMNS, "plus_minus"]].fillna(0).eq(0).all(axis=1)
    unknown = rows["seconds"].isna()
    absent = unknown & idle
    cameo = rows[idle & rows["seconds"].eq(0)]
    if len(cameo):
        log, player = ["log", "season"], ["season", "player_id", "player_name"]
        # Files of few games, such as one each, are judged together.
        size = rows.groupby("file")["game_id"].nunique()
        logs = rows["file"].mask(rows["file"].map(size) < MIN_GAMES, "")
        games = rows.assign(log=logs).groupby(log)["game_id"].nunique()
        cameo = cameo.assign(log=logs)
        # A log can list its games twice.
        of_player = cameo.groupby(player, dropna=False)["game_id"].transform("nunique")
        played = rows[rows["seconds"] > 0].groupby(player, dropna=False)["seconds"].mean()
        usual = cameo[player].merge(played.reset_index(), on=player, how="left")["seconds"]
        often = usual.set_axis(cameo.index).ge(REGULAR_SECONDS) & (of_player > 1)
        often |= of_player > MAX_CAMEOS_PER_PLAYER
        of_log = cameo.assign(rest=~often).groupby(log)["rest"].transform("sum")
        often |= of_log > MAX_CAMEOS_PER_GAME * cameo[log].join(games, on=log)["game_id"]
        absent |= often.reindex(rows.index, fill_value=False)
        issues.warn(
            "player row of 0 minutes and no counts: kept as an appearance of under half a minute",
            cameo, ~often, _SHOWN,
        )  # fmt: skip
    rows = issues.drop("row of a player who did not play", rows, absent, _SHOWN)
    return issues.drop("player row without minutes", rows, unknown.loc[rows.index], _SHOWN)


def number_players(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Give a negative id to each (name, team) whose rows have none, with a warning.

    Ids count down from -1 in order of first appearance, then name and team, so that seasons added
    later leave them as they are.
    """
    absent = rows["player_id"].isna()
    issues.warn(
        "no player id: a negative one per name and team was assigned",
        rows, absent, ["game_id", "player_name", "team_id"],
    )  # fmt: skip
    pair = ["player_name", "team_id"]
    first = rows[absent].groupby(pair)["game_date"].min().reset_index()
    first = first.sort_values(["game_date", *pair], ignore_index=True)
    assigned = first[pair].assign(assigned=-1.0 - first.index)
    ids = rows[pair].merge(assigned, on=pair, how="left")["assigned"].set_axis(rows.index)
    return rows.assign(player_id=rows["player_id"].fillna(ids))


def _of_one_id(rows: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Give one id to a player who has two in a season and team, never in the same game.

    It is the one with more rows. Two of one name who play in one game are two players, or one who
    stands there twice: a warning tells them.
    """
    who = ["season", "team_id", "plain"]
    ids = rows[["season", "team_id", "player_id", "player_name"]].drop_duplicates()
    ids = ids[ids["player_id"] > 0].assign(plain=lambda each: each["player_name"].map(plain_name))
    several = ids[ids.groupby(who)["player_id"].transform("nunique") > 1]
    if several.empty:
        return rows
    key = ["season", "team_id", "player_id", "player_name"]
    own = rows[[*key, "game_id", "file", "row"]].reset_index().merge(several, on=key)
    together = own.groupby([*who, "game_id"])["player_id"].transform("nunique").gt(1)
    together = together.groupby([own[name] for name in who]).transform("any")
    issues.warn(
        "two ids of one name in one team and game: kept as two players",
        own, together, ["game_id", "player_name", "player_id"],
    )  # fmt: skip
    own = own[~together]
    counts = own.assign(
        n=rows["player_id"].map(rows["player_id"].value_counts())[own["index"]].to_numpy()
    )
    best = counts.sort_values(["n", "player_id"]).groupby(who)["player_id"].transform("last")
    changed = best.reindex(own.index).ne(own["player_id"])
    issues.warn(
        "player whose id changes within a season: the one with more rows is taken",
        own, changed, ["game_id", "player_name", "player_id"],
    )  # fmt: skip
    new = best.set_axis(own.loc[best.index, "index"])
    return rows.assign(player_id=new.reindex(rows.index).fillna(rows["player_id"]))


def _join(rows: pd.DataFrame, sides: pd.DataFrame, issues: IngestIssues) -> pd.DataFrame:
    """Return the rows of teams in `sides`, with the date of the game and `team_points`."""
    game = sides[[*_KEY, "game_date", "points"]].rename(
        columns={"game_date": "team_date", "points": "team_points"}
    )
    rows = rows.merge(game, on=_KEY, how="left", validate="m:1")
    orphans = rows["team_date"].isna()
    rows = issues.drop("player row of a game that has no such team row", rows, orphans, _SHOWN)
    apart = rows["game_date"].notna() & (rows["game_date"] != rows["team_date"])
    issues.warn(
        "player row has another date than its game, whose date is taken",
        rows, apart, [*_KEY, "game_date", "team_date"],
    )  # fmt: skip
    return rows.assign(game_date=rows["team_date"])


def _of_whole_teams(
    rows: pd.DataFrame, sides: pd.DataFrame, covered: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Check that the minutes and points of each team's players are those of the team.

    `covered` has a row of each season and kind of game of which there are player logs, whatever is
    left of them. Where only some games fail, a row stays unless the minutes of its team are far
    from a game's.
    """
    sums = rows.groupby(_KEY).agg(
        player_seconds=("seconds", "sum"), player_points=("points", "sum"),
        player_tov=("tov", "sum"),
    )  # fmt: skip
    first = rows.drop_duplicates(_KEY).set_index(_KEY)[["file", "row"]]
    whole = ["season", "kind"]
    teams = sides.loc[
        pd.MultiIndex.from_frame(sides[whole]).isin(pd.MultiIndex.from_frame(covered[whole])),
        [*_KEY, *whole, "points", "tov", "matchup", "is_home", "file", "row"],
    ].join(sums, on=_KEY)
    teams["players_minutes"] = (teams["player_seconds"] / 60).round(1)
    over = teams["player_seconds"] - GAME_SECONDS
    nearest = (over / OVERTIME_SECONDS).round().clip(lower=0) * OVERTIME_SECONDS
    teams["without"] = teams["player_seconds"].isna()
    teams["minutes_apart"] = (over - nearest).abs() > MAX_SECONDS_APART
    teams["points_apart"] = ~teams["without"] & (teams["player_points"] != teams["points"])
    teams["without_both"] = teams.groupby("game_id")["without"].transform("all")
    own = teams[[*_KEY, "points", "player_points", "players_minutes", "points_apart"]].join(
        first, on=_KEY, how="inner"
    )
    issues.warn(
        "points of the players do not add up to the team's",
        own, own["points_apart"], [*_KEY, "points", "player_points"],
    )  # fmt: skip
    file_of = covered.set_index(whole)["file"].to_dict()
    lost = [part for key, part in teams.groupby(whole) if _fails(part, str(file_of[key]), issues)]
    if lost:
        gone = pd.MultiIndex.from_frame(pd.concat(lost)[whole].drop_duplicates())
        rows = rows[~pd.MultiIndex.from_frame(rows[whole]).isin(gone)]
        teams = teams[~pd.MultiIndex.from_frame(teams[whole]).isin(gone)]
    _check_turnovers(teams, issues)
    issues.warn(
        "game without player rows", teams, teams["without_both"] & teams["is_home"],
        ["game_id", "matchup"],
    )  # fmt: skip
    one = teams["without"] & ~teams["without_both"]
    issues.warn("game with the players of one team only", teams, one, ["game_id", "matchup"])
    return _of_possible_minutes(rows, teams, first, issues)


def _fails(teams: pd.DataFrame, file: str, issues: IngestIssues) -> bool:
    """Whether the players of a season and kind of game are too few to count.

    Too few rows are a warning; rows that do not add up to the teams in most games, an error.
    """
    faults = teams[["without", "minutes_apart", "points_apart", "without_both"]]
    games = faults.groupby(teams["game_id"]).any()
    bad = games.any(axis=1)
    season, kind = teams["season"].iloc[0], teams["kind"].iloc[0]
    if len(games) < MIN_GAMES or bad.mean() <= 0.5:
        return False
    if games["without_both"].sum() > bad.sum() / 2:
        issues.warn_file(
            file,
            "SEASON WITHOUT PLAYERS: most of its games have no complete player rows, so the others "
            "are left out",
            f"{season} {kind}: {int((~bad).sum())} of {len(games)} games have them",
        )
        return True
    counts = {
        "have the players of one team only": (games["without"] & ~games["without_both"]).sum(),
        "have minutes that are not 240 a team and 25 an overtime": games["minutes_apart"].sum(),
        "have points that are not the team's": games["points_apart"].sum(),
    }
    told = ", ".join(f"{count} {what}" for what, count in counts.items() if count)
    example = teams[teams["minutes_apart"] | teams["points_apart"] | teams["without"]].iloc[0]
    has = (
        "no rows"
        if example["without"]
        else (
            f"{example['players_minutes']:g} minutes, {example['player_points']:g} of "
            f"{example['points']:g} points"
        )
    )
    issues.error_file(
        file,
        f"the players do not add up to their teams: of {len(games)} games of {season} ({kind}), "
        f"{told}; such as game {example['game_id']}, team {example['team_id']}: {has}",
        "Give every player who appeared, once, with his minutes; or remove the player logs of the "
        "season, which is then ranked without players.",
    )
    return True


def _check_turnovers(teams: pd.DataFrame, issues: IngestIssues) -> None:
    """Say where turnovers of the team itself are left out; a mixture of seasons is an error."""
    known = teams[~teams["without"] & teams["tov"].notna()]
    equal = (known["tov"] == known["player_tov"]).groupby(known["season"]).agg(["mean", "size"])
    equal = equal[equal["size"] >= 2 * MIN_GAMES]
    without = equal["mean"] > MAX_EQUAL_TURNOVERS
    if not without.any():
        return
    names, file = ", ".join(map(str, equal.index[without])), str(known["file"].iloc[0])
    what = "team turnovers are left out, as in LeagueGameFinder"
    if without.all():
        issues.warn_file(file, what, names)
    else:
        remedy = "Take LeagueGameLog, which counts them, for all seasons."
        issues.error_file(file, f"{what}, in {names}, but counted in other seasons", remedy)


def _of_possible_minutes(
    rows: pd.DataFrame, teams: pd.DataFrame, first: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Leave out the players of teams whose minutes are far from those of a game."""
    n_games = teams.groupby(["season", "kind"])["game_id"].transform("nunique")
    apart = teams[teams["minutes_apart"] & (n_games >= MIN_GAMES)]
    if apart.empty:
        return rows
    own = apart.join(first, on=_KEY, rsuffix="_of_players")
    own = own.drop(columns=["file", "row"]).rename(
        columns={"file_of_players": "file", "row_of_players": "row"}
    )
    share = own["player_seconds"] / GAME_SECONDS
    far = ~share.between(*POSSIBLE_SHARE)
    what = "minutes of the players do not add up to 240 and 25 an overtime"
    issues.warn(what, own, ~far, [*_KEY, "players_minutes"])
    issues.warn(f"dropped: players of a team whose {what}", own, far, [*_KEY, "players_minutes"])
    gone = pd.MultiIndex.from_frame(own.loc[far, _KEY])
    return rows[~pd.MultiIndex.from_frame(rows[_KEY]).isin(gone)] if len(gone) else rows

"""The regular-season schedule as it is known before the results.

It comes from the games that were played and from schedule files, which list games to come. Taking
it from the games is a mild idealisation: a postponed game is on its day of play from the first
morning of its season on, and so are the two games of each team that the NBA Cup decides.
"""

import pandas as pd

from nba_rank.data import league
from nba_rank.data.game_tables import GameTables
from nba_rank.data.ingest_issues import IngestIssues
from nba_rank.data.raw import columns
from nba_rank.data.rosters import team_ids, with_season
from nba_rank.data.tables import conform

_GAME = ["season", "game_date", "home_team_id", "away_team_id"]
_SHOWN = ["date", "home", "away"]
_DAY = pd.Timedelta(days=1)
_TURNED = "home and away the other way round"

MIN_WHOLE = 0.5
"""With so large a share of its fixtures, a season's schedule seems to be meant whole."""

MAX_CROWDED, MAX_SLIPS = 0.5, 0.1
"""Share of teams with too many games up to which a schedule has no other kind, and that of a span
up to which they are slips: the final of the Cup, or a game put off that stands on both days."""

MIN_PAUSES = (3, 2)
"""Days from the last preseason game to the opening, and from the last game to the play-in."""

MIN_SHIFTED = 3
"""So many games on a day that is not theirs are no slips: times are of another zone."""


def schedule_table(
    rows: pd.DataFrame | None, known: GameTables, issues: IngestIssues
) -> pd.DataFrame:
    """Return the canonical table `schedule`.

    A fixture is public from the first game day of its season on; that of a season without games,
    from the day after the last game in the tables on; a game after the stop of 2019-20, from the
    day after its restart was announced on. Those were all played in one place and so are neutral.
    Whatever the files say, games that were played are as they were played.
    """
    games = known.games
    fixtures = games.loc[games["kind"] == "regular", [*_GAME, "neutral_site"]]
    if rows is not None:
        listed = _without_other_kinds(_listed(rows, known, issues), fixtures, issues)
        fixtures = pd.concat([fixtures, listed[fixtures.columns]], ignore_index=True)
        issues.warn(
            "fixture of a team with more games than its season has: is it old, or preseason?",
            listed, _of_sides(listed, _with_too_many(fixtures)), _SHOWN,
        )  # fmt: skip

        _warn_missing(fixtures, listed, known, issues)

    opening = known.seasons.set_index("season")["first_date"]
    coming = games["game_date"].max() + _DAY
    fixtures["known_from"] = fixtures["season"].map(opening).fillna(coming)
    for season in fixtures["season"].unique():
        restart = league.restart(season)
        if restart is not None:
            later = (fixtures["season"] == season) & (fixtures["game_date"] >= restart.resumed)
            fixtures.loc[later, "known_from"] = restart.announced + _DAY
            fixtures.loc[later, "neutral_site"] = True
    return conform("schedule", fixtures)


def _listed(rows: pd.DataFrame, known: GameTables, issues: IngestIssues) -> pd.DataFrame:
    """Return the fixtures of the files that have not been played, with their source."""
    games = known.games
    rows = with_season(rows, "fixture", known, issues, _SHOWN)
    rows = rows.assign(game_date=rows["date"])
    for side in ("home", "away"):
        ids = team_ids(rows.assign(team=rows[side]), known.teams, issues)
        rows = rows.assign(**{f"{side}_team_id": ids})
    named = rows["home_team_id"].gt(0) & rows["away_team_id"].gt(0)
    itself = named & (rows["home_team_id"] == rows["away_team_id"])
    remedy = "HOME and AWAY are two teams; correct one of them."
    issues.error("a team against itself", rows, itself, _SHOWN, remedy)
    rows = rows[named & ~itself]

    same = rows.duplicated(_GAME, keep="last")
    issues.warn("duplicate rows removed", rows, same, _SHOWN)
    rows = rows[~same]
    moved = rows["game_id"].notna() & rows.duplicated("game_id", keep="last")
    issues.warn("dropped: a later row gives the game another day", rows, moved, _SHOWN)
    rows = rows[~moved]
    done = _in(rows[_GAME], games[games["kind"] == "regular"])
    _check_days(rows, done, games, issues)
    rows = rows[~done]
    missed = rows["game_date"].lt(games["game_date"].max()) | _of_sides(rows, _sides(games))
    issues.warn(
        "dropped: fixture before the last games of the logs, which do not have it",
        rows, missed, _SHOWN,
    )  # fmt: skip
    rows = rows[~missed]
    whole = pd.concat([games.loc[games["kind"] == "regular", _GAME], rows[[*_GAME, "file"]]])
    check_days_off(whole, issues)
    sides = _sides(rows)
    twice = _of_sides(rows, sides[sides.duplicated(["game_date", "team_id"])])
    remedy = f"{columns.OTHER_ZONE} Where single rows are wrong or out of date, correct them."
    issues.error("a team plays twice on a date", rows, twice, _SHOWN, remedy)
    return rows[~twice]


def _without_other_kinds(
    listed: pd.DataFrame, played: pd.DataFrame, issues: IngestIssues
) -> pd.DataFrame:
    """Leave out preseason and playoffs of seasons most of whose teams would have too many games.

    A season begins after days without games, and ends before a day without any. Of all such spans
    in which hardly a team has more games than it is to have, the one with the most games is kept,
    and of these the longest; without one nothing is left out.
    """
    outside = pd.Series(False, listed.index)
    for season, own in listed.groupby("season"):
        due = league.scheduled_games(str(season))
        over = played.loc[played["season"] == season, _GAME]
        whole = pd.concat([over, own[_GAME]])
        sides = _sides(whole)
        counts = pd.crosstab(sides["game_date"], sides["team_id"])
        if _crowded(counts, due) <= MAX_CROWDED:
            continue
        days = counts.index.to_series()
        before, after = days.diff().dt.days.fillna(99), -days.diff(-1).dt.days.fillna(-99)
        first, last = days[before >= MIN_PAUSES[0]], days[after >= MIN_PAUSES[1]]
        if len(over):
            first, last = days[:1], last[last >= over["game_date"].max()]
        spans = [
            (int(part.to_numpy().sum()), end - start, start, end)
            for start in first
            for end in last
            if len(part := counts.loc[start:end]) and _crowded(part, due) <= MAX_SLIPS
        ]
        if spans:
            *_, start, end = max(spans)
            outside |= listed["season"].eq(season) & ~listed["game_date"].between(start, end)
    what = "fixture before or after a season in which all teams have their games: another kind"
    return issues.drop(what, listed, outside, _SHOWN)


def _crowded(counts: pd.DataFrame, due: int) -> float:
    """Return the share of teams with more games than are due, of counts by day and team."""
    return float((counts.sum() > due).mean())


def _check_days(
    rows: pd.DataFrame, done: pd.Series, games: pd.DataFrame, issues: IngestIssues
) -> None:
    """Record an error for files most of whose games were played, but on another day or ground."""
    counts = pd.DataFrame({"on the same day": done})
    for days, when in ((-1, "a day later"), (1, "a day earlier")):
        moved = rows[_GAME].assign(game_date=rows["game_date"] + days * _DAY)
        counts[when] = _in(moved, games) & ~done
    turned = rows[_GAME].assign(
        home_team_id=rows["away_team_id"], away_team_id=rows["home_team_id"]
    )
    counts[_TURNED] = _in(turned, games) & ~done
    for file, found in counts.groupby(rows["file"], sort=False).sum().iterrows():
        when = str(found.idxmax())
        if when == "on the same day" or found[when] < MIN_SHIFTED:
            continue
        what = f"{found[when]} games that were played stand {when} than in the game logs"
        remedy = columns.OTHER_ZONE
        if when == _TURNED:
            what = f"{found[when]} games that were played have {_TURNED}"
            remedy = "Give the home team as HOME; HOME and AWAY seem to be exchanged."
        exact = f"{found['on the same day']} stand as in the game logs"
        issues.error_file(str(file), f"{what}, {exact}", remedy)


def check_days_off(games: pd.DataFrame, issues: IngestIssues) -> None:
    """Record an error for seasons with games on the day of December that is always free of them.

    Times of another zone put those of the day before or after there.

    Args:
        games: One row a regular-season game, with `season`, `game_date` and the `file` to blame,
            null where it is beyond doubt.
        issues: Collects the error.
    """
    for season, played in games.groupby("season"):
        on_eve = played.loc[played["game_date"] == league.christmas_eve(str(season)), "file"]
        if len(on_eve) >= MIN_SHIFTED and on_eve.notna().any():
            what = f"{season}: {len(on_eve)} games on 24 December, when the league never plays"
            issues.error_file(str(on_eve.mode()[0]), what, columns.OTHER_ZONE)


def _with_too_many(fixtures: pd.DataFrame) -> pd.DataFrame:
    """Return `season` and `team_id` of the teams with more fixtures than their season has."""
    counts = _sides(fixtures).groupby(["season", "team_id"]).size().reset_index(name="games")
    return counts[counts["games"] > counts["season"].map(league.scheduled_games)]


def _warn_missing(
    fixtures: pd.DataFrame, listed: pd.DataFrame, known: GameTables, issues: IngestIssues
) -> None:
    """Warn of seasons with fixtures in files, but not all, and of the teams that lack most."""
    counts = _sides(fixtures).groupby(["season", "team_id"]).size()
    for season in listed["season"].unique():
        due = league.scheduled_games(season)
        lacking = (
            due - counts[season].reindex(sorted(league.team_ids(season)), fill_value=0)
        ).clip(lower=0)
        n_known, total = int(fixtures["season"].eq(season).sum()), len(lacking) * due // 2
        if lacking.any() and n_known >= MIN_WHOLE * total:
            names = league.names_of_today()
            worst = lacking.sort_values(ascending=False, kind="stable").head(5)
            told = ", ".join(f"{names[team][0]} {n}" for team, n in worst.items() if n)
            file = listed.loc[listed["season"] == season, "file"].iloc[0]
            issues.warn_file(
                file,
                "fixtures are missing",
                f"{season}: {n_known} of {total} games; missing {told}",
            )


def _sides(fixtures: pd.DataFrame) -> pd.DataFrame:
    """Return `season`, `game_date` and `team_id` of both sides of every game."""
    names = {"home_team_id": "team_id", "away_team_id": "team_id"}
    return pd.concat(
        fixtures[["season", "game_date", side]].rename(columns=names) for side in names
    )


def _of_sides(fixtures: pd.DataFrame, sides: pd.DataFrame) -> pd.Series:
    """Mark the games of which at least one side is in the rows of a frame, by its columns."""
    columns = [name for name in ("season", "game_date") if name in sides]
    found = pd.Series(False, index=fixtures.index)
    for side in ("home_team_id", "away_team_id"):
        own = fixtures[[*columns, side]].rename(columns={side: "team_id"})
        found |= _in(own, sides)
    return found


def _in(rows: pd.DataFrame, others: pd.DataFrame) -> pd.Series:
    """Mark the rows whose values are those of some row of another frame in the same columns."""
    keys = pd.MultiIndex.from_frame(others[list(rows)])
    return pd.Series(pd.MultiIndex.from_frame(rows).isin(keys), index=rows.index, dtype="bool")

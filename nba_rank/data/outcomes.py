"""How far every team went: playoff series, champion, outcome rank and final rank of a season."""

import numpy as np
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.data import league
from nba_rank.data.race import race
from nba_rank.data.standings import standings
from nba_rank.data.tables import Tables

FINISHES = (
    "Champion",
    "Finals",
    "Conference finals",
    "Second round",
    "First round",
    "Play-in",
    "Lottery",
)
"""Labels of how a season ended for a team, best first."""

ROUNDS = 4
"""Rounds of the playoffs."""

_READ = [
    "season", "kind", "game_date", "team_id", "opponent_team_id", "won", "points",
    "opponent_points",
]  # fmt: skip

EVENTS = ("playoff", "round_1", "round_2", "finals", "title")
"""How far a team may go: into the playoffs, and winning one to four rounds of them."""


def playoff_wins(team_games: pd.DataFrame) -> pd.DataFrame:
    """Return how many playoff games each team won; play-in games do not count.

    Args:
        team_games: Team games as in the schema, any number of seasons.

    Returns:
        `season`, `team_id`, `playoff_wins` (games): one row for each team and season present,
        zero for a team without a playoff game, sorted by season and team.
    """
    counted = team_games["won"] & (team_games["kind"] == "playoffs")
    wins = counted.groupby([team_games["season"], team_games["team_id"]]).sum()
    return wins.astype("int64").rename("playoff_wins").reset_index()


def series(team_games: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the playoff series of a season, derived from its playoff games alone.

    A team's opponents in order of their first game are its rounds, so no bracket is needed.

    Args:
        team_games: Team games as in the schema; only the season's rows of kind `playoffs` count.
        season: Season, such as `2023-24`.

    Returns:
        Two rows a series, one from each side, sorted by round and team: `season`, `round` (1 to
        4), `team_id`, `opponent_team_id`, `wins`, `losses` (games), `winner_team_id` (0 while the
        series is undecided). Empty where there are no playoff games yet.

    Raises:
        UserError: Two opponents meet in different rounds of theirs, which means that games of an
            earlier round are missing.
    """
    rows = team_games[(team_games["season"] == season) & (team_games["kind"] == "playoffs")]
    pairs = rows.groupby(["team_id", "opponent_team_id"], as_index=False).agg(
        wins=("won", "sum"), games=("won", "size"), first_date=("game_date", "min")
    )
    by_team = pairs.groupby("team_id")["first_date"]
    pairs["round"] = by_team.rank(method="first").astype("int64")
    mirrored = pairs.merge(
        pairs[["team_id", "opponent_team_id", "round"]],
        left_on=["team_id", "opponent_team_id"],
        right_on=["opponent_team_id", "team_id"],
        suffixes=("", "_other"),
        how="left",
    )
    crossed = mirrored[mirrored["round"] != mirrored["round_other"]]
    if len(crossed):
        first = crossed.iloc[0]
        raise UserError(
            f"season {season}: teams {first['team_id']} and {first['opponent_team_id']} meet in "
            "different rounds of theirs; playoff games of an earlier round are missing"
        )
    wins = pairs["wins"].to_numpy(dtype="int64")
    losses = pairs["games"].to_numpy(dtype="int64") - wins
    of_round = {number: league.wins_needed(season, number) for number in range(1, ROUNDS + 1)}
    needed = pairs["round"].map(of_round).fillna(of_round[ROUNDS]).to_numpy()
    team, opponent = pairs["team_id"].to_numpy(), pairs["opponent_team_id"].to_numpy()
    winner = np.select([wins >= needed, losses >= needed], [team, opponent], default=0)
    table = pd.DataFrame(
        {
            "season": pd.Series(season, index=pairs.index, dtype="str"),
            "round": pairs["round"],
            "team_id": team,
            "opponent_team_id": opponent,
            "wins": wins,
            "losses": losses,
            "winner_team_id": winner,
        }
    )
    return table.sort_values(["round", "team_id"], ignore_index=True)


def _eliminated_on(team_games: pd.DataFrame, teams: pd.DataFrame, season: str) -> pd.Series:
    """Return the first morning on which each team was out, indexed by team id.

    A team that is never mathematically out gets the morning after the last game: one that missed
    the field got there on a tie-break.
    """
    rows = team_games[(team_games["season"] == season) & (team_games["kind"] == "regular")]
    days = rows["game_date"]
    mornings = pd.date_range(days.min(), days.max() + pd.Timedelta(days=1), freq="D")
    table = race(rows, teams, season, mornings)
    out = table["as_of_date"].where(table["eliminated"], mornings[-1])
    return out.groupby(table["team_id"]).min()


def _ranks(*keys: pd.Series) -> pd.Series:
    """Return ranks from 1, by keys that are each better when lower, the first key first."""
    order = np.lexsort([key.to_numpy() for key in reversed(keys)])
    ranks = np.empty(len(order), dtype="int64")
    ranks[order] = np.arange(1, len(order) + 1)
    return pd.Series(ranks, index=keys[0].index)


def _season_outcomes(rows: pd.DataFrame, teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the outcomes of a season from all its team games."""
    table = standings(rows, teams, season)
    table = table[["season", "team_id", "wins", "losses", "win_pct", "seed", "league_rank"]]
    table = table.rename(columns={"league_rank": "standings_rank"})
    team = table["team_id"]
    results = series(rows, season)
    playin_games = team.map(rows.loc[rows["kind"] == "playin", "team_id"].value_counts())
    series_won = team.map(
        results.loc[results["winner_team_id"] == results["team_id"], "team_id"].value_counts()
    )
    table["made_playin"] = playin_games.notna()
    table["made_playoffs"] = team.isin(results["team_id"])
    table["playoff_wins"] = team.map(playoff_wins(rows).set_index("team_id")["playoff_wins"])
    table["rounds_won"] = series_won.fillna(0).astype("int64")

    missed = ~table["made_playoffs"]
    table["outcome_rank"] = _ranks(missed, -table["playoff_wins"], table["standings_rank"])
    eliminated_on = team.map(_eliminated_on(rows, teams, season))
    # Only teams out of both the playoffs and the play-in are told apart by date.
    in_season = missed & ~table["made_playin"]
    table["eos_final_rank"] = _ranks(
        missed,
        -table["rounds_won"],
        in_season,
        -playin_games.where(missed).fillna(0),
        -eliminated_on.where(in_season, eliminated_on.min()).astype("int64"),
        table["standings_rank"],
    )
    place = np.select(
        [table["made_playoffs"], table["made_playin"]],
        [ROUNDS - table["rounds_won"], ROUNDS + 1],
        default=ROUNDS + 2,
    )
    table["finish"] = pd.Series([FINISHES[i] for i in place], index=table.index, dtype="str")
    return table.sort_values("outcome_rank", ignore_index=True)


def outcomes(tables: Tables, season: str | None = None) -> pd.DataFrame:
    """Return how far every team went, for complete seasons.

    Args:
        tables: The canonical tables.
        season: One season, or None for all that are complete.

    Returns:
        One row a team and season, sorted by season and `outcome_rank`:
        `season`, `team_id`; `wins`, `losses` (regular season, games), `win_pct` (0 to 1);
        `seed` (regular season, within the conference, before any play-in);
        `standings_rank` (1 is best; `league_rank` of `standings`);
        `made_playin` (played a play-in game), `made_playoffs` (played a playoff game);
        `playoff_wins` (games), `rounds_won` (playoff series won, 0 to 4; 0 also for a team that
        missed the playoffs: ask `made_playoffs`);
        `outcome_rank` (1 is best, a strict order: the playoff teams by playoff wins, then the
        other teams; within equals by regular-season winning percentage, as in `standings_rank`.
        Play-in games count as neither);
        `eos_final_rank` (1 is best, a strict order by elimination, the last eliminated first:
        champion, runner-up, then by playoff round reached; then the losers of the play-in, those
        who lost their second game in it ahead of those who lost their first; then the teams out
        in the regular season by the date on which they were mathematically eliminated. Within
        equals as in `standings_rank`. This is our reading of an older definition, of which only
        is known that it puts the first two eliminated teams at 29 and 30);
        `finish` (one of `FINISHES`).

    Raises:
        ValueError: The season is not in the tables or its champion is not decided.
        UserError: No season is complete.
    """
    known = tables.seasons
    names = known.loc[known["complete"], "season"].tolist()
    if season is not None:
        if season not in names:
            raise ValueError(f"no outcome of season {season!r}: complete are {names}")
        names = [season]
    if not names:
        raise UserError("no season in the tables is complete, so there are no outcomes")
    rows = tables.team_games[_READ]
    rows = rows[rows["season"].isin(names)]
    frames = [
        _season_outcomes(part, tables.teams, str(name)) for name, part in rows.groupby("season")
    ]
    return pd.concat(frames, ignore_index=True)


def events(outcomes: pd.DataFrame) -> pd.DataFrame:
    """Return how far every team went.

    Args:
        outcomes: Columns `season`, `team_id`, `made_playoffs` and `rounds_won`, as of `outcomes`.

    Returns:
        `season`, `team_id` and a bool column for each of `EVENTS`; rows as given.
    """
    happened = {
        name: outcomes["made_playoffs"] & (outcomes["rounds_won"] >= rounds)
        for rounds, name in enumerate(EVENTS)
    }
    return outcomes[["season", "team_id"]].assign(**happened)

"""How far every team went: playoff series, outcome rank and final rank."""

import numpy as np
import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.data import league
from nba_rank.data.race import race
from nba_rank.data.standings import BERTHS, standings
from nba_rank.data.tables import Tables

FINISHES = (
    "Champion", "Finals", "Conference finals", "Second round", "First round", "Play-in", "Lottery",
)  # fmt: skip
"""Labels of how a team's season ended, best first."""

ROUNDS = 4
"""Rounds of the playoffs."""

_READ = [
    "season", "kind", "game_date", "team_id", "opponent_team_id", "won", "points",
    "opponent_points",
]  # fmt: skip

EVENTS = ("playoff", "round_1", "round_2", "finals", "title")
"""Making the playoffs, and winning one to four rounds of them."""


def playoff_wins(team_games: pd.DataFrame) -> pd.DataFrame:
    """Return `season`, `team_id` and `playoff_wins` (games, without the play-in) of every team."""
    counted = team_games["won"] & (team_games["kind"] == "playoffs")
    wins = counted.groupby([team_games["season"], team_games["team_id"]]).sum()
    return wins.astype("int64").rename("playoff_wins").reset_index()


def series(team_games: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the playoff series of a season: a team's opponents by first game are its rounds.

    Returns:
        Two rows a series, one a side, sorted by round and team: `season`, `round` (1 to 4),
        `team_id`, `opponent_team_id`, `wins`, `losses` (games), `winner_team_id` (0 while
        undecided).

    Raises:
        UserError: The same series is in different rounds of the two teams, so games of an earlier
            round are missing.
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
    """Return the first morning on which each team was out, by team id.

    For a team that is never mathematically out it is the morning after the last game.
    """
    rows = team_games[(team_games["season"] == season) & (team_games["kind"] == "regular")]
    days = rows["game_date"]
    mornings = pd.date_range(days.min(), days.max() + pd.Timedelta(days=1), freq="D")
    table = race(rows, teams, season, mornings)
    out = table["as_of_date"].where(table["eliminated"], mornings[-1])
    return out.groupby(table["team_id"]).min()


def _ranks(*keys: pd.Series) -> pd.Series:
    """Return ranks from 1 by several keys, lower is better, the first key first."""
    order = np.lexsort([key.to_numpy() for key in reversed(keys)])
    ranks = np.empty(len(order), dtype="int64")
    ranks[order] = np.arange(1, len(order) + 1)
    return pd.Series(ranks, index=keys[0].index)


def _season_outcomes(rows: pd.DataFrame, teams: pd.DataFrame, season: str) -> pd.DataFrame:
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
    """Return how far every team went in complete seasons.

    Returns:
        One row a team and season, sorted by season and `outcome_rank`:
        `season`, `team_id`; `wins`, `losses` (regular season), `win_pct` (0 to 1);
        `seed` (within the conference, before any play-in), `standings_rank` (`league_rank` of
        `standings`); `made_playin`, `made_playoffs`; `playoff_wins` (games, without the play-in);
        `rounds_won` (0 to 4; 0 also for teams that missed the playoffs);
        `outcome_rank` (1 is best, a strict order: playoff teams by playoff wins, then the others;
        ties by regular-season winning percentage, as in `standings_rank`);
        `eos_final_rank` (1 is best, a strict order by elimination, the last one first: champion,
        runner-up, then by round reached; losers of the play-in, those of their second game first;
        then the others by the date of their mathematical elimination; ties by `standings_rank`);
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
    """Return `season`, `team_id` and a bool column for each of `EVENTS`, rows as in `outcomes`."""
    happened = {
        name: outcomes["made_playoffs"] & (outcomes["rounds_won"] >= rounds)
        for rounds, name in enumerate(EVENTS)
    }
    return outcomes[["season", "team_id"]].assign(**happened)


def decided(tables: Tables, season: str, as_of_date: pd.Timestamp) -> pd.DataFrame:
    """Return each team's record before a date, and whether it can still win the title.

    Returns:
        `team_id`, `wins`, `losses` (regular season), `state`: `in`; `out`, by the standings, the
        play-in or a lost series; or `champion`.
    """
    games = tables.team_games
    games = games[(games["season"] == season) & (games["game_date"] < as_of_date)]
    table = race(games, tables.teams, season, pd.DatetimeIndex([as_of_date]))
    ranked = standings(games, tables.teams, season).set_index("team_id")
    team = table["team_id"]
    out = table["eliminated"].copy()

    rule, play_in = league.play_in(season), games[games["kind"] == "playin"]
    if rule is not None and len(play_in):
        seed = team.map(ranked["seed"])
        lost = team.map(play_in.loc[~play_in["won"], "team_id"].value_counts()).fillna(0)
        # Teams that hold a berth before the play-in have two games to keep it.
        out |= (seed > rule.line) | (lost > (seed <= BERTHS))
    in_playoffs = team.isin(games.loc[games["kind"] == "playoffs", "team_id"])
    conference = team.map(ranked["conference"])
    field_known = in_playoffs.groupby(conference).transform("sum") >= BERTHS
    out |= field_known & ~in_playoffs
    results = series(games, season)
    over = results[results["winner_team_id"] != 0]
    out |= team.isin(over.loc[over["winner_team_id"] != over["team_id"], "team_id"])
    champion = team.isin(over.loc[over["round"] == ROUNDS, "winner_team_id"])
    state = pd.Series("in", index=table.index).mask(out, "out").mask(champion, "champion")
    return table[["team_id", "wins", "losses"]].assign(state=state)

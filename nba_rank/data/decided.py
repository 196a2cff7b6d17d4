"""What a season has decided by one morning: records, and who is out."""

import pandas as pd

from nba_rank.data import league
from nba_rank.data.outcomes import ROUNDS, series
from nba_rank.data.race import race
from nba_rank.data.standings import BERTHS, standings
from nba_rank.data.tables import Tables


def decided(tables: Tables, season: str, as_of_date: pd.Timestamp) -> pd.DataFrame:
    """Return each team's record on a morning, and whether it can still win the title.

    Args:
        tables: The canonical tables; only games with `game_date` before the date count.
        season: Season of the date.
        as_of_date: The morning of this date.

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
        # The teams that hold a berth before the play-in have two games to keep it.
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

"""All levels of the explanation of one date."""

from collections.abc import Sequence

import pandas as pd

from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.core.names import MEMBERS
from nba_rank.data.tables import Tables
from nba_rank.explain.model_a import model_a_levels
from nba_rank.explain.parts import AVERAGE, COLUMNS, against_average, level
from nba_rank.explain.stack import score_levels
from nba_rank.explain.strength import strength_levels
from nba_rank.explain.trees import contributions
from nba_rank.explain.without import Assumed, without_level
from nba_rank.features.players.names import known_names
from nba_rank.models.members import Members
from nba_rank.models.ranker import League, Ranker
from nba_rank.odds.monte_carlo import MonteCarloOdds
from nba_rank.samples.dataset import Dataset

FRONT = ["season", "as_of_date"]
"""First columns of the tables, before those of `nba_rank.explain.parts`, `team` and `player`."""


def explain_date(
    ranker: Ranker,
    data: Dataset,
    league: League,
    ratings: pd.DataFrame,
    config: Config,
    *,
    teams: Sequence[int] | None = None,
    n_players: int = 0,
    without: Sequence[int] | None = None,
    assumed: Assumed | None = None,
) -> pd.DataFrame:
    """Explain the ranks of the teams of one date.

    Args:
        ranker: What ranks.
        data: What it reads of the date.
        league: The same of its odds.
        ratings: Of the players on the date.
        config: Of the run.
        teams: Teams that are asked for; None: all.
        n_players: Players without whom a team is forecast again, those who add most to its
            strength first.
        without: Teams of these players; None: all.
        assumed: What is assumed of players, if anything.

    Returns:
        `season`, `as_of_date`, `level`, `team_id`, `team`, `part`, `player_id` (0 for none),
        `player`, `value`, `unit` and `whole`; see `nba_rank.explain.parts.COLUMNS`. Levels:
        those of `score_levels`; those of `strength_levels`, as the odds have them and, named
        `projection_...`, as the projection; `xgb` and `rf` by feature; those of `model_a_levels`;
        and `without_player`.

    Raises:
        UserError: The features or player columns are not those of the fitted models.
    """
    plain, members = data, ranker.members
    data = ranker.projected(data, league)
    _check_columns(members, data)
    scored = ranker.scored(data)
    levels = score_levels(ranker.ensemble, scored, members.names)
    stints = config.features.impact.stint_share
    for prefix, odds, next_games in (
        ("", ranker.ensemble.odds, ranker.next_games),
        ("projection_", ranker.projection, None),
    ):
        if isinstance(odds, MonteCarloOdds):
            rated = league.rated(scored)
            levels += strength_levels(
                odds, rated, league.tables, ratings, league.hypothesis, prefix, stints, next_games
            )
    levels += _tree_levels(members, data, scored)
    if members.model_a is not None and len(data.sets.frame):
        prior = data.set_features(members.model_a.inputs.features)
        levels += model_a_levels(members.model_a, data.sets, prior, teams)
    if n_players and len(ratings):
        chosen = _most(pd.concat(levels), ratings, n_players)
        chosen = chosen if without is None else chosen[chosen["team_id"].isin(without)]
        levels.append(
            without_level(ranker, plain, league, ratings, config.features, chosen, assumed)
        )
    table = pd.concat(levels, ignore_index=True)
    if teams is not None:
        table = table[table["team_id"].isin(teams)].reset_index(drop=True)
    return named(table, league.tables, data.frame)


def _check_columns(members: Members, data: Dataset) -> None:
    """Refuse features and player columns that are not those of the fitted models."""
    asked = {"features": (data.columns, members.columns)}
    if members.model_a is not None and len(data.sets.frame):
        asked["player columns"] = (data.sets.columns, members.model_a.inputs.columns)
    for what, (given, fitted) in asked.items():
        if given != fitted:
            wrong = ", ".join(sorted(set(given) ^ set(fitted))) or "their order"
            raise UserError(
                f"the {what} are not those that the models of the run were fitted on; the "
                f"difference is {wrong}: take the run folder whole, as it was written"
            )


def _tree_levels(members: Members, data: Dataset, scored: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the levels `xgb` and `rf`: the score by feature, against the average team."""
    team, found = data.frame["team_id"].to_numpy(), []
    for name in MEMBERS:
        member = getattr(members, name)
        if name == "model_a" or member is None:
            continue
        values, rest = contributions(member, data.X)
        parts = against_average(pd.DataFrame(values, columns=data.columns))
        parts[AVERAGE] = parts[AVERAGE] + rest
        found.append(level(name, "relevance", team, scored[name].to_numpy(), parts))
    return found


def _most(table: pd.DataFrame, ratings: pd.DataFrame, n: int) -> pd.DataFrame:
    """Return `team_id` and `player_id` of the n players who move each team's strength most.

    Where a run knows no strengths of players, they are those of most minutes.
    """
    found = ratings[["team_id", "player_id"]].assign(size=ratings["full_strength_minutes"])
    for name in ("strength", "projection_strength"):
        own = table[(table["level"] == name) & (table["player_id"] > 0)]
        if len(own):
            total = own.groupby(["team_id", "player_id"])["value"].sum().abs()
            found = total.rename("size").reset_index()
    order = found.sort_values(["team_id", "size"], ascending=[True, False], kind="stable")
    return order.groupby("team_id").head(n)[["team_id", "player_id"]]


def named(table: pd.DataFrame, tables: Tables, frame: pd.DataFrame) -> pd.DataFrame:
    """Add the date of a frame to a table of `COLUMNS`, and the names of teams and players."""
    [(season, date)] = frame[FRONT].drop_duplicates().itertuples(index=False, name=None)
    teams = tables.teams
    codes = teams[teams["season"] == season].set_index("team_id")["abbreviation"]
    names = known_names(tables)
    ids = pd.Series(table["player_id"].unique())
    name = ids.map(names).fillna("player")
    # A name stands for one player.
    name = name.where(~name.duplicated(keep=False), name + " (" + ids.astype("str") + ")")
    name = name.mask(ids == 0, "").set_axis(ids)
    table = table.assign(
        season=season,
        as_of_date=date,
        team=table["team_id"].map(codes),
        player=table["player_id"].map(name),
    )
    columns = [*FRONT, "level", "team_id", "team", "part", "player_id", "player"]
    return table[[*columns, *[name for name in COLUMNS if name not in columns]]]

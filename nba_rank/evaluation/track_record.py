"""How good forecasts have been before a date: single games of a season, and earlier seasons."""

from collections.abc import Mapping

import pandas as pd

from nba_rank.core.metrics import METRICS
from nba_rank.core.names import MARKET, STANDINGS
from nba_rank.data.tables import Tables
from nba_rank.evaluation.calibration import group_scores
from nba_rank.evaluation.single_games import (
    ALWAYS_HOME,
    COLUMNS,
    ELO,
    ELO_FITTED,
    KINDS,
    game_references,
)

REFERENCES = (STANDINGS, ELO, ELO_FITTED, ALWAYS_HOME, MARKET)
"""Who a forecast is compared with, as far as there are scores."""

MEASURES = (
    ("champion_log_loss", "league", ("open", "0.25", "0.5", "0.75")),
    ("playoff_brier", "league", ("open", "0.25", "0.5", "0.75")),
    ("game_brier", "regular", ("all",)),
    ("game_log_loss", "regular", ("all",)),
)
"""Metrics of earlier seasons, with scope and points."""

ALL_GAMES, PRICED = "all games", "games with bookmakers' odds"


def next_of_series(mornings: Mapping[pd.Timestamp, pd.DataFrame], tables: Tables) -> pd.DataFrame:
    """Return the next game of each series of some mornings as it came.

    Args:
        mornings: Series by the date that they were forecast on, as in
            `nba_rank.odds.series_state.series_table`.
        tables: The canonical tables.

    Returns:
        `game_date`, `home_team_id`, `away_team_id` and `home_win_prob`, and the date as `made`.
        Games that were not played are left out.
    """
    games = tables.games.loc[tables.games["kind"] != "regular"]
    games = games[["game_date", "home_team_id", "away_team_id"]].sort_values("game_date")
    parts = [games[:0].assign(home_win_prob=0.0, made=games["game_date"])]
    teams = ["host_team_id", "guest_team_id"]
    for made, series in mornings.items():
        p = series[[*teams, "host_next_win_prob"]].set_axis([*teams, "home_win_prob"], axis=1)
        either = pd.concat(
            [
                p.assign(home_team_id=p["host_team_id"], away_team_id=p["guest_team_id"]),
                p.assign(
                    home_team_id=p["guest_team_id"],
                    away_team_id=p["host_team_id"],
                    home_win_prob=1 - p["home_win_prob"],
                ),
            ]
        )
        after = games[games["game_date"] >= made].merge(either)
        parts.append(after.drop_duplicates(teams).drop(columns=teams).assign(made=made))
    return pd.concat(parts, ignore_index=True)


def played(
    mornings: Mapping[pd.Timestamp, pd.DataFrame],
    tables: Tables,
    season: str,
    as_of_date: pd.Timestamp,
    ranker: str,
    series: Mapping[pd.Timestamp, pd.DataFrame],
) -> pd.DataFrame:
    """Return the games of a season before a date with what was forecast of them, and references.

    Args:
        mornings: Forecasts of coming games by the date that they were made on, as in
            `nba_rank.odds.coming_games`; of several that name a game the last counts.
        tables: The canonical tables.
        season: The season.
        as_of_date: Games of this date and later are not read.
        ranker: Name of the forecast.
        series: Likewise of play-in and series, whose next games count.

    Returns:
        `COLUMNS` of `nba_rank.evaluation.single_games`, games of the play-in among them; empty
        where no forecast game was played.
    """
    parts = [
        games[["game_date", "home_team_id", "away_team_id", "home_win_prob"]].assign(made=made)
        for made, games in mornings.items()
    ]
    games = tables.games
    games = games[(games["season"] == season) & (games["game_date"] < as_of_date)]
    if not (mornings or series) or games.empty:
        return pd.DataFrame(columns=COLUMNS)
    told = pd.concat([*parts, next_of_series(series, tables)]).sort_values("made")
    key = ["game_date", "home_team_id", "away_team_id"]
    told = told[told["made"] <= told["game_date"]].drop_duplicates(key, keep="last")
    known = games.merge(told, on=key, validate="one_to_one")
    own = known[["season", "game_id", "kind"]].assign(
        ranker=ranker,
        p_home=known["home_win_prob"],
        home_won=known["home_points"] > known["away_points"],
    )
    if own.empty:
        return pd.DataFrame(columns=COLUMNS)
    others = game_references(tables, [season])
    others = others[others["game_id"].isin(own["game_id"])]
    return pd.concat([own[COLUMNS], others], ignore_index=True)


def newest_results(games: pd.DataFrame, tables: Tables, ranker: str) -> pd.DataFrame:
    """Return the games of the newest day of which games were forecast, with their results.

    Args:
        games: `COLUMNS` of `nba_rank.evaluation.single_games`.
        tables: The canonical tables; only those games are read.
        ranker: Whose forecasts are told.

    Returns:
        The columns of the table of games, and `p_home`; empty where no game was forecast.
    """
    own = games.loc[games["ranker"] == ranker, ["game_id", "p_home"]]
    told = tables.games[tables.games["game_id"].isin(own["game_id"])]
    told = told[told["game_date"] == told["game_date"].max()]
    return told.merge(own.astype({"game_id": "str"}), on="game_id", validate="one_to_one")


def game_scores(games: pd.DataFrame, ranker: str) -> pd.DataFrame:
    """Score forecasts of games on the same games.

    Args:
        games: `COLUMNS` of `nba_rank.evaluation.single_games`.
        ranker: Whose games count.

    Returns:
        `part` (`ALL_GAMES`; `PRICED`, where some have bookmakers' odds), `ranker`, `n_games`,
        `brier` and `log_loss`; the ranker first, then `REFERENCES` that forecast all games of the
        part.
    """
    columns = ["part", "ranker", "n_games", "brier", "log_loss"]
    own = games[(games["ranker"] == ranker) & games["kind"].isin(KINDS)]
    if own.empty:
        return pd.DataFrame(columns=columns)
    names = [ranker, *REFERENCES]
    shown = games[games["ranker"].isin(names) & games["game_id"].isin(own["game_id"])]
    priced = set(shown.loc[shown["ranker"] == MARKET, "game_id"])
    parts = []
    for part, of_part in ((ALL_GAMES, set(own["game_id"])), (PRICED, priced)):
        rows = shown[shown["game_id"].isin(of_part)]
        n = rows.groupby("ranker").size()
        complete = n.index[n == len(of_part)]
        rows = rows[rows["ranker"].isin(complete)].rename(
            columns={"p_home": "p", "home_won": "happened"}
        )
        if len(rows) and (part == ALL_GAMES or MARKET in complete):
            scores = group_scores(rows, ["ranker"]).reset_index()
            parts.append(scores.assign(part=part, n_games=len(of_part)))
    table = pd.concat(parts, ignore_index=True)
    order = table["ranker"].map({name: place for place, name in enumerate(names)})
    return table.assign(order=order).sort_values(["part", "order"], ignore_index=True)[columns]


def past_scores(metrics: pd.DataFrame, ranker: str, before: str) -> pd.DataFrame:
    """Compare a ranker with references over the seasons before one.

    Args:
        metrics: Tidy metrics of a run.
        ranker: Its ranker.
        before: Seasons from this one on are left out: on its dates they were not known.

    Returns:
        A row a measure of `MEASURES`, point and reference, all lower is better: `metric`, `scope`,
        `as_of_point`, `reference`, `value` and `reference_value`, means over the `n_seasons`
        seasons, `first` to `last`, that both have scores of.
    """
    known = metrics[metrics["season"].astype(str) < before]
    key = ["season", "as_of_point", "scope", "metric"]
    wanted = pd.DataFrame(
        [(metric, scope, point) for metric, scope, points in MEASURES for point in points],
        columns=["metric", "scope", "as_of_point"],
    )
    assert not any(METRICS[name].higher_is_better for name, *_ in MEASURES)
    own = known[known["ranker"] == ranker].drop(columns="ranker")
    others = known[known["ranker"].isin(REFERENCES)].rename(
        columns={"ranker": "reference", "value": "reference_value"}
    )
    both = own.merge(others, on=key, validate="one_to_many")
    by = ["metric", "scope", "as_of_point", "reference"]
    means = both.groupby(by, as_index=False).agg(
        value=("value", "mean"),
        reference_value=("reference_value", "mean"),
        n_seasons=("season", "nunique"),
        first=("season", "min"),
        last=("season", "max"),
    )
    place = {name: n for n, name in enumerate(REFERENCES)}
    means = wanted.assign(order=range(len(wanted))).merge(means)
    means["place"] = means["reference"].map(place)
    return means.sort_values(["order", "place"], ignore_index=True).drop(columns=["order", "place"])

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest
from made_games import season_of, table

from nba_rank.config.schema import FeaturesConfig
from nba_rank.data.tables import BOX_COLUMNS, SCHEMA, Tables
from nba_rank.features.asof import Rows
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.registry import build_group

DEFAULT = ("features=full",)
CODES = {"regular": "002", "playin": "005", "playoffs": "004"}


@pytest.fixture(scope="session")
def small_tables() -> Callable[..., Tables]:
    """Tables of a few games: `small_tables(games, players, n_teams=4, rosters=())`.

    A game is `(date, home, away, home_points, away_points)` and, if wanted, a dict with `kind`,
    `neutral` and the box scores `home` and `away`. A player's game is `(date, player, team,
    seconds)` and, if wanted, a dict of box columns. A roster is `(date, team, players)`. Teams are
    1, 2, ...; the odd ones play in the East.
    """

    def make(
        games: list[tuple],
        players: list[tuple] = (),
        n_teams: int = 4,
        rosters: list[tuple] = (),
    ) -> Tables:
        rows, sides, lines = [], [], []
        for number, (day, home, away, home_points, away_points, *rest) in enumerate(games):
            more = rest[0] if rest else {}
            season, kind = season_of(day), more.get("kind", "regular")
            key = {"game_id": f"{CODES[kind]}{season[2:4]}{number:05d}", "season": season}
            key |= {"kind": kind, "game_date": pd.Timestamp(day)}
            rows.append(
                key
                | {"home_team_id": home, "away_team_id": away}
                | {"home_points": home_points, "away_points": away_points}
                | {"neutral_site": more.get("neutral", False)}
            )
            for side, team, other, own, theirs in (
                ("home", home, away, home_points, away_points),
                ("away", away, home, away_points, home_points),
            ):
                sides.append(
                    key
                    | {"team_id": team, "opponent_team_id": other, "is_home": side == "home"}
                    | {"won": own > theirs, "points": own, "opponent_points": theirs}
                    | more.get(side, {})
                )
        game_of = {(side["game_date"], side["team_id"]): side for side in sides}
        for day, player, team, seconds, *rest in players:
            game = game_of[pd.Timestamp(day), team]
            lines.append(
                dict.fromkeys(["points", "plus_minus", *BOX_COLUMNS], 0.0)
                | {column: game[column] for column in ("game_id", "season", "kind", "game_date")}
                | {"team_id": team, "player_id": player, "player_name": f"P{player}"}
                | {"seconds": seconds, "shots_reconstructed": False}
                | (rest[0] if rest else {})
            )
        made = {"games": table("games", rows), "team_games": table("team_games", sides)}
        regular = made["games"].loc[made["games"]["kind"] == "regular"]
        seasons = regular.groupby("season")["game_date"].agg(
            first_date="min", last_regular_date="max", n_regular="size"
        )
        made["schedule"] = regular.assign(known_from=regular["season"].map(seasons["first_date"]))
        made["seasons"] = seasons.reset_index().assign(
            n_teams=n_teams,
            n_regular_expected=seasons["n_regular"].to_numpy(),
            n_playin=0,
            n_playoffs=0,
            has_player_games=seasons.index.isin([line["season"] for line in lines]),
            complete=False,
            champion_team_id=0,
            runner_up_team_id=0,
        )
        made["player_games"] = lines
        made["teams"] = [
            (season, team, f"T{team}", f"Team {team}", conference, division)
            for season in seasons.index
            for team in range(1, n_teams + 1)
            for conference, division in [("East", "Atlantic") if team % 2 else ("West", "Pacific")]
        ]
        made["rosters"] = [
            (pd.Timestamp(date), season_of(date), team, player, f"P{player}")
            for date, team, listed in rosters
            for player in listed
        ]
        return Tables(**{name: table(name, made.get(name, [])) for name in SCHEMA})

    return make


@pytest.fixture(scope="session")
def with_reports() -> Callable[..., Tables]:
    """Gives tables injury reports: `with_reports(tables, ("2022-11-01", [(7, 1, "Out", "")]))`.

    An entry of a report is `(player, team, status, reason)`.
    """

    def make(tables: Tables, *reports: tuple) -> Tables:
        days = [(pd.Timestamp(day), season_of(day)) for day, _ in reports]
        rows = [
            (*date, *entry)
            for date, (_, entries) in zip(days, reports, strict=True)
            for entry in entries
        ]
        return replace(
            tables,
            injury_reports=table("injury_reports", rows),
            injury_report_dates=table("injury_report_dates", days),
        )

    return make


@pytest.fixture(scope="session")
def with_raptor() -> Callable[[Tables], Tables]:
    """Gives tables made-up RAPTOR of two thirds of the players of each season."""

    def make(tables: Tables) -> Tables:
        games = tables.player_games.groupby(["season", "player_id"], as_index=False)["seconds"]
        rated = games.sum()
        rated = rated[rated["player_id"] % 3 > 0]
        rng = np.random.default_rng(17)
        rates = {f"raptor_{side}": rng.normal(-1, 2, len(rated)) for side in ("offense", "defense")}
        raptor = rated.assign(minutes=rated["seconds"] / 60, **rates)
        return replace(tables, raptor=table("raptor", raptor))

    return make


@pytest.fixture(scope="session")
def with_drafts() -> Callable[[Tables], Tables]:
    """Gives tables drafts of half of the players, before their first season in the logs."""

    def make(tables: Tables) -> Tables:
        first = tables.player_games.groupby("player_id", as_index=False)["season"].min()
        drafted = first.iloc[::2]
        return replace(tables, drafts=table("drafts", drafted.assign(pick=1 + drafted.index % 60)))

    return make


@pytest.fixture(scope="session")
def features(compose_as_is) -> Callable[..., FeaturesConfig]:
    """The config of all groups with overrides, such as `features("features.elo.k=0")`."""

    def made(*overrides: str) -> FeaturesConfig:
        bundle = () if any(text.startswith("features=") for text in overrides) else DEFAULT
        return compose_as_is(*bundle, *overrides).features

    return cache(made)


@pytest.fixture(scope="session")
def built(features) -> Callable[..., pd.DataFrame]:
    """A group by date and team: `built("record", tables, dates, ratings=None, last_games=2)`."""

    def make(
        group: str,
        tables: Tables,
        dates: pd.DataFrame,
        ratings: pd.DataFrame | None = None,
        **change: object,
    ) -> pd.DataFrame:
        rows = Rows.of(tables, dates)
        config = replace(getattr(features(), group), **change)
        frame = build_group(group, config, tables, ratings, rows)
        return frame.set_axis(pd.MultiIndex.from_frame(rows.frame[["as_of_date", "team_id"]]))

    return make


@pytest.fixture(scope="session")
def rate(features, tmp_path_factory) -> Callable[..., pd.DataFrame]:
    """Player ratings: `rate(tables, dates, margin_cap=20.0)`."""
    folder = tmp_path_factory.mktemp("ratings")

    def make(tables: Tables, dates: pd.DataFrame, **change: float) -> pd.DataFrame:
        config = replace(features(), impact=replace(features().impact, **change))
        if len(tables.player_games) < 10_000:
            return player_ratings(tables, dates, config.impact)
        # A pass over a whole league takes its time.
        return cached_ratings(tables, dates, config, folder)

    return make


@pytest.fixture(scope="session")
def as_of() -> Callable[..., pd.DataFrame]:
    """Frame of as-of dates: `as_of("2022-11-01", "2023-01-01")`, seasons taken from the dates."""

    def make(*days: str | pd.Timestamp, season: str | None = None) -> pd.DataFrame:
        frame = pd.DataFrame(
            {
                "season": [season or season_of(day) for day in days],
                "as_of_date": [pd.Timestamp(day) for day in days],
                "as_of_point": [f"{place}" for place in range(len(days))],
            }
        )
        return frame.astype({"season": "str", "as_of_date": "datetime64[us]", "as_of_point": "str"})

    return make

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from nba_rank.config.schema import FeaturesConfig
from nba_rank.data.tables import BOX_COLUMNS, SCHEMA, Tables, conform
from nba_rank.features.players.cache import cached_ratings
from nba_rank.features.players.impact import player_ratings

MADE = ("games", "team_games", "player_games", "teams", "seasons", "rosters", "schedule")
CODES = {"regular": "002", "playin": "005", "playoffs": "004"}


def season_of(date: pd.Timestamp) -> str:
    year = date.year if date.month >= 8 else date.year - 1
    return f"{year}-{(year + 1) % 100:02d}"


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
        rows, sides = [], []
        for number, (day, home, away, home_points, away_points, *rest) in enumerate(games):
            more = rest[0] if rest else {}
            date = pd.Timestamp(day)
            season, kind = season_of(date), more.get("kind", "regular")
            key = {
                "game_id": f"{CODES[kind]}{season[2:4]}{number:05d}",
                "season": season,
                "kind": kind,
                "game_date": date,
            }
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
                box = dict.fromkeys(BOX_COLUMNS, np.nan) | more.get(side, {})
                sides.append(
                    key
                    | {"team_id": team, "opponent_team_id": other, "is_home": side == "home"}
                    | {"won": own > theirs, "points": own, "opponent_points": theirs}
                    | box
                )
        team_games = conform("team_games", pd.DataFrame(sides))
        game_of = team_games.set_index(["game_date", "team_id"])
        lines = []
        for day, player, team, seconds, *rest in players:
            game = game_of.loc[(pd.Timestamp(day), team)]
            box = {"points": 0.0, "plus_minus": 0.0} | dict.fromkeys(BOX_COLUMNS, 0.0)
            lines.append(
                {column: game[column] for column in ("game_id", "season", "kind")}
                | {"game_date": pd.Timestamp(day), "team_id": team, "seconds": seconds}
                | {"player_id": player, "player_name": f"P{player}", "shots_reconstructed": False}
                | box
                | (rest[0] if rest else {})
            )
        seasons = team_games["season"].unique()
        ids = np.arange(1, n_teams + 1)
        teams = pd.concat(
            pd.DataFrame(
                {
                    "season": season,
                    "team_id": ids,
                    "abbreviation": [f"T{i}" for i in ids],
                    "name": [f"Team {i}" for i in ids],
                    "conference": np.where(ids % 2, "East", "West"),
                    "division": np.where(ids % 2, "Atlantic", "Pacific"),
                }
            )
            for season in seasons
        )
        with_players = {season_of(pd.Timestamp(line[0])) for line in players}
        regular = team_games[team_games["kind"] == "regular"].groupby("season")["game_date"]
        season_rows = pd.DataFrame(
            {
                "season": seasons,
                "n_teams": n_teams,
                "first_date": regular.min().reindex(seasons).to_numpy(),
                "last_regular_date": regular.max().reindex(seasons).to_numpy(),
                "n_regular": regular.size().reindex(seasons).to_numpy() // 2,
                "n_regular_expected": regular.size().reindex(seasons).to_numpy() // 2,
                "n_playin": 0,
                "n_playoffs": 0,
                "has_player_games": [season in with_players for season in seasons],
                "complete": False,
                "champion_team_id": 0,
                "runner_up_team_id": 0,
            }
        )
        empty = pd.DataFrame(columns=list(SCHEMA["player_games"]))
        return Tables(
            games=conform("games", pd.DataFrame(rows)),
            team_games=team_games,
            player_games=conform("player_games", pd.DataFrame(lines) if lines else empty),
            teams=conform("teams", teams),
            seasons=conform("seasons", season_rows),
            rosters=roster_rows(rosters),
            schedule=schedule_rows(rows, season_rows),
            **{
                name: conform(name, pd.DataFrame(columns=list(SCHEMA[name])))
                for name in SCHEMA
                if name not in MADE
            },
        )

    return make


def schedule_rows(games: list[dict], seasons: pd.DataFrame) -> pd.DataFrame:
    """The games of the regular season, public from its first day on."""
    fixtures = pd.DataFrame(games)
    fixtures = fixtures[fixtures["kind"] == "regular"]
    opening = seasons.set_index("season")["first_date"]
    return conform("schedule", fixtures.assign(known_from=fixtures["season"].map(opening)))


def roster_rows(rosters: list[tuple]) -> pd.DataFrame:
    rows = [
        {
            "date": pd.Timestamp(date),
            "season": season_of(pd.Timestamp(date)),
            "team_id": team,
            "player_id": player,
            "player_name": f"P{player}",
        }
        for date, team, players in rosters
        for player in players
    ]
    return conform("rosters", pd.DataFrame(rows, columns=list(SCHEMA["rosters"])))


def injury_tables(reports: list[tuple]) -> dict[str, pd.DataFrame]:
    """Both tables from `(date, [(player, team, status, reason), ...])`, one a report."""
    rows, days = [], []
    for day, entries in reports:
        date = {"date": pd.Timestamp(day), "season": season_of(pd.Timestamp(day))}
        days.append(date)
        for player, team, status, reason in entries:
            entry = {"player_id": player, "team_id": team, "status": status, "reason": reason}
            rows.append(date | entry)
    frames = {
        "injury_reports": pd.DataFrame(rows, columns=list(SCHEMA["injury_reports"])),
        "injury_report_dates": pd.DataFrame(days, columns=list(SCHEMA["injury_report_dates"])),
    }
    return {name: conform(name, frame) for name, frame in frames.items()}


@pytest.fixture(scope="session")
def with_reports() -> Callable[..., Tables]:
    """Gives tables injury reports: `with_reports(tables, ("2022-11-01", [(7, 1, "Out", "")]))`."""
    return lambda tables, *reports: replace(tables, **injury_tables(list(reports)))


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
        return replace(tables, raptor=conform("raptor", raptor))

    return make


@pytest.fixture(scope="session")
def features(compose_as_is) -> Callable[..., FeaturesConfig]:
    """The config of all groups with overrides, such as `features("features.elo.k=0")`."""

    def made(*overrides: str) -> FeaturesConfig:
        bundle = (
            [] if any(text.startswith("features=") for text in overrides) else ["features=full"]
        )
        return compose_as_is(*bundle, *overrides).features

    return cache(made)


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
        dates = [pd.Timestamp(day) for day in days]
        frame = pd.DataFrame(
            {
                "season": [season or season_of(date) for date in dates],
                "as_of_date": dates,
                "as_of_point": [f"{place}" for place in range(len(dates))],
            }
        )
        return frame.astype({"season": "str", "as_of_date": "datetime64[us]", "as_of_point": "str"})

    return make

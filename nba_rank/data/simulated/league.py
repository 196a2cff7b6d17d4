"""A simulated league in the raw shapes of real files, with the true strength of its teams.

Players have latent skill, careers and injuries; teams draft, sign and trade them; games follow from
the players' skill and from luck.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from nba_rank.config.schema import SimParams
from nba_rank.core.content_hash import content_key
from nba_rank.core.files import file_hash
from nba_rank.core.seasons import season_label
from nba_rank.data import league, standings
from nba_rank.data.assumed_fixtures import Fixtures
from nba_rank.data.raw.files import PARAMS_FILE, TRUE_STRENGTH_FILE
from nba_rank.data.simulated.games import Games, World, concatenate, make_world, play
from nba_rank.data.simulated.players import N_TEAMS, PlayerPool, first_pool, summer
from nba_rank.data.simulated.postseason import play_postseason
from nba_rank.data.simulated.rawlogs import opening_rosters, raw_logs, raw_stints
from nba_rank.data.simulated.reports import (
    INJURY_REPORTS,
    TEAM_RECORDS,
    as_json,
    injury_reports,
    team_records,
)
from nba_rank.data.simulated.rosters import season_rosters
from nba_rank.data.simulated.schedule import SEASON_DAYS, make_schedule, opening_day

_SHUTDOWN_DAY = 140
"""Days after opening day on which some teams give up."""

_HOPE = 6.0
"""Games behind the tenth place at which a team gives up."""


@dataclass(frozen=True)
class SimulatedLeague:
    """A simulated league.

    Attributes:
        params: The world that it was made from.
        files: Raw frames by file stem relative to the raw folder, such as `team_logs_2023_24`;
            `injury_reports/2023_24` has one row an entry.
        true_strength: One row for each `season`, `as_of_date` (from opening day to the day after
            the last regular-season game day) and `team_id`, with the expected margin, neutral and
            rested, against the mean full roster of that date, in points per game:
            `true_strength` with everyone fit, and `true_strength_available` without that morning's
            injured and shut-down players, never above the other.
    """

    params: SimParams
    files: dict[str, pd.DataFrame]
    true_strength: pd.DataFrame


def simulate_league(params: SimParams) -> SimulatedLeague:
    """Simulate a league; its first seasons do not depend on `n_seasons`."""
    root = np.random.SeedSequence(params.seed)
    first, *yearly = root.spawn(params.n_seasons + 1)
    pool = first_pool(params, np.random.default_rng(first))
    files: dict[str, pd.DataFrame] = {}
    strengths = []
    wins = np.zeros(0, dtype=np.int64)
    for i, sequence in enumerate(yearly):
        streams = [np.random.default_rng(child) for child in sequence.spawn(7)]
        if i > 0:
            pool = summer(pool, wins, params, streams[0])
        frames, strength, wins = _season(pool, params.first_season_year + i, params, streams[1:])
        files.update(frames)
        strengths.append(strength)
    return SimulatedLeague(params, files, pd.concat(strengths, ignore_index=True))


def _season(
    pool: PlayerPool, year: int, params: SimParams, streams: list[np.random.Generator]
) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, np.ndarray]:
    """Play a season; returns raw frames by stem, true strength, and wins by team index."""
    schedule_rng, transactions_rng, injuries_rng, style_rng, games_rng, postseason_rng = streams
    season = season_label(year)
    teams = league.league_teams(season).sort_values("team_id", ignore_index=True)
    opening = opening_day(year)
    fixtures = make_schedule(teams, year, schedule_rng)
    rosters = season_rosters(pool, params, transactions_rng, injuries_rng)
    world = make_world(params, pool, rosters, style_rng)

    tired = _tired(fixtures)
    early = fixtures.day < _SHUTDOWN_DAY
    first_part = play(world, fixtures.take(early), tired[early], games_rng)
    out_of_race = _out_of_race(_standings(first_part, teams, season))
    shut_down = rosters.with_shutdowns(
        out_of_race, _SHUTDOWN_DAY, world.skill, params, transactions_rng
    )
    world = dataclasses.replace(world, rosters=shut_down)
    second_part = play(world, fixtures.take(~early), tired[~early], games_rng)
    played = concatenate([first_part, second_part])
    table = _standings(played, teams, season)
    post = play_postseason(world, table, postseason_rng)

    years = season.replace("-", "_")
    logs = {
        "": (played, 2, [f"{number + 1:05d}" for number in range(len(played.minutes))]),
        "playin_": (post.playin, 5, post.playin_codes),
        "playoffs_": (post.playoffs, 4, post.playoffs_codes),
    }
    files, stints = {}, []
    for start, (games, kind, numbers) in logs.items():
        ids = [f"00{kind}{year % 100:02d}{number:0>5}" for number in numbers]
        team_log, player_log = raw_logs(games, ids, f"{kind}{year}", teams, opening)
        files[f"{start}team_logs_{years}"] = team_log
        if games is not post.playin:  # as in real data
            files[f"{start}player_logs_{years}"] = player_log
            stints.append(raw_stints(games, ids, teams))
    files[f"stints_{years}"] = pd.concat(stints, ignore_index=True)
    files[f"rosters/opening_{years}"] = opening_rosters(rosters.players[0], teams, opening)
    files[f"{INJURY_REPORTS}{years}"] = injury_reports(world.rosters, teams, opening)
    files[f"{TEAM_RECORDS}{years}"] = team_records(played, teams, season)
    wins = table.sort_values("team")["wins"].to_numpy()
    return files, _true_strength(world, teams, season, year), wins


def _tired(fixtures: Fixtures) -> np.ndarray:
    """Return whether home and away team played the day before, bool [G, 2]."""
    return fixtures.on_days(-1, SEASON_DAYS, N_TEAMS)[fixtures.sides, fixtures.day[:, None]]


def _standings(games: Games, teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the standings with the index `team` of each team."""
    team_ids = teams["team_id"].to_numpy()
    sides = games.fixtures.sides
    rows = pd.DataFrame(
        {
            "season": season,
            "kind": "regular",
            "team_id": team_ids[sides].ravel(),
            "opponent_team_id": team_ids[sides[:, ::-1]].ravel(),
            "points": games.points.ravel(),
            "opponent_points": games.points[:, ::-1].ravel(),
        }
    )
    rows["won"] = rows["points"] > rows["opponent_points"]
    table = standings.standings(rows, teams.assign(season=season), season)
    return table.assign(team=np.searchsorted(team_ids, table["team_id"]))


def _out_of_race(table: pd.DataFrame) -> np.ndarray:
    """Return whether each team has given up on its conference's tenth place, bool [30]."""
    tenth = table[table["seed"] == 10].set_index("conference")["games_behind"]
    behind = table["games_behind"] - table["conference"].map(tenth)
    result = np.zeros(len(table), dtype=bool)
    result[table["team"]] = behind >= _HOPE
    return result


def _true_strength(world: World, teams: pd.DataFrame, season: str, year: int) -> pd.DataFrame:
    full, available = world.rosters.strengths(world.skill)
    n_days = SEASON_DAYS + 1
    dates = pd.date_range(opening_day(year), periods=n_days, unit="us")
    return pd.DataFrame(
        {
            "season": pd.Series([season] * (n_days * len(teams)), dtype="str"),
            "as_of_date": np.repeat(dates.to_numpy(), len(teams)),
            "team_id": np.tile(teams["team_id"].to_numpy(), n_days),
            "true_strength": full[:n_days].ravel(),
            "true_strength_available": available[:n_days].ravel(),
        }
    )


def params_hash(params: SimParams) -> str:
    """Return the hash of the parameters and the code that simulates."""
    return content_key(__name__, [json.dumps(dataclasses.asdict(params), sort_keys=True)])


def write_league(sim: SimulatedLeague, raw_dir: Path) -> None:
    """Write a league's files in the formats of real data, true strength, and last `sim.json`.

    `sim.json` has the parameters, their hash and the hashes of all other files.
    """
    written = []
    for stem, frame in {**sim.files, Path(TRUE_STRENGTH_FILE).stem: sim.true_strength}.items():
        path = raw_dir / stem
        path.parent.mkdir(parents=True, exist_ok=True)
        if stem.startswith(("rosters/", TEAM_RECORDS)):
            path = path.with_suffix(".csv")
            frame.to_csv(path, index=False)
        elif stem.startswith(INJURY_REPORTS):
            path = path.with_suffix(".json")
            path.write_text(json.dumps(as_json(frame)))
        else:
            path = path.with_suffix(".parquet")
            frame.to_parquet(path, index=False)
        written.append(path)
    record = {
        "hash": params_hash(sim.params),
        "params": dataclasses.asdict(sim.params),
        "files": {path.relative_to(raw_dir).as_posix(): file_hash(path) for path in written},
    }
    (raw_dir / PARAMS_FILE).write_text(json.dumps(record, indent=2) + "\n")


def holds_league(raw_dir: Path, params: SimParams) -> bool:
    """Whether a folder holds the league of some parameters with unchanged files."""
    try:
        record = json.loads((raw_dir / PARAMS_FILE).read_text())
        files = {name: file_hash(raw_dir / name) for name in record["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(record["hash"] == params_hash(params) and record["files"] == files)

"""A simulated league in the raw shapes of real files, with the truth that no real file holds.

Players have latent skill, careers and injuries; teams draft, sign and trade them; what a team is
worth is what its players are worth, and every game follows from that and from luck.
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
from nba_rank.data.simulated.games import Games, World, concatenate, make_world, play
from nba_rank.data.simulated.players import PlayerPool, first_pool, summer
from nba_rank.data.simulated.postseason import play_postseason
from nba_rank.data.simulated.rawlogs import opening_rosters, raw_logs
from nba_rank.data.simulated.reports import (
    INJURY_REPORTS,
    TEAM_RECORDS,
    as_json,
    injury_reports,
    team_records,
)
from nba_rank.data.simulated.rosters import season_rosters
from nba_rank.data.simulated.schedule import SEASON_DAYS, Fixtures, make_schedule, opening_day

__all__ = [
    "SimParams",
    "SimulatedLeague",
    "holds_league",
    "params_hash",
    "simulate_league",
    "write_league",
]

TRUE_STRENGTH_FILE = "true_strength.parquet"
PARAMS_FILE = "sim.json"

_SHUTDOWN_DAY = 140
"""Days after opening day on which teams look at the standings and some give up."""

_HOPE = 6.0
"""Games behind the tenth place from which a team gives up."""


@dataclass(frozen=True)
class SimulatedLeague:
    """A simulated league.

    Attributes:
        params: The world that it was made from.
        files: File stem (relative to the raw folder) -> raw frame: `team_logs_YYYY_YY`,
            `playin_team_logs_YYYY_YY`, `playoffs_team_logs_YYYY_YY`, `player_logs_YYYY_YY`,
            `playoffs_player_logs_YYYY_YY`, `rosters/opening_YYYY_YY`,
            `injury_reports/YYYY_YY` (one row an entry), `Team_Records_YYYY_YY`.
        true_strength: One row for each `season` (str), `as_of_date` (datetime64[us]; every date
            from opening day to the day after the last regular-season game day) and `team_id`
            (int64), with two strengths in points per game: the expected margin, on a neutral
            court and rested, against a team as strong as the thirty full rosters of that date on
            average. `true_strength` (float64): the roster of that morning with everyone fit, ten
            men at their expected minutes. `true_strength_available` (float64): the same with
            that morning's injured and shut-down players left out; never above `true_strength`.
    """

    params: SimParams
    files: dict[str, pd.DataFrame]
    true_strength: pd.DataFrame


def simulate_league(params: SimParams) -> SimulatedLeague:
    """Simulate a league; the result depends on the parameters alone.

    Args:
        params: The world. The first seasons of a league do not depend on `n_seasons`.

    Returns:
        Raw frames of all seasons and the true strengths.
    """
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
    """Play a season; returns raw frames by stem, true strengths, and wins by team index."""
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
    out_of_race = _out_of_race(_standings([first_part], teams, season))
    shut_down = rosters.with_shutdowns(
        out_of_race, _SHUTDOWN_DAY, world.skill, params, transactions_rng
    )
    world = dataclasses.replace(world, rosters=shut_down)
    regular = [first_part, play(world, fixtures.take(~early), tired[~early], games_rng)]
    table = _standings(regular, teams, season)
    post = play_postseason(world, table, postseason_rng)

    years = season.replace("-", "_")
    digits = f"{year % 100:02d}"
    played = concatenate(regular)
    files = {}
    ids = [f"002{digits}{i + 1:05d}" for i in range(len(played.minutes))]
    files[f"team_logs_{years}"], files[f"player_logs_{years}"] = raw_logs(
        played, ids, f"2{year}", teams, opening
    )
    # Real play-in games come without a player log.
    files[f"playin_team_logs_{years}"], _ = raw_logs(
        post.playin, [f"005{digits}00{c}" for c in post.playin_codes], f"5{year}", teams, opening
    )
    ids = [f"004{digits}00{code}" for code in post.playoffs_codes]
    files[f"playoffs_team_logs_{years}"], files[f"playoffs_player_logs_{years}"] = raw_logs(
        post.playoffs, ids, f"4{year}", teams, opening
    )
    files[f"rosters/opening_{years}"] = opening_rosters(rosters.players[0], teams, opening)
    files[f"{INJURY_REPORTS}{years}"] = injury_reports(world.rosters, teams, opening)
    files[f"{TEAM_RECORDS}{years}"] = team_records(played, teams, season)
    wins = table.sort_values("team")["wins"].to_numpy()
    return files, _true_strength(world, teams, season, year), wins


def _tired(fixtures: Fixtures) -> np.ndarray:
    """Return bool [G, 2]: whether home and away team played on the day before."""
    played = np.zeros((30, SEASON_DAYS + 1), dtype=bool)
    for side in (fixtures.home, fixtures.away):
        played[side, fixtures.day + 1] = True
    return np.stack([played[side, fixtures.day] for side in (fixtures.home, fixtures.away)], axis=1)


def _standings(parts: list[Games], teams: pd.DataFrame, season: str) -> pd.DataFrame:
    """Return the league's standings with the index `team` of each team."""
    team_ids = teams["team_id"].to_numpy()
    home = np.concatenate([part.fixtures.home for part in parts])
    away = np.concatenate([part.fixtures.away for part in parts])
    points = np.concatenate([part.points for part in parts])
    rows = pd.DataFrame(
        {
            "season": season,
            "kind": "regular",
            "team_id": team_ids[np.concatenate([home, away])],
            "opponent_team_id": team_ids[np.concatenate([away, home])],
            "points": np.concatenate([points[:, 0], points[:, 1]]),
            "opponent_points": np.concatenate([points[:, 1], points[:, 0]]),
        }
    )
    rows["won"] = rows["points"] > rows["opponent_points"]
    table = standings.standings(rows, teams.assign(season=season), season)
    return table.assign(team=np.searchsorted(team_ids, table["team_id"]))


def _out_of_race(table: pd.DataFrame) -> np.ndarray:
    """Return bool [30]: whether a team has given up on its conference's tenth place."""
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
    """Return the hash of the parameters and of the code that turns them into a league."""
    return content_key(__name__, [json.dumps(dataclasses.asdict(params), sort_keys=True)])


def write_league(sim: SimulatedLeague, raw_dir: Path) -> None:
    """Write a league's files as users have them on disk, and the truth beside them.

    Game logs become parquet, opening rosters and team records CSV and injury reports JSON as in
    real data; `true_strength.parquet` holds the truth. `sim.json` comes last: it holds the
    parameters, their hash and the hashes of all other files, see `holds_league`.

    Args:
        sim: The league.
        raw_dir: Folder to write to; made if missing. Files of other names are left alone.
    """
    written = []
    for stem, frame in {**sim.files, Path(TRUE_STRENGTH_FILE).stem: sim.true_strength}.items():
        ending = (
            ".csv" if stem.startswith(("rosters/", TEAM_RECORDS))
            else ".json" if stem.startswith(INJURY_REPORTS)
            else ".parquet"
        )  # fmt: skip
        written.append(stem + ending)
        path = raw_dir / written[-1]
        path.parent.mkdir(parents=True, exist_ok=True)
        if ending == ".csv":
            frame.to_csv(path, index=False)
        elif ending == ".json":
            path.write_text(json.dumps(as_json(frame)))
        else:
            frame.to_parquet(path, index=False)
    record = {
        "hash": params_hash(sim.params),
        "params": dataclasses.asdict(sim.params),
        "files": {name: file_hash(raw_dir / name) for name in written},
    }
    (raw_dir / PARAMS_FILE).write_text(json.dumps(record, indent=2) + "\n")


def holds_league(raw_dir: Path, params: SimParams) -> bool:
    """Return whether a folder holds a league of some parameters, its files as they were written."""
    try:
        record = json.loads((raw_dir / PARAMS_FILE).read_text())
        files = {name: file_hash(raw_dir / name) for name in record["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return bool(record["hash"] == params_hash(params) and record["files"] == files)

"""The order of rows and files does not matter."""

import json

import numpy as np
import pandas as pd
import pytest

from nba_rank.data.ingest import read_raw
from nba_rank.data.raw import files as raw_files
from nba_rank.data.simulated.league import SimParams, simulate_league, write_league
from nba_rank.data.tables import SCHEMA


@pytest.fixture
def raw(tmp_path_factory):
    """Raw files of a simulated season, and made-up ones of the kinds that it lacks."""
    folder = tmp_path_factory.mktemp("order") / "raw"
    write_league(simulate_league(SimParams(seed=5, n_seasons=1)), folder)
    log = pd.read_parquet(folder / "team_logs_2021_22.parquet")
    rng = np.random.default_rng(1)
    home, away = (log.iloc[side::2].reset_index(drop=True) for side in (0, 1))
    n = len(home)
    games = pd.DataFrame(
        {"DATE": home["GAME_DATE"], "HOME": home["TEAM_ID"], "AWAY": away["TEAM_ID"]}
    )
    margin = home["PTS"] - away["PTS"]
    spread = -np.round(margin * 0.3) + rng.integers(-10, 11, n) / 2
    lines = games.assign(
        GAME_ID=home["GAME_ID"],
        HOME_SPREAD=spread,
        MONEYLINE_HOME=np.where(spread < 0, -1, 1) * rng.integers(110, 140, n),
        MONEYLINE_AWAY=np.where(spread < 0, 1, -1) * rng.integers(120, 160, n),
    )
    next_year = pd.to_datetime(games["DATE"]) + pd.Timedelta(days=365)
    totals = pd.DataFrame({"TEAM_NAME": log["TEAM_NAME"].unique(), "SEASON": "2021-22"})
    totals = totals.assign(WIN_TOTAL=41.5, TITLE_ODDS_AMERICAN=rng.integers(200, 20_000, 30))
    players = pd.read_parquet(folder / "player_logs_2021_22.parquet")
    players = players.drop_duplicates(["PLAYER_ID", "TEAM_ID"])
    raptor = players[["PLAYER_NAME", "PLAYER_ID"]].assign(
        SEASON=2022,
        SEASON_TYPE="RS",
        TEAM=players["TEAM_ABBREVIATION"],
        MP=rng.uniform(1, 2000, len(players)),
        RAPTOR_OFFENSE=rng.normal(size=len(players)),
        RAPTOR_DEFENSE=rng.normal(size=len(players)),
    )
    drafted = players[["PLAYER_ID"]].drop_duplicates().assign(DRAFT_YEAR=2019, DRAFT_NUMBER=1)
    for name in ("market", "schedules", "players"):
        (folder / name).mkdir()
    totals.to_csv(folder / "market/preseason_win_totals.csv", index=False)
    lines[:800].to_parquet(folder / "market/betting_lines.parquet")
    lines[800:].to_csv(folder / "market/betting_lines_more.csv", index=False)
    coming = games.assign(DATE=next_year)
    coming[:800].to_parquet(folder / "schedules/autumn.parquet")
    coming[800:].to_csv(folder / "schedules/spring.csv", index=False)
    raptor.to_csv(folder / "raptor_by_team.csv", index=False)
    drafted.to_csv(folder / "players/players.csv", index=False)
    return folder


def shuffle_rows(source, target):
    """Copy a raw folder with the rows of every file in another order."""
    rng = np.random.default_rng(0)
    for path in sorted(source.rglob("*.*")):
        copy = target / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            frame = pd.read_parquet(path)
            frame.iloc[rng.permutation(len(frame))].to_parquet(copy, index=False)
        elif path.suffix == ".csv":
            frame = pd.read_csv(path, dtype=str, keep_default_na=False)
            frame.iloc[rng.permutation(len(frame))].to_csv(copy, index=False)
        elif path.parent.name == "injury_reports":
            reports = json.loads(path.read_text())
            for report in reports:
                report["injuries"].reverse()
            copy.write_text(json.dumps(reports[::-1]))


def hashes(folder):
    tables, _ = read_raw(folder)
    for name, table in tables.items():
        assert len(table) or name in ("stints", "unreported_teams")
        assert table.dtypes.astype("str").to_dict() == SCHEMA[name]
    return tables.hashes()


def test_shuffled_rows_and_files_make_the_same_tables(raw, tmp_path, monkeypatch):
    expected = hashes(raw)
    shuffle_rows(raw, tmp_path)
    assert hashes(tmp_path) == expected
    discover = raw_files.discover
    monkeypatch.setattr(raw_files, "discover", lambda *arguments: discover(*arguments)[::-1])
    assert hashes(raw) == expected

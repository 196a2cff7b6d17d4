import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from raw_logs import finals, regular_games, write

from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hashes
from nba_rank.data import prepare
from nba_rank.data.ingest import ingest
from nba_rank.data.prepare import prepare_tables, true_strength
from nba_rank.data.simulated.league import params_hash, simulate_league


@pytest.fixture(scope="module")
def made():
    """Leagues by their parameters, each simulated once and cut to its first games."""
    return {}


@pytest.fixture
def simulated(monkeypatch, made):
    """The parameters of the leagues that were simulated."""
    asked = []

    def simulate(params):
        asked.append(params)
        key = params_hash(params)
        if key not in made:
            league = simulate_league(params)
            files = {name: rows.head(60) for name, rows in league.files.items()}
            made[key] = replace(league, files=files)
        return made[key]

    monkeypatch.setattr(prepare, "simulate_league", simulate)
    return asked


@pytest.fixture
def config(compose):
    return compose("data=sim", "data.sim.n_seasons=1").data


def test_any_number_of_first_runs_may_start_at_once(config, simulated, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: prepare_tables(config, None), range(4)))
    assert len(simulated) == 1
    assert [result.changed for result in results].count(True) == 1
    assert all(result.tables.hashes() == results[0].tables.hashes() for result in results)
    assert {path.name for path in tmp_path.iterdir()} == {"raw", ".raw.lock", "processed"}
    assert true_strength(config)["team_id"].nunique() == 30


def test_a_league_is_used_again_only_with_the_files_that_were_written(config, simulated, tmp_path):
    expected = prepare_tables(config, None).tables.hashes()
    raw = tmp_path / "raw"
    before = file_hashes(raw)

    def cut(name):
        path = raw / name
        path.write_bytes(path.read_bytes()[:-1])

    def forget(name):
        record = json.loads((raw / name).read_text())
        (raw / name).write_text(json.dumps({"hash": record["hash"]}))

    damages = {
        "player_logs_2021_22.parquet": lambda name: (raw / name).unlink(),
        "true_strength.parquet": cut,
        "sim.json": forget,
    }
    for number, (name, damage) in enumerate(damages.items(), start=2):
        damage(name)
        assert prepare_tables(config, None).tables.hashes() == expected
        assert file_hashes(raw) == before
        assert len(simulated) == number
    shutil.rmtree(raw)
    assert prepare_tables(config, None).tables.hashes() == expected


def test_other_parameters_replace_a_league_and_its_run_says_so(compose, config, simulated):
    prepare_tables(config, None)
    other = compose("data=sim", "data.sim.n_seasons=1", "data.sim.seed=99").data
    prepare_tables(other, None)
    assert [params.seed for params in simulated] == [config.sim.seed, 99]
    with pytest.raises(UserError, match=r"no longer holds.*data\.raw_dir"):
        true_strength(config)


def test_a_league_replaces_no_other_files(config, simulated, tmp_path):
    write(tmp_path / "raw", team_logs_2023_24=regular_games())
    with pytest.raises(UserError, match=r"not a simulated league.*data\.raw_dir"):
        prepare_tables(config, None)
    assert not simulated


def test_a_reader_never_sees_tables_of_two_ingests(tmp_path):
    regular = regular_games()
    folders = [write(tmp_path / name, team_logs_2023_24=regular) for name in ("one", "two")]
    write(folders[1], playoffs_team_logs_2023_24=finals())
    seen = []

    def ask(number):
        tables = ingest(folders[number % 2], tmp_path / "processed", force=number % 4 == 0).tables
        seen.append((len(tables.games), int(tables.seasons["complete"].iloc[0])))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ask, range(8)))
    assert set(seen) == {(3, 0), (7, 1)}
    left = [path.name for path in (tmp_path / "processed").iterdir() if path.name[0] == "."]
    assert left == [".lock"]


def test_opening_rosters_of_last_season_are_like_a_folder_without_roster_files(
    config, simulated, tmp_path
):
    config = replace(config, opening_rosters="last_season")
    got = prepare_tables(config, None).tables
    with_files = prepare_tables(replace(config, opening_rosters="files"), None).tables
    assert with_files.hashes() != got.hashes()
    shutil.rmtree(tmp_path / "raw" / "rosters")
    without = prepare_tables(replace(config, source="raw", opening_rosters="files"), None).tables
    assert without.hashes() == got.hashes()

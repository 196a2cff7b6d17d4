import copy
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import OverrideType
from omegaconf import DictConfig, OmegaConf
from threadpoolctl import threadpool_limits

from nba_rank.config.compose import CONF, as_config, register_schemas
from nba_rank.config.schema import Config
from nba_rank.data.calendar import as_of_grid
from nba_rank.data.ingest import IngestResult, ingest
from nba_rank.data.outcomes import outcomes
from nba_rank.data.prepare import prepare_tables
from nba_rank.data.tables import Tables, conform
from nba_rank.features.players.impact import player_ratings
from nba_rank.features.roster import PlayerSets
from nba_rank.features.store import KEY
from nba_rank.odds.inputs import strength_inputs
from nba_rank.odds.projection import Projection, project
from nba_rank.samples.dataset import PROGRESS, Dataset
from nba_rank.samples.target import relevance


@pytest.fixture(scope="session", autouse=True)
def one_blas_thread() -> Iterator[None]:
    """Threads slow the many small matrices down, and much so beside another process."""
    with threadpool_limits(1, "blas"):
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id) -> Path:
    """A folder for what one test process makes and all may read, under a lock."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def raw_dir() -> Path:
    """Folder of real game logs; tests that ask for it are skipped where there is none.

    It is the first of several in NBA_RANK_RAW_DIR: most tests need no more.
    """
    default = Path(__file__).parents[2] / "shared" / "nba" / "raw"
    folder = Path(os.environ.get("NBA_RANK_RAW_DIR", str(default)).split(os.pathsep)[0])
    if not folder.is_dir():
        pytest.skip(f"no real league data in {folder}: set NBA_RANK_RAW_DIR to its folder")
    return folder


@pytest.fixture(scope="session")
def history_dir(raw_dir) -> Path:
    """Folder of older player logs, the second in NBA_RANK_RAW_DIR, or `history` beside the first.

    Tests that ask for it are skipped where there is none.
    """
    more = os.environ.get("NBA_RANK_RAW_DIR", "").split(os.pathsep)[1:]
    folder = Path(more[0]) if more else raw_dir.with_name("history")
    if not folder.is_dir():
        pytest.skip(f"no older player logs in {folder}: name it second in NBA_RANK_RAW_DIR")
    return folder


@pytest.fixture(scope="session")
def real_ingest(raw_dir, shared) -> IngestResult:
    """Tables and report of the real game logs; made once, not to be altered."""
    return ingest(raw_dir, shared / "real")


@pytest.fixture(scope="session")
def real_tables(real_ingest) -> Tables:
    """Tables of the real league; not to be altered."""
    return real_ingest.tables


@pytest.fixture(scope="session")
def sim_tables(shared, compose_as_is) -> Tables:
    """Tables of a simulated league of three seasons, 2021-22 to 2023-24; not to be altered."""
    folders = [f"data.raw_dir={shared / 'sim' / 'raw'}", f"data.processed_dir={shared / 'sim'}"]
    config = compose_as_is("data=sim", "data.sim.seed=11", "data.sim.n_seasons=3", *folders)
    return prepare_tables(config.data, None).tables


@pytest.fixture(scope="session")
def sim_dates(sim_tables) -> pd.DataFrame:
    """As-of dates of the simulated league: the as-of points and every four weeks."""
    return as_of_grid(sim_tables, sim_tables.seasons["season"].tolist(), 28)


@pytest.fixture(scope="session")
def sim_ratings(sim_tables, sim_dates, compose_as_is) -> pd.DataFrame:
    """Its player ratings on `sim_dates`; not to be altered."""
    return player_ratings(sim_tables, sim_dates, compose_as_is().features.impact)


@pytest.fixture(scope="session")
def sim_inputs(sim_tables, sim_ratings, sim_dates) -> pd.DataFrame:
    """What is known of its teams on `sim_dates`; not to be altered."""
    return strength_inputs(sim_tables, sim_ratings, sim_dates)


@pytest.fixture(scope="session")
def sim_results(sim_tables) -> pd.DataFrame:
    """How far its teams went; not to be altered."""
    return outcomes(sim_tables)


@pytest.fixture(scope="session")
def sim_data(sim_inputs, sim_results) -> Dataset:
    """Three features of its teams on `sim_dates`, without player sets; not to be altered."""
    columns = {"progress": PROGRESS, "elo_margin": "elo_margin", "margin_rating": "margin_rating"}
    nobody = PlayerSets(
        frame=sim_inputs.iloc[:0][[*KEY, "conference"]],
        player_id=np.zeros((0, 1), dtype=np.int64),
        minutes_share=np.zeros((0, 1), dtype=np.float32),
        stats=np.zeros((0, 1, 1), dtype=np.float32),
        columns=["nothing"],
        dates_left_out=sim_inputs["as_of_date"].nunique(),
    )
    return Dataset(
        frame=sim_inputs[[*KEY, "conference"]],
        columns=list(columns.values()),
        X=sim_inputs[list(columns)].to_numpy(dtype=np.float32),
        sets=nobody,
        relevance=relevance(sim_results, "playoff_outcome"),
    )


@pytest.fixture(scope="session")
def sim_projection(sim_tables, sim_inputs, tmp_path_factory) -> Projection:
    """Its second and third season projected, each from what came before; not to be altered."""
    return project(
        sim_tables,
        sim_inputs,
        {"2022-23": ["2021-22"], "2023-24": ["2021-22", "2022-23"]},
        n_simulations=20,
        seed=3,
        cache=tmp_path_factory.mktemp("projection"),
        threads=1,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Keeps features, player ratings, projections and members for all runs of a test module."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def priced() -> Callable[..., Tables]:
    """Gives tables made-up bookmakers' figures: `priced(tables, seasons)`, all seasons if none."""

    def make(tables: Tables, seasons: list[str] | None = None) -> Tables:
        rng = np.random.default_rng(21)
        wanted = tables.seasons["season"] if seasons is None else pd.Series(seasons)
        totals = tables.teams[tables.teams["season"].isin(wanted)]
        chance = pd.Series(rng.exponential(size=len(totals)), totals.index)
        totals = totals.assign(
            win_total=rng.integers(30, 135, len(totals)) / 2,
            title_prob=chance / chance.groupby(totals["season"]).transform("sum"),
        )
        lines = tables.games[tables.games["season"].isin(wanted)]
        lines = lines.assign(
            home_spread=rng.integers(-25, 20, len(lines)) / 2,
            home_win_prob=rng.uniform(0.1, 0.9, len(lines)),
        )
        return replace(
            tables,
            market_totals=conform("market_totals", totals),
            market_lines=conform("market_lines", lines),
        )

    return make


@pytest.fixture(scope="session")
def compose_file() -> Callable[..., DictConfig]:
    """Composes a file of `conf/`: `compose_file(name, *overrides)`; results are not to be altered.

    The last ones are kept: composing takes a third of a second.
    """
    # Takes seconds, which the process that hands the tests out need not spend.
    from nba_rank.experiments.tuning.sweeper import register_sweeper

    # Once a session: Hydra warns where schemas are registered twice.
    register_schemas()
    register_sweeper()

    @lru_cache(maxsize=64)
    def make(name: str, *overrides: str, with_hydra: bool = False) -> DictConfig:
        GlobalHydra.instance().clear()
        with initialize_config_dir(str(CONF)):
            return hydra_compose(name, overrides=[*overrides], return_hydra_config=with_hydra)

    return make


@pytest.fixture(scope="session")
def compose_fast(compose_file) -> Callable[..., DictConfig]:
    """As `compose_file`, which composes the groups alone: values are set on a copy of that."""

    def make(name: str, *overrides: str) -> DictConfig:
        parsed = OverridesParser.create().parse_overrides([*overrides])
        values = [
            each
            for each in parsed
            if each.type is OverrideType.CHANGE and not (CONF / each.key_or_group).is_dir()
        ]
        groups = [each.input_line for each in parsed if each not in values]
        cfg = copy.deepcopy(compose_file(name, *groups))
        for each in values:
            OmegaConf.update(cfg, each.key_or_group, each.value())
        return cfg

    return make


@pytest.fixture(scope="session")
def compose_as_is(compose_fast) -> Callable[..., Config]:
    """Composes the config of a run as the command line does; not to be altered either."""
    return lru_cache(lambda *overrides: as_config(compose_fast("config", *overrides), Config))


@pytest.fixture
def compose(compose_as_is, tmp_path) -> Callable[..., Config]:
    """Composes the config of a run whose folders, read or written, are all in `tmp_path`."""
    folders = [
        f"paths.outputs={tmp_path / 'outputs3'}",
        f"paths.cache={tmp_path / 'cache'}",
        f"data.raw_dir={tmp_path / 'raw'}",
        f"data.processed_dir={tmp_path / 'processed'}",
    ]
    # Test processes share the cores already.
    return lambda *overrides: compose_as_is(*folders, "trainer.num_threads=1", *overrides)


@pytest.fixture(scope="session")
def sound_diagnostics():
    """Health of two networks of two fits over four epochs, alive at the end; not to be altered."""
    key = pd.MultiIndex.from_product([("2021-22", "2022-23"), (0, 1), np.arange(-1.0, 4)])
    table = key.to_frame(index=False, name=["fit", "network", "epoch"])
    epoch, is_trained = table["epoch"].clip(lower=0), table["epoch"] >= 0
    noise = np.random.default_rng(0).normal(size=(len(table), 2))
    heads = 0.9 - 0.05 * epoch.to_numpy()[:, None] + 0.02 * noise
    return table.assign(
        attention_max=0.2,
        entropy_ratio=heads.mean(axis=1),
        entropy_ratio_head_0=heads[:, 0],
        entropy_ratio_head_1=heads[:, 1],
        set_loss=np.where(is_trained, -0.05, np.nan),
        val_set_loss=np.nan,
        set_variance=0.02 * is_trained,
        game_kl=0.05,
        game_gain=0.1,
        prior_kl=0.001 + 0.1 * epoch,
        fallback_share=0.0,
        encoded_variance=0.5,
        pooled_variance=0.05,
        score_spread=0.8 * is_trained,
        gradient_attention=0.01 * is_trained,
        gradient_encoder=0.02,
        gradient_scorer=0.3,
    )


@pytest.fixture
def diagnostics(sound_diagnostics):
    """A copy of `sound_diagnostics`."""
    return sound_diagnostics.copy()

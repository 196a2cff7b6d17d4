import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from loopback import Loopback
from omegaconf import OmegaConf
from raw_logs import finals, player_log, regular_games, write

from nba_rank.config.compose import as_config
from nba_rank.config.schema import FetchConfig
from nba_rank.data import league
from nba_rank.data.fetch import run


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback() as served:
        yield served


@pytest.fixture(autouse=True)
def a_short_season(monkeypatch):
    """A season has three games and a final, so that small logs are whole."""
    monkeypatch.setattr(league, "expected_regular_games", lambda season: 3)
    monkeypatch.setattr(league, "wins_needed", lambda season, playoff_round: 1)


@pytest.fixture(scope="session")
def sound_logs(tmp_path_factory) -> Path:
    """Sound raw files of 2023-24, which a source is to give; not to be altered."""
    return write(
        tmp_path_factory.mktemp("sound") / "original",
        team_logs_2023_24=regular_games(),
        playoffs_team_logs_2023_24=finals(),
        player_logs_2023_24=player_log(regular_games()),
        playoffs_player_logs_2023_24=player_log(finals()),
    )


@pytest.fixture
def logs(sound_logs, tmp_path) -> Path:
    """A copy of the sound raw files."""
    return shutil.copytree(sound_logs, tmp_path / "original")


@pytest.fixture
def fetch_config(compose_file, tmp_path) -> Callable[..., FetchConfig]:
    """Composes the config of a fetch into `tmp_path / "raw"` that does not wait."""
    quick = (
        "web.wait_seconds=0", "web.tries=3", "web.timeout_seconds=10", "source.pause_seconds=0",
        f"data.raw_dir={tmp_path / 'raw'}",
    )  # fmt: skip

    def make(*words: str) -> FetchConfig:
        # Groups are composed, which takes a third of a second; values are set afterwards.
        groups = [word for word in words if word.startswith(("source=", "data="))]
        values = OmegaConf.from_dotlist([*quick, *(w for w in words if w not in groups)])
        return as_config(OmegaConf.merge(compose_file("fetch", *groups), values), FetchConfig)

    return make


@pytest.fixture
def fetch(fetch_config) -> Callable[..., dict[tuple[str, str], run.Outcome]]:
    """Fetches: `fetch(*overrides)`; returns what became of each kind of data and season."""

    def make(*words: str) -> dict[tuple[str, str], run.Outcome]:
        done = run.fetch(fetch_config(*words), lambda name, n_targets: None)
        found: dict[tuple[str, str], run.Outcome] = {}
        for one in done:
            key = one.what, one.season
            if key not in found or found[key].status != run.FAILED:  # the first error stays
                found[key] = one
        return found

    return make

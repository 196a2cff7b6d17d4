import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from raw_logs import finals, player_log, regular_games, write

from nba_rank.config.compose import as_config
from nba_rank.config.schema import FetchConfig
from nba_rank.data import league
from nba_rank.data.fetch import run


class Loopback:
    """A server on the loopback that plays a source.

    Attributes:
        files: Bodies by path, or what makes them from the query.
        faults: What goes wrong first, by path: `cut` (in the middle), `slow`, `html`, or a status.
        log: Path and status of every answer.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[str], bytes]] = {}
        self.faults: dict[str, list[str | int]] = {}
        self.log: list[tuple[str, int]] = []
        self.retry_after = 0
        self.stop_waiting = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.handle_error = lambda *_: None  # clients that went away are part of the play
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        waiting = self.faults.get(path, [])
        fault = waiting.pop(0) if waiting else None
        body = self.files.get(path)
        if callable(body):
            body = body(query)
        status = fault if isinstance(fault, int) else 404 if body is None else 200
        body = body if body is not None and status == 200 else b"no"
        if fault == "html":
            body = b"<!DOCTYPE html><html><body>Access Denied</body></html>"
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if status == 200 and handler.headers.get("If-None-Match") == etag:
            status, body = 304, b""
        self.log.append((path, status))
        if fault == "slow":
            self.stop_waiting.wait(2)
        handler.send_response(status)
        handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(body)))
        if status == 429:
            handler.send_header("Retry-After", str(self.retry_after))
        handler.end_headers()
        with suppress(BrokenPipeError):  # the program was killed
            handler.wfile.write(body[: len(body) // 2] if fault == "cut" else body)
        handler.close_connection = fault == "cut"

    def asked(self) -> list[str]:
        """Return the paths that were asked for since the last call."""
        paths = [path for path, _ in self.log]
        self.log.clear()
        return paths


@pytest.fixture
def server() -> Iterator[Loopback]:
    served = Loopback()
    yield served
    served.stop_waiting.set()
    served.http.shutdown()
    served.http.server_close()


@pytest.fixture(autouse=True)
def a_short_season(monkeypatch):
    """A season has three games and a final, so that small logs are whole."""
    monkeypatch.setattr(league, "expected_regular_games", lambda season: 3)
    monkeypatch.setattr(league, "wins_needed", lambda season, playoff_round: 1)


@pytest.fixture
def logs(tmp_path) -> Path:
    """Sound raw files of 2023-24, which a source is to give."""
    return write(
        tmp_path / "original",
        team_logs_2023_24=regular_games(),
        playoffs_team_logs_2023_24=finals(),
        player_logs_2023_24=player_log(regular_games()),
        playoffs_player_logs_2023_24=player_log(finals()),
    )


@pytest.fixture
def fetch_config(compose_file, tmp_path) -> Callable[..., FetchConfig]:
    """Composes the config of a fetch into `tmp_path / "raw"` that does not wait."""
    quick = (
        "web.wait_seconds=0", "web.tries=3", "web.timeout_seconds=0.3", "source.pause_seconds=0",
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

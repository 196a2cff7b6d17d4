"""A server on the loopback that plays a source."""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class Loopback:
    """A server on the loopback that plays a source.

    Attributes:
        files: Bodies by path, or what makes them from the query.
        faults: What goes wrong first, by path: `cut` (in the middle), `slow`, `html`, `denied` (as
            object stores say of files that are not there), or a status.
        log: Path and status of every answer.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes | Callable[[str], bytes]] = {}
        self.faults: dict[str, list[str | int]] = {}
        self.log: list[tuple[str, int]] = []
        self.retry_after: object = 0
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_waiting.set()
        self.http.shutdown()
        self.http.server_close()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        waiting = self.faults.get(path, [])
        fault = waiting.pop(0) if waiting else None
        body = self.files.get(path)
        if callable(body):
            body = body(query)
        status = fault if isinstance(fault, int) else 404 if body is None else 200
        body = body if body is not None and status == 200 else b"no"
        if fault == "denied":
            status = 403
            body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"
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

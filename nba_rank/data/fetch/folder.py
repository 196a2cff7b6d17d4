"""A raw folder as `fetch` keeps it: what it wrote, from where, and what it downloaded for that.

`fetched.json` beside the raw files says of each when it was made, from which addresses and with
which hash. `.fetch/` holds the files of the sources as they came: what was complete when a fetch
was broken off is not asked for again, and a server only sends what has changed.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from nba_rank.core.errors import UserError
from nba_rank.core.files import file_hash, write_atomically, written_together
from nba_rank.data.fetch.web import Web
from nba_rank.data.raw.files import DOWNLOADS, FETCHED_FILE

Content = pd.DataFrame | bytes
"""What a raw file holds: a table, written by the ending of its name, or bytes as they are."""


class RawFolder:
    """One raw folder and its manifest, for one fetch at a time.

    Args:
        folder: The folder; made where missing.
        today: The day on which is fetched.
        clock: The time as it is written into the manifest.
    """

    def __init__(self, folder: Path, today: dt.date, clock: dt.datetime) -> None:
        self.path = folder
        self._manifest_path = folder / FETCHED_FILE
        self._clock = clock.isoformat(timespec="seconds")
        try:
            read = json.loads(self._manifest_path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            read = {}
        except ValueError as error:
            raise UserError(
                f"{self._manifest_path} cannot be read ({error}): remove it; files of the folder "
                "then count as your own and stay as they are"
            ) from error
        self._raw: dict[str, Any] = read.get("raw", {})
        self._downloads: dict[str, Any] = read.get("downloads", {})
        self._closed: dict[str, str] = read.get("closed", {})
        # A fetch that was broken off today goes on under its own name.
        broken_off = read.get("running") or {}
        own = {"id": clock.isoformat(), "today": today.isoformat()}
        self._run = broken_off if broken_off.get("today") == own["today"] else own
        self._save(running=self._run)

    def close(self) -> None:
        """Note that this fetch has come to its end."""
        self._save(running=None)

    def _save(self, *, running: Mapping[str, str] | None) -> None:
        write_atomically(self._manifest_path, lambda path: self._write(path, running))

    def _write(self, path: Path, running: Mapping[str, str] | None) -> None:
        content = {"raw": self._raw, "downloads": self._downloads, "closed": self._closed}
        path.write_text(json.dumps({"running": running, **content}, indent=1) + "\n", "utf-8")

    def sources(self) -> set[str]:
        """Return the sources of all game logs of the folder that were fetched."""
        return {about["source"] for about in self._raw.values() if about["what"].endswith("_logs")}

    def made(self, target: str) -> dict[str, Any] | None:
        """Return the manifest's entry of a target, None unless its files are as it wrote them."""
        own = {file: about for file, about in self._raw.items() if about["target"] == target}
        for file, about in own.items():
            path = self.path / file
            if not path.exists() or file_hash(path) != about["sha256"]:
                return None
        return next(iter(own.values()), None)

    def all_final(self, what: str, season: str) -> bool:
        """Whether all that was written of one kind of data and season stays as it is."""
        return all(
            about["final"]
            for about in self._raw.values()
            if (about["what"], about["season"]) == (what, season)
        )

    def foreign(self, file: str) -> str | None:
        """Return a file that is there under this name, whatever its ending, but not from here."""
        path = self.path / file
        for other in sorted(path.parent.glob(f"{path.stem}.*")):
            name = other.relative_to(self.path).as_posix()
            about = self._raw.get(name)
            if about is None or file_hash(other) not in (about["sha256"], about["before"]):
                return name
        return None

    def frame(self, file: str) -> pd.DataFrame | None:
        """Return a table that was written before, None where there is none."""
        path = self.path / file
        return pd.read_parquet(path) if file in self._raw and path.exists() else None

    def write(self, contents: Mapping[str, Content], about: Mapping[str, Any]) -> None:
        """Write raw files and their entries in the manifest, all or none of them.

        The manifest is renamed first, with the hashes before and after: a fetch that is killed
        between two renames still knows both as its own.
        """
        with written_together() as place:
            manifest = place(self._manifest_path)
            for file, content in contents.items():
                path = place(self.path / file)
                if isinstance(content, bytes):
                    path.write_bytes(content)
                elif file.endswith(".csv"):
                    content.to_csv(path, index=False)
                else:
                    content.to_parquet(path, index=False)
                now = self.path / file
                self._raw[file] = {
                    **about,
                    "fetched": self._clock,
                    "rows": len(content) if isinstance(content, pd.DataFrame) else None,
                    "sha256": file_hash(path),
                    "before": file_hash(now) if now.exists() else None,
                }
            self._write(manifest, self._run)

    def is_closed(self, name: str) -> bool:
        """Whether a target had nothing when it was final, such as a report that never was."""
        return name in self._closed

    def note_closed(self, name: str) -> None:
        """Note that a target has nothing and never will."""
        self._closed[name] = self._clock
        self._save(running=self._run)

    def download(self, web: Web, name: str, url: str, expected: str) -> tuple[Path, str]:
        """Return a file of a source and its hash.

        One that is complete from a fetch that was broken off today is taken as it is; else the
        server is asked for what has changed (`ETag`, `Last-Modified`).

        Raises:
            FetchError: It cannot be had; the download of before stays.
        """
        path = self.path / DOWNLOADS / name
        known = self._downloads.get(name, {})
        there = known.get("url") == url and path.exists() and file_hash(path) == known["sha256"]
        if there and known["run"] == self._run["id"]:
            return path, known["sha256"]
        validators = {"If-None-Match": "etag", "If-Modified-Since": "last_modified"}
        headers = {header: known[key] for header, key in validators.items() if there and known[key]}
        answer = web.get(url, headers=headers, expected=expected)
        if answer.status_code == 304:
            return path, known["sha256"]
        sha256 = hashlib.sha256(answer.content).hexdigest()
        write_atomically(path, lambda part: part.write_bytes(answer.content))
        self._downloads[name] = {
            "url": url,
            "etag": answer.headers.get("ETag"),
            "last_modified": answer.headers.get("Last-Modified"),
            "sha256": sha256,
            "fetched": self._clock,
            "run": self._run["id"],
        }
        self._save(running=self._run)
        return path, sha256

    def forget(self, names: Iterable[str]) -> None:
        """Forget downloads that cannot be used, so that they are asked for anew."""
        for name in names:
            self._downloads.pop(name, None)
            (self.path / DOWNLOADS / name).unlink(missing_ok=True)
        self._save(running=self._run)

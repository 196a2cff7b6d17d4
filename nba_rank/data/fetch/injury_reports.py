"""The league's official injury reports: PDF files that `nbainjuries` reads.

Source: https://github.com/mxufc29/nbainjuries, reports from 2021-22 on. It needs Java, and pandas
below 3, so it runs in an environment of its own, whose Python the config names.
"""

import datetime as dt
import json
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import pandas as pd

from nba_rank.config.schema import InjuryReportsConfig
from nba_rank.core.errors import ConfigError, UserError
from nba_rank.data import league
from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, Source, Target, is_over
from nba_rank.data.fetch.web import FetchError, NotThereError, RefusedError, Web
from nba_rank.data.raw.files import DOWNLOADS, INJURY_FOLDER

_FIRST = "2021-22"
_MINUTES_IN_NAME_SINCE = dt.date(2025, 12, 22)
_DAYS_OPEN = 3
"""Days after which a report that is refused counts as one that never was."""

_DAYS_KEPT = 2
"""Days for which the last list of a team that has not submitted its own yet is kept."""

_SET_UP = (
    "Make an environment for it: python -m venv .venv-injuries && .venv-injuries/bin/pip install "
    "nbainjuries, then injury_reports.python=.venv-injuries/bin/python"
)
_ANSWER = "answer:"
_READER = """
import datetime, json, sys
from nbainjuries import injury
for line in sys.stdin:
    when = datetime.datetime.fromisoformat(line.strip())
    try:
        text = injury.get_reportdata(when, local=True, localdir=sys.argv[1])
        answer = {"rows": json.loads(text)}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("\\nanswer:" + json.dumps(answer), flush=True)
"""
"""Reads one report after another, as Java takes seconds to start."""

_COLUMNS = ("Game Date", "Team", "Player Name", "Current Status", "Reason")


class InjuryReports(Source):
    """Client of the reports; a target is the report of one game day, at one time of the morning."""

    name = "nbainjuries"
    kinds = ("injuries",)

    def __init__(self, config: InjuryReportsConfig, web: Web) -> None:
        super().__init__(config.address, web)
        self._config = config
        try:
            self._at = dt.time.fromisoformat(config.at)
        except ValueError as error:
            raise ConfigError(
                f"injury_reports.at={config.at}: a time is written like 08:30"
            ) from error
        self._reader: subprocess.Popen[str] | None = None

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return a target for every day with games, by the team logs of the folder, and today."""
        if season < _FIRST:
            raise FetchError(f"there is no official injury report before {_FIRST}")
        days = {dt.date.fromisoformat(day) for day in logs.games_of(folder, season)["GAME_DATE"]}
        if not is_over(season, today):
            days = {day for day in days if day <= today} | {today}
        return [self._target(day, season, today) for day in sorted(days)]

    def _target(self, day: dt.date, season: str, today: dt.date) -> Target:
        when = dt.datetime.combine(day, self._at)
        form = "%Y-%m-%d_%I_%M%p" if day >= _MINUTES_IN_NAME_SINCE else "%Y-%m-%d_%I%p"
        report = f"Injury-Report_{when.strftime(form)}.pdf"
        download, file = f"{self.name}/{report}", f"{INJURY_FOLDER}/{day.isoformat()}.json"
        url = f"{self.address}/{report}"

        def ask(folder: RawFolder, web: Web) -> Made | None:
            try:
                _, sha256 = folder.download(web, download, url, "PDF file")
            except (RefusedError, NotThereError):
                if (today - day).days <= _DAYS_OPEN:
                    raise
                return Made({}, note=f"{day}: no report, the league refuses it")
            content, note = _report(self._read(folder, when), day, folder)
            return Made({file: content}, {download: sha256}, note)

        name = f"{self.name}/{day.isoformat()}"
        return Target(name, "injuries", season, self.name, (file,), True, ask, (download,))

    def _read(self, folder: RawFolder, when: dt.datetime) -> list[dict[str, Any]]:
        if self._reader is None:
            self._reader = self._start(folder.path / DOWNLOADS / self.name)
        asked, told = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert told is not None
        with suppress(BrokenPipeError):
            asked.write(f"{when.isoformat()}\n")
            asked.flush()
        lines = (line for line in told if line.startswith(_ANSWER))
        answer = json.loads(next(lines, "").removeprefix(_ANSWER) or "{}")
        if not answer:
            python = self._config.python
            raise UserError(f"injury_reports.python={python} has no nbainjuries. {_SET_UP}")
        if "rows" not in answer:
            raise FetchError(
                f"nbainjuries cannot read the report of {when} ({answer['error']}): leave the day "
                "out, or renew nbainjuries"
            )
        return answer["rows"]

    def _start(self, place: Path) -> "subprocess.Popen[str]":
        python = self._config.python
        if python is None:
            raise UserError(f"what=injuries needs nbainjuries. {_SET_UP}")
        if shutil.which("java") is None:
            raise UserError(
                "what=injuries needs Java 8 or newer to read PDF files, and there is no `java` on "
                "the PATH: install one, such as openjdk"
            )
        try:
            return subprocess.Popen(
                [python, "-c", _READER, str(place)], text=True, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise UserError(f"injury_reports.python={python}: {error}. {_SET_UP}") from error


def _report(rows: list[dict[str, Any]], day: dt.date, folder: RawFolder) -> tuple[bytes, str]:
    """Return the report of one day, and a note: of a team that has not submitted, its last list."""
    frame = pd.DataFrame(rows)
    logs.require(frame, _COLUMNS, f"nbainjuries, report of {day}")
    own = frame[pd.to_datetime(frame["Game Date"], errors="coerce").dt.date == day]
    told = own["Reason"].fillna("").str.upper().str.replace(" ", "")
    waiting = told.str.contains("NOTYETSUBMITTED")
    listed = own[~waiting & own["Player Name"].notna()]
    names = listed["Player Name"].str.replace(r"^([^,]+),\s*(.+)$", r"\2 \1", regex=True)
    injuries = [
        {"player_name": name, "team_id": _team_id(team), "status": status, "reason": reason or ""}
        for name, team, status, reason in zip(
            names, listed["Team"], listed["Current Status"], listed["Reason"], strict=True
        )
    ]
    late = sorted({_team_id(team) for team in own.loc[waiting, "Team"]})
    for back in range(1, _DAYS_KEPT + 1):
        path = folder.path / INJURY_FOLDER / f"{day - dt.timedelta(days=back)}.json"
        if late and path.exists():
            before = json.loads(path.read_bytes())["injuries"]
            injuries += [entry for entry in before if entry["team_id"] in late]
            break
    content = {"date": day.isoformat(), "not_submitted": late, "injuries": injuries}
    text = json.dumps(content, ensure_ascii=False) + "\n"
    note = f"{day}: {len(late)} teams had not submitted" if late else ""
    return text.encode(), note


def _team_id(name: str) -> int:
    known = league.franchise_names()
    clubs = {"laclippers": known["los angeles clippers"]}
    by_name = {full.replace(" ", ""): team for full, team in known.items()} | clubs
    try:
        return by_name[name.lower().replace(" ", "")]
    except KeyError as error:
        raise FetchError(f"nbainjuries: no team is called {name!r}") from error

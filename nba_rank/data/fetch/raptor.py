"""FiveThirtyEight's RAPTOR by team, which ended in 2022 (CC BY 4.0)."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from nba_rank.data.fetch import logs
from nba_rank.data.fetch.folder import RawFolder
from nba_rank.data.fetch.target import Made, Source, Target, files_target
from nba_rank.data.raw.files import REQUIRED

_FILE = "modern_RAPTOR_by_team.csv"


class Raptor(Source):
    """Client of one file, which is the address."""

    name = "fivethirtyeight"
    kinds = ("raptor",)

    def targets(self, what: str, season: str, today: dt.date, folder: RawFolder) -> list[Target]:
        """Return the target of the file, which holds all seasons."""
        urls = {f"{self.name}/{_FILE}": self.address}
        return [
            files_target(
                self.name, what, "", (_FILE,), urls, _checked, final=True, expected="CSV file"
            )
        ]


def _checked(paths: Mapping[str, Path]) -> Made:
    (path,) = paths.values()
    logs.require(pd.read_csv(path).rename(columns=str.upper), REQUIRED["raptor"], path.name)
    return Made({_FILE: path.read_bytes()})

"""The folder of a finished run, for those who go on from it."""

from pathlib import Path
from typing import Any

from nba_rank.config.compose import config_from_yaml
from nba_rank.config.schema import Config
from nba_rank.core.errors import UserError
from nba_rank.core.names import CLONE
from nba_rank.core.run_dir import read_manifest


def read_run(folder: Path) -> tuple[dict[str, Any], Config]:
    """Return the manifest and the config of a finished run that ranks teams.

    Raises:
        UserError: The folder holds none, or one of another version of the program.
    """
    manifest = read_manifest(folder)
    if manifest["status"] != "finished":
        raise UserError(f"{folder} is no finished run: its status is {manifest['status']}")
    if "kind" in manifest:
        raise UserError(f"{folder} holds {manifest['kind']} and no run: take another folder")
    config = config_from_yaml(folder / "config.yaml")
    if config.model.members == [CLONE]:
        raise UserError(f"{folder} holds a {CLONE}, which ranks no teams: take another run")
    return manifest, config

"""The part of the build that pyproject.toml cannot say: a wheel carries the configs of `conf/`."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithConf(build_py):
    """Copies `conf/` into the package, where an installed program looks for it."""

    def run(self) -> None:
        """Build, unless in place: there `conf/` lies beside the package."""
        super().run()
        if not self.editable_mode:
            place = Path(self.build_lib, "nba_rank", "conf")
            shutil.rmtree(place, ignore_errors=True)
            shutil.copytree("conf", place)


setup(cmdclass={"build_py": BuildWithConf})

"""`python -m nba_rank.compare <run or sweep> ...`: finished runs and sweeps side by side."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nba_rank.core.exits import exit_on_user_error
from nba_rank.core.interruption import interruptible

if TYPE_CHECKING:
    from rich.console import Console


_EXAMPLES = """examples:
  python -m nba_rank.compare outputs3/run_001 outputs3/run_007
  python -m nba_rank.compare outputs3/run_* --metric rank_rmse --baseline outputs3/run_004
  python -m nba_rank.compare outputs3/run_001 outputs3/sweeps/quick_1a2b
"""


def main(arguments: Sequence[str] | None = None, console: "Console | None" = None) -> None:
    """Run the program; errors are told as by `nba_rank.core.exits.exit_on_user_error`."""
    parser = ArgumentParser(
        "python -m nba_rank.compare",
        description="Put finished runs and sweeps side by side, as a page and as Markdown: who is "
        "better and whether beyond noise, configs as a diff, learning curves, calibration.",
        epilog=_EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="run", help="run or sweep folder")
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("outputs3"),
        metavar="folder",
        help="where the comparison's own run folder is made (default: outputs3)",
    )
    parser.add_argument(
        "--baseline", metavar="run", help="run that differences are taken to (default: the first)"
    )
    parser.add_argument(
        "--metric",
        help="metric of the figures and first tables (default: spearman where the runs have it)",
    )
    given = parser.parse_args(arguments)
    with interruptible(), exit_on_user_error(console):
        from rich.console import Console

        from nba_rank.experiments.comparison import compare

        compare(given.folders, given.out, given.baseline, given.metric, console or Console())


if __name__ == "__main__":
    main()

"""`python -m nba_rank.results <run> ...`: write RESULTS.md from run folders."""

from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from nba_rank.core.exits import exit_on_user_error
from nba_rank.core.interruption import interruptible


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = ArgumentParser(
        "python -m nba_rank.results",
        description="Write RESULTS.md from a run and from comparisons of variants.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="run", help="run folder, the main run first"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("RESULTS.md"),
        metavar="file",
        help="file to write (default: RESULTS.md)",
    )
    given = parser.parse_args(arguments)
    with interruptible(), exit_on_user_error():
        from nba_rank.core.files import write_atomically
        from nba_rank.experiments.results import results

        text = results(given.folders)
        write_atomically(given.out, lambda path: path.write_text(text, encoding="utf-8"))
        print(f"Written: {given.out}")


if __name__ == "__main__":
    main()

"""`python -m nba_rank.results <run> ...`: RESULTS.md and the README's tables from run folders."""

from argparse import ArgumentParser
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nba_rank.core.exits import exit_on_user_error
from nba_rank.core.interruption import interruptible


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = ArgumentParser(
        "python -m nba_rank.results",
        description="Write RESULTS.md from a run, the same run with features/market=on or "
        "data.opening_rosters=last_season, and comparisons of variants.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="run", help="run folder, the main run first"
    )
    parser.add_argument(
        "--readme",
        type=Path,
        metavar="file",
        help="README whose first tables are written anew, between its marks",
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
        from nba_rank.experiments.results import ResultRuns, results, with_results

        runs = ResultRuns.read(given.folders)
        texts = {given.out: results(runs)}
        if given.readme is not None:
            texts[given.readme] = with_results(given.readme.read_text(encoding="utf-8"), runs)
        for file, text in texts.items():
            write_atomically(file, partial(Path.write_text, data=text, encoding="utf-8"))
            print(f"Written: {file}")


if __name__ == "__main__":
    main()

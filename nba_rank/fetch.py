"""`python -m nba_rank.fetch`: bring the raw files of seasons, and keep the current one fresh."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import FetchConfig

if __name__ == "__main__":
    run_program("fetch", FetchConfig, "nba_rank.experiments.fetch.fetch")

"""`python -m nba_rank.bench`: how long each part of a run takes on this machine."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import Config

if __name__ == "__main__":
    run_program("config", Config, "nba_rank.experiments.bench.bench")

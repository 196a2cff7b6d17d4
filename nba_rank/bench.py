"""`python -m nba_rank.bench`: how long each part of a run takes on this machine."""

from nba_rank.config.program import run_program
from nba_rank.experiments.bench import bench

if __name__ == "__main__":
    run_program("config", bench)

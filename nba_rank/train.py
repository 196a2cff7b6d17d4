"""`python -m nba_rank.train`: from raw files to a ranked, evaluated run folder."""

from nba_rank.config.program import run_program
from nba_rank.experiments.train import train
from nba_rank.experiments.tuning.sweeper import register_sweeper

if __name__ == "__main__":
    register_sweeper()
    run_program("config", train)

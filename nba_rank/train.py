"""`python -m nba_rank.train`: from raw files to a ranked, evaluated run folder."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import Config

if __name__ == "__main__":
    run_program(
        "config",
        Config,
        "nba_rank.experiments.train.train",
        sweeper="nba_rank.experiments.tuning.sweeper.register_sweeper",
    )

"""`python -m nba_rank.compare_calibration`: are probabilities better calibrated, and how?"""

from nba_rank.config.program import run_program
from nba_rank.config.schema import Config

if __name__ == "__main__":
    run_program("config", Config, "nba_rank.experiments.calibrations.compare")

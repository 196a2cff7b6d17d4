"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import PredictConfig

if __name__ == "__main__":
    run_program("predict", PredictConfig, "nba_rank.experiments.predict.predict")

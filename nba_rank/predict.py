"""`python -m nba_rank.predict`: rank any date from a run folder alone."""

from nba_rank.config.program import run_program
from nba_rank.experiments.predict import predict

if __name__ == "__main__":
    run_program("predict", predict)

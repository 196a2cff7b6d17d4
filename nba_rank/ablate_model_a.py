"""`python -m nba_rank.ablate_model_a`: what each part of model A is worth."""

from nba_rank.config.program import run_program
from nba_rank.experiments.ablations import ablate_model_a

if __name__ == "__main__":
    run_program("config", ablate_model_a)

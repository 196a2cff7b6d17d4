"""`python -m nba_rank.ablate_model_a`: what each part of model A is worth."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import Config

if __name__ == "__main__":
    run_program("config", Config, "nba_rank.experiments.ablations.ablate_model_a")

"""`python -m nba_rank.ablate_model_a`: what each part of model A is worth."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import AblateModelAConfig

if __name__ == "__main__":
    run_program(
        "ablate_model_a", AblateModelAConfig, "nba_rank.experiments.model_a_parts.ablate_model_a"
    )

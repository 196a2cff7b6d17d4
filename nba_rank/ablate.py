"""`python -m nba_rank.ablate`: what each feature group is worth, and what it costs."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import AblateConfig

if __name__ == "__main__":
    run_program("ablate", AblateConfig, "nba_rank.experiments.ablations.ablate_groups")

"""`python -m nba_rank.ablate`: what each feature group is worth, and what it costs."""

from nba_rank.config.program import run_program
from nba_rank.experiments.ablations import ablate_groups

if __name__ == "__main__":
    run_program("ablate", ablate_groups)

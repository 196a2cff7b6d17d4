"""`python -m nba_rank.explain`: say why a team is ranked where it is, from a run folder alone."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import ExplainConfig

if __name__ == "__main__":
    run_program("explain", ExplainConfig, "nba_rank.experiments.explain.explain")

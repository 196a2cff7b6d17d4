"""`python -m nba_rank.debug_model_a`: is model A ready to learn, before any training?"""

from nba_rank.config.program import run_program
from nba_rank.config.schema import DebugConfig

if __name__ == "__main__":
    run_program("debug_model_a", DebugConfig, "nba_rank.experiments.debug_model_a.main")

"""`python -m nba_rank.today`: rank the day from new raw files, and remember the forecast."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import TodayConfig

if __name__ == "__main__":
    run_program("today", TodayConfig, "nba_rank.experiments.today.today")

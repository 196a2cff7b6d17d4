"""`python -m nba_rank.ingest`: from a folder of raw files to checked tables."""

from nba_rank.config.program import run_program
from nba_rank.config.schema import IngestConfig

if __name__ == "__main__":
    run_program("ingest", IngestConfig, "nba_rank.experiments.ingest.ingest")

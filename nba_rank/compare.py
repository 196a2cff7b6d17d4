"""`python -m nba_rank.compare <run or sweep> ...`: finished runs and sweeps side by side."""

from nba_rank.experiments.comparison import main

if __name__ == "__main__":
    main()

"""`python -m nba_rank.results <run> ...`: write RESULTS.md from run folders."""

from nba_rank.experiments.results import main

if __name__ == "__main__":
    main()

"""Model A: set attention over rosters."""

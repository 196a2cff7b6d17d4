"""From the events of games to stints: who was on court, what happened meanwhile."""

"""nba_rank: how strong is each NBA team on any date, how far will it go, and how sure are we."""

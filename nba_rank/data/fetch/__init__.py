"""From public sources to raw files: one client a source, see `nba_rank.data.fetch.target`."""

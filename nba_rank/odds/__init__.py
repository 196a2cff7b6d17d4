"""From strength to odds."""

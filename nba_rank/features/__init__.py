"""Feature groups, one file each, strictly as of a date; the store; and player sets."""

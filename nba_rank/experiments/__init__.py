"""Programs that put the rooms below together."""

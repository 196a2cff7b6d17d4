"""Names of models and rankers in configs, columns and tables."""

MEMBERS = ("model_a", "xgb", "rf")
"""Base models in the order of their columns."""

CLONE = "clone_classifier"
"""The model of who makes the playoffs; it ranks no teams, so it runs alone."""

MARGINS = "margins"
"""The baseline that simulates seasons from margins alone; see `nba_rank.odds.margins_only`."""

STANDINGS, MARKET, CLOSING_SPREADS = "standings", "market", "closing_spreads"
"""Baselines: the record to date, bookmakers before the season, and their lines of games to date."""

PLATT, SIMULATION = "platt", "simulation"
"""Rankers whose probabilities come from the calibration and from the simulation alone."""

ALL = "all"
"""The as-of point or season of pooled values."""

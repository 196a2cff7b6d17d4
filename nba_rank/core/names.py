"""Names of models and rankers, as configs, columns and tables have them."""

MEMBERS = ("model_a", "xgb", "rf")
"""Base models, in the order of their columns in every table."""

CLONE = "clone_classifier"
"""The model that says who makes the playoffs; it ranks nobody, so it runs alone."""

STANDINGS, MARKET = "standings", "market"
"""Baselines that others are held against: the record to date, and bookmakers."""

PLATT, SIMULATION = "platt", "simulation"
"""Rankers of probabilities that have another source than the ranker of the run: its calibration,
and its simulation where that speaks for itself, of series and of intervals."""

ALL = "all"
"""Stands for the as-of point or the season where all of them are pooled."""

"""Names of the models, as configs, columns and tables have them."""

MEMBERS = ("model_a", "xgb", "rf")
"""Base models, in the order of their columns in every table."""

CLONE = "clone_classifier"
"""The model that says who makes the playoffs; it ranks nobody, so it runs alone."""

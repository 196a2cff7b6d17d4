"""Measures, tidy tables of them, and comparisons of rankers with the baselines."""

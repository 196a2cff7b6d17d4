"""Names of what lies in a sweep's folder beside its trials, for those who write and read it."""

TRIALS_FILE = "trials.csv"

BEST_FILE = "best.yaml"

TEST_BEST, TEST_DEFAULT = "test_best", "test_default"
"""Folders of the two whole runs after a sweep."""

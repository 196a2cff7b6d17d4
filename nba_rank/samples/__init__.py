"""What models learn from: list batches, matrices, folds."""

"""What people read: figures, the written analysis and printed tables."""

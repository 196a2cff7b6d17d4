"""Readers of raw files, one a kind of file."""

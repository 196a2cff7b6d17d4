"""What every room stands on: names, files, run folders, progress, content hashes."""

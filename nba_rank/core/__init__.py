"""The foundation: names, files, run folders, progress, content hashes."""

"""Readers of raw files, one a kind of file, into rows of one form with their `file` and `row`.

Each `normalise(raw, frame, issues)` turns a file's rows, as `raw_files.read` returns them, into
rows whose values are understood but not yet compared with each other or with other files.
Impossible values are errors in `issues`, after which the rows are not fit for use; what is left out
or doubtful is a counted warning. Teams and players stay as they are written: only the game logs
identify them.
"""

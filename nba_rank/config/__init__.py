"""The typed schema of every config group, its rules, and the start of a program."""

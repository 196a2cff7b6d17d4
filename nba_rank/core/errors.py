"""Errors that a user can mend; all others keep their traceback."""


class UserError(ValueError):
    """Something that whoever runs a program can mend; the message says what, where and how."""

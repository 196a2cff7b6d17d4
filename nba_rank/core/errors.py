"""Errors that a user can mend; all others keep their traceback."""


class UserError(Exception):
    """Something that whoever runs a program can mend; the message says what, where and how."""


class ConfigError(UserError):
    """The config cannot be run; the message lists everything that is wrong with it."""

"""Errors that a user can fix; all others keep their traceback."""


class UserError(Exception):
    """Something that the user can fix; the message says what, where and how."""


class ConfigError(UserError):
    """The config cannot be run; the message lists everything that is wrong with it."""

"""Passwords of storage URLs, which no output may show."""

import re

_PASSWORD = re.compile(
    r"(?P<before>://[^:/?#\s]*:)\S*(?=@)"
    r"|(?P<key>(?:^|[?&;\s])(?:password|passwd|pwd|sslpassword)=)[^&;\s'\"]*",
    re.IGNORECASE,
)


def redact_password(text: str) -> str:
    """Return a text with *** for every password of its storage URLs.

    Finds passwords before the host and the parameters `password`, `passwd`, `pwd`, `sslpassword`.
    """
    return _PASSWORD.sub(lambda found: f"{found['before'] or found['key']}***", text)


def is_password(parameter: str) -> bool:
    """Return whether a parameter of a URL is a password."""
    return _PASSWORD.match(f"{parameter}=") is not None

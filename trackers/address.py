"""Addresses as they may be shown: in a terminal, a report, a file that others will read."""

import re

_USER = re.compile(r"//[^/?#\s'\"]*@")


def without_credentials(text: str) -> str:
    """Return a text in which no address has a user or password.

    >>> without_credentials("asked https://me:secret@host:5000/x")
    'asked https://host:5000/x'
    """
    return _USER.sub("//", text)

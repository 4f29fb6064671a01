"""Removal of credentials from addresses that are shown in a terminal, a report or a shared file."""

import re

_USER = re.compile(r"//[^/?#\s'\"]*@")


def without_credentials(text: str) -> str:
    """Return a text with user and password removed from every address in it.

    >>> without_credentials("asked https://me:secret@host:5000/x")
    'asked https://host:5000/x'
    """
    return _USER.sub("//", text)

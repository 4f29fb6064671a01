"""Titles of tables and figures, with the labels without which their numbers must not be shown."""

from collections.abc import Sequence


def titled(title: str, labels: Sequence[str]) -> str:
    """Append labels to a title: `Energy per epoch (estimated; data: synthetic)`."""
    return f"{title} ({'; '.join(labels)})" if labels else title

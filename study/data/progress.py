"""Lets whoever reads data say how far it is, without knowing who looks on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_Show = Callable[[str], object]

_show: ContextVar[_Show] = ContextVar("show", default=lambda _: None)


@contextmanager
def shown_by(show: _Show) -> Iterator[None]:
    """Hand what is reported inside to `show`, a line at a time.

    Args:
        show: Takes the line for people, for example `status.update` of rich.
    """
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


def report(what: str, done: int, total: int) -> None:
    """Say that `done` of `total` things are done; heard by nobody where nobody listens."""
    say(f"{what}: {done:,} of {total:,}")


def say(what: str) -> None:
    """Say what is being done."""
    _show.get()(what)

"""Progress reports of code that reads data, without knowledge of where they are shown."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_Show = Callable[[str], object]

_show: ContextVar[_Show] = ContextVar("show", default=lambda _: None)


@contextmanager
def progress_to(show: _Show) -> Iterator[None]:
    """Pass progress reported inside this context to `show`, a line at a time.

    Args:
        show: Takes a line of text to show, for example rich's `status.update`.
    """
    token = _show.set(show)
    try:
        yield
    finally:
        _show.reset(token)


def report_progress(what: str, done: int, total: int) -> None:
    """Report that `done` of `total` items of `what` are done; ignored outside of `progress_to`."""
    report_status(f"{what}: {done:,} of {total:,}")


def report_status(what: str) -> None:
    """Report what is being done; ignored outside of `progress_to`."""
    _show.get()(what)

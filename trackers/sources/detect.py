"""Which power source this machine has: the ordered table of all of them.

A new source is a file of its own and a line in `SOURCES`. What was refused, and why, is kept: it is
what `python -m trackers` and a study's manifest tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from trackers.errors import SourceUnavailableError
from trackers.source import PowerSource
from trackers.sources.cpu_estimate import CpuEstimateSource
from trackers.sources.nvml.source import NvmlSource
from trackers.sources.powermetrics import PowermetricsSource
from trackers.sources.rapl import RaplSource
from trackers.sources.recorded import RecordedSource

AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to look for.

    Attributes:
        tracker: `auto`, a name in `SOURCES`, or the path of a recording (`*.csv`).
        accelerator: Whether what is measured runs on an accelerator; `auto` then prefers sources
            of boards, and else passes over them.
        cpu_watts: Rated power of the machine's CPUs, for the estimate.
        cpu_idle_watts: Power of the machine's CPUs when idle, for the estimate.
    """

    tracker: str = AUTO
    accelerator: bool = True
    cpu_watts: float | None = None
    cpu_idle_watts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detection:
    """The source that was taken, and why the others were not."""

    source: PowerSource
    refused: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One line of the table.

    Attributes:
        name: The word that `--tracker` takes.
        of_accelerators: Whether it measures accelerators, and nothing else.
        open: Opens it, or raises `SourceUnavailableError`.
    """

    name: str
    of_accelerators: bool
    open: Callable[[Request], PowerSource]


SOURCES = (
    Candidate(name="nvml", of_accelerators=True, open=lambda _: NvmlSource()),
    Candidate(name="powermetrics", of_accelerators=False, open=lambda _: PowermetricsSource()),
    Candidate(name="rapl", of_accelerators=False, open=lambda _: RaplSource()),
    Candidate(
        name="estimate",
        of_accelerators=False,
        open=lambda request: CpuEstimateSource(
            cpu_watts=request.cpu_watts, cpu_idle_watts=request.cpu_idle_watts
        ),
    ),
)


def words() -> tuple[str, ...]:
    """The words that `Request.tracker` may be, besides the path of a recording."""
    return (AUTO, *(candidate.name for candidate in SOURCES))


def detect(
    request: Request | None = None, *, candidates: Sequence[Candidate] = SOURCES
) -> Detection:
    """Open the source that was asked for, or the first that can be used.

    Args:
        request: What to look for; left out: whatever there is.
        candidates: The table of sources, the best first.

    Raises:
        SourceUnavailableError: The source that was asked for cannot be used here, or the word is
            not known.
    """
    request = request or Request()
    if request.tracker.endswith(".csv"):
        return Detection(source=RecordedSource.from_csv(Path(request.tracker)), refused={})
    if request.tracker != AUTO:
        return Detection(source=_named(request.tracker, candidates).open(request), refused={})
    refused = {}
    for candidate in candidates:
        if candidate.of_accelerators and not request.accelerator:
            refused[candidate.name] = "what is measured here runs on the CPU"
            continue
        try:
            return Detection(source=candidate.open(request), refused=refused)
        except SourceUnavailableError as error:
            refused[candidate.name] = str(error)
    message = f"no power source can be used here: {refused}"
    raise SourceUnavailableError(message)


def _named(name: str, candidates: Sequence[Candidate]) -> Candidate:
    for candidate in candidates:
        if candidate.name == name:
            return candidate
    allowed = ", ".join((AUTO, *(candidate.name for candidate in candidates)))
    message = f"tracker {name!r} is not known; allowed are {allowed}, or the path of a .csv file."
    raise SourceUnavailableError(message)

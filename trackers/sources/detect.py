"""Detection of this machine's power sources, from the ordered table of all sources.

A new source is a file of its own and a line in `SOURCES`. The reason why a source was refused is kept;
`python -m trackers` and a study's manifest show it.

    auto        every source that works, each for what no source above it in the table measures: boards
                of several vendors side by side, but only one source each for CPU, memory and node. The
                estimate is the last line: it stands in for the CPU where no sensor measures it.
    names       exactly the named sources, in the order in which they are given
"""

import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from trackers.errors import SourceUnavailableError
from trackers.moved import answer_old_names
from trackers.sample import Component, Device
from trackers.source import PowerSource
from trackers.sources.amdsmi import AmdSmiSource
from trackers.sources.apple.ioreport import IoReportSource
from trackers.sources.apple.powermetrics import PowermetricsSource
from trackers.sources.calibrated import CalibratedSource, Calibration
from trackers.sources.cpu.cpu_estimate import CpuEstimateSource
from trackers.sources.hwmon import HwmonSource
from trackers.sources.ipmi import IpmiSource
from trackers.sources.nvml.source import NvmlSource
from trackers.sources.rapl import RaplSource
from trackers.sources.recorded import RecordedSource
from trackers.sources.selected import SelectedDevices

AUTO = "auto"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Sources to look for.

    Attributes:
        tracker: `auto`, or one or more of: a name in `SOURCES`, the path of a recording (`*.csv`), the
            path of a file that describes a server (`*.yaml`, see `trackers.sources.web`).
        accelerator: Whether the measured program runs on an accelerator; if not, `auto` skips the
            sources that measure only boards.
        cpu_watts: Rated power of all CPUs of the machine together, for the estimate; None if not given.
        cpu_idle_watts: Power of all CPUs of the machine together when idle, for the estimate; None if
            not given.
        calibrations: Calibrations of sources against external meters; those of another machine or of a
            source that is not used have no effect.
    """

    tracker: str | tuple[str, ...] = AUTO
    accelerator: bool = True
    cpu_watts: float | None = None
    cpu_idle_watts: float | None = None
    calibrations: tuple[Calibration, ...] = ()

    def __post_init__(self) -> None:
        """Refuse impossible watts, even if the estimate is not used.

        Raises:
            SourceUnavailableError: They are not a finite number above 0.
        """
        for option, watts in (
            ("--cpu-watts", self.cpu_watts),
            ("--cpu-idle-watts", self.cpu_idle_watts),
        ):
            if watts is not None and not 0 < watts < math.inf:
                message = f"{option} is {watts}; allowed: a number above 0"
                raise SourceUnavailableError(message)

    @property
    def named(self) -> tuple[str, ...]:
        """The named sources; empty for `auto`."""
        given = (self.tracker,) if isinstance(self.tracker, str) else self.tracker
        return () if given == (AUTO,) else given


@answer_old_names(blind="unmeasured_components")
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detection:
    """The sources that are used, and why the others are not.

    Attributes:
        sources: The sources in use, at least one; no two of them have the same device.
        refused: Reason why a source of the table is not used, by its name.
    """

    sources: tuple[PowerSource, ...]
    refused: dict[str, str]

    @property
    def source(self) -> PowerSource:
        """The first source, which measures the device that trials compute on."""
        return self.sources[0]

    @property
    def devices(self) -> tuple[Device, ...]:
        """All devices of all sources."""
        return tuple(device for source in self.sources for device in source.devices())

    @property
    def unmeasured_components(self) -> tuple[Component, ...]:
        """The components that nothing measures or estimates."""
        return tuple(each for each in Component if each not in _components(self.devices))

    def close(self) -> None:
        """Close all sources; may be called twice."""
        for source in self.sources:
            source.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One line of the table of sources.

    Attributes:
        name: The name that `--tracker` accepts for it.
        components: All components that it can measure on any machine.
        open: Opens the source, or raises `SourceUnavailableError`.
        verified: Whether its figures have been confirmed on a real device, or it has no device to
            confirm them on.
    """

    name: str
    components: frozenset[Component]
    open: Callable[[Request], PowerSource]
    verified: bool = False


_GPU, _CPU, _MEMORY, _NODE = Component

SOURCES = (
    Candidate(
        name="nvml", components=frozenset({_GPU}), open=lambda _: NvmlSource(), verified=True
    ),
    Candidate(name="amdsmi", components=frozenset({_GPU}), open=lambda _: AmdSmiSource()),
    Candidate(
        name="ioreport",
        components=frozenset({_GPU, _CPU, _MEMORY}),
        open=lambda _: IoReportSource(),
    ),
    Candidate(
        name="powermetrics",
        components=frozenset({_GPU, _CPU}),
        open=lambda _: PowermetricsSource(),
    ),
    Candidate(name="rapl", components=frozenset({_CPU, _MEMORY}), open=lambda _: RaplSource()),
    Candidate(
        name="hwmon",
        components=frozenset({_GPU, _CPU, _MEMORY, _NODE}),
        open=lambda _: HwmonSource(),
    ),
    Candidate(name="ipmi", components=frozenset({_NODE}), open=lambda _: IpmiSource()),
    Candidate(
        name="estimate",
        components=frozenset({_CPU}),
        open=lambda request: CpuEstimateSource(
            cpu_watts=request.cpu_watts, cpu_idle_watts=request.cpu_idle_watts
        ),
        verified=True,
    ),
)


def words() -> tuple[str, ...]:
    """Return the names that `Request.tracker` accepts, besides the paths of files."""
    return (AUTO, *(candidate.name for candidate in SOURCES))


def is_file(word: str) -> bool:
    """Return whether a word of `Request.tracker` is the path of a file, and not a name."""
    return word.endswith((".csv", ".yaml", ".yml"))


def candidates_of(request: Request) -> tuple[Candidate, ...]:
    """Return a line of the table for each file that a request names."""
    return tuple(_file(word) for word in request.named if is_file(word))


def _file(word: str) -> Candidate:
    if word.endswith(".csv"):
        return Candidate(
            name=word,
            components=frozenset({_GPU}),
            open=lambda _: RecordedSource.from_csv(Path(word)),
            verified=True,
        )
    return Candidate(
        name=word,
        components=frozenset(Component),
        open=lambda _: _server(Path(word)),
    )


def _server(settings: Path) -> PowerSource:
    # Imported here because it loads an HTTP client, which most trials and trackers do not need.
    from trackers.sources.web.source import HttpSource  # noqa: PLC0415

    return HttpSource.from_yaml(settings)


def detect(
    request: Request | None = None, *, candidates: Sequence[Candidate] = SOURCES
) -> Detection:
    """Open the requested sources, or all sources that can be used.

    Args:
        request: Sources to look for; all that work when left out.
        candidates: The table of sources, the best first.

    Raises:
        SourceUnavailableError: A named source cannot be used here, or measures only what one named
            before it does; a name is not known; or no source works.
        TypeError: `request` is not a `Request`, but the name of a source, for example.

    Examples:
        >>> found = detect(Request(tracker="estimate"))  # detect() takes whatever works
        >>> [device.component.value for device in found.devices]
        ['cpu']
        >>> [component.value for component in found.unmeasured_components]
        ['gpu', 'memory', 'node']
        >>> found.close()
    """
    given: object = request  # the caller's code may not be type-checked
    if not isinstance(given, Request | None):
        message = f"detect takes a Request, such as Request(tracker=('nvml',)), not {given!r}"
        raise TypeError(message)
    found = _Found()
    try:
        return _detected(found, request or Request(), candidates)
    except BaseException:  # Ctrl-C too: in a notebook the process goes on
        for source in found.sources:
            source.close()
        raise


def _detected(found: "_Found", request: Request, candidates: Sequence[Candidate]) -> Detection:
    """Open sources into `found`, and return them; see `detect`."""
    if request.named:
        for word in request.named:
            if not found.take(_opened(word, request, candidates)):
                _refuse_second(word, found.sources)
        return Detection(sources=_calibrated(found.sources, request), refused={})
    refused = _take_all(found, request, candidates)
    if not found.sources:
        message = f"no power source can be used here: {refused}"
        raise SourceUnavailableError(message)
    return Detection(sources=_calibrated(found.sources, request), refused=refused)


@final
class _Found:
    """The sources taken so far, no two of which measure the same thing."""

    def __init__(self) -> None:
        self.sources: list[PowerSource] = []

    def measured(self) -> set[Component]:
        """Components that already have a source, without GPUs, since another source may have other boards."""
        devices = (device for source in self.sources for device in source.devices())
        return _components(devices) - {_GPU}

    def take(self, source: PowerSource) -> bool:
        """Take a source for the devices that no other one measures; close it and return False if none."""
        known = {device.uuid for each in self.sources for device in each.devices()}
        measured = self.measured()
        try:
            devices = source.devices()
        except BaseException:
            source.close()
            raise
        new = [
            each for each in devices if each.uuid not in known and each.component not in measured
        ]
        if not new:
            source.close()
            return False
        self.sources.append(source if len(new) == len(devices) else SelectedDevices(source, new))
        return True


def _calibrated(sources: Iterable[PowerSource], request: Request) -> tuple[PowerSource, ...]:
    """Return the sources, with those wrapped that the request has a calibration for."""
    taken = list(sources)
    for calibration in request.calibrations:
        taken = [
            CalibratedSource(each, calibration) if calibration.fits(each) else each
            for each in taken
        ]
    return tuple(taken)


def _take_all(found: _Found, request: Request, candidates: Sequence[Candidate]) -> dict[str, str]:
    """Take all sources of the table that work; return the reasons why the others were not taken."""
    refused = {}
    for candidate in candidates:
        if candidate.components == {_GPU} and not request.accelerator:
            refused[candidate.name] = "what is measured here runs on the CPU"
        elif candidate.components <= found.measured():
            refused[candidate.name] = _measured_already(candidate.components)
        else:
            try:
                if not found.take(candidate.open(request)):
                    refused[candidate.name] = _measured_already(candidate.components)
            except SourceUnavailableError as error:
                refused[candidate.name] = str(error)
            except Exception as error:  # noqa: BLE001 - a faulty source must not hide the others
                refused[candidate.name] = unexpected_error_text(candidate.name, error)
    return refused


def unexpected_error_text(name: str, error: Exception) -> str:
    """Log an unexpected error in opening a source, and return the reason for its refusal."""
    _log.warning("the source %s failed", name, exc_info=error)
    return f"{name}: unexpected error: {type(error).__name__}: {error}"


def _opened(word: str, request: Request, candidates: Sequence[Candidate]) -> PowerSource:
    """Open the source of one name or file."""
    if is_file(word):
        return _file(word).open(request)
    for candidate in candidates:
        if candidate.name == word:
            return candidate.open(request)
    allowed = ", ".join((AUTO, *(candidate.name for candidate in candidates)))
    message = (
        f"tracker {word!r} is not known; allowed: {allowed}, or the path of a .csv or .yaml file."
    )
    if word == AUTO:
        message = f"tracker {AUTO!r} uses every source that works; give it without other names."
    raise SourceUnavailableError(message)


def _refuse_second(word: str, sources: Sequence[PowerSource]) -> None:
    others = ", ".join(source.name for source in sources)
    message = f"tracker {word!r} measures only what {others} measures already; name one of them."
    raise SourceUnavailableError(message)


def _measured_already(components: Iterable[Component]) -> str:
    return f"{' and '.join(sorted(components))}: measured by a source above it"


def _components(devices: Iterable[Device]) -> set[Component]:
    return {device.component for device in devices}

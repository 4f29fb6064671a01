"""Survey of this machine: its power sources, their devices, and why any source cannot be used."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass

from trackers.errors import SourceUnavailableError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Component, Device, Method
from trackers.source import PowerSource
from trackers.sources.detect import (
    SOURCES,
    Candidate,
    Request,
    candidates_of,
    detect,
    unexpected_error_text,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedDevice:
    """A device, and what was measured of it during the survey.

    Attributes:
        device: The device.
        is_taken: Whether a study would measure the device with this source.
        idle_power_w: Mean power over the survey, in which we put no load on it; None when unknown.
        refresh_s: Time between two refreshes of its energy counter; None when it has no counter, or
            when this time was not determined.
    """

    device: Device
    is_taken: bool
    idle_power_w: float | None
    refresh_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedSource:
    """A source of the table, and the result of opening it.

    Attributes:
        name: The name that `--tracker` accepts for it.
        refused: Why it cannot be used, and the remedy; None where it can be used.
        note: How it measures; empty where it cannot be used.
        method: Method by which its energies are obtained; None where it cannot be used.
        verified: Whether its figures have been confirmed on a real device.
        devices: Devices that it can measure.
    """

    name: str
    refused: str | None
    note: str
    method: Method | None
    verified: bool
    devices: tuple[SurveyedDevice, ...]

    @property
    def is_taken(self) -> bool:
        """Return whether a study would use this source for any device."""
        return any(each.is_taken for each in self.devices)


def measuring(found: Iterable[SurveyedSource], component: Component) -> list[SurveyedSource]:
    """Return the sources with which a study would measure a component; empty where there is none."""
    return [
        source
        for source in found
        if any(each.is_taken and each.device.component is component for each in source.devices)
    ]


def survey(
    *,
    watch_s: float,
    request: Request | None = None,
    sleep: Callable[[float], object],
) -> list[SurveyedSource]:
    """Open every source of the table and measure with all of them at the same time.

    Args:
        watch_s: Time for which all of them measure.
        request: Sources that a study would ask for; the files that it names are opened as well.
        sleep: Called with the number of seconds to wait.
    """
    request = request or Request()
    detection = detect(request)
    detection.close()
    taken = {
        device.uuid: source.name for source in detection.sources for device in source.devices()
    }
    table = (*SOURCES, *candidates_of(request))
    tried = {candidate.name: _tried(candidate, request) for candidate in table}
    opened = {name: each for name, each in tried.items() if not isinstance(each, str)}
    watched = _watched(opened, taken, watch_s=watch_s, sleep=sleep)
    return [
        SurveyedSource(
            name=candidate.name,
            refused=each if isinstance(each := tried[candidate.name], str) else None,
            note="" if isinstance(each, str) else each.note,
            method=watched[candidate.name][0] if candidate.name in watched else None,
            verified=candidate.verified,
            devices=watched[candidate.name][1] if candidate.name in watched else (),
        )
        for candidate in table
    ]


def _tried(candidate: Candidate, request: Request) -> PowerSource | str:
    """Open a source; return it, or the reason why it cannot be used."""
    try:
        return candidate.open(request)
    except SourceUnavailableError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - as `detect` does
        return unexpected_error_text(candidate.name, error)


def _watched(
    sources: dict[str, PowerSource],
    taken: dict[str, str],
    *,
    watch_s: float,
    sleep: Callable[[float], object],
) -> dict[str, tuple[Method, tuple[SurveyedDevice, ...]]]:
    """Method and surveyed devices of each source, by its name; all are measured at the same time."""
    with ExitStack() as stack:
        meters = {
            name: stack.enter_context(EnergyMeter(each, whole_machine=True))
            for name, each in sources.items()
        }
        # Windows, and not sampled power, because they use the energy counter where there is one.
        for meter in meters.values():
            meter.open("idle")
        sleep(watch_s)
        readings = {name: meter.close("idle") for name, meter in meters.items()}
        return {
            name: (
                meter.method(sources[name].devices()[0].uuid),
                tuple(
                    SurveyedDevice(
                        device=device,
                        is_taken=taken.get(device.uuid) == sources[name].name,
                        idle_power_w=readings[name][device.uuid].mean_power_w,
                        refresh_s=meter.refresh_s(device.uuid),
                    )
                    for device in sources[name].devices()
                ),
            )
            for name, meter in meters.items()
        }

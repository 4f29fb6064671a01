"""What this machine can measure, what is in the way, and how to mend it."""

from collections.abc import Callable
from dataclasses import dataclass

from trackers.errors import SourceUnavailableError
from trackers.meter.meter import EnergyMeter
from trackers.sample import Device, Method
from trackers.sources.detect import AUTO, SOURCES, Candidate, Request, detect


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedDevice:
    """A device and what it did while nobody asked anything of it.

    Attributes:
        device: The device.
        idle_power_w: Its mean power over the survey; None where it did not tell.
        refresh_s: Time between two refreshes of its energy counter; None without one, or where
            it was not found out.
    """

    device: Device
    idle_power_w: float | None
    refresh_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyedSource:
    """A source of the table, and what came of trying it.

    Attributes:
        name: The word that `--tracker` takes.
        taken_by_auto: Whether a study without `--tracker` would use it.
        refused: Why it cannot be used, and the remedy; None where it can.
        note: How it measures; empty where it cannot be used.
        method: How its energies come about; None where it cannot be used.
        devices: What it can measure.
    """

    name: str
    taken_by_auto: bool
    refused: str | None
    note: str
    method: Method | None
    devices: tuple[SurveyedDevice, ...]


def survey(
    *,
    watch_s: float,
    request: Request | None = None,
    sleep: Callable[[float], object],
) -> list[SurveyedSource]:
    """Try every source of the table and watch what it measures for a while.

    Args:
        watch_s: How long each source is watched.
        request: What a study would ask for.
        sleep: Waits for so many seconds.
    """
    request = request or Request()
    taken = detect(request).source
    taken.close()
    return [
        _surveyed(
            candidate,
            request,
            watch_s=watch_s,
            sleep=sleep,
            taken_by_auto=request.tracker == AUTO and candidate.name == taken.name,
        )
        for candidate in SOURCES
    ]


def _surveyed(
    candidate: Candidate,
    request: Request,
    *,
    watch_s: float,
    sleep: Callable[[float], object],
    taken_by_auto: bool,
) -> SurveyedSource:
    try:
        source = candidate.open(request)
    except SourceUnavailableError as error:
        return SurveyedSource(
            name=candidate.name,
            taken_by_auto=False,
            refused=str(error),
            note="",
            method=None,
            devices=(),
        )
    with EnergyMeter(source, whole_machine=True) as meter:
        # A window, because its energy comes from the counter where there is one.
        with meter.window("idle") as window:
            sleep(watch_s)
        devices = tuple(
            SurveyedDevice(
                device=device,
                idle_power_w=window.readings[device.uuid].mean_power_w,
                refresh_s=meter.refresh_s(device.uuid),
            )
            for device in source.devices()
        )
        return SurveyedSource(
            name=candidate.name,
            taken_by_auto=taken_by_auto,
            refused=None,
            note=source.note,
            method=meter.method(devices[0].device.uuid) if devices else None,
            devices=devices,
        )

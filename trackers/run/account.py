"""The account of a run: a line for each component, from the readings of its devices."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trackers.bill import COMPONENTS, outermost
from trackers.sample import Component, Device, Method, Reading, Status

J_PER_WH = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """One component, or several added up.

    Attributes:
        components: What it is the energy of.
        energy_j: None where nothing measures it, or a part of it is missing.
        mean_power_w: Over the whole run.
        peak_power_w: Highest mean of a second; None for a run that was shorter.
        methods: How the energies came about; more than one where different sources are added.
        devices: What was measured, by name.
        is_whole: Whether it is of the whole machine, whoever else used it.
        note: Why it is missing or degraded; empty where nothing is to say.
    """

    components: tuple[Component, ...]
    energy_j: float | None
    mean_power_w: float | None
    peak_power_w: float | None
    methods: tuple[Method, ...]
    devices: tuple[str, ...]
    is_whole: bool
    note: str

    @property
    def energy_wh(self) -> float | None:
        """The energy in watt-hours."""
        return None if self.energy_j is None else self.energy_j / J_PER_WH

    @property
    def is_estimated(self) -> bool:
        """Return whether an estimate is in it."""
        return Method.ESTIMATED in self.methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A run.

    Attributes:
        command: What was run.
        status: Its exit status; minus the signal's number where one ended it.
        duration_s: From its start to its end.
        lines: One for each component.
        total: GPU, CPU and memory together; the node would count them a second time.
        g_co2e: Grams of CO2 equivalents of the total; None without an intensity.
        left_running: Processes that it had started and that went on when it had ended; what they use
            from then on is in no line.
    """

    command: tuple[str, ...]
    status: int
    duration_s: float
    lines: tuple[AccountLine, ...]
    total: AccountLine
    g_co2e: float | None
    left_running: tuple[str, ...] = ()


def line(
    components: Sequence[Component],
    devices: Iterable[Device],
    readings: Mapping[str, Reading],
    *,
    peak_power_w: float | None,
) -> AccountLine:
    """Line of several components together.

    Args:
        components: Which.
        devices: All devices that were measured.
        readings: By device; a share where the device is shared by processes.
        peak_power_w: Highest power that was seen.
    """
    counted = outermost(devices, components)
    seen = [readings[device.uuid] for device in counted if device.uuid in readings]
    energies_j = [each.energy_j for each in seen if each.energy_j is not None]
    is_known = bool(energies_j) and len(energies_j) == len(counted)
    energy_j = math.fsum(energies_j) if is_known else None
    duration_s = max((each.duration_s for each in seen), default=0.0)
    methods = dict.fromkeys(each.method for each in seen if each.method is not None)
    notes = dict.fromkeys(each.note for each in seen if each.status is not Status.OK)
    mean_power_w = energy_j / duration_s if energy_j is not None and duration_s > 0 else None
    if peak_power_w is not None and mean_power_w is not None:
        # Seconds may have been understated of which the whole run's counters know more.
        peak_power_w = max(peak_power_w, mean_power_w)
    return AccountLine(
        components=tuple(components),
        energy_j=energy_j,
        mean_power_w=mean_power_w,
        peak_power_w=peak_power_w,
        methods=tuple(methods),
        devices=tuple(device.name for device in counted),
        is_whole=any(device.component is Component.NODE for device in counted),
        note="; ".join(filter(None, notes)),
    )


def account(
    command: Sequence[str],
    devices: Sequence[Device],
    readings: Mapping[str, Reading],
    *,
    status: int,
    duration_s: float,
    peaks_w: Mapping[frozenset[Component], float],
    g_per_kwh: float | None,
    left_running: tuple[str, ...] = (),
) -> Account:
    """The account of a run; see `Account` and `line`.

    Args:
        command: What was run.
        devices: What was measured.
        readings: By device.
        status: How it ended.
        duration_s: How long it took.
        peaks_w: Highest power by components.
        g_per_kwh: Carbon intensity of the electricity.
        left_running: Processes of it that go on.
    """
    known = [each for each in Component if any(d.component is each for d in devices)]
    added = [each for each in known if each in COMPONENTS]
    total = line(added, devices, readings, peak_power_w=peaks_w.get(COMPONENTS))
    grams = None
    if g_per_kwh is not None and total.energy_wh is not None:
        grams = total.energy_wh / 1000 * g_per_kwh
    return Account(
        command=tuple(command),
        status=status,
        duration_s=duration_s,
        lines=tuple(
            line((each,), devices, readings, peak_power_w=peaks_w.get(frozenset({each})))
            for each in Component
        ),
        total=total,
        g_co2e=grams,
        left_running=left_running,
    )

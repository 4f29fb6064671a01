"""Energy account of a run: a line for each component, from the readings of its devices."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trackers.bill import COMPONENTS, outermost
from trackers.sample import Component, Device, Method, Reading, Status

J_PER_WH = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLine:
    """Energy of one component, or of several together.

    Attributes:
        components: The components.
        energy_j: Their energy; None when nothing measures it, or a part of it is missing.
        mean_power_w: Mean power over the whole run; None like the energy.
        peak_power_w: Highest mean power of any second; None for a run that was shorter than a second.
        methods: Methods by which the energies were obtained; more than one where sources of different
            kinds are added up.
        devices: Names of the measured devices.
        is_whole: Whether it is the energy of the whole machine, including what others used.
        note: Why the energy is missing or degraded; empty where it is neither.
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
        """The energy in watt-hours; None when it is missing."""
        return None if self.energy_j is None else self.energy_j / J_PER_WH

    @property
    def is_estimated(self) -> bool:
        """Return whether the energy includes an estimate."""
        return Method.ESTIMATED in self.methods


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Energy account of a run.

    Attributes:
        command: The command and its arguments.
        status: Exit status of the command; minus the signal's number where a signal ended it.
        duration_s: Time from its start to its end.
        lines: A line for each component.
        total: GPU, CPU and memory together, without the node, which contains them.
        g_co2e: Greenhouse gas of the total in grams of CO2 equivalents; None when no carbon intensity was
            given or the total is missing.
        left_running: Processes that the command started and that were running when it had ended; the energy
            that they use from then on is in no line.
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
    """Make the line of one or more components.

    Args:
        components: The components to add up.
        devices: All measured devices.
        readings: Reading of each device by its UUID; of the run's share where processes share the
            device.
        peak_power_w: Highest mean power of any second; None if not known.
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
        # The counters over the whole run may show more than the readings of single seconds.
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
    """Make the account of a run; see `Account` and `line`.

    Args:
        command: The command and its arguments.
        devices: The measured devices.
        readings: Reading of each device by its UUID.
        status: Exit status of the command; see `Account`.
        duration_s: Time from its start to its end.
        peaks_w: Highest mean power of any second, by components.
        g_per_kwh: Carbon intensity of the electricity in grams of CO2 equivalents; None if not given.
        left_running: Processes of the command that are still running.
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

"""Measurement of a command, with a window over all of it and one over each second for the progress line."""

import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import final

import psutil

from trackers.bill import COMPONENTS, outermost
from trackers.meter.meter import EnergyMeter
from trackers.run.account import Account, account
from trackers.run.child import Child, passing_signals_on
from trackers.run.left_running import left_running, marked, new_mark
from trackers.sample import Component, Device, Reading, process_device
from trackers.source import KnowsUsers, PowerSource
from trackers.sources.cpu.process_tree import descendants
from trackers.sources.detect import Detection

TICK_S = 1.0
SCOPES = (*(frozenset({each}) for each in Component), COMPONENTS)

Powers = Mapping[frozenset[Component], float]
"""Power in watts by set of components; a set whose power is not known has no entry."""


def run_measured(
    command: Sequence[str],
    detection: Detection,
    *,
    visible: Callable[[Device], bool] = lambda _: True,
    on_tick: Callable[[float, Powers], None] = lambda *_: None,
    on_readings: Callable[[Sequence[Device], Mapping[str, Reading]], None] = lambda *_: None,
    g_per_kwh: float | None = None,
) -> Account:
    """Run a command to its end and return its energy account.

    Args:
        command: The command and its arguments.
        detection: The sources to measure with; they are closed at the end.
        visible: Returns whether the command may use a board.
        on_tick: Called after each full second with the seconds since the start and that second's powers.
        on_readings: Called after each second, and for the incomplete last one too, with the devices in
            use and their readings.
        g_per_kwh: Carbon intensity of the electricity in grams of CO2 equivalents; None if not given.

    Raises:
        StartError: The command cannot be started.
    """
    with ExitStack() as stack:
        stack.callback(detection.close)
        meters = [(each, stack.enter_context(EnergyMeter(each))) for each in detection.sources]
        start_s = time.monotonic()
        take = stack.enter_context(passing_signals_on())
        mark = new_mark()
        child = Child(command, environment=marked(os.environ, mark))
        take(child)
        tree = _Tree(meters, child.pid, visible)
        tree.open("run")
        peaks_w: dict[frozenset[Component], float] = {}
        while True:
            tree.open("tick")
            has_ended = child.wait(TICK_S)
            readings = tree.close("tick")
            powers_w = tree.powers_w(readings)
            on_readings(tree.used_devices(), readings)
            if has_ended:
                break
            for scope, power_w in powers_w.items():
                peaks_w[scope] = max(power_w, peaks_w.get(scope, 0.0))
            on_tick(time.monotonic() - start_s, powers_w)
        duration_s = time.monotonic() - start_s
        readings = tree.close("run")
        return account(
            command,
            tree.used_devices(),
            readings,
            status=child.status(),
            left_running=left_running(mark),
            duration_s=duration_s,
            peaks_w=peaks_w,
            g_per_kwh=g_per_kwh,
        )


@dataclass(frozen=True, slots=True)
class _Metered:
    """A source with its meter, and the meter's target for each of its devices, by UUID."""

    source: PowerSource
    meter: EnergyMeter
    targets: dict[str, str]


@final
class _Tree:
    """The devices of a process tree: its boards, its shares of CPU and memory, and the node."""

    def __init__(
        self,
        meters: Sequence[tuple[PowerSource, EnergyMeter]],
        pid: int,
        visible: Callable[[Device], bool],
    ) -> None:
        self._pid = pid
        self._devices = [
            device
            for source, _ in meters
            for device in source.devices()
            if device.component is not Component.GPU or visible(device)
        ]
        chosen = {device.uuid for device in self._devices}
        self._metered = [
            _Metered(
                source,
                meter,
                {each.uuid: self._target(each) for each in source.devices() if each.uuid in chosen},
            )
            for source, meter in meters
        ]
        self._seen_on: set[str] = set()

    def open(self, key: str) -> None:
        for each in self._metered:
            if each.targets:
                each.meter.open(key, devices=list(each.targets.values()))

    def close(self, key: str) -> dict[str, Reading]:
        """Close a window and return the reading of each device by its UUID."""
        self._look_who_uses()
        readings: dict[str, Reading] = {}
        for each in self._metered:
            if each.targets:
                closed = each.meter.close(key)
                readings |= {uuid: closed[t] for uuid, t in each.targets.items() if t in closed}
        return readings

    def powers_w(self, readings: Mapping[str, Reading]) -> dict[frozenset[Component], float]:
        """Mean powers over a window by set of components; unknown ones have no entry."""
        powers_w = {}
        for scope in SCOPES:
            counted = outermost(self.used_devices(), scope)
            seen = [readings[each.uuid].mean_power_w for each in counted if each.uuid in readings]
            known = [each for each in seen if each is not None]
            if known and len(known) == len(counted):
                powers_w[scope] = math.fsum(known)
        return powers_w

    def used_devices(self) -> list[Device]:
        """Return all devices except the boards on which the driver never listed a process of the tree.

        Where the driver never listed one on any board, as in containers, all visible boards are kept.
        """
        return [
            device
            for device in self._devices
            if device.component is not Component.GPU
            or not self._seen_on
            or device.uuid in self._seen_on
        ]

    def _target(self, device: Device) -> str:
        is_shared = device.component in {Component.CPU, Component.MEMORY}
        if is_shared and not device.is_recording:
            return process_device(self._pid, device.uuid)
        return device.uuid

    def _look_who_uses(self) -> None:
        told = [each for each in self._metered if isinstance(each.source, KnowsUsers)]
        if told:
            pids = _tree_pids(self._pid)
            for each in told:
                self._seen_on |= {
                    uuid
                    for uuid in each.targets
                    if isinstance(each.source, KnowsUsers) and each.source.users(uuid) & pids
                }


def _tree_pids(pid: int) -> frozenset[int]:
    """Process IDs of a process and its descendants, as far as we may see them."""
    try:
        children = descendants(psutil.Process(pid))
    except psutil.Error:
        children = []
    return frozenset({pid, *(child.pid for child in children)})

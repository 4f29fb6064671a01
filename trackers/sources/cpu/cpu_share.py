"""Division of measured CPU and memory energy among processes, by their CPU time.

Sensors of a CPU measure the whole machine. The rule: a process tree is charged the same share of the energy
in a stretch of time as its CPU seconds are of all busy CPU seconds in that stretch. The shares of all
processes add up to the whole energy, idle power included, which is thus charged to those that kept the
machine busy. A process that is alone on the machine is charged all of it.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

from trackers.bill import outermost
from trackers.errors import DeviceLostError
from trackers.sample import Component, Device, Observation, process_and_device
from trackers.sources.cpu.cpu_times import CpuTimes

SETTLING_BUSY_S = 1.0
"""Busy CPU seconds after which the share of a stretch is final. They are counted in hundredths of a second for
each CPU, so that the share is then exact to about one per cent."""


@dataclass(slots=True)
class _Account:
    """Charge of one process, and the counters at the time when its last stretch was settled."""

    tree_s: float
    busy_s: float
    machine_j: float
    settled_j: float = 0.0
    charged_j: float = 0.0


@final
class CpuShares:
    """Shares of processes in a device's energy, each counted from the first call for the process on."""

    def __init__(
        self,
        *,
        tree_seconds: Callable[[int], float],
        busy_seconds: Callable[[], float],
    ) -> None:
        """Start without processes.

        Args:
            tree_seconds: Returns the CPU seconds so far of a process and its children; raises
                `DeviceLostError` when the process has ended.
            busy_seconds: Returns the busy CPU seconds so far of all the machine's CPUs together.
        """
        self._tree_seconds = tree_seconds
        self._busy_seconds = busy_seconds
        self._accounts: dict[int, _Account] = {}
        self._lock = threading.Lock()

    def energy_j(self, pid: int, machine_j: float) -> float:
        """Energy that a process is charged since the first call for it; never falls.

        Args:
            pid: Process ID.
            machine_j: Present energy counter of the whole device.

        Raises:
            DeviceLostError: The process has ended.
        """
        with self._lock:
            try:
                tree_s = self._tree_seconds(pid)
            except DeviceLostError:
                self._accounts.pop(pid, None)
                raise
            busy_s = self._busy_seconds()
            account = self._accounts.get(pid)
            if account is None:
                account = _Account(tree_s=tree_s, busy_s=busy_s, machine_j=machine_j)
                self._accounts[pid] = account
            step_s = busy_s - account.busy_s
            if step_s > 0:
                share = min(1.0, max(0.0, (tree_s - account.tree_s) / step_s))
                total_j = account.settled_j + share * (machine_j - account.machine_j)
                account.charged_j = max(account.charged_j, total_j)
                if step_s >= SETTLING_BUSY_S:
                    account.settled_j = total_j
                    account.tree_s, account.busy_s = tree_s, busy_s
                    account.machine_j = machine_j
            return account.charged_j

    def clear(self) -> None:
        """Forget all processes."""
        with self._lock:
            self._accounts.clear()


@final
class PowerIntegral:
    """Energy of a device that reports only a power, integrated over its observations."""

    def __init__(self) -> None:
        """Start without observations."""
        self._lock = threading.Lock()
        self._last: Observation | None = None
        self._energy_j = 0.0

    def energy_j(self, seen: Observation) -> float:
        """Add an observation and return the energy since the first one; a counter is returned unchanged."""
        if seen.counter_j is not None:
            return seen.counter_j
        power_w = seen.power_w or 0.0
        with self._lock:
            last = self._last
            if last is None or seen.time_s > last.time_s:
                if last is not None:
                    mean_w = (power_w + (last.power_w or 0.0)) / 2
                    self._energy_j += mean_w * (seen.time_s - last.time_s)
                self._last = seen
            return self._energy_j


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Parsed `process_device` identifier: a process, and the devices of which it is charged a share."""

    pid: int
    devices: tuple[str, ...]


@final
class ProcessShares:
    """Shares of processes in the CPU and memory devices of a source."""

    def __init__(
        self,
        devices: Iterable[Device],
        *,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
    ) -> None:
        """Prepare the division of the CPU and memory devices.

        Args:
            devices: The source's devices; those of other components are ignored.
            tree_seconds: See `CpuShares`; when left out, read from the system.
            busy_seconds: See `CpuShares`; when left out, read from the system.
        """
        shared = (Component.CPU, Component.MEMORY)
        chosen = [each for each in devices if each.component in shared]
        self._cpus = tuple(each.uuid for each in outermost(chosen, {Component.CPU}))
        self._times = CpuTimes()
        self._shares = {
            each.uuid: CpuShares(
                tree_seconds=tree_seconds or self._times.tree_seconds,
                busy_seconds=busy_seconds or self._times.busy_seconds,
            )
            for each in chosen
        }

    def of(self, target: str) -> Asked | None:
        """Parse an identifier; None where it is not of a process, or of a device that is not ours."""
        asked = process_and_device(target)
        if asked is None:
            return None
        pid, device_uuid = asked
        devices = self._cpus if device_uuid is None else (device_uuid,)
        if not devices or not self._shares.keys() >= set(devices):
            return None
        return Asked(pid=pid, devices=devices)

    def energy_j(self, pid: int, device_uuid: str, machine_j: float) -> float:
        """Energy of a device that a process is charged; see `CpuShares.energy_j`."""
        return self._shares[device_uuid].energy_j(pid, machine_j)

    def clear(self) -> None:
        """Forget all processes."""
        self._times.clear()
        for shares in self._shares.values():
            shares.clear()

"""A CPU's energy shared among processes by their CPU time.

Sensors of a CPU see the whole machine. The rule: of the energy of a stretch of time, a process tree
gets what its CPU seconds are of all CPU seconds that were not idle in that stretch. Shares of all
processes add up to the whole, idle power included, which so falls on those who kept the machine
busy. A process alone on the machine is charged all of it.
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
"""Busy seconds of a machine are counted in hundredths of each CPU; after this many the share of a
stretch is exact to about a per cent and is settled for good."""


@dataclass(slots=True)
class _Account:
    """Charge of one process, and the state of things when that was settled."""

    tree_s: float
    busy_s: float
    machine_j: float
    settled_j: float = 0.0
    charged_j: float = 0.0


@final
class CpuShares:
    """Charges processes with their shares of a machine's energy; each from the first call on."""

    def __init__(
        self,
        *,
        tree_seconds: Callable[[int], float],
        busy_seconds: Callable[[], float],
    ) -> None:
        """Start without processes.

        Args:
            tree_seconds: CPU seconds of a process and its children so far; raises
                `DeviceLostError` when the process has ended.
            busy_seconds: Seconds that the machine's CPUs were not idle, all together.
        """
        self._tree_seconds = tree_seconds
        self._busy_seconds = busy_seconds
        self._accounts: dict[int, _Account] = {}
        self._lock = threading.Lock()

    def energy_j(self, pid: int, machine_j: float) -> float:
        """Charge of a process since it was first asked for; never falls.

        Args:
            pid: The process.
            machine_j: The machine's energy counter now.

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
    """The energy of a device that tells a power alone, summed over its observations."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._lock = threading.Lock()
        self._last: Observation | None = None
        self._energy_j = 0.0

    def energy_j(self, seen: Observation) -> float:
        """Energy since the first observation, this one included; a counter is given as it is."""
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
    """Meaning of a `process_device` identifier: a process, and the devices whose shares count."""

    pid: int
    devices: tuple[str, ...]


@final
class ProcessShares:
    """Shares of processes in a source's devices of CPU and memory."""

    def __init__(
        self,
        devices: Iterable[Device],
        *,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
    ) -> None:
        """Share these devices, those of the GPU and the node apart; see `CpuShares`."""
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
        """Parse an identifier; None where it is no process's, or of another device."""
        asked = process_and_device(target)
        if asked is None:
            return None
        pid, device_uuid = asked
        devices = self._cpus if device_uuid is None else (device_uuid,)
        if not devices or not self._shares.keys() >= set(devices):
            return None
        return Asked(pid=pid, devices=devices)

    def energy_j(self, pid: int, device_uuid: str, machine_j: float) -> float:
        """Charge of a process for a device; see `CpuShares.energy_j`."""
        return self._shares[device_uuid].energy_j(pid, machine_j)

    def clear(self) -> None:
        """Forget all processes."""
        self._times.clear()
        for shares in self._shares.values():
            shares.clear()

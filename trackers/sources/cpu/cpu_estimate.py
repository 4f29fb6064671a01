"""An estimate where there is no sensor: CPU seconds of a process tree x rated watts of a core.

Rated watts are the user's, else those of the CPU's model (`trackers.sources.cpu.rated_watts`), else a default.
Where the user says what the CPUs draw idle, each busy CPU second costs the rest of the rated watts,
and the idle watts are shared equally among the process trees that are measured at a time: a linear
model of power over load, from idle to rated. A tree's shares count from when it was first seen.

It says nothing of memory, disks, fans and idle power, and rated watts are not drawn watts. So it
is always labelled `estimated` and has no uncertainty: that is not known. What it can do is compare
setups on one machine, whose differences come from the CPU time they need.
"""

import os
import platform
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, final

import psutil

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, Device, Observation, process_and_device
from trackers.sources.cpu.rated_watts import CODECARBON, rated, rated_chip_w

DEFAULT_WATTS_PER_CPU = 5.0
"""Taken where no rating is given or known. A desktop CPU of 170 W has 5.3 W for each of its 32 logical CPUs
(AMD Ryzen 9 7950X, the paper's, product page), a laptop's 45 W has 2.8 W for each of 16."""

CHILDREN_REFRESH_S = 1.0
"""Where the system does not tell that a process was started, children are looked for so often: that
means a look at every process of the machine, which costs milliseconds."""

_LINUX = platform.system() == "Linux"


@final
class ProcessTree:
    """CPU time of a process and its children, those that have ended included."""

    def __init__(
        self,
        pid: int,
        *,
        clock: Clock | None = None,
        newest: Callable[[], str | None] | None = None,
    ) -> None:
        """Look at process `pid`.

        Args:
            pid: The process.
            clock: Says the time.
            newest: Tells which process of the machine was started last; None where it cannot.

        Raises:
            DeviceLostError: There is no such process.
        """
        self._clock = clock or MonotonicClock()
        self._refresh_at_s = self._clock.now_s()
        self._newest_process = newest or newest_process
        self._newest: str | None = None
        self._children: list[psutil.Process] = []
        self._most_s = 0.0
        try:
            self._process = psutil.Process(pid)
        except psutil.NoSuchProcess as error:
            raise _ended(pid) from error

    def cpu_seconds(self) -> float:
        """Seconds of CPU time since the process began, user and system; never falls.

        Raises:
            DeviceLostError: The process has ended.
        """
        # psutil compares start times here, so that a reused number is not taken for the process.
        if not self._process.is_running():
            raise _ended(self._process.pid)
        try:
            self._find_children()
            own_s = _own_cpu_seconds(self._process)
        except (psutil.NoSuchProcess, OSError) as error:
            raise _ended(self._process.pid) from error
        # A child that has ended is in nobody's time until its parent has waited for it.
        total_s = own_s + sum(_child_cpu_seconds(child) for child in self._children)
        self._most_s = max(self._most_s, total_s)
        return self._most_s

    def _find_children(self) -> None:
        """Look for children, if one may have come since the last look.

        At once, because a child's time belongs to the window in which it was used, and not to the one
        that finds it.
        """
        newest, now_s = self._newest_process(), self._clock.now_s()
        if newest is not None and newest == self._newest:
            return
        if newest is None and now_s < self._refresh_at_s:
            return
        self._newest, self._refresh_at_s = newest, now_s + CHILDREN_REFRESH_S
        self._children = descendants(self._process)


def newest_process() -> str | None:
    """Number of the process or thread that was started last on this machine; None if not told."""
    if not _LINUX:
        return None
    try:
        with open("/proc/loadavg", encoding="ascii") as file:  # noqa: PTH123 - a kernel file
            newest = file.read().split()[-1]
    except (OSError, IndexError):
        return None
    return None if newest == "0" else newest  # sandboxes that do not count say 0


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """Children of a process and theirs; by the kernel's own lists where it has them.

    Where it has none, all processes of the machine are looked at, which a hardened one forbids (psutil
    issues 2026, 2167): children are then not known.
    """
    try:
        pids = list(_listed_children(process.pid))
    except OSError:
        with suppress(OSError, psutil.AccessDenied):
            return process.children(recursive=True)
        return []
    found = []
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            found.append(psutil.Process(pid))
    return found


def _listed_children(pid: int) -> Iterator[int]:
    """Numbers of the children of a process and theirs, as each of its threads lists its own.

    Raises:
        OSError: This kernel has no such lists, or the process has ended.
    """
    for thread in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208 - a kernel folder
        with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as file:  # noqa: PTH123
            children = [int(each) for each in file.read().split()]
        for child in children:
            yield child
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                yield from _listed_children(child)


def _ended(pid: int) -> DeviceLostError:
    return DeviceLostError(f"process {pid} has ended")


def _own_cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds of a process and of its children that it has waited for."""
    times = process.cpu_times()
    ended_s = float(getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0))
    if _LINUX:
        # Nanoseconds instead of psutil's hundredths: an epoch may last only a few of those.
        # The identifier is what clock_getcpuclockid(3) gives for a process.
        return time.clock_gettime((~process.pid << 3) | 2) + ended_s
    return float(times.user + times.system) + ended_s


def _child_cpu_seconds(child: psutil.Process) -> float:
    try:
        return _own_cpu_seconds(child)
    except OSError:
        pass  # ended, and not waited for: its clock is gone, and its times are still told
    except psutil.Error:
        return 0.0
    try:
        return float(sum(child.cpu_times()[:4]))
    except psutil.Error:
        return 0.0  # ended: its time stands with its parent's ended children; or another user's


@final
class CpuEstimateSource:
    """CPU time x rated watts, for the whole machine or for one process tree.

    Attributes:
        name: `estimate`.
        note: The watts that are taken, and where they come from.
        estimated: True.
        counter_outlives: True; CPU time counts since a process began.
    """

    name = "estimate"
    estimated = True
    counter_outlives = True

    def __init__(
        self,
        *,
        cpu_watts: float | None = None,
        cpu_idle_watts: float | None = None,
        cpu_name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Estimate with the watts of the machine's CPUs, all together.

        Args:
            cpu_watts: Rated power; left out: what is known of the CPU's model, else a default.
            cpu_idle_watts: Power when idle; left out: idle power is not in the estimate.
            cpu_name: The CPU's model; left out: what the operating system says.
            clock: The time of observations.

        Raises:
            SourceUnavailableError: `cpu_idle_watts` is not below the rated power.
        """
        cpus = os.cpu_count() or 1
        name = cpu_name or cpu_model()
        rated_w, origin = _rated_watts(cpus, cpu_watts, name)
        self._idle_w = cpu_idle_watts or 0.0
        if self._idle_w >= rated_w:
            message = (
                f"estimate: the CPUs cannot draw {self._idle_w:g} W when idle and {rated_w:g} W "
                f"at full load ({origin}). Give both: --cpu-idle-watts below --cpu-watts"
            )
            raise SourceUnavailableError(message)
        self._watts_per_cpu = (rated_w - self._idle_w) / cpus
        self._clock = clock or MonotonicClock()
        self._began_s = self._idle_shared_s = self._clock.now_s()
        self._trees: dict[int, ProcessTree] = {}
        self._idle_j: dict[int, float] = {}
        self._device = Device(
            uuid=f"cpu:{socket.gethostname()}",
            name=f"{name} ({cpus} logical CPUs)",
            component=Component.CPU,
            power_limit_w=rated_w,
        )
        idle = "memory and idle power are not in it"
        if cpu_idle_watts is not None:
            idle = (
                f"and {self._idle_w:g} W idle (--cpu-idle-watts), shared equally among the "
                "trials that run; memory is not in it"
            )
        self.note = (
            f"estimated: CPU seconds x {self._watts_per_cpu:.3g} W for each of {cpus} logical "
            f"CPUs ({origin}); {idle}"
        )

    def devices(self) -> Sequence[Device]:
        """The machine's CPU."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; there is a counter, and no power."""
        now_s = self._clock.now_s()
        if device_uuid == self._device.uuid:
            busy_s = _machine_busy_seconds()
            idle_j = self._idle_w * (now_s - self._began_s)
        elif (asked := process_and_device(device_uuid)) and asked[1] in {None, self._device.uuid}:
            self._share_idle(now_s)
            busy_s = self._tree_seconds(asked[0])
            idle_j = self._idle_j[asked[0]]
        else:
            message = (
                f"unknown device {device_uuid!r}; the estimate knows {self._device.uuid!r} "
                "and shares of processes in it"
            )
            raise UnknownDeviceError(message)
        return Observation(
            time_s=self._clock.now_s(), counter_j=busy_s * self._watts_per_cpu + idle_j
        )

    def close(self) -> None:
        """Forget the processes."""
        self._trees.clear()
        self._idle_j.clear()

    def _share_idle(self, now_s: float) -> None:
        """Charge the idle energy since the last time to those that are measured, in equal parts."""
        idle_j = self._idle_w * (now_s - self._idle_shared_s)
        self._idle_shared_s = now_s
        for pid in self._idle_j:
            self._idle_j[pid] += idle_j / len(self._idle_j)

    def _tree_seconds(self, pid: int) -> float:
        if pid not in self._trees:
            self._trees[pid] = ProcessTree(pid, clock=self._clock)
            self._idle_j[pid] = 0.0
        try:
            return self._trees[pid].cpu_seconds()
        except DeviceLostError:
            del self._trees[pid]  # another process may get the number
            del self._idle_j[pid]
            raise


def _rated_watts(cpus: int, cpu_watts: float | None, name: str) -> tuple[float, str]:
    """Rated power of all CPUs of the machine, and where it comes from."""
    if cpu_watts is not None:
        return cpu_watts, "--cpu-watts"
    chip = rated(name)
    if chip is not None:
        return chip.watts_per_cpu * cpus, (
            f"{chip.model}: {chip.watts:g} W for {chip.threads} threads, {chip.source}"
        )
    default_w = DEFAULT_WATTS_PER_CPU * cpus
    chip_w = rated_chip_w(name)
    if chip_w is not None:
        return default_w, (
            f"a default: a chip is rated at {chip_w:g} W ({CODECARBON}), and of how many logical "
            f"CPUs is not known; where this machine has one, give --cpu-watts {chip_w:g}"
        )
    return default_w, f"a default: no rating of {name} is published; give --cpu-watts"


def machine_cpu_times() -> Any:  # noqa: ANN401 - of another shape on each system
    """CPU times of the whole machine, as psutil has them.

    Raises:
        ReadError: This user may not see them: `/proc/stat` is closed on Android and on hardened machines.
    """
    try:
        return psutil.cpu_times()
    except (OSError, psutil.AccessDenied) as error:
        message = f"the CPU time of this machine cannot be read: {error}"
        raise ReadError(message) from error


def _machine_busy_seconds() -> float:
    times = machine_cpu_times()
    return float(times.user + times.system + getattr(times, "nice", 0.0))


def cpu_model() -> str:
    """The CPU's model as the operating system names it."""
    try:
        # A hypervisor may put any bytes there.
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a kernel file
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

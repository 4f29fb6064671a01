"""Estimate of CPU energy where there is no sensor: CPU seconds of a process tree x rated watts of a logical CPU.

The rated watts are the user's, else those of the CPU's model (`trackers.sources.cpu.rated_watts`), else a
default. Where the user gives the idle power of the CPUs, a busy CPU second costs the difference between rated
and idle watts, and the idle watts are shared equally among the process trees that are measured at a time: a
linear model of power over load, from idle to rated. A tree is charged from when it was first asked for.

The estimate does not cover memory, disks, fans and (unless given) idle power, and rated watts differ from the
watts that are drawn. So it is always labelled `estimated`, and has no uncertainty, because that is not known.
It is good for comparing setups on one machine that differ in the CPU time they need.
"""

import os
import platform
import socket
from collections.abc import Sequence
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
from trackers.sources.cpu.process_tree import ProcessTree
from trackers.sources.cpu.rated_watts import CODECARBON, rated, rated_chip_w

DEFAULT_WATTS_PER_CPU = 5.0
"""Rated watts of a logical CPU where no rating is given or known. A desktop CPU of 170 W has 5.3 W for each of its
32 logical CPUs (AMD Ryzen 9 7950X, the paper's, product page), a laptop CPU of 45 W has 2.8 W for each of 16."""


@final
class CpuEstimateSource:
    """Estimated energy, CPU time x rated watts, of the whole machine or of process trees.

    Attributes:
        name: `estimate`.
        note: The watts that are used, and where they come from.
        estimated: True.
        counter_persists: True, because CPU time counts since a process began.
    """

    name = "estimate"
    estimated = True
    counter_persists = True

    def __init__(
        self,
        *,
        cpu_watts: float | None = None,
        cpu_idle_watts: float | None = None,
        cpu_name: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Create an estimate from the watts of all CPUs of the machine together.

        Args:
            cpu_watts: Rated power; when left out, that of the CPU's model, or else a default.
            cpu_idle_watts: Power when idle; when left out, the estimate does not include idle power.
            cpu_name: Model of the CPU; the one that the operating system reports when left out.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.

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
        """Return all CPUs of the machine as one device."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns a counter and no power."""
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
        """Charge the idle energy since the last call to the measured process trees, in equal parts."""
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
            del self._trees[pid]  # another process may get the same process ID
            del self._idle_j[pid]
            raise


def _rated_watts(cpus: int, cpu_watts: float | None, name: str) -> tuple[float, str]:
    """Rated power of all CPUs of the machine together, and where it comes from."""
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
    """Return the CPU times of the whole machine, as psutil reports them.

    Raises:
        ReadError: This user may not read them, as on Android and hardened machines, where `/proc/stat` is closed.
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
    """Return the model name of the CPU, as the operating system reports it."""
    try:
        # A hypervisor may put arbitrary bytes there.
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a kernel file
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()

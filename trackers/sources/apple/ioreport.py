"""Power source for Apple silicon without sudo: IOReport's energy counters, through `zeus-apple-silicon`.

The package (ml-energy, Apache 2.0) builds only on macOS, so users install it themselves (`pip install
zeus-apple-silicon`). `gpu_mj`, `cpu_total_mj` and `dram_mj` of `AppleEnergyMonitor.get_cumulative_energy()`
are read, in millijoules; a value that a chip does not export is None.
"""

import importlib
import platform
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any, final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, Device, Observation
from trackers.sources.cpu.cpu_share import ProcessShares

FIELDS = {
    Component.GPU: "gpu_mj",
    Component.CPU: "cpu_total_mj",
    Component.MEMORY: "dram_mj",
}


def apple_monitor() -> Any:  # noqa: ANN401 - the package has no types
    """Create a monitor of `zeus-apple-silicon`.

    Raises:
        SourceUnavailableError: The package is not installed, or this machine is not Apple silicon.
    """
    if platform.system() != "Darwin":
        message = "ioreport: this machine does not run macOS"
        raise SourceUnavailableError(message)
    try:
        return importlib.import_module("zeus_apple_silicon").AppleEnergyMonitor()
    except Exception as error:
        message = f"ioreport: {error}; `pip install zeus-apple-silicon` measures without sudo"
        raise SourceUnavailableError(message) from error


@final
class IoReportSource:
    """GPU, CPU and memory of an Apple silicon machine.

    Attributes:
        name: `ioreport`.
        note: The counters that are read.
        estimated: False, although Apple calls such values estimates, good for comparisons on one
            machine.
        counter_persists: False, because shares of processes are counted in this process.
    """

    name = "ioreport"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        *,
        monitor: Callable[[], Any] = apple_monitor,
        clock: Clock | None = None,
        hostname: str | None = None,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
    ) -> None:
        """Read the counters once.

        Args:
            monitor: Creates the energy monitor.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.
            hostname: Host name in the devices' identifiers; this machine's when left out.
            tree_seconds: See `CpuShares`.
            busy_seconds: See `CpuShares`.

        Raises:
            SourceUnavailableError: The package is not installed, or reports no energy.
        """
        self._clock = clock or MonotonicClock()
        self._lock = threading.Lock()
        self._monitor = monitor()
        self._last_j: dict[Component, float] = {}
        host = hostname or socket.gethostname()
        told = [each for each in FIELDS if self._counter_j(each) is not None]
        if not told:
            message = "ioreport: this chip exports the energy of neither GPU, CPU nor memory"
            raise SourceUnavailableError(message)
        names = {Component.GPU: "Apple GPU", Component.CPU: "Apple CPU", Component.MEMORY: "memory"}
        self._devices = tuple(
            Device(
                uuid=f"apple-gpu:{host}" if each is Component.GPU else f"{each}:{host}",
                name=names[each],
                component=each,
            )
            for each in told
        )
        self._components = {each.uuid: each.component for each in self._devices}
        self._shares = ProcessShares(
            self._devices, tree_seconds=tree_seconds, busy_seconds=busy_seconds
        )
        self.note = (
            f"IOReport's energy counters of {', '.join(told)} by zeus-apple-silicon; processes share "
            "CPU and memory by their CPU time"
        )

    def devices(self) -> Sequence[Device]:
        """Return the devices whose energy the chip exports."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns a counter and no power."""
        asked = self._shares.of(device_uuid)
        uuid = asked.devices[0] if asked else device_uuid
        if uuid not in self._components:
            message = (
                f"unknown device {device_uuid!r}; ioreport measures {', '.join(self._components)}, "
                "and shares of processes"
            )
            raise UnknownDeviceError(message)
        counter_j = self._counter_j(self._components[uuid])
        if counter_j is None:
            message = f"ioreport: no energy of {self._components[uuid]} this time"
            raise ReadError(message)
        if asked is not None:
            counter_j = self._shares.energy_j(asked.pid, uuid, counter_j)
        return Observation(time_s=self._clock.now_s(), counter_j=counter_j)

    def close(self) -> None:
        """Forget the processes."""
        self._shares.clear()

    def _counter_j(self, component: Component) -> float | None:
        """Energy counter of a component in joules, which never falls; None where it is not exported."""
        with self._lock:
            try:
                told_mj = getattr(self._monitor.get_cumulative_energy(), FIELDS[component])
            except Exception as error:
                message = f"ioreport: {error}"
                raise ReadError(message) from error
            if told_mj is None:
                return None
            self._last_j[component] = max(self._last_j.get(component, 0.0), told_mj / 1000)
            return self._last_j[component]

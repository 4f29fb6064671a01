"""Vendors' tools that follow a load, and sources that are asked or fail as a test says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, final

import pynvml

from tests.trackers.every_source.loads import HIGHEST_W, Load
from tests.trackers.scripted import BOARD
from trackers.clock import Clock
from trackers.sample import Device, Observation
from trackers.source import PowerSource


@final
class Board:
    """As much of `pynvml` as one board needs that follows a load; the rest is not supported."""

    nvmlInit = nvmlShutdown = staticmethod(lambda: None)  # noqa: N815 - pynvml's names
    nvmlDeviceGetCount = staticmethod(lambda: 1)  # noqa: N815
    nvmlDeviceGetHandleByIndex = staticmethod(lambda index: index)  # noqa: N815
    nvmlDeviceGetUUID = staticmethod(lambda _: BOARD)  # noqa: N815
    nvmlDeviceGetName = staticmethod(lambda _: "NVIDIA Emulated")  # noqa: N815
    nvmlDeviceGetEnforcedPowerLimit = staticmethod(lambda _: HIGHEST_W * 1000)  # noqa: N815
    nvmlDeviceGetPciInfo = staticmethod(  # noqa: N815
        lambda handle: SimpleNamespace(domain=0, bus=handle, device=0)
    )

    def __init__(
        self, load: Load, clock: Clock, *, counter_j: Callable[[float], float] | None
    ) -> None:
        """Draw the load, and count it where there is a counter."""
        self.nvmlDeviceGetPowerUsage = lambda _: round(load.power_w(clock.now_s()) * 1000)
        if counter_j is not None:
            self.nvmlDeviceGetTotalEnergyConsumption = lambda _: round(
                counter_j(clock.now_s()) * 1000
            )

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - pynvml has no types
        """Constants and errors are pynvml's."""
        if not name.startswith("nvml"):
            return getattr(pynvml, name)

        def unsupported(*_: object) -> None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

        return unsupported


@final
class AskedEachPeriod:
    """A source that is asked once a second by itself; in a world it answers in each of its periods."""

    def __init__(self, source: PowerSource) -> None:
        """Say nothing of that second."""
        self.name, self.note, self.estimated = source.name, source.note, source.estimated
        self.counter_persists = source.counter_persists
        self.observe, self.close = source.observe, source.close
        self.devices = lambda: tuple(
            replace(each, update_period_s=0.0) for each in source.devices()
        )


@final
class Faulty:
    """A source that fails when a test says so."""

    def __init__(self, source: PowerSource, fault: Callable[[], Exception | None]) -> None:
        """Ask `fault` before each reading."""
        self._source = source
        self._fault = fault
        self.name, self.note, self.estimated = source.name, source.note, source.estimated
        self.counter_persists = True

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return self._source.devices()

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; fails instead where it is told to."""
        fault = self._fault()
        if fault is not None:
            raise fault
        return self._source.observe(device_uuid, counter=counter)

    def close(self) -> None:
        """See `PowerSource`."""
        self._source.close()

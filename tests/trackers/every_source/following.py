"""A fake `pynvml` whose board follows a known load, and wrappers of sources."""

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
    """The part of `pynvml` that one board needs, whose power follows a load; all else is not supported."""

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
        """Report the power of the load, and its energy where there is a counter."""
        self.nvmlDeviceGetPowerUsage = lambda _: round(load.power_w(clock.now_s()) * 1000)
        if counter_j is not None:
            self.nvmlDeviceGetTotalEnergyConsumption = lambda _: round(
                counter_j(clock.now_s()) * 1000
            )

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - pynvml has no types
        """Take constants and errors from pynvml; refuse all other functions."""
        if not name.startswith("nvml"):
            return getattr(pynvml, name)

        def unsupported(*_: object) -> None:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

        return unsupported


@final
class ReadEachPeriod:
    """A source that is read in each period of a world, although its device is updated once a second."""

    def __init__(self, source: PowerSource) -> None:
        """Wrap a source, and report its devices as always up to date."""
        self.name, self.note, self.estimated = source.name, source.note, source.estimated
        self.counter_persists = source.counter_persists
        self.observe, self.close = source.observe, source.close
        self.devices = lambda: tuple(
            replace(each, update_period_s=0.0) for each in source.devices()
        )


@final
class Faulty:
    """A source that fails whenever the test wants it to."""

    def __init__(self, source: PowerSource, fault: Callable[[], Exception | None]) -> None:
        """Wrap a source; each reading raises what `fault` returns, if that is not None."""
        self._source = source
        self._fault = fault
        self.name, self.note, self.estimated = source.name, source.note, source.estimated
        self.counter_persists = True

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return self._source.devices()

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        fault = self._fault()
        if fault is not None:
            raise fault
        return self._source.observe(device_uuid, counter=counter)

    def close(self) -> None:
        """See `PowerSource`."""
        self._source.close()

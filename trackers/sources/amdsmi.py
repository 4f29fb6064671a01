"""Power source for AMD boards through `amdsmi`, which has an energy counter, unlike the kernel's sensors.

The package comes with ROCm (`pip install amdsmi` of the same version) and needs libamd_smi.so on import.
The counter is `energy_accumulator` x `counter_resolution`, in microjoules. It is missing in guests of
virtual machines, and stands still on some boards (amdsmi issue 22), which the meter notices by the power.
"""

import importlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import ReadError, SourceUnavailableError, UnknownDeviceError
from trackers.sample import Component, Device, Observation
from trackers.sources.hwmon import pci_device

POWERS = ("current_socket_power", "average_socket_power")
"""Fields of the power in watts, the better one first; each board has one of them, and `N/A` in the other."""


def import_amdsmi() -> Any:  # noqa: ANN401 - the package has no types
    """Import the module `amdsmi`.

    Raises:
        SourceUnavailableError: The module is not installed, or its library is missing.
    """
    try:
        return importlib.import_module("amdsmi")
    except Exception as error:
        message = f"amdsmi: {error}; it comes with ROCm, and `hwmon` measures without it"
        raise SourceUnavailableError(message) from error


@final
class AmdSmiSource:
    """All AMD boards that report an energy or a power.

    Attributes:
        name: `amdsmi`.
        note: The number of boards, and the values that are read.
        estimated: False.
        counter_persists: True, because the counter counts since the board was reset.
    """

    name = "amdsmi"
    estimated = False
    counter_persists = True

    def __init__(
        self, *, module: Callable[[], Any] = import_amdsmi, clock: Clock | None = None
    ) -> None:
        """Open the library and probe each board.

        Args:
            module: Returns the module `amdsmi`, or a replacement for it.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.

        Raises:
            SourceUnavailableError: There is no library, or no board reports an energy or a power.
        """
        self._clock = clock or MonotonicClock()
        self._smi = module()
        self._is_open = False
        self._handles: dict[str, Any] = {}
        with ExitStack() as on_failure:  # Ctrl-C too: in a notebook the process goes on
            on_failure.callback(self.close)
            devices = self._probe()
            on_failure.pop_all()
        self._devices = tuple(devices)
        self.note = f"{len(devices)} boards: energy counter at window edges, socket power between"

    def _probe(self) -> list[Device]:
        """Open the library and return the boards that report an energy or a power.

        Raises:
            SourceUnavailableError: There is no library, or no such board.
        """
        devices = []
        try:
            self._smi.amdsmi_init()
            self._is_open = True
            for handle in self._smi.amdsmi_get_processor_handles():
                address = self._smi.amdsmi_get_gpu_device_bdf(handle).lower()
                name = self._smi.amdsmi_get_gpu_asic_info(handle).get("market_name", "AMD GPU")
                if self._counter_j(handle) is None and self._power_w(handle) is None:
                    continue
                device = Device(uuid=pci_device(address), name=name, component=Component.GPU)
                self._handles[device.uuid] = handle
                devices.append(device)
        except Exception as error:
            message = f"amdsmi: {error}; `amd-smi list` shows what is wrong"
            raise SourceUnavailableError(message) from error
        if not devices:
            message = "amdsmi: no board reports an energy or a power; `amd-smi metric` shows it"
            raise SourceUnavailableError(message)
        return devices

    def devices(self) -> Sequence[Device]:
        """Return the boards."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; where only one of power and counter fails, the other is returned."""
        if device_uuid not in self._handles:
            message = f"unknown device {device_uuid!r}; amdsmi measures {', '.join(self._handles)}"
            raise UnknownDeviceError(message)
        handle = self._handles[device_uuid]
        before_s = self._clock.now_s()
        power_w = self._power_w(handle)
        counter_j = self._counter_j(handle) if counter or power_w is None else None
        if power_w is None and counter_j is None:
            message = f"amdsmi: {device_uuid} reported neither power nor energy this time"
            raise ReadError(message)
        time_s = (before_s + self._clock.now_s()) / 2
        return Observation(time_s=time_s, power_w=power_w, counter_j=counter_j)

    def close(self) -> None:
        """Shut the library down; may be called twice."""
        if self._is_open:
            self._is_open = False
            self._smi.amdsmi_shut_down()

    def _counter_j(self, handle: Any) -> float | None:  # noqa: ANN401 - opaque
        """Energy since the board was reset, in joules; None where it is not reported, or stands at 0."""
        try:
            told = self._smi.amdsmi_get_energy_count(handle)
            energy_uj = told["energy_accumulator"] * told["counter_resolution"]
        except (self._smi.AmdSmiException, KeyError, TypeError):
            return None
        return energy_uj / 1e6 if energy_uj > 0 else None

    def _power_w(self, handle: Any) -> float | None:  # noqa: ANN401 - opaque
        """Power of the board in watts; None where it is not reported, or is 0 W, which is not a measurement."""
        try:
            told = self._smi.amdsmi_get_power_info(handle)
        except self._smi.AmdSmiException:
            return None
        powers = (told.get(each) for each in POWERS)
        return next(
            (float(each) for each in powers if isinstance(each, int | float) and each > 0), None
        )

"""Wrapper of an open NVML, which converts its errors to ours, and its units to joules, watts and seconds.

This is the only file that imports `pynvml`, and it does so when an `NvmlLibrary` is created.
"""

import contextlib
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import ModuleType
from typing import Any, final

from trackers.errors import ReadError, SourcePermissionError, SourceUnavailableError
from trackers.sample import BoardState
from trackers.sources.nvml.errors import READING_ERRORS, REMEDIES, ForbiddenError


class PowerCall(StrEnum):
    """Call that reports a board's power, the best first."""

    INSTANT = "NVML_FI_DEV_POWER_INSTANT"
    AVERAGE = "NVML_FI_DEV_POWER_AVERAGE"
    USAGE = "nvmlDeviceGetPowerUsage"


AVERAGE_S = 1.0
"""Time over which NVML averages its average power."""

GA100 = (8, 0)
"""Compute capability of the chip in A100 and A30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board that answered: its UUID, its PCI address (domain, bus, device), and NVML's handle for it."""

    uuid: str
    pci: tuple[int, int, int]
    handle: Any


@final
class NvmlLibrary:
    """An open NVML."""

    def __init__(self, nvml: ModuleType | None) -> None:
        """Open NVML.

        Args:
            nvml: Replacement for `pynvml`; None for `pynvml` itself.

        Raises:
            SourceUnavailableError: There is no driver or no `pynvml`.
            SourcePermissionError: This user has no permission to use NVML.
        """
        if nvml is None:
            try:
                nvml = importlib.import_module("pynvml")
            except ImportError as error:
                message = "nvml: pynvml is not installed. Install it: `pip install nvidia-ml-py`"
                raise SourceUnavailableError(message) from error
        self._nvml = nvml
        self._is_open = True
        self._codes = {getattr(nvml, code): code for code in READING_ERRORS if hasattr(nvml, code)}
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            code = self._codes.get(error.value, "")
            remedy = REMEDIES.get(code, "`nvidia-smi` shows what is wrong")
            kind = SourceUnavailableError
            if READING_ERRORS.get(code) is ForbiddenError:
                kind = SourcePermissionError
            message = f"nvml: {error}: {remedy}"
            raise kind(message) from error

    def close(self) -> None:
        """Shut NVML down, ignoring errors; may be called twice."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()

    def call(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401 - pynvml has no types
        """Call a function of NVML by name, and convert its errors.

        An older `pynvml` lacks some functions and returns strings as bytes, and a driver may return bytes
        that are not valid text (nvitop issue 127).

        Raises:
            ReadError: The call failed; of the subclass that `READING_ERRORS` names.
        """
        try:
            told = getattr(self._nvml, function)(*arguments)
            return told.decode() if isinstance(told, bytes) else told
        except self._nvml.NVMLError as error:
            raise self._read_error(function, error) from error
        except (AttributeError, UnicodeDecodeError) as error:
            message = f"nvml: {function}: {error}"
            raise ReadError(message) from error

    def told(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401 - pynvml has no types
        """Call a function of NVML for optional information; None where the call fails."""
        try:
            return self.call(function, *arguments)
        except ReadError:
            return None

    def boards(self) -> tuple[list[Board], list[ReadError]]:
        """Return the boards in PCI order, and the errors of boards that do not answer."""
        boards, refused = [], []
        try:
            count = self.call("nvmlDeviceGetCount")
        except ReadError as error:
            raise SourceUnavailableError(str(error)) from error
        for index in range(count):
            try:
                handle = self.call("nvmlDeviceGetHandleByIndex", index)
                pci = self.call("nvmlDeviceGetPciInfo", handle)
                uuid = self.call("nvmlDeviceGetUUID", handle)
            except ReadError as error:
                refused.append(error)
            else:
                place = (pci.domain, pci.bus, pci.device)
                boards.append(Board(uuid=uuid, pci=place, handle=handle))
        return sorted(boards, key=lambda board: board.pci), refused

    def counter_j(self, handle: Any) -> float:  # noqa: ANN401 - opaque
        """Energy since the driver was loaded, in joules."""
        energy_mj = self.call("nvmlDeviceGetTotalEnergyConsumption", handle)
        return _more_than_0(energy_mj, "an energy counter of 0 J") / 1000

    def power_w(self, handle: Any, call: PowerCall) -> float:  # noqa: ANN401 - opaque
        """Power in watts, by one of the calls that report it."""
        if call is PowerCall.USAGE:
            power_mw = self.call("nvmlDeviceGetPowerUsage", handle)
        else:
            field = getattr(self._nvml, call, None)
            if field is None:
                message = f"nvml: this pynvml has no {call}"
                raise ReadError(message)
            answer = self.call("nvmlDeviceGetFieldValues", handle, [field])[0]
            if answer.nvmlReturn != self._nvml.NVML_SUCCESS:
                raise self._read_error(call, self._nvml.NVMLError(answer.nvmlReturn))
            power_mw = answer.value.uiVal
        return _more_than_0(power_mw, "a power of 0 W") / 1000

    def averaging_period_s(self, handle: Any, call: PowerCall) -> float:  # noqa: ANN401 - opaque
        """Time over which a call's power is averaged, by NVML's documentation.

        `nvmlDeviceGetPowerUsage` is a mean over 1 s on Ampere (except GA100, whose compute
        capability is 8.0) and newer architectures.
        """
        if call is PowerCall.INSTANT:
            return 0.0
        if call is PowerCall.USAGE:
            architecture = self.told("nvmlDeviceGetArchitecture", handle)
            if architecture is None or architecture < self._nvml.NVML_DEVICE_ARCH_AMPERE:
                return 0.0
            if self.told("nvmlDeviceGetCudaComputeCapability", handle) == GA100:
                return 0.0
        return AVERAGE_S

    def state(self, handle: Any) -> BoardState:  # noqa: ANN401 - opaque
        """State of a board; values that it does not report are None."""
        nvml = self._nvml
        celsius = self.told("nvmlDeviceGetTemperature", handle, nvml.NVML_TEMPERATURE_GPU)
        clock_mhz = self.told("nvmlDeviceGetClockInfo", handle, nvml.NVML_CLOCK_SM)
        rates = self.told("nvmlDeviceGetUtilizationRates", handle)
        limit_mw = self.told("nvmlDeviceGetEnforcedPowerLimit", handle)
        return BoardState(
            temperature_c=None if celsius is None else float(celsius),
            sm_clock_hz=None if clock_mhz is None else clock_mhz * 1e6,
            utilization=None if rates is None else rates.gpu / 100,
            power_limit_w=None if limit_mw is None else limit_mw / 1000,
        )

    def processes(self, handle: Any) -> frozenset[int]:  # noqa: ANN401 - opaque
        """Return the IDs of the processes that compute on a board; empty where NVML does not report them."""
        running = self.told("nvmlDeviceGetComputeRunningProcesses", handle) or ()
        return frozenset(each.pid for each in running)

    def is_split(self, handle: Any) -> bool:  # noqa: ANN401 - opaque
        """Return whether a board is in MIG mode."""
        mode = self.told("nvmlDeviceGetMigMode", handle)
        return mode is not None and mode[0] == self._nvml.NVML_DEVICE_MIG_ENABLE

    def mig_uuids(self, handle: Any) -> Iterator[str]:  # noqa: ANN401 - opaque
        """Yield the UUIDs of a board's MIG instances."""
        for index in range(self.told("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            part = self.told("nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
            if part is not None:  # None where there is no instance of this index
                yield self.call("nvmlDeviceGetUUID", part)

    def _read_error(self, what: str, error: Any) -> ReadError:  # noqa: ANN401 - pynvml has no types
        kind = READING_ERRORS.get(self._codes.get(error.value, ""), ReadError)
        return kind(f"nvml: {what}: {error}")


def _more_than_0(value: float, what: str) -> float:
    if value <= 0:
        message = f"nvml: the board reports {what}, which is not a measurement"
        raise ReadError(message)
    return value

"""NVML, open: its errors become ours here, and its numbers joules, watts and seconds.

The only file that imports `pynvml`, and it does so when a library is opened.
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
    """The call that tells a board's power."""

    INSTANT = "NVML_FI_DEV_POWER_INSTANT"
    AVERAGE = "NVML_FI_DEV_POWER_AVERAGE"
    USAGE = "nvmlDeviceGetPowerUsage"


AVERAGE_S = 1.0
"""Time over which NVML's average power is a mean."""

GA100 = (8, 0)
"""Compute capability of the chip in A100 and A30."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board that answered: its UUID, its place on the PCI bus, and NVML's handle for it."""

    uuid: str
    pci: tuple[int, int, int]
    handle: Any


@final
class NvmlLibrary:
    """NVML, open."""

    def __init__(self, nvml: ModuleType | None) -> None:
        """Open NVML; `nvml` stands in for `pynvml`.

        Raises:
            SourceUnavailableError: There is no driver or no `pynvml`.
            SourcePermissionError: This user may not ask.
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
        """Shut NVML down, once; what it says to that is of no use to anyone."""
        if self._is_open:
            self._is_open = False
            with contextlib.suppress(self._nvml.NVMLError):
                self._nvml.nvmlShutdown()

    def call(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401 - pynvml has no types
        """Call a function of NVML by name; the one place where its errors become ours.

        An older `pynvml` lacks functions, and gives words as bytes; a driver may give words that are none
        (nvitop issue 127).
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
        """The same for what is good to know; None where NVML does not tell."""
        try:
            return self.call(function, *arguments)
        except ReadError:
            return None

    def boards(self) -> tuple[list[Board], list[ReadError]]:
        """The boards in PCI order, and why others cannot be asked."""
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
        """Energy since the driver was loaded."""
        energy_mj = self.call("nvmlDeviceGetTotalEnergyConsumption", handle)
        return _more_than_0(energy_mj, "an energy counter of 0 J") / 1000

    def power_w(self, handle: Any, call: PowerCall) -> float:  # noqa: ANN401 - opaque
        """Power, from one of the calls that tell it."""
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

    def power_mean_s(self, handle: Any, call: PowerCall) -> float:  # noqa: ANN401 - opaque
        """Over what time a power is a mean, as NVML's documentation has it.

        `nvmlDeviceGetPowerUsage` is a mean of 1 s on Ampere (except GA100, whose compute
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
        """State of a board; None for what it does not report."""
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
        """The processes that compute on a board; none where NVML does not tell."""
        running = self.told("nvmlDeviceGetComputeRunningProcesses", handle) or ()
        return frozenset(each.pid for each in running)

    def is_split(self, handle: Any) -> bool:  # noqa: ANN401 - opaque
        """Return whether a board is in MIG mode."""
        mode = self.told("nvmlDeviceGetMigMode", handle)
        return mode is not None and mode[0] == self._nvml.NVML_DEVICE_MIG_ENABLE

    def mig_uuids(self, handle: Any) -> Iterator[str]:  # noqa: ANN401 - opaque
        """The MIG instances of a board."""
        for index in range(self.told("nvmlDeviceGetMaxMigDeviceCount", handle) or 0):
            part = self.told("nvmlDeviceGetMigDeviceHandleByIndex", handle, index)
            if part is not None:  # else the place is empty
                yield self.call("nvmlDeviceGetUUID", part)

    def _read_error(self, what: str, error: Any) -> ReadError:  # noqa: ANN401 - pynvml has no types
        kind = READING_ERRORS.get(self._codes.get(error.value, ""), ReadError)
        return kind(f"nvml: {what}: {error}")


def _more_than_0(value: float, what: str) -> float:
    if value <= 0:
        message = f"nvml: the board reports {what}, which is not a measurement"
        raise ReadError(message)
    return value

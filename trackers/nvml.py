"""NVIDIA boards through NVML, the library under `nvidia-smi`.

Each board is tried once, when the source opens, and keeps the best call that answers:

    energy    nvmlDeviceGetTotalEnergyConsumption    Volta and newer; at a window's edges only
    power     field NVML_FI_DEV_POWER_INSTANT        else
              field NVML_FI_DEV_POWER_AVERAGE        mean of the last second, else
              nvmlDeviceGetPowerUsage                either of the two, as the architecture has it

NVML never says how much one MIG instance draws: an instance stands for the whole board here, and
`NvmlProbe.mig` tells that the board may have other users.

0 W is not a measurement. A board that answers is powered, and zeros have been reported as single
faults between good values (CodeCarbon issues 393, 851, 853); they are `ReadError`, as is a counter
that stands at 0 since the driver was loaded (CodeCarbon issue 1316).

The only file that imports `pynvml`, and it does so when a source is opened.
"""

import contextlib
import importlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from types import ModuleType
from typing import Any, final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.nvml_errors import (
    READING_ERRORS,
    REMEDIES,
    ForbiddenError,
    answers,
    value_or_error,
)
from trackers.sample import Device, DeviceKind, Observation
from trackers.visible_devices import resolve


class PowerCall(StrEnum):
    """The call that tells a board's power."""

    INSTANT = "NVML_FI_DEV_POWER_INSTANT"
    AVERAGE = "NVML_FI_DEV_POWER_AVERAGE"
    USAGE = "nvmlDeviceGetPowerUsage"


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlProbe:
    """What one board answered when it was tried.

    Attributes:
        uuid: The board.
        counter: Whether it counts its energy.
        power: The call that tells its power; None where none does.
        mig: Whether it is split into MIG instances, so that its energy may have several users.
    """

    uuid: str
    counter: bool
    power: PowerCall | None
    mig: bool


@final
class NvmlSource:
    """All NVIDIA boards of this machine that answer; `CUDA_VISIBLE_DEVICES` plays no part.

    Attributes:
        name: `nvml`.
        note: The calls that are used, by kind of board, and the boards that were refused.
        estimated: False.
        probes: What each board answered when it was tried, in PCI order.
    """

    name = "nvml"
    estimated = False

    def __init__(self, *, nvml: ModuleType | None = None, clock: Clock | None = None) -> None:
        """Open NVML and try each board.

        Args:
            nvml: Stands in for `pynvml`.
            clock: Stamps the observations.

        Raises:
            SourceUnavailableError: There is no driver, no `pynvml`, or no board to measure.
            SourcePermissionError: This user may not ask.
        """
        self._clock = clock or MonotonicClock()
        self._nvml = _Nvml(nvml)
        try:
            boards, refused = self._nvml.boards()
            self._handles = {board.uuid: board.handle for board in boards}
            probes = {board.uuid: self._probe(board.uuid) for board in boards}
            self._probes = {
                uuid: probe for uuid, probe in probes.items() if probe.counter or probe.power
            }
            refused += [
                ReadError(f"{uuid} tells neither energy nor power")
                for uuid in probes
                if uuid not in self._probes
            ]
            if not self._probes:
                raise _nothing_to_measure(refused)
            self._devices = tuple(self._device(uuid) for uuid in self._probes)
        except SourceUnavailableError:
            self.close()
            raise
        self.probes = tuple(self._probes.values())
        self.note = "; ".join([*self._methods(), *(f"not measured: {each}" for each in refused)])

    def devices(self) -> Sequence[Device]:
        """The boards that answered, in PCI order."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; where only one of power and counter fails, the other is given.

        The time is the middle of the call for the counter, or for the power where no counter is
        wanted: NVML may take milliseconds.
        """
        probe = self._probes.get(device_uuid)
        if probe is None:
            message = f"unknown device {device_uuid!r}; nvml measures {', '.join(self._probes)}"
            raise UnknownDeviceError(message)
        handle = self._handles[device_uuid]
        counter_j = power_w = None
        before_s = self._clock.now_s()
        if probe.counter and (counter or probe.power is None):
            counter_j = value_or_error(partial(self._nvml.counter_j, handle))
        after_s = self._clock.now_s()
        if probe.power is not None:
            power_w = value_or_error(partial(self._nvml.power_w, handle, probe.power))
            after_s = self._clock.now_s() if counter_j is None else after_s
        failures = [each for each in (counter_j, power_w) if isinstance(each, ReadError)]
        seen = Observation(
            time_s=(before_s + after_s) / 2,
            power_w=None if isinstance(power_w, ReadError) else power_w,
            counter_j=None if isinstance(counter_j, ReadError) else counter_j,
        )
        if seen.power_w is None and seen.counter_j is None:
            raise failures[0]
        return seen

    def close(self) -> None:
        """Let go of NVML; may be called twice."""
        self._nvml.close()

    def _probe(self, uuid: str) -> NvmlProbe:
        handle = self._handles[uuid]
        powers = (each for each in PowerCall if answers(partial(self._nvml.power_w, handle, each)))
        return NvmlProbe(
            uuid=uuid,
            counter=answers(partial(self._nvml.counter_j, handle)),
            power=next(powers, None),
            mig=self._nvml.is_split(handle),
        )

    def _device(self, uuid: str) -> Device:
        handle = self._handles[uuid]
        limit_mw = self._nvml.told("nvmlDeviceGetEnforcedPowerLimit", handle)
        return Device(
            uuid=uuid,
            name=self._nvml.told("nvmlDeviceGetName", handle) or "NVIDIA board",
            kind=DeviceKind.GPU,
            power_limit_w=None if limit_mw is None else limit_mw / 1000,
            driver=self._nvml.told("nvmlSystemGetDriverVersion"),
        )

    def _methods(self) -> Iterator[str]:
        """One sentence for each kind of board that is measured alike."""
        kinds = Counter(
            (device.name, probe.counter, probe.power, probe.mig)
            for device, probe in zip(self._devices, self._probes.values(), strict=True)
        )
        for (name, counter, power, mig), boards in kinds.items():
            energy = "energy counter at window edges" if counter else "no energy counter"
            split = "; split by MIG, the whole board is measured" if mig else ""
            yield f"{boards} x {name}: {energy}, power from {power or 'the counter'}{split}"


def uuid_of(visible: str, *, nvml: ModuleType | None = None) -> str:
    """The board that one entry of `CUDA_VISIBLE_DEVICES` stands for.

    Args:
        visible: An index in PCI order, a `GPU-` or a `MIG-` UUID, whole or cut short.
        nvml: Stands in for `pynvml`.

    Returns:
        The board's whole UUID, as in `Device.uuid`.

    Raises:
        UnknownDeviceError: No board is meant, or several; the message lists what there is.
        SourceUnavailableError: NVML cannot be used on this machine.
    """
    library = _Nvml(nvml)
    try:
        boards, refused = library.boards()
        if refused and visible.strip().isdecimal():
            message = (
                f"index {visible!r} in CUDA_VISIBLE_DEVICES cannot be told: a board does not "
                f"answer, so nobody knows which it counts ({refused[0]}). Give a UUID"
            )
            raise UnknownDeviceError(message)
        handles = {board.uuid: board.handle for board in boards}
        return resolve(
            visible, list(handles), parts_of=lambda uuid: library.mig_uuids(handles[uuid])
        )
    finally:
        library.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Board:
    uuid: str
    pci: tuple[int, int, int]
    handle: Any


@final
class _Nvml:
    """NVML, open, with its errors as ours and its numbers in joules and watts."""

    def __init__(self, nvml: ModuleType | None) -> None:
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
        """Call a function of NVML by name; the one place where its errors become ours."""
        try:
            return getattr(self._nvml, function)(*arguments)
        except self._nvml.NVMLError as error:
            raise self._read_error(function, error) from error

    def told(self, function: str, *arguments: Any) -> Any:  # noqa: ANN401 - pynvml has no types
        """The same for what is good to know; None where NVML does not tell."""
        try:
            return self.call(function, *arguments)
        except ReadError:
            return None

    def boards(self) -> tuple[list[_Board], list[ReadError]]:
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
                boards.append(_Board(uuid=uuid, pci=place, handle=handle))
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
            field = getattr(self._nvml, call)
            answer = self.call("nvmlDeviceGetFieldValues", handle, [field])[0]
            if answer.nvmlReturn != self._nvml.NVML_SUCCESS:
                raise self._read_error(call, self._nvml.NVMLError(answer.nvmlReturn))
            power_mw = answer.value.uiVal
        return _more_than_0(power_mw, "a power of 0 W") / 1000

    def is_split(self, handle: Any) -> bool:  # noqa: ANN401 - opaque
        """Whether a board is in MIG mode."""
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


def _nothing_to_measure(refused: Sequence[ReadError]) -> SourceUnavailableError:
    """The error of a machine none of whose boards can be measured."""
    if refused and all(isinstance(each, ForbiddenError) for each in refused):
        return SourcePermissionError(f"{refused[0]}: {REMEDIES['NVML_ERROR_NO_PERMISSION']}")
    reasons = "; ".join(map(str, refused)) or "the driver lists none, see `nvidia-smi -L`"
    return SourceUnavailableError(f"nvml: no board can be measured: {reasons}")


def _more_than_0(value: float, what: str) -> float:
    if value <= 0:
        message = f"nvml: the board reports {what}, which is not a measurement"
        raise ReadError(message)
    return value

"""NVIDIA boards through NVML, the library under `nvidia-smi`.

Each board is probed once, when the source opens, and is then read by the best calls that work:

    energy    nvmlDeviceGetTotalEnergyConsumption    Volta and newer; at a window's edges only
    power     field NVML_FI_DEV_POWER_INSTANT        else
              field NVML_FI_DEV_POWER_AVERAGE        mean of the last second, else
              nvmlDeviceGetPowerUsage                either of the two, depending on the architecture

NVML does not report the power of a single MIG instance: here an instance stands for the whole board, and
`NvmlProbe.mig` says that the board may have other users.

0 W is not a measurement. A board that answers is powered, and single zeros between good values are known
faults (CodeCarbon issues 393, 851, 853). They raise `ReadError`, as does a counter that stands at 0 since
the driver was loaded (CodeCarbon issue 1316).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import BoardState, Component, Device, Observation, PowerLimits
from trackers.sources.nvml.errors import REMEDIES, ForbiddenError, answers, value_or_error
from trackers.sources.nvml.library import NvmlLibrary, PowerCall
from trackers.sources.nvml.power_limit import BoardLimits
from trackers.sources.nvml.visible_devices import resolve


@dataclass(frozen=True, slots=True, kw_only=True)
class NvmlProbe:
    """Capabilities of one board, as found when it was probed.

    Attributes:
        uuid: UUID of the board.
        counter: Whether it has an energy counter.
        power: The call that reports its power; None where none does.
        mig: Whether it is split into MIG instances, so that several users may share its energy.
    """

    uuid: str
    counter: bool
    power: PowerCall | None
    mig: bool


@final
class NvmlSource:
    """All NVIDIA boards of this machine that answer, independent of `CUDA_VISIBLE_DEVICES`.

    Attributes:
        name: `nvml`.
        note: The calls that are used, by kind of board, and the boards that are not measured.
        estimated: False.
        counter_persists: True, because the counter counts since the driver was loaded.
        probes: Capabilities of each measured board, in PCI order.
    """

    name = "nvml"
    estimated = False
    counter_persists = True

    def __init__(self, *, nvml: ModuleType | None = None, clock: Clock | None = None) -> None:
        """Open NVML and probe each board.

        Args:
            nvml: Replacement for `pynvml`, for tests.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.

        Raises:
            SourceUnavailableError: There is no driver, no `pynvml`, or no board that can be measured.
            SourcePermissionError: This user has no permission to read the boards.
        """
        self._clock = clock or MonotonicClock()
        self._nvml = NvmlLibrary(nvml)
        with ExitStack() as on_failure:
            on_failure.callback(self.close)
            boards, refused = self._nvml.boards()
            self._handles = {board.uuid: board.handle for board in boards}
            probes = {board.uuid: self._probe(board.uuid) for board in boards}
            self._probes = {
                uuid: probe for uuid, probe in probes.items() if probe.counter or probe.power
            }
            refused += [
                ReadError(f"{uuid} reports neither energy nor power")
                for uuid in probes
                if uuid not in self._probes
            ]
            if not self._probes:
                raise _nothing_to_measure(refused)
            self._devices = tuple(self._device(uuid) for uuid in self._probes)
            self._limits = BoardLimits(self._nvml, self._handles, clock=self._clock)
            for device in self._devices:
                self._limits.saw(device.uuid, device.power_limit_w)
            on_failure.pop_all()
        self.probes = tuple(self._probes.values())
        self.note = "; ".join([*self._methods(), *(f"not measured: {each}" for each in refused)])

    def devices(self) -> Sequence[Device]:
        """Return the boards that can be measured, in PCI order."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`; where only one of power and counter fails, the other is returned.

        The time is the middle of the call for the counter, or for the power where no counter is
        wanted, because a call of NVML may take milliseconds.
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
            took_s=after_s - before_s,
        )
        if seen.power_w is None and seen.counter_j is None:
            raise failures[0]
        return seen

    def state(self, device_uuid: str) -> BoardState:
        """See `trackers.source.TellsState`."""
        handle = self._handles.get(device_uuid)
        if handle is None:
            return BoardState()
        state = self._nvml.state(handle)
        self._limits.saw(device_uuid, state.power_limit_w)  # another process may have changed it
        return state

    def users(self, device_uuid: str) -> frozenset[int]:
        """See `trackers.source.KnowsUsers`."""
        handle = self._handles.get(device_uuid)
        return frozenset() if handle is None else self._nvml.processes(handle)

    def power_limits(self, device_uuid: str) -> PowerLimits:
        """See `trackers.source.LimitsPower`."""
        return self._limits.limits(device_uuid)

    def limit_refused(self, device_uuid: str) -> str:
        """See `trackers.source.LimitsPower`."""
        return self._limits.refused(device_uuid)

    def limit_power(self, device_uuid: str, limit_w: float) -> float:
        """See `trackers.source.LimitsPower`."""
        return self._limits.set_w(device_uuid, limit_w)

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:
        """See `trackers.source.LimitsPower`."""
        return self._limits.highest_w(device_uuid, since_s)

    def close(self) -> None:
        """Shut NVML down; may be called twice."""
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
        power = self._probes[uuid].power
        return Device(
            uuid=uuid,
            name=self._nvml.told("nvmlDeviceGetName", handle) or "NVIDIA board",
            component=Component.GPU,
            power_limit_w=None if limit_mw is None else limit_mw / 1000,
            driver=self._nvml.told("nvmlSystemGetDriverVersion"),
            shared=self._probes[uuid].mig,
            averaging_period_s=0.0
            if power is None
            else self._nvml.averaging_period_s(handle, power),
        )

    def _methods(self) -> Iterator[str]:
        """Yield a sentence for each group of boards that are measured in the same way."""
        kinds = Counter(
            (device.name, probe.counter, probe.power, probe.mig)
            for device, probe in zip(self._devices, self._probes.values(), strict=True)
        )
        for (name, counter, power, mig), boards in kinds.items():
            energy = "energy counter at window edges" if counter else "no energy counter"
            split = "; split by MIG, the whole board is measured" if mig else ""
            yield f"{boards} x {name}: {energy}, power from {power or 'the counter'}{split}"


def uuid_of(visible: str, *, nvml: ModuleType | None = None) -> str:
    """Return the UUID of the board that one entry of `CUDA_VISIBLE_DEVICES` stands for.

    Args:
        visible: An index in PCI order, or a `GPU-` or `MIG-` UUID, in full or abbreviated.
        nvml: Replacement for `pynvml`, for tests.

    Returns:
        The board's full UUID, as in `Device.uuid`.

    Raises:
        UnknownDeviceError: The entry matches no board, or several; the message lists the boards.
        SourceUnavailableError: NVML cannot be used on this machine.
    """
    library = NvmlLibrary(nvml)
    try:
        boards, refused = library.boards()
        if refused and visible.strip().isdecimal():
            message = (
                f"index {visible!r} in CUDA_VISIBLE_DEVICES is ambiguous: a board does not "
                f"answer, and may be one of those that it counts ({refused[0]}). Give a UUID"
            )
            raise UnknownDeviceError(message)
        handles = {board.uuid: board.handle for board in boards}
        return resolve(
            visible, list(handles), parts_of=lambda uuid: library.mig_uuids(handles[uuid])
        )
    finally:
        library.close()


def _nothing_to_measure(refused: Sequence[ReadError]) -> SourceUnavailableError:
    """Return the error for a machine on which no board can be measured."""
    if refused and all(isinstance(each, ForbiddenError) for each in refused):
        return SourcePermissionError(f"{refused[0]}: {REMEDIES['NVML_ERROR_NO_PERMISSION']}")
    reasons = "; ".join(map(str, refused)) or "the driver lists none, see `nvidia-smi -L`"
    return SourceUnavailableError(f"nvml: no board can be measured: {reasons}")

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

"""

from collections import Counter
from collections.abc import Iterator, Sequence
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
    """Answers of one board when it was tried.

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
        counter_outlives: True; it counts since the driver was loaded.
        probes: What each board answered when it was tried, in PCI order.
    """

    name = "nvml"
    estimated = False
    counter_outlives = True

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
        self._nvml = NvmlLibrary(nvml)
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
            self._limits = BoardLimits(self._nvml, self._handles, clock=self._clock)
            for device in self._devices:
                self._limits.saw(device.uuid, device.power_limit_w)
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
        self._limits.saw(device_uuid, state.power_limit_w)  # somebody else may have set it
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
        power = self._probes[uuid].power
        return Device(
            uuid=uuid,
            name=self._nvml.told("nvmlDeviceGetName", handle) or "NVIDIA board",
            component=Component.GPU,
            power_limit_w=None if limit_mw is None else limit_mw / 1000,
            driver=self._nvml.told("nvmlSystemGetDriverVersion"),
            shared=self._probes[uuid].mig,
            power_mean_s=0.0 if power is None else self._nvml.power_mean_s(handle, power),
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
    library = NvmlLibrary(nvml)
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


def _nothing_to_measure(refused: Sequence[ReadError]) -> SourceUnavailableError:
    """The error of a machine none of whose boards can be measured."""
    if refused and all(isinstance(each, ForbiddenError) for each in refused):
        return SourcePermissionError(f"{refused[0]}: {REMEDIES['NVML_ERROR_NO_PERMISSION']}")
    reasons = "; ".join(map(str, refused)) or "the driver lists none, see `nvidia-smi -L`"
    return SourceUnavailableError(f"nvml: no board can be measured: {reasons}")

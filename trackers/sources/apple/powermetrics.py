"""Power source for Apple silicon through `powermetrics`, a tool of macOS (and the paper's second tracker).

It runs as `sudo -n powermetrics --samplers cpu_power,gpu_power -f plist -i 100`: one property list
every 100 ms, separated by NUL bytes. `-n` makes sudo fail instead of asking for a password. The energy of
all samples, each over its own length, is added up to counters that never fall.

These keys are read, according to powermetrics(1) and the parsers of public tools (asitop; pumas 0.5
`plist_parsing.rs`; recorded samples of Mac14 to Mac17 in their tests):

    elapsed_ns               length of the sample, ns
    hw_model                 the machine, as "Mac14,7"
    processor.gpu_power      mean power of the sample, mW; or
    processor.gpu_energy     energy of the sample, mJ; or
    gpu.gpu_energy           the same, from the GPU sampler
    processor.cpu_power      mean power of the CPU cores, mW; or
    processor.cpu_energy     energy of the sample, mJ

`combined_power` is CPU, GPU and neural engine together. It is not used, because GPU and CPU are devices of
their own here, whose energies may be added. Neither includes memory.

The GPU is one device, `apple-gpu:<hw_model>:<host>`, which trainings on `mps` use. The CPU is shared among
processes by the rule of `trackers.sources.cpu.cpu_share`.
"""

import plistlib
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final
from xml.parsers.expat import ExpatError

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, Device, Observation
from trackers.sources.apple.powermetrics_process import Stream, start_powermetrics
from trackers.sources.cpu.cpu_share import ProcessShares

INTERVAL_MS = 100
FIRST_SAMPLE_S = 10.0
"""Longest wait for the first sample."""

LOOKED_AT = 5
"""Number of samples after which a device that none of them reported counts as missing. Single samples may lack a
power, the first one in particular (CodeCarbon issue 1333)."""

STALE_INTERVALS = 10
"""Age in sampling intervals from which on the last sample is not used any more."""

LONGEST_SAMPLE_S = 3600.0
"""A sample with a greater length is damaged."""

HIGHEST_W = 1000.0
"""A higher power, which no Apple silicon draws, is taken to be damaged."""

SUDOERS = "%admin ALL=(root) NOPASSWD: /usr/bin/powermetrics"

SUDO_REFUSES = ("password", "not allowed", "not in the sudoers", "authentication", "have a tty")
"""Phrases in the messages of sudo and sudo-rs when they would not run a command without a password."""

_END = b"</plist>"
_MOST_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class PowermetricsSample:
    """One sample of powermetrics in seconds and watts; a power is None where the sample does not have it."""

    elapsed_s: float
    hw_model: str
    gpu_w: float | None
    cpu_w: float | None


def samples(chunks: Iterable[bytes]) -> Iterator[PowermetricsSample | None]:
    """Parse the samples of a stream, however it is cut into chunks.

    Args:
        chunks: Output of powermetrics.

    Yields:
        Each sample as soon as its last byte has arrived; None for a damaged one.
    """
    kept = b""
    for chunk in chunks:
        kept += chunk
        while _END in kept:
            document, _, kept = kept.partition(_END)
            # Anything before the last start of a document is the rest of a truncated sample.
            lead, begin, body = document.rpartition(b"<?xml")
            if lead.strip(b"\0 \r\n\t"):
                yield None
            yield _sample(begin + body + _END)
        if len(kept) > _MOST_BYTES:
            kept = b""
            yield None


def _sample(document: bytes) -> PowermetricsSample | None:
    try:
        content = plistlib.loads(document.lstrip(b"\0 \r\n\t"), fmt=plistlib.FMT_XML)
    except (ExpatError, ValueError, AttributeError, TypeError, IndexError):
        return None  # the errors that plistlib raises for malformed XML or values
    elapsed_s = (_number(content, "elapsed_ns") or 0.0) / 1e9
    if not 0 < elapsed_s <= LONGEST_SAMPLE_S:
        return None

    def mean_w(power: Sequence[str], *energies: Sequence[str]) -> float | None:
        told_w = [(_number(content, *power), 1000.0)]
        told_w += [(_number(content, *energy), 1000 * elapsed_s) for energy in energies]
        power_w = next((each / parts for each, parts in told_w if each is not None), None)
        return None if power_w is None or power_w > HIGHEST_W else power_w

    return PowermetricsSample(
        elapsed_s=elapsed_s,
        hw_model=str(content.get("hw_model", "Mac")),
        gpu_w=mean_w(
            ("processor", "gpu_power"), ("processor", "gpu_energy"), ("gpu", "gpu_energy")
        ),
        cpu_w=mean_w(("processor", "cpu_power"), ("processor", "cpu_energy")),
    )


def _number(content: object, *keys: str) -> float | None:
    """Return a non-negative number at a place in a property list; None where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    if isinstance(content, bool) or not isinstance(content, int | float):
        return None
    return float(content) if 0 <= content <= sys.float_info.max else None


@dataclass(slots=True)
class _Meter:
    """Energy of one device, summed over the samples.

    Attributes:
        sampled_s: Time of the last sample that had this device's power.
        energy_j: Energy of all samples until then.
        is_behind: Whether a later sample lacked the power.
        is_told: Whether any sample had the power.
    """

    sampled_s: float
    energy_j: float = 0.0
    is_behind: bool = False
    is_told: bool = False

    def add(self, power_w: float | None, *, elapsed_s: float, now_s: float) -> None:
        """Add a sample; the time of samples without a power is charged at the power of the next one."""
        if power_w is None:
            self.is_behind = True
            return
        if self.is_behind:
            elapsed_s = max(elapsed_s, now_s - self.sampled_s)
        self.energy_j += power_w * elapsed_s
        self.sampled_s, self.is_behind, self.is_told = now_s, False, True


@final
class PowermetricsSource:
    """GPU and CPU of an Apple silicon machine.

    The time of a sample that is damaged or lacks a device's power is charged at the power of the next one.
    Observations carry the time of the last sample, so that a stalled tool shows as missing coverage and not
    as steady power.

    Attributes:
        name: `powermetrics`.
        note: The tool, its sampling interval, and how processes share the CPU.
        estimated: False, although Apple calls its values estimates, good for comparisons on one
            machine.
        counter_persists: False, because energies are added up in this process.
    """

    name = "powermetrics"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        *,
        start: Callable[[int], Stream] = start_powermetrics,
        interval_ms: int = INTERVAL_MS,
        clock: Clock | None = None,
        hostname: str | None = None,
        tree_seconds: Callable[[int], float] | None = None,
        busy_seconds: Callable[[], float] | None = None,
    ) -> None:
        """Start powermetrics and wait for its first sample.

        Args:
            start: Starts powermetrics with a sampling interval in ms.
            interval_ms: Sampling interval in ms.
            clock: Clock of the samples' time stamps; the machine's monotonic clock when left out.
            hostname: Host name in the devices' identifiers; this machine's when left out.
            tree_seconds: See `CpuShares`.
            busy_seconds: See `CpuShares`.

        Raises:
            SourceUnavailableError: There is no powermetrics, or it gave no sample with a power.
            SourcePermissionError: sudo would ask for a password.
        """
        self._clock = clock or MonotonicClock()
        self._stale_s = STALE_INTERVALS * interval_ms / 1000
        self._lock = threading.Lock()
        now_s = self._clock.now_s()
        self._gpu, self._cpu = _Meter(sampled_s=now_s), _Meter(sampled_s=now_s)
        self._hw_model = ""
        self._has_begun, self._is_decided = threading.Event(), threading.Event()
        self._has_ended = threading.Event()
        self._stream = start(interval_ms)
        self._thread = threading.Thread(target=self._read, name="powermetrics", daemon=True)
        try:
            self._thread.start()
            self._has_begun.wait(FIRST_SAMPLE_S)
            self._is_decided.wait(LOOKED_AT * interval_ms / 1000)
        except BaseException:  # Ctrl-C: nobody else would end the process
            self._stream.close()
            raise
        with self._lock:
            told = {Component.GPU: self._gpu.is_told, Component.CPU: self._cpu.is_told}
        if not any(told.values()):
            self._end()
            raise _refusal(self._stream.stderr_text(), has_sampled=bool(self._hw_model))
        self._devices = _devices(self._hw_model, hostname or socket.gethostname(), told)
        self._shares = ProcessShares(
            self._devices, tree_seconds=tree_seconds, busy_seconds=busy_seconds
        )
        self._meters = {
            device.uuid: self._gpu if device.component is Component.GPU else self._cpu
            for device in self._devices
        }
        self.note = (
            f"powermetrics under sudo, all samples of {interval_ms} ms added up; processes share "
            "the CPU by their CPU time"
        )

    def devices(self) -> Sequence[Device]:
        """Return the machine's GPU and CPU, as far as samples have their power."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns the energy of all samples so far as a counter, and no power.

        A sample's power is that of the time before it, and would be a sample too late if it were reported
        as the present power. The meter computes it from two counter values, for the right time.
        """
        asked = self._shares.of(device_uuid)
        meter = self._meters.get(asked.devices[0] if asked else device_uuid)
        if meter is None:
            known = ", ".join(self._meters)
            message = (
                f"unknown device {device_uuid!r}; powermetrics measures {known}, and shares of "
                "processes in the CPU"
            )
            raise UnknownDeviceError(message)
        with self._lock:
            energy_j, sampled_s = meter.energy_j, meter.sampled_s
        if self._has_ended.is_set():
            message = f"powermetrics has ended: {self._stream.stderr_text() or 'no message'}"
            raise DeviceLostError(message)
        age_s = self._clock.now_s() - sampled_s
        if age_s > self._stale_s:
            message = f"powermetrics: the last sample is {age_s:.1f} s old"
            raise ReadError(message)
        if asked is not None:
            energy_j = self._shares.energy_j(asked.pid, asked.devices[0], energy_j)
        return Observation(time_s=sampled_s, counter_j=energy_j)

    def close(self) -> None:
        """End powermetrics; may be called twice."""
        self._end()
        self._shares.clear()

    def _end(self) -> None:
        self._stream.close()
        self._thread.join(timeout=2)

    def _read(self) -> None:
        """Add up samples until the stream ends; runs in a thread of its own."""
        for number, sample in enumerate(samples(self._stream), start=1):
            now_s = self._clock.now_s()
            with self._lock:
                for meter, power_w in (
                    (self._gpu, None if sample is None else sample.gpu_w),
                    (self._cpu, None if sample is None else sample.cpu_w),
                ):
                    elapsed_s = 0.0 if sample is None else sample.elapsed_s
                    meter.add(power_w, elapsed_s=elapsed_s, now_s=now_s)
            if sample is not None and not self._hw_model:
                self._hw_model = sample.hw_model
                self._has_begun.set()
            if number >= LOOKED_AT or (self._gpu.is_told and self._cpu.is_told):
                self._is_decided.set()
        self._has_ended.set()
        self._has_begun.set()
        self._is_decided.set()


def _devices(hw_model: str, host: str, told: Mapping[Component, bool]) -> tuple[Device, ...]:
    """Return the devices whose power was in some sample."""
    gpu = Device(
        uuid=f"apple-gpu:{hw_model}:{host}", name=f"{hw_model} GPU", component=Component.GPU
    )
    cpu = Device(uuid=f"cpu:{host}", name=f"{hw_model} CPU", component=Component.CPU)
    return tuple(device for device in (gpu, cpu) if told[device.component])


def _refusal(stderr: str, *, has_sampled: bool) -> SourceUnavailableError:
    """Return the error for a powermetrics that reported no power, from what it or sudo has written."""
    if has_sampled:
        message = (
            "powermetrics: its samples have the power of neither CPU nor GPU, as on Macs with "
            "Intel's CPUs; `python -m trackers` lists other sources"
        )
        return SourceUnavailableError(message)
    if any(word in stderr for word in SUDO_REFUSES):
        message = (
            f"powermetrics: sudo would ask for a password ({stderr}). Allow it without: "
            f"`echo '{SUDOERS}' | sudo tee /etc/sudoers.d/powermetrics`"
        )
        return SourcePermissionError(message)
    message = (
        f"powermetrics gave no sample: {stderr or 'no message'}. Try it by hand: "
        "`sudo powermetrics --samplers cpu_power,gpu_power -n 1`"
    )
    return SourceUnavailableError(message)

"""powermetrics on a recorded stream: energies, powers, and tools that stall or end."""

import math
import plistlib
import signal
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trackers.sources.apple.tape import CPU, GPU, RECORDING, Tape, chunked, opened, plist
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, process_device
from trackers.sources.apple.powermetrics import LOOKED_AT, samples

SAMPLES = [
    (101704458, 8230.55, 4120.31),
    (100931250, 15210.4, 3980.02),
    (105112833, 14980.12, 2210.77),
    (100250917, 310.25, 990.5),
    (102004125, 33.29, 1520.08),
]
"""What the recording holds: ns, mW of the GPU, mW of the CPU."""

GPU_J = sum(ns * gpu_mw / 1e12 for ns, gpu_mw, _ in SAMPLES)
CPU_J = sum(ns * cpu_mw / 1e12 for ns, _, cpu_mw in SAMPLES)


@pytest.mark.parametrize(
    ("content", "gpu_w", "cpu_w"),
    [
        ({"processor": {"gpu_power": 2500.0, "cpu_power": 1500}}, 2.5, 1.5),
        ({"processor": {"gpu_energy": 250, "cpu_energy": 150}}, 2.5, 1.5),
        ({"gpu": {"gpu_energy": 250}}, 2.5, None),
        ({"processor": {"gpu_power": 0.0, "gpu_energy": 9}}, 0.0, None),
        ({"processor": {"combined_power": 4000.0}}, None, None),
        ({"processor": {"gpu_power": "much"}, "gpu": []}, None, None),
        ({"processor": {"gpu_power": -1.0}}, None, None),
        ({"processor": {"gpu_power": math.nan, "cpu_power": math.inf}}, None, None),
        ({"processor": {"gpu_power": 1e9, "cpu_power": True}}, None, None),
        ({"processor": {"gpu_energy": 1e7, "cpu_power": 0}}, None, 0.0),
        ({}, None, None),
    ],
)
def test_power_is_found_in_every_format(
    content: dict[str, object], gpu_w: float | None, cpu_w: float | None
) -> None:
    """Power is preferred to energy, the GPU's energy has two places, and what is absent is None, not 0."""
    (sample,) = samples([plist(**content)])

    assert sample is not None
    assert sample.gpu_w == (None if gpu_w is None else pytest.approx(gpu_w))
    assert sample.cpu_w == (None if cpu_w is None else pytest.approx(cpu_w))


def test_all_samples_are_added_up_over_their_own_length() -> None:
    """The counter includes every sample; powers are not reported, because they would be late."""
    first, *others = RECORDING.split(b"\0")
    tape = Tape(first)
    source = opened(tape)
    for each in others:
        tape.feed(each)

    gpu, cpu = source.observe(GPU, counter=True), source.observe(CPU, counter=True)

    assert [(each.uuid, each.component) for each in source.devices()] == [
        (GPU, Component.GPU),
        (CPU, Component.CPU),
    ]
    assert gpu.counter_j == pytest.approx(GPU_J)
    assert (gpu.power_w, cpu.power_w) == (None, None)
    assert (gpu.time_s, cpu.time_s) == (50, 50)
    assert cpu.counter_j == pytest.approx(CPU_J)
    source.close()


@pytest.mark.slow
def test_a_lost_sample_counts_with_the_power_of_the_next() -> None:
    """After damage the next sample's power covers the time since the last one, not only its own."""
    clock = ManualClock(50)
    tape = Tape(plist(processor={"gpu_power": 1000.0}))
    source = opened(tape, clock)
    before_j = source.observe(GPU, counter=True).counter_j
    tape.feed(b"broken</plist>")
    clock.advance(0.3)
    tape.feed(plist(processor={"gpu_power": 2000.0}))

    after_j = source.observe(GPU, counter=True).counter_j

    assert before_j is not None
    assert after_j == pytest.approx(before_j + 2.0 * 0.3)
    source.close()


@pytest.mark.parametrize("lacking", [{}, {"cpu_power": 500.0}, {"gpu_power": 1e12}])
def test_a_sample_without_a_power_does_not_count_as_0(lacking: dict[str, float]) -> None:
    """A sample that lacks a device's power is counted with the next power of that device."""
    clock = ManualClock(50)
    both = {"gpu_power": 1000.0, "cpu_power": 500.0}
    tape = Tape(plist(processor=both))
    source = opened(tape, clock)
    before_j = source.observe(GPU, counter=True).counter_j
    for processor in (lacking, lacking, both):
        clock.advance(0.1)
        tape.feed(plist(processor=processor))

    gpu, cpu = source.observe(GPU, counter=True), source.observe(CPU, counter=True)

    assert before_j == pytest.approx(1.0 * 0.1)
    assert gpu.counter_j == pytest.approx(1.0 * 0.4)
    assert cpu.counter_j == pytest.approx(0.5 * 0.4)
    source.close()


def test_a_power_that_is_no_longer_reported_is_a_read_error_of_its_device() -> None:
    """The GPU's old energy is not given as a present one while only the CPU is still reported."""
    clock = ManualClock(50)
    tape = Tape(plist(processor={"gpu_power": 1000.0, "cpu_power": 500.0}))
    source = opened(tape, clock)
    for _ in range(15):
        clock.advance(0.1)
        tape.feed(plist(processor={"cpu_power": 500.0}))

    with pytest.raises(ReadError, match=r"1\.5 s old"):
        source.observe(GPU, counter=True)

    assert source.observe(CPU, counter=True).counter_j == pytest.approx(0.5 * 1.6)
    source.close()


@given(
    powers_mw=st.lists(st.floats(min_value=0, max_value=300_000), min_size=1, max_size=12),
    lengths_ms=st.lists(st.integers(min_value=50, max_value=400), min_size=12, max_size=12),
    cuts=st.lists(st.integers(min_value=0), max_size=8),
)
@settings(max_examples=40)
def test_the_counter_is_the_sum_of_all_samples(
    powers_mw: list[float], lengths_ms: list[int], cuts: list[int]
) -> None:
    """Each sample adds its power x its own `elapsed_ns`, wherever the stream is cut."""
    whole = b"\0".join(
        plistlib.dumps(
            {
                "elapsed_ns": ms * 1_000_000,
                "hw_model": "Mac14,7",
                "processor": {"gpu_power": mw, "cpu_power": 0},
            }
        )
        for mw, ms in zip(powers_mw, lengths_ms, strict=False)
    )
    chunks = chunked(whole, cuts)
    tape = Tape(*chunks)
    source = opened(tape)
    tape.wait()

    counter_j = source.observe(GPU, counter=True).counter_j

    parts_j = [mw * ms / 1e6 for mw, ms in zip(powers_mw, lengths_ms, strict=False)]
    assert counter_j == pytest.approx(math.fsum(parts_j))
    source.close()


@pytest.mark.slow
def test_a_stalled_tool_is_a_read_error_until_it_goes_on() -> None:
    """An old energy is not given as a present one."""
    clock = ManualClock(50)
    tape = Tape(plist(processor={"gpu_power": 1000.0}))
    source = opened(tape, clock)
    clock.advance(1.5)

    with pytest.raises(ReadError, match=r"1\.5 s old"):
        source.observe(GPU, counter=False)

    tape.feed(plist(processor={"gpu_power": 3000.0}))
    assert source.observe(GPU, counter=False).counter_j == pytest.approx((1.0 + 3.0) * 0.1)
    source.close()


def test_a_tool_that_ends_is_a_lost_device() -> None:
    """Later readings cannot succeed; the message has the tool's error output."""
    source = opened(Tape(RECORDING, ends=True, complaint="killed"))
    source.close()

    with pytest.raises(DeviceLostError, match="killed"):
        source.observe(GPU, counter=True)


@pytest.mark.parametrize("uuid", ["apple-gpu:Mac15,1:mac-1", "process:x", "0"])
def test_other_devices_are_unknown(uuid: str) -> None:
    """The message lists what powermetrics measures."""
    source = opened(Tape(RECORDING))

    with pytest.raises(UnknownDeviceError, match="apple-gpu:Mac14,7:mac-1"):
        source.observe(uuid, counter=True)

    source.close()


@pytest.mark.slow
def test_a_machine_without_cpu_power_has_a_gpu_only() -> None:
    """A device without power does not exist, and no process has a share of it."""
    source = opened(Tape(plist(gpu={"gpu_energy": 250})))

    assert [device.uuid for device in source.devices()] == [GPU]
    with pytest.raises(UnknownDeviceError):
        source.observe(process_device(1), counter=True)
    source.close()


def test_process_gets_its_share_of_the_cpu() -> None:
    """A process is charged by its share of CPU time, as with other sources."""
    seconds = {"tree": 0.0, "busy": 0.0}
    tape = Tape(plist(processor={"gpu_power": 1.0, "cpu_power": 1000.0}))
    source = opened(
        tape, tree_seconds=lambda _: seconds["tree"], busy_seconds=lambda: seconds["busy"]
    )
    start = source.observe(process_device(1), counter=True)
    tape.feed(plist(processor={"gpu_power": 1.0, "cpu_power": 8000.0}))
    seconds.update(tree=1.0, busy=4.0)

    stop = source.observe(process_device(1), counter=True)

    assert start.counter_j == 0
    assert stop.counter_j == pytest.approx(0.2)
    source.close()


def sample_of(**power: float) -> bytes:
    """A sample of 100 ms with these powers."""
    sample = {"elapsed_ns": 100_000_000, "hw_model": "Mac14,7", "processor": power}
    return plistlib.dumps(sample) + b"\0"


def test_a_power_that_the_first_sample_lacks_is_still_a_device() -> None:
    """Recent versions often leave a power out of the first sample; a later one has it."""
    tape = Tape(
        sample_of(cpu_power=500.0),
        sample_of(cpu_power=500.0),
        sample_of(gpu_power=1000.0, cpu_power=500.0),
    )

    source = opened(tape)

    assert {device.uuid for device in source.devices()} == {GPU, CPU}
    source.close()


def test_samples_without_power_are_refused() -> None:
    """On a Mac with an Intel CPU the samples have neither power."""
    sample = {"elapsed_ns": 100_000_000, "hw_model": "MacBookPro16,1", "gpu": [{"name": "a"}]}
    tape = Tape(*[plistlib.dumps(sample) + b"\0"] * LOOKED_AT)

    with pytest.raises(SourceUnavailableError, match="power of neither CPU nor GPU"):
        opened(tape)


class SilentTape(Tape):
    """A tool that is interrupted by Ctrl-C before its first sample."""

    def __iter__(self) -> Iterator[bytes]:
        """Send the interrupt before any chunk."""
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        yield from super().__iter__()


@pytest.fixture
def _python_handles_interrupts() -> Iterator[None]:
    """Undo the handler that a run of Ray Tune earlier in this process may have left."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_python_handles_interrupts")
def test_a_tool_is_ended_where_the_wait_for_its_first_sample_is_interrupted() -> None:
    """In a notebook the process goes on, and the tool would keep running as root."""
    tape = SilentTape()

    with pytest.raises(KeyboardInterrupt):
        opened(tape)

    assert tape.is_closed

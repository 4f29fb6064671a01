"""powermetrics on streams as it writes them: whole, cut anywhere, damaged, ended."""

import itertools
import plistlib
import queue
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.powermetrics import SUDOERS, PowermetricsSource, samples
from trackers.powermetrics_process import ProcessStream, Stream
from trackers.sample import DeviceKind, process_device

RECORDING = (Path(__file__).parents[1] / "data" / "powermetrics_mac14.plists").read_bytes()
GPU_J = sum(
    ns * mw / 1e12
    for ns, mw in [
        (101704458, 8230.55),
        (100931250, 15210.4),
        (105112833, 14980.12),
        (100250917, 310.25),
        (102004125, 33.29),
    ]
)
GPU, CPU = "apple-gpu:Mac14,7:mac-1", "cpu:mac-1"


def plist(**content: Any) -> bytes:  # noqa: ANN401 - whatever a property list holds
    """One sample of 100 ms with some content."""
    return plistlib.dumps({"elapsed_ns": 100_000_000, "hw_model": "Mac14,7", **content})


class Tape:
    """A stream that a test feeds piece by piece."""

    def __init__(self, *chunks: bytes, complaint: str = "", ends: bool = False) -> None:
        """Begin with some chunks; end after them if told to."""
        self._chunks: queue.Queue[bytes | None] = queue.Queue()
        self._complaint = complaint
        self.taken = threading.Semaphore(0)
        self.is_closed = False
        for chunk in chunks:
            self._chunks.put(chunk)
        if ends:
            self._chunks.put(None)

    def __iter__(self) -> Iterator[bytes]:
        """Chunks as they are fed; coming back for the next says that one was worked through."""
        while (chunk := self._chunks.get()) is not None:
            yield chunk
            self.taken.release()

    def feed(self, chunk: bytes) -> None:
        """Give a chunk, and wait until it was worked through."""
        while self.taken.acquire(blocking=False):
            pass
        self._chunks.put(chunk)
        assert self.taken.acquire(timeout=10)

    def end(self) -> None:
        """Let the stream end."""
        self._chunks.put(None)

    def complaint(self) -> str:
        """What a test said it complains of."""
        return self._complaint

    def close(self) -> None:
        """End, as a closed pipe does."""
        self.is_closed = True
        self.end()


def opened(tape: Stream, clock: ManualClock | None = None, **options: Any) -> PowermetricsSource:  # noqa: ANN401
    """A source that plays a tape."""
    return PowermetricsSource(
        start=lambda _: tape, clock=clock or ManualClock(50), hostname="mac-1", **options
    )


def chunked(stream: bytes, cuts: list[int]) -> list[bytes]:
    """A stream cut at some places."""
    places = [0, *sorted(cut % len(stream) for cut in cuts), len(stream)]
    return [stream[a:b] for a, b in itertools.pairwise(places)]


# The stream.


@given(st.lists(st.integers(min_value=0), max_size=20))
def test_samples_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    """However the pipe cuts the stream, inside tags and NULs too, the samples are the same."""
    whole = list(samples([RECORDING]))

    pieces = list(samples(chunked(RECORDING, cuts)))

    assert len(whole) == 5
    assert None not in whole
    assert pieces == whole


def test_a_sample_is_given_with_its_last_byte() -> None:
    """Nothing waits for the NUL or for the next sample: power would be one interval late."""
    first = RECORDING[: RECORDING.index(b"</plist>") + len(b"</plist>")]

    assert len(list(samples([first]))) == 1
    assert not list(samples([first[:-1]]))


@given(st.integers(min_value=1, max_value=len(RECORDING) - 2))
def test_a_stream_cut_short_gives_the_samples_before_the_cut(cut: int) -> None:
    """The samples that are whole are given, the rest of one at the end is not."""
    whole = list(samples([RECORDING]))

    assert list(samples([RECORDING[:cut]])) == whole[: RECORDING[:cut].count(b"</plist>")]


@given(st.binary(max_size=200))
def test_garbage_never_raises_and_never_becomes_a_sample(garbage: bytes) -> None:
    """Bytes between samples cost at most the sample that they stand in."""
    one = plist(processor={"gpu_power": 5.0})

    found = [each for each in samples([one, garbage, b"\0", one]) if each is not None]

    assert found[0].gpu_w == 0.005
    assert all(each == found[0] for each in found)
    assert len(found) == 2


@pytest.mark.parametrize(
    "damaged",
    [
        b"<?xml version='1.0'?><plist><dict><key>elapsed_ns</key></plist>",
        plist().replace(b"100000000", b"many"),
        plist().replace(b"100000000", b"0"),
        plist().replace(b"100000000", b"-5"),
        plist(timestamp=True).replace(b"<true/>", b"<date>yesterday</date>"),
        plist()[40:],
        plist()[:-60] + plist()[-20:],
        b"powermetrics: second underflow occurred\n</plist>",
    ],
)
def test_damaged_samples_are_told_and_passed_over(damaged: bytes) -> None:
    """Each kind of damage is one None, and the next sample is read."""
    assert [each is None for each in samples([damaged, b"\0", plist()])] == [True, False]


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
        ({}, None, None),
    ],
)
def test_power_is_taken_from_where_it_stands(
    content: dict[str, object], gpu_w: float | None, cpu_w: float | None
) -> None:
    """Power before energy, both places of the GPU's energy; what is not there is None, not 0."""
    (sample,) = samples([plist(**content)])

    assert sample is not None
    assert sample.gpu_w == (None if gpu_w is None else pytest.approx(gpu_w))
    assert sample.cpu_w == (None if cpu_w is None else pytest.approx(cpu_w))


# The source.


def test_all_samples_are_added_up_over_their_own_length() -> None:
    """The counter holds every sample; the power is the last one's; GPU and CPU do not overlap."""
    first, *others = RECORDING.split(b"\0")
    tape = Tape(first)
    source = opened(tape)
    for each in others:
        tape.feed(each)

    gpu, cpu = source.observe(GPU, counter=True), source.observe(CPU, counter=True)

    assert [(each.uuid, each.kind) for each in source.devices()] == [
        (GPU, DeviceKind.GPU),
        (CPU, DeviceKind.CPU),
    ]
    assert gpu.counter_j == pytest.approx(GPU_J)
    assert gpu.power_w == pytest.approx(0.03329)
    assert gpu.time_s == 50
    assert cpu.power_w == pytest.approx(1.52008)
    source.close()


def test_a_lost_sample_is_taken_at_the_power_of_the_next() -> None:
    """After damage the next sample's power covers the time that has passed, not only its own."""
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


def test_a_stalled_tool_is_a_read_error_until_it_goes_on() -> None:
    """An old power is not given as a present one."""
    clock = ManualClock(50)
    tape = Tape(plist(processor={"gpu_power": 1000.0}))
    source = opened(tape, clock)
    clock.advance(1.5)

    with pytest.raises(ReadError, match=r"1\.5 s old"):
        source.observe(GPU, counter=False)

    tape.feed(plist(processor={"gpu_power": 3000.0}))
    assert source.observe(GPU, counter=False).power_w == 3
    source.close()


def test_a_tool_that_ends_is_a_lost_device() -> None:
    """Later readings cannot succeed, and the message has its last words."""
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


def test_a_machine_without_cpu_power_has_a_gpu_only() -> None:
    """A device that is not told of does not exist, and no process has a share of it."""
    source = opened(Tape(plist(gpu={"gpu_energy": 250})))

    assert [device.uuid for device in source.devices()] == [GPU]
    with pytest.raises(UnknownDeviceError):
        source.observe(process_device(1), counter=True)
    source.close()


def test_process_gets_its_share_of_the_cpu() -> None:
    """By CPU time, as everywhere."""
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


# Refusals.


def test_a_password_is_never_waited_for() -> None:
    """Where sudo would ask, the source is refused at once with the line that mends it."""
    tape = Tape(complaint="sudo: a password is required", ends=True)

    with pytest.raises(SourcePermissionError) as caught:
        opened(tape)

    assert SUDOERS in str(caught.value)
    assert tape.is_closed


def test_a_tool_that_says_nothing_is_unavailable() -> None:
    """Its complaint and a command to try stand in the message."""
    with pytest.raises(SourceUnavailableError, match="unrecognized sampler") as caught:
        opened(Tape(complaint="unrecognized sampler: gpu_power", ends=True))

    assert not isinstance(caught.value, SourcePermissionError)


@pytest.mark.skipif(sys.platform == "darwin", reason="there it is")
def test_other_systems_have_no_powermetrics() -> None:
    """The refusal says that it is a tool of macOS."""
    with pytest.raises(SourceUnavailableError, match="macOS"):
        PowermetricsSource()


# The child process: a program of ours in the place of sudo and powermetrics.


def child(code: str) -> ProcessStream:
    """A Python program as the stream."""
    return ProcessStream([sys.executable, "-u", "-c", code])


def test_a_child_is_read_until_it_ends(tmp_path: Path) -> None:
    """Its output comes through a pipe whole, and what it wrote to standard error is kept."""
    recording = tmp_path / "stream"
    recording.write_bytes(RECORDING)
    stream = child(
        f"import sys; sys.stderr.write('underflow'); "
        f"sys.stdout.buffer.write(open({str(recording)!r}, 'rb').read())"
    )

    found = list(samples(stream))

    assert len(found) == 5
    assert stream.complaint() == "underflow"


def test_closing_ends_a_child_that_would_run_for_ever() -> None:
    """A child that may not be signalled ends by its closed pipe."""
    sample = plist(processor={"gpu_power": 1000.0})
    stream = child(
        "import sys, time\n"
        f"while True: sys.stdout.buffer.write({sample!r} + b'\\0'); time.sleep(0.01)"
    )
    source = opened(stream)

    source.close()
    source.close()

    assert not any(
        thread.name == "powermetrics" and thread.is_alive() for thread in threading.enumerate()
    )


def test_a_refusing_child_is_told_from_its_standard_error() -> None:
    """The words of the real `sudo -n` lead to `SourcePermissionError`."""
    stream = child("import sys; sys.exit('sudo: a password is required')")

    with pytest.raises(SourcePermissionError, match="NOPASSWD"):
        opened(stream)

"""powermetrics on streams as it writes them: whole, cut anywhere, damaged, ended."""

import itertools
import math
import plistlib
import queue
import sys
import threading
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, process_device
from trackers.sources.apple.powermetrics import LOOKED_AT, SUDOERS, PowermetricsSource, samples
from trackers.sources.apple.powermetrics_process import ProcessStream, Stream

RECORDING = (Path(__file__).parents[3] / "data" / "powermetrics_mac14.plists").read_bytes()
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
        self.is_closed = False
        for chunk in chunks:
            self._chunks.put(chunk)
        if ends:
            self._chunks.put(None)

    def __iter__(self) -> Iterator[bytes]:
        """Chunks as they are fed; coming back for the next says that one was worked through."""
        while (chunk := self._chunks.get()) is not None:
            yield chunk
            self._chunks.task_done()

    def feed(self, chunk: bytes) -> None:
        """Give a chunk, and wait until it was worked through."""
        self._chunks.put(chunk)
        self.wait()

    def wait(self) -> None:
        """Wait until all chunks were worked through."""
        self._chunks.join()

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
        plist().replace(b"100000000", b"9" * 400),
        plist().replace(b"100000000", b"9" * 14),
        plist().replace(b"<integer>100000000</integer>", b"<real>nan</real>"),
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
        ({"processor": {"gpu_power": math.nan, "cpu_power": math.inf}}, None, None),
        ({"processor": {"gpu_power": 1e9, "cpu_power": True}}, None, None),
        ({"processor": {"gpu_energy": 1e7, "cpu_power": 0}}, None, 0.0),
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
    """The counter holds every sample; GPU and CPU do not overlap; no sample's power is told late."""
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


@pytest.mark.parametrize("lacking", [{}, {"cpu_power": 500.0}, {"gpu_power": 1e12}])
def test_a_sample_without_a_power_does_not_count_as_0(lacking: dict[str, float]) -> None:
    """What one sample does not tell of a device is taken at the next power that is told of it."""
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


def test_a_power_that_is_not_told_any_more_is_a_read_error_of_its_device_only() -> None:
    """The GPU's last power is not given as a present one because the CPU's goes on."""
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
    """Each sample's power x its own `elapsed_ns`, in whatever pieces the stream comes."""
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


def test_a_stream_without_an_end_is_not_kept() -> None:
    """Bytes that never become a sample are dropped after 4 MB, and the next sample is read."""
    tracemalloc.start()

    found = list(samples([*itertools.repeat(b"x" * (1 << 20), 64), plist()]))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found[-1] is not None
    assert set(found[:-1]) == {None}
    assert most_bytes < 20 << 20


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


@pytest.mark.parametrize(
    "complaint",
    [
        "sudo: a password is required",
        "sudo: interactive authentication is required",
        "Sorry, user ann is not allowed to execute '/usr/bin/powermetrics' as root on mac.",
        "ann is not in the sudoers file.",
        "sudo: sorry, you must have a tty to run sudo",
    ],
)
def test_a_password_is_never_waited_for(complaint: str) -> None:
    """Where sudo would ask, the source is refused at once with the line that mends it."""
    tape = Tape(complaint=complaint, ends=True)

    with pytest.raises(SourcePermissionError) as caught:
        opened(tape)

    assert SUDOERS in str(caught.value)
    assert tape.is_closed


def test_a_tool_that_says_nothing_is_unavailable() -> None:
    """Its complaint and a command to try stand in the message."""
    with pytest.raises(SourceUnavailableError, match="unrecognized sampler") as caught:
        opened(Tape(complaint="unrecognized sampler: gpu_power", ends=True))

    assert not isinstance(caught.value, SourcePermissionError)


def test_other_systems_have_no_powermetrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal says that it is a tool of macOS."""
    monkeypatch.setenv("PATH", str(tmp_path))

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


def test_a_child_that_says_nothing_is_ended_too() -> None:
    """Nobody waits for the next sample of a tool that has none."""
    stream = child("import time; time.sleep(3600)")
    reader = threading.Thread(target=list, args=(stream,))
    reader.start()

    stream.close()
    stream.close()
    reader.join(timeout=60)

    assert not reader.is_alive()
    assert stream.complaint() == ""


def test_a_silent_child_that_may_not_be_signalled_is_left_by_its_pipe(tmp_path: Path) -> None:
    """As one of root's: nobody waits for it, and it sees that nobody reads any more."""
    seen: queue.Queue[bytes] = queue.Queue()
    stream = child(
        "import pathlib, select, signal, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "sys.stdout.write('ready')\n"
        "pipe = select.poll(); pipe.register(1, 0); pipe.poll()\n"
        f"pathlib.Path({str(tmp_path)!r}, 'ended').touch()"
    )

    def read() -> None:
        for chunk in stream:
            seen.put(chunk)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    assert seen.get(timeout=60) == b"ready"

    stream.close()
    reader.join(timeout=60)

    assert not reader.is_alive()
    deadline_s = time.monotonic() + 60
    while not (tmp_path / "ended").exists() and time.monotonic() < deadline_s:
        time.sleep(0.01)
    assert (tmp_path / "ended").exists()


# The command line, with programs of ours in the place of sudo and powermetrics.


def tools(folder: Path, *, sudo: str, powermetrics: str = "exit 1") -> None:
    """Shell scripts that are found before the machine's own."""
    for name, script in (("sudo", sudo), ("powermetrics", powermetrics)):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def test_the_command_asks_for_both_devices_and_never_for_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sudo -n`, both samplers, property lists, one line of buffer, 100 ms; its samples are read."""
    recording = Path(__file__).parents[3] / "data" / "powermetrics_mac14.plists"
    tools(
        tmp_path,
        sudo=f'printf "%s " "$@" > {tmp_path}/asked; [ "$1" = -n ] || exec sleep 3600; shift; exec "$@"',
        powermetrics=f"cat {recording}; exec sleep 3600",
    )
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    source = PowermetricsSource(hostname="mac-1")
    source.close()

    assert [device.uuid for device in source.devices()] == [GPU, CPU]
    assert (tmp_path / "asked").read_text().split() == [
        *("-n", "powermetrics", "--samplers", "cpu_power,gpu_power"),
        *("-f", "plist", "-b", "1", "-i", "100"),
    ]


def test_a_sudo_that_would_ask_refuses_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole way: the real command line, sudo's own words, the remedy."""
    tools(tmp_path, sudo="echo 'sudo: a password is required' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(SourcePermissionError) as caught:
        PowermetricsSource()

    assert "/etc/sudoers.d/powermetrics" in str(caught.value)
    assert SUDOERS in str(caught.value)


# No single sample is trusted.


def told(**power: float) -> bytes:
    """A sample of 100 ms that tells these powers."""
    sample = {"elapsed_ns": 100_000_000, "hw_model": "Mac14,7", "processor": power}
    return plistlib.dumps(sample) + b"\0"


def test_a_power_that_the_first_sample_lacks_is_a_device_all_the_same() -> None:
    """The first sample of recent versions is often without; a later one tells it."""
    tape = Tape(
        told(cpu_power=500.0), told(cpu_power=500.0), told(gpu_power=1000.0, cpu_power=500.0)
    )

    source = opened(tape)

    assert {device.uuid for device in source.devices()} == {GPU, CPU}
    source.close()


def test_samples_that_tell_no_power_are_a_refusal() -> None:
    """A Mac with an Intel CPU gives samples without either power: the next source is taken."""
    sample = {"elapsed_ns": 100_000_000, "hw_model": "MacBookPro16,1", "gpu": [{"name": "a"}]}
    tape = Tape(*[plistlib.dumps(sample) + b"\0"] * LOOKED_AT)

    with pytest.raises(SourceUnavailableError, match="power of neither CPU nor GPU"):
        opened(tape)

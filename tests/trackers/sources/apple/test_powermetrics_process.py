"""The process of powermetrics: how it is started, read and ended, and when it is refused."""

import queue
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.trackers.sources.apple.tape import CPU, GPU, RECORDING, Tape, opened, plist
from tests.waiting import waited_for
from trackers.errors import (
    SourcePermissionError,
    SourceUnavailableError,
)
from trackers.sources.apple.powermetrics import SUDOERS, PowermetricsSource, samples
from trackers.sources.apple.powermetrics_process import ProcessStream


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
    """Where sudo would ask for one, the source is refused with the line for sudoers that fixes it."""
    tape = Tape(complaint=complaint, ends=True)

    with pytest.raises(SourcePermissionError) as caught:
        opened(tape)

    assert SUDOERS in str(caught.value)
    assert tape.is_closed


def test_a_tool_without_samples_is_unavailable() -> None:
    """The message has the tool's error output."""
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


def child(code: str) -> ProcessStream:
    """A Python program as the stream."""
    return ProcessStream([sys.executable, "-u", "-c", code])


def test_a_child_is_read_until_it_ends(tmp_path: Path) -> None:
    """All of its output is read, and its standard error is kept."""
    recording = tmp_path / "stream"
    recording.write_bytes(RECORDING)
    stream = child(
        f"import sys; sys.stderr.write('underflow'); "
        f"sys.stdout.buffer.write(open({str(recording)!r}, 'rb').read())"
    )

    found = list(samples(stream))

    assert len(found) == 5
    assert stream.stderr_text() == "underflow"


def test_closing_ends_an_endless_child_and_its_reader() -> None:
    """After closing, even twice, there is neither the child nor a thread that reads it."""
    sample = plist(processor={"gpu_power": 1000.0})
    before = set(psutil.Process().children())
    stream = child(
        "import sys, time\n"
        f"while True: sys.stdout.buffer.write({sample!r} + b'\\0'); time.sleep(0.01)"
    )
    (process,) = set(psutil.Process().children()) - before
    source = opened(stream)

    source.close()
    source.close()

    waited_for(lambda: not process.is_running(), "the end of the child")
    assert not any(
        thread.name == "powermetrics" and thread.is_alive() for thread in threading.enumerate()
    )


def test_a_refusal_is_recognised_by_standard_error() -> None:
    """The words of the real `sudo -n` lead to `SourcePermissionError`."""
    stream = child("import sys; sys.exit('sudo: a password is required')")

    with pytest.raises(SourcePermissionError, match="NOPASSWD"):
        opened(stream)


def test_closing_ends_a_silent_child_and_its_reader() -> None:
    """Closing does not wait for the next sample."""
    before = set(psutil.Process().children())
    stream = child("import time; time.sleep(3600)")
    (process,) = set(psutil.Process().children()) - before
    reader = threading.Thread(target=list, args=(stream,))
    reader.start()

    stream.close()
    stream.close()
    reader.join(timeout=60)

    assert not reader.is_alive()
    waited_for(lambda: not process.is_running(), "the end of the child")
    assert stream.stderr_text() == ""


@pytest.mark.slow
def test_a_silent_child_that_cannot_be_signalled_sees_its_pipe_closed(tmp_path: Path) -> None:
    """Closing does not wait for a child that runs as root, say; the child sees that its pipe is closed."""
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


def tools(folder: Path, *, sudo: str, powermetrics: str = "exit 1") -> None:
    """Write shell scripts in place of sudo and powermetrics."""
    for name, script in (("sudo", sudo), ("powermetrics", powermetrics)):
        path = folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


def test_the_command_asks_for_both_devices_and_never_for_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command has `sudo -n`, both samplers, property lists, a buffer of one line, and 100 ms."""
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
    """The real command line with sudo's own words leads to the remedy."""
    tools(tmp_path, sudo="echo 'sudo: a password is required' >&2; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    with pytest.raises(SourcePermissionError) as caught:
        PowermetricsSource()

    assert "/etc/sudoers.d/powermetrics" in str(caught.value)
    assert SUDOERS in str(caught.value)

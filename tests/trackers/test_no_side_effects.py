"""What measuring never does to the program that asks for it.

Carbontracker asks the network where it is when it is imported, and ends the process from a thread
when a reading fails (saintslab/carbontracker issues 1 and 44): its users lost trainings to it.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "trackers").glob("*.py"))

# Of ray, torch and pynvml the first two would cost seconds, and the last wants a driver.
WATCH = """
import sys, threading
import numpy, psutil
seen, heavy = [], {"ray", "torch", "pynvml"}
FORBIDDEN = ("subprocess.", "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo",
             "socket.gethostby", "socket.send", "urllib.", "http.", "ftplib.", "smtplib.",
             "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.kill", "os.putenv", "os.chdir",
             "os.mkdir", "os.remove", "os.rename", "signal.pthread_kill", "tempfile.")
def hook(event, arguments):
    writes = event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wxa+")
    if writes or event.startswith(FORBIDDEN):
        seen.append((event, str(arguments)[:200]))
sys.dont_write_bytecode = True
sys.addaudithook(hook)
"""

IMPORT = """
import importlib
for module in {modules!r}:
    importlib.import_module(module)
    assert not seen, (module, seen)
    assert threading.active_count() == 1, module
    assert not heavy & set(sys.modules), module
"""

MEASURE = """
import os, signal, time, warnings
before = dict(os.environ), os.getcwd(), {s: signal.getsignal(s) for s in signal.valid_signals()}
from trackers.sources.detect import Request, detect
from trackers.errors import DeviceLostError, ReadError
from trackers.meter.meter import EnergyMeter
from trackers.sources.recorded import RecordedSource

class Failing:
    name, note, estimated, counter_persists = "failing", "fails each time", False, False
    def __init__(self, error):
        self.error, self.reads = error, 0
    def devices(self):
        return RecordedSource(lambda _: 1.0).devices()
    def observe(self, device_uuid, *, counter):
        self.reads += 1
        raise self.error
    def close(self):
        pass

found = detect(Request(accelerator={accelerator}))
sources = [found.source, RecordedSource(lambda _: 100.0)]
sources += [Failing(each) for each in (ReadError("a"), DeviceLostError("b"), OSError("c"),
                                       MemoryError(), AssertionError(), RuntimeError("d"))]
for source in sources:
    with EnergyMeter(source, sampling_hz=200) as meter:
        with meter.window("trial"), meter.window("epoch") as epoch:
            time.sleep(0.05)
    for reading in epoch.readings.values():
        print(source.name, reading.status)
after = dict(os.environ), os.getcwd(), {s: signal.getsignal(s) for s in signal.valid_signals()}
assert after == before
assert not seen, seen
assert threading.active_count() == 1
print("still here")
"""


def run(program: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program under the watch, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", WATCH + program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_importing_has_no_effects() -> None:
    """No process, socket, file, thread or heavy library comes with any module, Ray's apart."""
    modules = [f"trackers.{file.stem}" for file in FILES if "import ray" not in file.read_text()]

    done = run(IMPORT.format(modules=modules))

    assert len(modules) >= len(FILES) - 3
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("import subprocess\nsubprocess.run(['true'])", "subprocess.Popen"),
        ("import socket\nsocket.socket()", "socket.__new__"),
        ("import socket\nsocket.getaddrinfo('localhost', 80)", "socket.getaddrinfo"),
        ("open('left.lock', 'w').close()", "left.lock"),
        (
            "import threading as t\nt.Thread(target=t.Event().wait, daemon=True).start()",
            "guilty",
        ),
        ("import pynvml", "guilty"),
    ],
)
def test_the_watch_over_imports_sees_effects(tmp_path: Path, line: str, event: str) -> None:
    """The test above can fail: a module with an effect is found out."""
    (tmp_path / "guilty.py").write_text(f"{line}\n")

    done = run(IMPORT.format(modules=["guilty"]), tmp_path)

    assert done.returncode == 1
    assert event in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", [True, False])
def test_measuring_leaves_the_program_alone(*, accelerator: bool) -> None:
    """From finding a source to the last reading: no network, child, file, signal or exit.

    Also with sensors that fail in every way, whose readings are missing and nothing else.
    """
    done = run(MEASURE.replace("{accelerator}", str(accelerator)))

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[-1] == "still here"
    assert {"recorded ok", "recorded degraded"} & set(lines)
    assert lines.count("failing missing") == 6


EXITS = {"exit", "quit", "_exit", "abort", "kill", "killpg", "SystemExit", "raise_signal"}


def exits(text: str) -> Iterator[str]:
    """Names in a program that could end the process; one that is caught does not."""
    tree = ast.parse(text)
    caught = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is not None
        for inner in ast.walk(node.type)
    }
    for node in ast.walk(tree):
        if node in caught:
            continue
        if isinstance(node, ast.Attribute) and node.attr in EXITS:
            yield node.attr
        elif isinstance(node, ast.Name) and node.id in EXITS:
            yield node.id


OF_COMMANDS = {"__main__", "process_end"}
"""Modules of processes that are a command's own: the command `python -m trackers`, and the end of the others."""


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.stem not in OF_COMMANDS], ids=lambda file: file.stem
)
def test_nothing_here_can_end_the_process(file: Path) -> None:
    """Nothing that measures ends a process, and none of it reaches for what ends a command's."""
    text = file.read_text()

    assert list(exits(text)) == []
    assert "process_end" not in text


@pytest.mark.parametrize("line", ["sys.exit(70)", "os._exit(70)", "raise SystemExit", "exit()"])
def test_a_planted_exit_is_found(line: str) -> None:
    """The test above can fail."""
    assert len(list(exits(f"import os, sys\n{line}\n"))) == 1


def test_catching_an_exit_is_not_ending() -> None:
    """A source's exit is kept from the training."""
    assert list(exits("try:\n    f()\nexcept (OSError, SystemExit):\n    pass\n")) == []

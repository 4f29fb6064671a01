"""Side effects that measuring never has on the program that uses it.

Carbontracker looks up its location on the network when it is imported, and ends the process from a
thread when a reading fails (saintslab/carbontracker issues 1 and 44); its users lost trainings to it.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from trackers.exports.known import EXPORTERS

ROOT = Path(__file__).parents[2]
FILES = {
    file.relative_to(ROOT)
    .with_suffix("")
    .as_posix()
    .replace("/", ".")
    .removesuffix(".__init__"): file
    for file in sorted((ROOT / "trackers").rglob("*.py"))
}
"""Every file of `trackers`, by the name of its module."""

WITH_RAY = {f"trackers.node.{name}" for name in ("actor", "calls", "client", "live.watch", "nodes")}
"""Modules that import Ray, whose own effects are not ours."""

# Loading ray or torch would cost seconds, and pynvml needs a driver.
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
import atexit, importlib, signal
really_register = atexit.register
def register(function, *arguments, **named):
    by = sys._getframe(1).f_globals["__name__"]
    if by.partition(".")[0] not in sys.stdlib_module_names:
        seen.append(("atexit", by, function))
    return really_register(function, *arguments, **named)
atexit.register = register
def handlers():
    return {{each: signal.getsignal(each) for each in signal.valid_signals()}}
def check(modules):
    before = handlers()
    for module in modules:
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:  # an exporter's library may not be installed
            if error.name.partition(".")[0] not in {libraries!r}:
                raise
        assert not seen, (module, seen)
        assert handlers() == before, (module, "signal")
        assert threading.active_count() == 1, module
        assert not heavy & set(sys.modules), module
check({modules!r})
"""

IMPORT_WITH_RAY = """
import ray
seen.clear()
heavy.discard("ray")
check({with_ray!r})
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
    """Run a program under the audit hook, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", WATCH + program],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def importing(modules: Sequence[str], with_ray: Sequence[str] = ()) -> str:
    """A program that imports modules one after the other and fails at the first one with an effect."""
    libraries = {each.needs.partition(".")[0] for each in EXPORTERS.values()}
    program = IMPORT.format(modules=modules, libraries=libraries)
    return program + (IMPORT_WITH_RAY.format(with_ray=with_ray) if with_ray else "")


def test_importing_has_no_effects() -> None:
    """No module of `trackers` starts a process or thread, opens a socket, writes a file or adds a handler.

    Handlers are those of signals and of the end of the process. Nor does a module load a heavy library, except for
    Ray in those that need it.
    """
    modules = [module for module in FILES if module not in WITH_RAY]

    done = run(importing(modules, sorted(WITH_RAY)))

    assert FILES.keys() > WITH_RAY
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
        ("import atexit\natexit.register(print)", "atexit"),
        ("import signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)", "signal"),
    ],
)
def test_effects_of_an_import_are_found(tmp_path: Path, line: str, event: str) -> None:
    """The test above can fail: a module with an effect is found."""
    (tmp_path / "guilty.py").write_text(f"{line}\n")

    done = run(importing(["guilty"]), tmp_path)

    assert done.returncode == 1
    assert event in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", [True, False])
def test_measuring_leaves_the_program_alone(*, accelerator: bool) -> None:
    """From finding a source to the last reading there is no network, child, file, signal or exit.

    This holds for sensors that fail in every way, too; their readings are missing.
    """
    done = run(MEASURE.replace("{accelerator}", str(accelerator)))

    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert lines[-1] == "still here"
    assert {"recorded ok", "recorded degraded"} & set(lines)
    assert lines.count("failing missing") == 6


EXITS = {"exit", "quit", "_exit", "abort", "kill", "killpg", "SystemExit", "raise_signal"}


def exits(text: str) -> Iterator[str]:
    """Names in a program that could end the process, unless they are only caught."""
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


MAY_END_A_PROCESS = {
    "trackers.__main__": "runs only in the command's own process",
    "trackers.process_end": "the end of commands",
    "trackers.node.exit_reason": "announces the calls of `os._exit` that others make",
    "trackers.node.limit_guard": "is a process of its own",
    "trackers.node.orphans": "ends our actors, which are processes of Ray, when their parent is gone",
    "trackers.run.child": "passes signals on to the command that it has started",
}
"""Modules that are allowed to end a process, and why."""


def test_every_exemption_is_of_a_module() -> None:
    """A module that is gone or renamed has none."""
    assert MAY_END_A_PROCESS.keys() <= FILES.keys()


@pytest.mark.parametrize("module", [each for each in FILES if each not in MAY_END_A_PROCESS])
def test_no_module_can_end_the_process(module: str) -> None:
    """No other module of `trackers` can end the process, by itself or by `process_end`."""
    text = FILES[module].read_text()

    assert list(exits(text)) == []
    assert "process_end" not in text


@pytest.mark.parametrize("line", ["sys.exit(70)", "os._exit(70)", "raise SystemExit", "exit()"])
def test_a_planted_exit_is_found(line: str) -> None:
    """The test above can fail."""
    assert len(list(exits(f"import os, sys\n{line}\n"))) == 1


def test_catching_an_exit_is_allowed() -> None:
    """An exit in a source may be caught, to keep it from the training."""
    assert list(exits("try:\n    f()\nexcept (OSError, SystemExit):\n    pass\n")) == []

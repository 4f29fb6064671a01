"""`python -m trackers run`: the energy of a command's processes and boards, and its exit status."""

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fake_nvml import UUIDS, Boards, build
from tests.waiting import PATIENCE_S
from trackers.run.boards import visible_boards
from trackers.sample import Component, Device
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource

ROOT = Path(__file__).parents[3]
BURN = "import time\nwhile time.process_time() < {seconds}: pass"
FORKS = f"""
import os, sys
children = []
for _ in range(2):
    child = os.fork()
    if child == 0:
        exec({BURN.format(seconds=1)!r})
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
sys.exit(3)
"""


def run(*words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command under the tracker."""
    return subprocess.run(
        [sys.executable, "-m", "trackers", "run", *words],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def python(code: str) -> tuple[str, ...]:
    """A command that runs Python code."""
    return ("--", sys.executable, "-c", code)


def account(path: Path) -> Any:  # noqa: ANN401 - as it was written
    """The account that was written of a run."""
    return json.loads(path.read_text())


@pytest.mark.slow
def test_a_program_that_forks_is_measured_with_its_children(tmp_path: Path) -> None:
    """The CPU seconds of both children are counted, and the exit status is the program's."""
    out = tmp_path / "run.json"

    done = run("--tracker", "estimate", "--cpu-watts", "20", "--json", str(out), *python(FORKS))

    assert done.returncode == 3, done.stderr
    watts_per_cpu = 20 / (os.cpu_count() or 1)
    cpu = account(out)["components"]["cpu"]
    assert 1.9 * watts_per_cpu <= cpu["energy_j"] <= 3.5 * watts_per_cpu
    assert cpu["methods"] == ["estimated"]
    assert account(out)["status"] == 3


@pytest.mark.slow
def test_the_estimate_is_labelled_and_what_is_not_measured_is_named(tmp_path: Path) -> None:
    """Without sensors each number is marked as estimated, and the command's output is left alone."""
    table = tmp_path / "runs.csv"
    words = ("--tracker", "estimate", "--csv", str(table), "--country", "de")

    done = [run(*words, *python("print('trained')")) for _ in range(2)]

    for each in done:
        assert each.stdout == "trained\n"
        assert "exit status 0" in each.stderr
        (cpu,) = (line for line in each.stderr.splitlines() if line.startswith("cpu "))
        assert cpu.split()[1].startswith("~")
        assert "estimated" in cpu
        assert "not measured: no source" in each.stderr
        assert "g CO2e for cpu" in each.stderr
    rows = list(csv.DictReader(table.open()))
    assert [row["status"] for row in rows] == ["0", "0"]
    assert rows[0]["cpu_method"] == "estimated"
    assert rows[0]["gpu_energy_j"] == ""
    assert float(rows[0]["g_co2e"]) > 0


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_program_that_is_killed_is_measured_until_then(
    tmp_path: Path, number: signal.Signals
) -> None:
    """We end by the same signal as the command, whose energy until then is written."""
    out = tmp_path / "run.json"
    code = f"import os\n{BURN.format(seconds=0.5)}\nos.kill(os.getpid(), {int(number)})"

    done = run("--tracker", "estimate", "--json", str(out), *python(code))

    assert done.returncode == -number, done.stderr
    assert f"signal {int(number)}" in done.stderr
    assert account(out)["components"]["cpu"]["energy_j"] > 0.4 * 5


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_signals_are_passed_on_to_the_program(number: signal.Signals) -> None:
    """The program's own handler decides how it ends, and we end with its status."""
    code = (
        "import signal, sys, time\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(7))\n"
        "print('ready', flush=True)\ntime.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "trackers", "run", "--tracker", "estimate", *python(code)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)

    assert process.wait(timeout=PATIENCE_S) == 7
    process.stdout.close()


@pytest.mark.slow
def test_a_boards_energy_is_that_of_the_run(tmp_path: Path) -> None:
    """An emulated board's counter gives power x time; boards hidden from the program are left out."""
    boards = Boards(boards=2, shape="constant", refresh_ms=20)
    out = tmp_path / "run.json"
    environment = {**boards.environment(build(tmp_path)), "CUDA_VISIBLE_DEVICES": "1"}

    done = run("--json", str(out), *python("import time; time.sleep(3)"), env=environment)

    assert done.returncode == 0, done.stderr
    written = account(out)
    gpu = written["components"]["gpu"]
    assert len(gpu["devices"]) == 1
    assert gpu["methods"] == ["counter"]
    assert gpu["energy_j"] == pytest.approx(boards.power_w(1) * written["duration_s"], rel=0.05)
    assert gpu["peak_power_w"] == pytest.approx(boards.power_w(1), rel=0.05)
    assert written["total"]["components"] == ["gpu", "cpu"]
    assert written["total"]["methods"] == ["counter", "estimated"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (("--", "no-such-command"), 127, "there is no such command"),
        (("--", "/"), 126, "Permission denied"),
        ((), 2, "no command given"),
        (
            ("python", "train.py", "--lr", "3"),
            2,
            "python is not an option; put the command after",
        ),
        (("--years", "3", "--", "true"), 2, "there is no option --years"),
        (("--country", "XX", "--", "true"), 2, "--country is XX; known are"),
        (("--tracker", "wishful", "--", "true"), 2, "'wishful' is not known"),
    ],
)
def test_a_command_that_cannot_be_run_says_why(
    words: tuple[str, ...], status: int, message: str
) -> None:
    """The exit status is the one that a shell would give."""
    done = run(*words)

    assert done.returncode == status
    assert message in done.stderr


def test_a_file_that_cannot_be_written_does_not_change_the_status(tmp_path: Path) -> None:
    """If the file's folder vanishes during the run, the status is passed on and the error is printed."""
    gone = tmp_path / "gone"
    gone.mkdir()
    code = f"import os\nos.rmdir({str(gone)!r})\nexit(4)"

    done = run("--tracker", "estimate", "--json", str(gone / "a.json"), *python(code))

    assert done.returncode == 4
    assert "a.json cannot be written: No such file" in done.stderr


@pytest.mark.parametrize(
    ("visible", "shown"),
    [(None, 3), ("", 1), ("0", 2), ("1,0", 3), ("-1", 1), ("0,-1,1", 2), (UUIDS[1], 2)],
)
def test_boards_that_cuda_hides_are_not_the_programs(visible: str | None, shown: int) -> None:
    """Boards before the first invalid entry are visible; those of other vendors are not hidden."""
    boards = RecordedSource(lambda _: 1.0)
    devices = [*UUIDS[:2], "pci:0000:03:00.0"]
    boards.devices = lambda: tuple(  # type: ignore[method-assign]
        Device(uuid=uuid, name="board", component=Component.GPU) for uuid in devices
    )
    environment = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}

    assert len(visible_boards(Detection(sources=(boards,), refused={}), environment)) == shown

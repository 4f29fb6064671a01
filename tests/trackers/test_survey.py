"""`python -m trackers`: which sources are found, which are refused, and why."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.fake_nvml import UUIDS, Boards, build
from tests.trackers.made_up_machine import MEMORY_W, made_up
from tests.trackers.sources.sysfs import hwmon
from tests.waiting import PATIENCE_S
from trackers.sample import Component, Device, Method
from trackers.sources.detect import SOURCES
from trackers.survey import SurveyedDevice, SurveyedSource
from trackers.survey_text import show

ROOT = Path(__file__).parent.parent.parent


def run(*options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command for a moment."""
    return subprocess.run(
        [sys.executable, "-m", "trackers", "--seconds", "2", *options],
        cwd=ROOT,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


@pytest.mark.slow
def test_every_source_is_listed() -> None:
    """Each source has devices or the reason why it is refused; those that are taken cover the components."""
    done = run("--json")

    assert done.returncode == 0, done.stderr
    survey = json.loads(done.stdout)
    found = survey["sources"]
    taken = {each["name"] for each in found if each["is_taken"]}
    assert [each["name"] for each in found] == [candidate.name for candidate in SOURCES]
    assert taken == {name for names in survey["components"].values() for name in names}
    assert survey["components"].keys() == {"gpu", "cpu", "memory", "node"}
    for each in found:
        assert bool(each["refused"]) != bool(each["devices"])


@pytest.mark.slow
def test_boards_are_shown_with_their_idle_power(tmp_path: Path) -> None:
    """The idle power of each board is measured, and the time between refreshes of its counter is found."""
    boards = Boards(boards=2, shape="constant", refresh_ms=20)
    done = run("--json", env=boards.environment(build(tmp_path)))

    survey = json.loads(done.stdout)
    nvml = survey["sources"][0]
    assert survey["components"]["gpu"] == ["nvml"]
    assert nvml["method"] == "counter"
    assert [each["device"]["uuid"] for each in nvml["devices"]] == list(UUIDS[:2])
    for number, each in enumerate(nvml["devices"]):
        known_w = boards.power_w(number)
        assert abs(each["idle_power_w"] / known_w - 1) < 0.02
        assert each["refresh_s"] == pytest.approx(boards.refresh_ms / 1000, rel=0.1)


@pytest.mark.slow
def test_the_text_names_every_source() -> None:
    """Every source is named, the estimate included, and what a study would use is marked."""
    done = run()

    assert done.returncode == 0, done.stderr
    assert "estimate" in done.stdout
    assert "●" in done.stdout
    for candidate in SOURCES:
        assert candidate.name in done.stdout


def test_where_nothing_can_be_measured_the_first_line_says_so() -> None:
    """Without a sensor the first line says that energy is estimated; each refusal has its reason."""
    found = [
        SurveyedSource(
            name="nvml",
            verified=True,
            refused="nvml: no library: install the driver",
            note="",
            method=None,
            devices=(),
        ),
        surveyed("estimate", Method.ESTIMATED, component=Component.CPU),
    ]

    lines = text(found, width=80).splitlines()

    assert lines[0].startswith("Nothing can be measured on this machine: energy is only estimated")
    assert any("refused  no library: install the driver" in line for line in lines)
    assert any("~60.1 W" in line and "estimated" in line for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_the_page_fits_the_terminal(width: int) -> None:
    """With eight boards and their whole identifiers no line is longer than the terminal is wide."""
    page = text([surveyed("nvml", Method.COUNTER, boards=8)], width=width)

    assert page.startswith("A study here measures 8 devices with nvml.")
    assert max(map(len, page.splitlines())) <= width
    for uuid in UUIDS:
        assert uuid in page
    assert "~" not in page


@pytest.mark.slow
def test_power_is_watched_until_ctrl_c(tmp_path: Path) -> None:
    """Without a terminal each board has a line per second, and Ctrl-C gives exit status 0."""
    boards = Boards(boards=2, shape="constant")
    process = subprocess.Popen(
        [sys.executable, "-m", "trackers", "--watch", "--tracker", "nvml"],
        cwd=ROOT,
        env=boards.environment(build(tmp_path)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().split() for _ in range(4)]
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=PATIENCE_S) == 0
    process.stdout.close()
    assert [line[1] for line in lines] == [*UUIDS[:2], *UUIDS[:2]]
    for line in lines:
        known_w = boards.power_w(UUIDS.index(line[1]))
        assert abs(float(line[2]) / known_w - 1) < 0.05


@pytest.mark.slow
def test_rated_watts_of_the_cpu_may_be_given() -> None:
    """The estimate has the user's watts, as in a study with the same options."""
    done = run("--json", "--seconds", "0.2", "--cpu-watts", "80", "--cpu-idle-watts", "10")

    estimate = json.loads(done.stdout)["sources"][-1]
    assert estimate["devices"][0]["device"]["power_limit_w"] == 80
    assert estimate["devices"][0]["idle_power_w"] > 9
    assert "--cpu-watts" in estimate["note"]


def test_each_component_has_its_source_or_is_not_measured() -> None:
    """A component is measured (perhaps unverified), estimated, or not measured."""
    found = [
        surveyed("hwmon", Method.SAMPLED, verified=False),
        surveyed("estimate", Method.ESTIMATED, component=Component.CPU),
    ]

    lines = text(found, width=100).splitlines()

    assert lines[0] == "A study here measures 1 device with hwmon; the CPU is estimated."
    rows = {line.split()[0]: line.split()[1:] for line in lines if line}
    assert rows["gpu"] == ["measured", "hwmon", "(unverified)"]
    assert rows["cpu"] == ["estimated", "estimate"]
    assert rows["memory"] == ["not", "measured", "-"]
    assert rows["node"] == ["not", "measured", "-"]
    assert any("unverified: no real device" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_a_terminal_without_utf_8_is_written_to(encoding: str) -> None:
    """The mark is one that the terminal's encoding has, and no character fails (rich issue 68)."""
    done = run("--seconds", "0.2", env={"PYTHONIOENCODING": encoding})

    assert done.returncode == 0, done.stderr
    assert "* what a study takes" in done.stdout


def surveyed(
    name: str,
    method: Method,
    *,
    boards: int = 1,
    component: Component = Component.GPU,
    verified: bool = True,
) -> SurveyedSource:
    """A source that a study takes, with devices that draw 60.1 W when idle."""
    return SurveyedSource(
        name=name,
        refused=None,
        note="how it measures, in a sentence that is longer than a line of a terminal is wide",
        method=method,
        verified=verified,
        devices=tuple(
            SurveyedDevice(
                device=Device(
                    uuid=uuid,
                    name="NVIDIA RTX 6000 [Ada]",
                    component=component,
                    power_limit_w=300,
                ),
                is_taken=True,
                idle_power_w=60.1,
                refresh_s=0.02,
            )
            for uuid in UUIDS[:boards]
        ),
    )


def text(found: list[SurveyedSource], *, width: int) -> str:
    """The page as a terminal of a given width shows it."""
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    with console.capture() as capture:
        show(found, console)
    return capture.get()


STAND_INS = {
    "ipmitool": "cat <<X\n    Instantaneous power reading:    431 Watts\nX",
    "sudo": 'shift; exec "$@"',
    "powermetrics": f"cat {ROOT}/tests/data/powermetrics_mac14.plists; exec sleep 3600",
}
AMDSMI = """
import time
from tests.trackers.sources.vendors import AmdSmi

_boards = AmdSmi(power_w=lambda: 217.0, energy_j=lambda: 217.0 * time.monotonic())
globals().update({name: getattr(_boards, name) for name in dir(_boards) if not name.startswith("__")})
"""


@pytest.fixture
def every_sensor(tmp_path: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Environment and plug's file of a machine with every sensor that can be imitated on Linux."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in STAND_INS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    (folder / "amdsmi.py").write_text(AMDSMI)
    hwmon(tmp_path / "sys" / "class" / "hwmon", 1, "i915", energy1_input=5_000_000)
    boards = Boards(boards=2, shape="constant")
    with made_up(tmp_path, boards) as machine:
        yield (
            {
                **machine.environment,
                "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
                "PYTHONPATH": str(folder),
            },
            machine.plug,
        )


@pytest.mark.slow
def test_a_machine_with_every_sensor_at_once(every_sensor: tuple[dict[str, str], Path]) -> None:
    """Boards of several vendors are used side by side, and one source for each other component."""
    environment, _ = every_sensor

    done = run("--json", "--seconds", "0.5", env=environment)

    assert done.returncode == 0, done.stderr
    survey = json.loads(done.stdout)
    usable = [each["name"] for each in survey["sources"] if not each["refused"]]
    assert survey["components"] == {
        "gpu": ["nvml", "amdsmi", "powermetrics", "hwmon"],
        "cpu": ["powermetrics"],
        "memory": ["rapl"],
        "node": ["ipmi"],
    }
    assert usable == [each.name for each in SOURCES if each.name != "ioreport"]
    powers_w = {
        each["device"]["uuid"].split(":")[0]: each["idle_power_w"]
        for source in survey["sources"]
        for each in source["devices"]
    }
    assert powers_w["node"] == pytest.approx(431)
    assert powers_w["memory"] == pytest.approx(MEMORY_W, rel=0.1)


@pytest.mark.slow
def test_named_sensors_and_a_plug_are_used(every_sensor: tuple[dict[str, str], Path]) -> None:
    """Each component is measured by the source that was named for it."""
    environment, plug = every_sensor
    named = ("--tracker", "nvml", "rapl", str(plug))

    done = run("--seconds", "0.5", *named, env={**environment, "COLUMNS": "120"})

    assert done.returncode == 0, done.stderr
    lines = done.stdout.split("\n\n")[1].splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    assert rows["gpu"] == ["measured", "nvml"]
    assert rows["cpu"] == ["measured", "rapl", "(unverified)"]
    assert rows["memory"] == ["measured", "rapl", "(unverified)"]
    assert rows["node"][0] == "measured"
    assert done.stdout.startswith("A study here measures 5 devices with nvml and rapl and")

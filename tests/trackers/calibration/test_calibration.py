"""Calibration of a source against an external meter: the fit, its file, and the calibrated source."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.scripted import BOARD as SCRIPTED
from tests.trackers.scripted import OTHER, ScriptedSource
from tests.trackers.sources.vendors import AmdSmi
from tests.waiting import PATIENCE_S, waited_for
from trackers.calibration.command import main
from trackers.calibration.fit import Step, fit_line
from trackers.calibration.staircase import load, measure_steps, running
from trackers.clock import MonotonicClock
from trackers.errors import SourceUnavailableError
from trackers.sample import Component
from trackers.source import KnowsUsers, PowerSource
from trackers.sources.amdsmi import AmdSmiSource
from trackers.sources.calibrated import CalibratedSource, Calibration
from trackers.sources.detect import Candidate, Detection, Request, detect

BOARD = "pci:0000:a0:00.0"
CALIBRATION = Calibration(
    source="amdsmi",
    component=Component.GPU,
    hostname=socket.gethostname(),
    against="plug.yaml",
    factor=1.1,
    low=1.05,
    high=1.15,
    offset_w=40.0,
    measured_at="2026-11-26T15:00:00+00:00",
)


@pytest.fixture
def board() -> Iterator[PowerSource]:
    """A board of 100 W with a counter at 500 J."""
    source = AmdSmiSource(module=lambda: AmdSmi(power_w=lambda: 100.0, energy_j=lambda: 500.0))
    yield source
    source.close()


@given(factor=st.floats(0.5, 2), offset_w=st.floats(0, 200))
def test_a_line_without_noise_is_fitted_exactly(factor: float, offset_w: float) -> None:
    """Factor and offset are exact, and the interval has no width."""
    powers_w = (20.0, 50.0, 90.0, 160.0)
    steps = [Step(share=0, source_w=w, meter_w=factor * w + offset_w) for w in powers_w]

    line = fit_line(steps)

    assert line.factor == pytest.approx(factor)
    assert line.offset_w == pytest.approx(offset_w, abs=1e-6)
    assert line.low == pytest.approx(line.high, abs=1e-5)


def test_noise_widens_the_interval() -> None:
    """By hand: residuals of 1 W over powers of 10 to 50 W, and Student's t for 3 degrees of freedom."""
    noise_w = (1, -1, 0, -1, 1)
    steps = [
        Step(share=0, source_w=10.0 * n, meter_w=12.0 * n + 5 + noise)
        for n, noise in enumerate(noise_w, start=1)
    ]

    line = fit_line(steps)

    half = 3.182 * (4 / 3 / 1000) ** 0.5
    assert line.factor == pytest.approx(1.2)
    assert (line.low, line.high) == pytest.approx((1.2 - half, 1.2 + half))


@pytest.mark.parametrize(
    ("powers_w", "message"),
    [((1.0, 2.0), "got 2 loads"), ((5.0, 5.0, 5.0), "5 W at every load")],
)
def test_loads_that_determine_no_line_are_refused(
    powers_w: tuple[float, ...], message: str
) -> None:
    """There are too few loads, or the source reads the same power at each of them."""
    with pytest.raises(ValueError, match=message):
        fit_line([Step(share=0, source_w=w, meter_w=2 * w) for w in powers_w])


def test_a_calibrated_source_scales_power_and_counter(board: PowerSource) -> None:
    """Both are multiplied by the factor; the note adds factor, interval and meter; the rest stays the same."""
    calibrated = CalibratedSource(board, CALIBRATION)

    seen = calibrated.observe(BOARD, counter=True)

    assert seen.power_w == pytest.approx(110)
    assert seen.counter_j == pytest.approx(550)
    assert isinstance(calibrated, PowerSource)
    assert not isinstance(calibrated, KnowsUsers)
    assert (calibrated.name, calibrated.devices()) == (board.name, board.devices())
    assert "gpu x 1.1 (1.05 to 1.15) by plug.yaml" in calibrated.note


@pytest.mark.parametrize(
    ("changes", "power_w"), [({}, 110), ({"source": "nvml"}, 100), ({"hostname": "other"}, 100)]
)
def test_a_calibration_applies_only_to_its_source_and_machine(
    board: PowerSource, tmp_path: Path, changes: dict[str, str], power_w: float
) -> None:
    """A calibration that was read from a file is ignored if it is of another source or machine."""
    CALIBRATION.write(tmp_path / "a.json", steps=[])
    content = json.loads((tmp_path / "a.json").read_text()) | changes
    (tmp_path / "a.json").write_text(json.dumps(content))
    request = Request(calibrations=(Calibration.read(tmp_path / "a.json"),))
    table = (Candidate(name="amdsmi", components=frozenset({Component.GPU}), open=lambda _: board),)

    seen = detect(request, candidates=table).source.observe(BOARD, counter=False)

    assert seen.power_w == pytest.approx(power_w)


@pytest.mark.parametrize("text", ["", "{}", '{"factor": 1}', "[]"])
def test_an_invalid_calibration_file_is_named(tmp_path: Path, text: str) -> None:
    """The error also names the command that writes a valid one."""
    (tmp_path / "a.json").write_text(text)

    with pytest.raises(SourceUnavailableError, match=r"a\.json is not a calibration.*calibrate"):
        Calibration.read(tmp_path / "a.json")


def test_a_load_command_receives_its_share(tmp_path: Path) -> None:
    """The share replaces `{share}` in the command of the load, whose process is gone afterwards."""
    written_to, before = tmp_path / "written_to", set(psutil.Process().children())
    script = f"import time; open({str(written_to)!r}, 'w').write('{{share}}'); time.sleep(600)"
    with load(0.25, f'{sys.executable} -c "{script}"'):
        waited_for(lambda: written_to.exists() and written_to.read_text(), "the load's share")
        (process,) = set(psutil.Process().children()) - before

    assert written_to.read_text() == "0.25"
    assert not process.is_running()


@pytest.mark.slow
def test_the_command_writes_factor_and_interval(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The estimate is calibrated against a constant power, which does not follow it: the factor is 0."""
    recording = tmp_path / "meter.csv"
    recording.write_text("time_s,power_w\n0,100\n1000,100\n")
    out = tmp_path / "a.json"

    status = main(
        [
            *("--against", str(recording), "--tracker", "estimate", "--cpu-watts", "20"),
            *("--seconds", "0.3", "--settle", "0.1", "--out", str(out)),
        ]
    )

    output = capsys.readouterr().out
    assert status == 0, output
    written = json.loads(out.read_text())
    # On a busy machine a step of 0.3 s may have no reading.
    assert 2 <= len(written["steps"]) <= 5
    assert written["low"] <= written["factor"] <= written["high"]
    assert written["factor"] == pytest.approx(0, abs=0.01)
    assert written["offset_w"] == pytest.approx(100, rel=0.01)
    assert {round(step["meter_w"], 3) for step in written["steps"]} == {100}
    assert "x estimate cpu" in output


@pytest.mark.parametrize("tracker", ["auto", "none"])
def test_every_opened_source_is_closed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], tracker: str
) -> None:
    """`auto` opens several sources to calibrate one; all are closed, even if the meter cannot be opened."""
    clock = MonotonicClock()
    opened = [
        ScriptedSource(clock, power_w=lambda _: 100.0, uuids=[uuid]) for uuid in (SCRIPTED, OTHER)
    ]

    def find(request: Request) -> Detection:
        if request.tracker == "none":
            message = "no such meter"
            raise SourceUnavailableError(message)
        return Detection(sources=tuple(opened), refused={})

    status = main(
        [
            *("--tracker", "auto", "--against", tracker, "--component", "gpu", "--load", "true"),
            *("--seconds", "0", "--settle", "0", "--out", str(tmp_path / "a.json")),
        ],
        find=find,
    )

    assert status == 2, capsys.readouterr()
    assert all(each.closed for each in opened)


def test_a_component_that_the_source_lacks_is_refused_before_the_first_load() -> None:
    """Loads take minutes, so the error must not come after them."""
    board = ScriptedSource(MonotonicClock(), power_w=lambda _: 100.0)

    with pytest.raises(ValueError, match="scripted does not measure memory"):
        measure_steps(board, Component.MEMORY, board, seconds=1.0)


def test_a_load_that_cannot_be_started_leaves_no_process() -> None:
    """Processes that were started before it are ended; they would keep CPUs busy for ever."""
    endless = [sys.executable, "-c", "import time; time.sleep(600)"]
    before = psutil.Process().children()

    with pytest.raises(FileNotFoundError), running([endless, ["no-such-command"]]):
        pass

    assert psutil.Process().children() == before


COMMAND = """
import signal, sys
from trackers.calibration.command import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent may ignore SIGINT
sys.exit(main(sys.argv[1:]))
"""


def test_ctrl_c_ends_the_command_with_a_message(tmp_path: Path) -> None:
    """A user who interrupts a long calibration gets one sentence, no traceback and no file."""
    recording = tmp_path / "meter.csv"
    recording.write_text("time_s,power_w\n0,100\n1000,100\n")
    interrupting = f'{sys.executable} -c "import os, signal; os.kill(os.getppid(), signal.SIGINT)"'
    out = tmp_path / "a.json"

    done = subprocess.run(
        [
            *(sys.executable, "-c", COMMAND, "--against", recording, "--tracker", "estimate"),
            *("--cpu-watts", "20", "--load", interrupting, "--settle", "600", "--out", out),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )

    assert (done.returncode, out.exists()) == (130, False), done.stderr
    assert done.stderr == "trackers: interrupted; no calibration was written\n"


@pytest.mark.parametrize("component", [str(each) for each in Component])
def test_components_are_given_in_lower_case(
    component: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Components are spelt as in the documentation; the only error is that of the missing meter file."""
    arguments = ["--against", "none.yaml", "--tracker", "estimate", "--component", component]

    assert main(arguments) == 2
    assert "none.yaml" in capsys.readouterr().err

"""NVML on emulated boards: observations, and what faults cost."""

from pathlib import Path
from typing import Any

import pytest

from tests.fake_nvml import UUIDS, Boards, build
from tests.trackers.sources.nvml.emulated import run
from trackers.sources.nvml.library import PowerCall


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an emulated library that lacks what old drivers lack."""
    return build(tmp_path_factory.mktemp("old-nvml"), old_driver=True)


OBSERVE = """
from dataclasses import asdict
from trackers.sources.nvml.source import NvmlSource
from trackers.errors import ReadError
source = NvmlSource()
def seen(uuid, counter=True):
    try:
        before_s = time.monotonic()
        found = asdict(source.observe(uuid, counter=counter))
        return {**found, "took_s": time.monotonic() - before_s}
    except ReadError as error:
        return [type(error).__name__, str(error)]
"""


@pytest.mark.slow
def test_energy_agrees_with_the_known_curve(library: Path) -> None:
    """Between two observations each of 8 boards used what its curve says, within one refresh."""
    boards = Boards(boards=8)

    out = run(
        OBSERVE
        + """
uuids = [device.uuid for device in source.devices()]
first = [seen(uuid) for uuid in uuids]
time.sleep(0.9)
out = [uuids, first, [seen(uuid) for uuid in uuids]]
""",
        boards,
        library,
    )

    uuids, first, last = out
    assert uuids == list(UUIDS)
    for board, (start, stop) in enumerate(zip(first, last, strict=True)):
        known_j = boards.energy_j(board, start["time_s"], stop["time_s"])
        late_s = boards.refresh_ms / 1000 + start["took_s"] + stop["took_s"]
        slack_j = 1.4 * boards.high_w * late_s + 1
        assert abs(stop["counter_j"] - start["counter_j"] - known_j) <= slack_j


@pytest.mark.parametrize(
    ("settings", "counter", "power"),
    [
        ({}, True, PowerCall.INSTANT),
        ({"no_counter": 1}, False, PowerCall.INSTANT),
        ({"no_instant": 1}, True, PowerCall.AVERAGE),
        ({"no_counter": 1, "no_instant": 1, "no_average": 1}, False, PowerCall.USAGE),
        ({"fail_every": 2}, True, PowerCall.INSTANT),
    ],
)
def test_each_board_keeps_the_best_call_that_answers(
    library: Path,
    settings: dict[str, Any],
    counter: bool,  # noqa: FBT001 - a column of the table above
    power: PowerCall,
) -> None:
    """Power is instant, else average, else general; a sporadic error does not change the choice."""
    out = run(
        OBSERVE + "probe = source.probes[0]\nout = [probe.counter, probe.power, source.note]",
        Boards(**settings),
        library,
    )

    assert out[:2] == [counter, power]
    assert power in out[2]
    assert ("no energy counter" in out[2]) is not counter


def test_old_driver_has_power_only(old_library: Path) -> None:
    """Functions that the library lacks are not used; power is still measured."""
    out = run(
        OBSERVE + "out = [source.probes[0].power, seen(source.devices()[0].uuid)]",
        Boards(shape="constant"),
        old_library,
    )

    assert out[0] == PowerCall.USAGE
    assert out[1]["power_w"] == pytest.approx(300)
    assert out[1]["counter_j"] is None


def test_counter_is_not_read_between_windows(library: Path) -> None:
    """Without `counter=True` only power is read, as frequent reading makes some boards' counters wrong."""
    out = run(OBSERVE + "out = seen(source.devices()[0].uuid, counter=False)", Boards(), library)

    assert out["counter_j"] is None
    assert out["power_w"] > 0


def test_sporadic_failures_are_read_errors_and_pass(library: Path) -> None:
    """Every third observation fails with `ReadError`; the others have a power, never 0 W."""
    out = run(
        OBSERVE + "out = [seen(source.devices()[0].uuid, counter=False) for _ in range(30)]",
        Boards(fail_every=3, fail_code=10),
        library,
    )

    failed = [each for each in out if isinstance(each, list)]
    assert len(failed) == 10
    assert {kind for kind, _ in failed} == {"ReadError"}
    assert "Timeout" in failed[0][1]
    assert all(each["power_w"] > 0 for each in out if isinstance(each, dict))


def test_zero_watts_are_missing(library: Path) -> None:
    """0 W between good values is a fault of the sensor, and is never given as a power."""
    out = run(
        OBSERVE + "out = [seen(source.devices()[0].uuid, counter=False) for _ in range(20)]",
        Boards(zero_every=4),
        library,
    )

    assert sum(isinstance(each, list) for each in out) == 5
    assert all(each["power_w"] > 0 for each in out if isinstance(each, dict))


def test_lost_board_is_lost_and_others_go_on(library: Path) -> None:
    """A board that falls off the bus raises `DeviceLostError`; the other one is still measured."""
    out = run(
        OBSERVE
        + """
import os
before = [seen(device.uuid) for device in source.devices()]
os.environ["FAKE_NVML_LOST_AT_S"] = "0.001"
out = [before, [seen(device.uuid) for device in source.devices()]]
""",
        Boards(boards=2, lost_board=1),
        library,
    )

    before, after = out
    assert all(each["power_w"] > 0 for each in before)
    assert after[0]["power_w"] > 0
    assert after[1][0] == "DeviceLostError"
    assert "GPU is lost" in after[1][1]


def test_board_lost_before_the_start_is_named_in_the_note(library: Path) -> None:
    """The others are measured, and the note says that one is not."""
    out = run(
        OBSERVE + "out = [[device.uuid for device in source.devices()], source.note]",
        Boards(boards=2, lost_board=0, lost_at_s=1e-3),
        library,
    )

    assert out[0] == [UUIDS[1]]
    assert "not measured" in out[1]
    assert "GPU is lost" in out[1]


@pytest.mark.parametrize(
    ("fault", "falls_to_j"),
    [("FAKE_NVML_BACKWARD_AT_S", (-100_000, -1000)), ("FAKE_NVML_RESET_AT_S", None)],
)
def test_counter_that_falls_is_not_hidden(
    library: Path, fault: str, falls_to_j: tuple[int, int] | None
) -> None:
    """A counter that runs backward or restarts is given as it is; the meter judges it."""
    out = run(
        OBSERVE
        + f"""
import os
uuid = source.devices()[0].uuid
first = seen(uuid)["counter_j"]
os.environ["{fault}"] = str(time.monotonic())
time.sleep(0.1)
out = [first, seen(uuid)["counter_j"]]
""",
        Boards(shape="constant", backward_j=100_000),
        library,
    )

    first_j, later_j = out
    if falls_to_j is None:
        assert 0 < later_j < first_j
    else:
        assert falls_to_j[0] < later_j - first_j < falls_to_j[1]


@pytest.mark.parametrize(
    ("code", "kind", "remedy"),
    [
        (9, "SourceUnavailableError", "modprobe nvidia"),
        (4, "SourcePermissionError", "/dev/nvidia"),
        (18, "SourceUnavailableError", "reboot"),
        (999, "SourceUnavailableError", "nvidia-smi"),
    ],
)
def test_nvml_that_does_not_open_says_what_to_do(
    library: Path, code: int, kind: str, remedy: str
) -> None:
    """Each refusal is an error of ours with its remedy."""
    out = run(
        """
        from trackers.sources.nvml.source import NvmlSource
        from trackers.errors import TrackerError
        try:
            NvmlSource()
        except TrackerError as error:
            out = [type(error).__name__, str(error)]
        """,
        Boards(init_code=code),
        library,
    )

    assert out[0] == kind
    assert remedy in out[1]


def test_no_boards_is_unavailable(library: Path) -> None:
    """A driver without boards is refused, not an empty source."""
    out = run(
        """
        from trackers.sources.nvml.source import NvmlSource
        from trackers.errors import SourceUnavailableError
        try:
            NvmlSource()
        except SourceUnavailableError as error:
            out = str(error)
        """,
        Boards(boards=0),
        library,
    )

    assert "no board" in out


def test_closing_leaves_other_users_of_nvml_alone(library: Path) -> None:
    """Closing a source twice shuts NVML down once, so another source works until it is closed itself."""
    out = run(
        OBSERVE
        + """
other, source = source, NvmlSource()
uuid = source.devices()[0].uuid
source.close()
source.close()
still_open = seen(uuid)
source = other
out = [still_open, seen(uuid)]
source.close()
out.append(seen(uuid))
""",
        Boards(),
        library,
    )

    assert out[1]["power_w"] > 0
    assert out[2][0] == "DeviceLostError"


def test_boards_in_mig_mode_are_measured_whole_and_say_so(library: Path) -> None:
    """Probe and note say that the whole board is measured."""
    out = run(OBSERVE + "out = [source.probes[0].mig, source.note]", Boards(mig=1), library)

    assert out[0] is True
    assert "whole board" in out[1]


def test_boards_report_their_state(library: Path) -> None:
    """State is in our units; for an unknown board all of it is None."""
    out = run(
        f"""
        from dataclasses import asdict
        from trackers.sources.nvml.source import NvmlSource
        source = NvmlSource()
        out = [asdict(source.state(uuid)) for uuid in ({UUIDS[0]!r}, {UUIDS[1]!r}, "no board")]
        """,
        Boards(boards=2, shape="constant", limit_w=250.0),
        library,
    )

    constant = {
        "temperature_c": 75.0,
        "sm_clock_hz": 2500e6,
        "utilization": 1.0,
        "power_limit_w": 250.0,
    }
    assert out == [constant, constant, dict.fromkeys(constant)]

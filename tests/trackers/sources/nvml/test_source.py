"""NVML: the real `pynvml` against emulated boards whose energy is known."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pynvml
import pytest

from tests.fake_nvml import UUIDS, Boards, build, mig_uuid
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
)
from trackers.sources.nvml.errors import READING_ERRORS
from trackers.sources.nvml.library import PowerCall
from trackers.sources.nvml.source import NvmlSource

ROOT = Path(__file__).parents[4]
SHORTEST_STEP_S = 0.002
"""Shorter than anything that a curve of the boards does."""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the emulated library."""
    return build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture(scope="session")
def old_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same without what old drivers lack."""
    return build(tmp_path_factory.mktemp("old-nvml"), old_driver=True)


def run(code: str, boards: Boards, library: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    """What `code` puts into `out`, run in a process that sees the boards."""
    lines = ["import json, time", textwrap.dedent(code), "print(json.dumps(out))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=boards.environment(library),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# The emulation itself: what all other tests with it stand on.


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["square", "ramp", "burst", "constant", "noise", "random"])
@pytest.mark.parametrize("board", [0, 3])
def test_python_and_c_know_the_same_curve(library: Path, shape: Any, board: int) -> None:  # noqa: ANN401
    """Counter and power of the library are the module's energy and power, to the last digit."""
    boards = Boards(boards=4, shape=shape, refresh_ms=0, power_refresh_ms=0)

    rows = run(
        f"""
        import pynvml as n
        n.nvmlInit()
        board = n.nvmlDeviceGetHandleByIndex({board})
        out = []
        for _ in range(40):
            rows = [time.monotonic()]
            rows.append(n.nvmlDeviceGetTotalEnergyConsumption(board) / 1000)
            rows.append(time.monotonic())
            rows.append(n.nvmlDeviceGetFieldValues(board, [186])[0].value.uiVal / 1000)
            rows.append(time.monotonic())
            out.append(rows)
            time.sleep(0.013)
        """,
        boards,
        library,
    )

    first_s, first_j = rows[0][0], rows[0][1]
    highest_w = 1.15 * boards.high_w
    for before_s, energy_j, between_s, power_w, after_s in rows:
        slack_j = 0.002 + highest_w * (between_s - before_s + rows[0][2] - first_s)
        known_j = boards.energy_j(board, first_s, before_s)
        assert abs(energy_j - first_j - known_j) <= slack_j
        steps = 100 + int((after_s - between_s) / SHORTEST_STEP_S)
        step_s = (after_s - between_s) / steps
        known_w = [boards.power_w(board, between_s + i * step_s) for i in range(steps + 1)]
        assert min(known_w) - 1 <= power_w <= max(known_w) + 1


def test_energy_is_the_integral_of_power() -> None:
    """The closed form agrees with a fine sum over the power, for every shape."""
    for shape in ("square", "ramp", "burst", "constant", "noise", "random"):
        boards = Boards(shape=shape)
        steps = 200_000

        summed_j = sum(boards.power_w(1, 3 + 2 * (i + 0.5) / steps) for i in range(steps))

        assert boards.energy_j(1, 3, 5) == pytest.approx(summed_j * 2 / steps, rel=1e-4)


def test_ray_sees_the_boards(library: Path) -> None:
    """Ray's own copy of pynvml counts and names the emulated boards."""
    out = run(
        """
        from ray._private.accelerators.nvidia_gpu import NvidiaGPUAcceleratorManager as gpus
        out = [gpus.get_current_node_num_accelerators(), gpus.get_current_node_accelerator_type()]
        """,
        Boards(boards=3),
        library,
    )

    assert out == [3, "Fake-RTX-6000"]


# The source.

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
    """Counter, then instant, average and general power; a sporadic error changes nothing."""
    out = run(
        OBSERVE + "probe = source.probes[0]\nout = [probe.counter, probe.power, source.note]",
        Boards(**settings),
        library,
    )

    assert out[:2] == [counter, power]
    assert power in out[2]
    assert ("no energy counter" in out[2]) is not counter


def test_old_driver_has_power_only(old_library: Path) -> None:
    """Functions that the library lacks are passed over; power is still measured."""
    out = run(
        OBSERVE + "out = [source.probes[0].power, seen(source.devices()[0].uuid)]",
        Boards(shape="constant"),
        old_library,
    )

    assert out[0] == PowerCall.USAGE
    assert out[1]["power_w"] == pytest.approx(300)
    assert out[1]["counter_j"] is None


def test_counter_is_left_alone_between_windows(library: Path) -> None:
    """Without `counter=True` no counter is read: fast polling makes some boards' counters wrong."""
    out = run(OBSERVE + "out = seen(source.devices()[0].uuid, counter=False)", Boards(), library)

    assert out["counter_j"] is None
    assert out["power_w"] > 0


def test_sporadic_failures_are_read_errors_and_pass(library: Path) -> None:
    """Some observations fail with `ReadError`, or lack one of two values; none is 0."""
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
    """0 W between good values is a fault of the sensor and never given as a power."""
    out = run(
        OBSERVE + "out = [seen(source.devices()[0].uuid, counter=False) for _ in range(20)]",
        Boards(zero_every=4),
        library,
    )

    assert sum(isinstance(each, list) for each in out) == 5
    assert all(each["power_w"] > 0 for each in out if isinstance(each, dict))


def test_lost_board_is_lost_and_others_go_on(library: Path) -> None:
    """A board that falls off the bus raises `DeviceLostError`; its neighbour is measured on."""
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
    """A counter that runs backward, or begins anew, is given as it is; the meter judges it."""
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
    """Each refusal is one of our errors and carries its remedy."""
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
    """Closing twice is one shutdown; a second source goes on, the first one's boards are gone."""
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


# Which board is meant. Odd order: NVML lists the boards 2, 0, 3, 1 of PCI order.

RESOLVE = """
from trackers.sources.nvml.source import uuid_of
from trackers.errors import UnknownDeviceError
def told(visible):
    try:
        return uuid_of(visible)
    except UnknownDeviceError as error:
        return "unknown: " + str(error)
"""


def resolve(library: Path, entries: list[str], boards: Boards) -> list[str]:
    """What `uuid_of` says to each entry."""
    answers: list[str] = run(RESOLVE + f"out = [told(each) for each in {entries}]", boards, library)
    return answers


def test_indices_are_in_pci_order(library: Path) -> None:
    """With 4 boards that NVML lists in odd order, index i is board i of the bus."""
    answers = resolve(library, ["2", "0", "3", "1"], Boards(boards=4, order="2,0,3,1"))

    assert answers == [UUIDS[2], UUIDS[0], UUIDS[3], UUIDS[1]]


def test_uuids_may_be_cut_short_until_two_boards_are_meant(library: Path) -> None:
    """Whole and short UUIDs find their board, whatever letters they begin with."""
    entries = [*UUIDS[:4], "GPU-c4", "GPU-1", "GPU-8932"]

    answers = resolve(library, entries, Boards(boards=4, order="3,2,1,0"))

    assert answers == [*UUIDS[:4], UUIDS[2], UUIDS[1], UUIDS[0]]


@pytest.mark.parametrize(
    "entry", ["4", "-1", "", "GPU-", "GPU-89", "GPU-ffff", "PU-8932", "cuda:0"]
)
def test_unclear_entries_are_refused_with_the_list(library: Path, entry: str) -> None:
    """What means no board, or two, is an error that lists the boards."""
    (answer,) = resolve(library, [entry], Boards(boards=4))

    assert answer.startswith("unknown: ")
    assert all(uuid in answer for uuid in UUIDS[:4])


def test_mig_instances_stand_for_their_board(library: Path) -> None:
    """New and old names of MIG instances give the board that they are a part of."""
    entries = [mig_uuid(1, 0), mig_uuid(2, 1), mig_uuid(2, 1)[:12], f"MIG-{UUIDS[3]}/1/0"]

    answers = resolve(library, entries, Boards(boards=4, mig=1, order="2,0,3,1"))

    assert answers == [UUIDS[1], UUIDS[2], UUIDS[2], UUIDS[3]]


def test_boards_in_mig_mode_are_measured_whole_and_say_so(library: Path) -> None:
    """The probe and the note tell that a board may have several users."""
    out = run(OBSERVE + "out = [source.probes[0].mig, source.note]", Boards(mig=1), library)

    assert out[0] is True
    assert "whole board" in out[1]


def test_boards_tell_their_state(library: Path) -> None:
    """Temperature, clock, utilisation and limit in our units; a board that is lost tells nothing."""
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


def test_index_is_refused_while_a_board_is_lost(library: Path) -> None:
    """Without all boards nobody knows which one an index counts; a UUID still works."""
    boards = Boards(boards=3, lost_board=0, lost_at_s=1e-3)

    answers = resolve(library, ["1", "GPU-c47d"], boards)

    assert answers[0].startswith("unknown: ")
    assert answers[1] == UUIDS[2]


# Without the library: a module that does what a test says.


class ScriptedNvml(ModuleType):
    """`pynvml` with one board, whose calls take time on a clock and may fail."""

    def __init__(self, clock: ManualClock, *, count: int = 1) -> None:
        """Answer to the clock's time."""
        super().__init__("pynvml")
        self.__dict__.update({k: v for k, v in vars(pynvml).items() if k.startswith("NVML")})
        self.failure: Exception | None = None
        self.clock = clock
        self.shutdowns = 0
        self.count = count

    def nvmlInit(self) -> None:  # noqa: N802
        """Open."""

    def nvmlShutdown(self) -> None:  # noqa: N802
        """Count how often it was closed."""
        self.shutdowns += 1

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        """One board."""
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:  # noqa: N802
        """The index."""
        if self.failure:
            raise self.failure
        return index

    def nvmlDeviceGetPciInfo(self, handle: int) -> SimpleNamespace:  # noqa: N802
        """A place."""
        return SimpleNamespace(domain=0, bus=handle, device=0)

    def nvmlDeviceGetUUID(self, handle: int) -> str:  # noqa: N802
        """A real-shaped one."""
        return UUIDS[handle]

    def nvmlDeviceGetTotalEnergyConsumption(self, _: int) -> int:  # noqa: N802
        """5 J, after 4 ms."""
        self.clock.advance(0.004)
        return 5000

    def nvmlDeviceGetFieldValues(self, _: int, __: list[int]) -> list[SimpleNamespace]:  # noqa: N802
        """100 W, after 10 ms."""
        self.clock.advance(0.010)
        if self.failure:
            raise self.failure
        return [SimpleNamespace(nvmlReturn=0, value=SimpleNamespace(uiVal=100_000))]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """What is not scripted is not supported."""
        if name.startswith("nvml"):
            return self._unsupported
        raise AttributeError(name)

    @staticmethod
    def _unsupported(*_: object) -> None:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def test_time_is_the_middle_of_the_call_that_matters() -> None:
    """With a counter its call is timed, not the slow one for power that follows."""
    clock = ManualClock(10)
    source = NvmlSource(nvml=ScriptedNvml(clock), clock=clock)
    start_s = clock.now_s()

    with_counter = source.observe(UUIDS[0], counter=True)
    between_s = clock.now_s()
    power_only = source.observe(UUIDS[0], counter=False)

    assert with_counter.time_s == pytest.approx(start_s + 0.002)
    assert (with_counter.counter_j, with_counter.power_w) == (5, 100)
    assert power_only.time_s == pytest.approx(between_s + 0.005)


def test_one_failing_call_does_not_hide_the_other() -> None:
    """Where power fails and the counter answers, the counter is given."""
    clock = ManualClock()
    nvml = ScriptedNvml(clock)
    source = NvmlSource(nvml=nvml, clock=clock)
    nvml.failure = pynvml.NVMLError(pynvml.NVML_ERROR_TIMEOUT)

    seen = source.observe(UUIDS[0], counter=True)

    assert (seen.counter_j, seen.power_w) == (5, None)


def vendor_errors() -> list[str]:
    """Every error code that the installed pynvml knows."""
    return [name for name in vars(pynvml) if name.startswith("NVML_ERROR_")]


@pytest.mark.parametrize("name", vendor_errors())
def test_every_vendor_error_is_mapped(name: str) -> None:
    """No error of NVML gets out of a reading as itself, and none was forgotten in the table."""
    clock = ManualClock()
    nvml = ScriptedNvml(clock)
    source = NvmlSource(nvml=nvml, clock=clock)
    nvml.failure = pynvml.NVMLError(getattr(pynvml, name))

    with pytest.raises(ReadError) as caught:
        source.observe(UUIDS[0], counter=False)

    assert type(caught.value) is READING_ERRORS[name]
    assert caught.value.__cause__ is nvml.failure


def test_lost_boards_are_lost_for_good() -> None:
    """Errors after which no reading can succeed are told apart from sporadic ones."""
    lost = {name for name, kind in READING_ERRORS.items() if kind is DeviceLostError}

    assert {"NVML_ERROR_GPU_IS_LOST", "NVML_ERROR_RESET_REQUIRED"} <= lost
    assert not {"NVML_ERROR_UNKNOWN", "NVML_ERROR_TIMEOUT", "NVML_ERROR_NOT_READY"} & lost


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (pynvml.NVML_ERROR_NO_PERMISSION, SourcePermissionError),
        (pynvml.NVML_ERROR_UNKNOWN, SourceUnavailableError),
    ],
)
def test_boards_that_all_refuse_are_no_source(code: int, kind: type[Exception]) -> None:
    """A source that could not open a board lets go of NVML and says why."""
    nvml = ScriptedNvml(ManualClock())
    nvml.failure = pynvml.NVMLError(code)

    with pytest.raises(SourceUnavailableError) as caught:
        NvmlSource(nvml=nvml)

    assert type(caught.value) is kind
    assert nvml.shutdowns == 1


def test_importing_and_opening_without_pynvml() -> None:
    """The module imports where pynvml is missing; opening says which package to install."""
    code = """
import sys
sys.modules["pynvml"] = None
from trackers.sources.nvml.source import NvmlSource
from trackers.errors import SourceUnavailableError
try:
    NvmlSource()
except SourceUnavailableError as error:
    assert "pip install nvidia-ml-py" in str(error), error
else:
    raise AssertionError
"""

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr

"""Power limits of trials: set, and set back whatever ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fake_nvml import UUIDS, Boards, build
from tests.waiting import PATIENCE_S, waited_for
from trackers.errors import TrackerError, UnknownDeviceError
from trackers.node.limit_guard import KeptLimits
from trackers.node.power_limiter import GuardLostError, PowerLimiter
from trackers.sample import Component, Device, Observation, PowerLimits

ROOT = Path(__file__).parents[3]
AT_FIRST_W = 300.0


class Limited:
    """Boards whose limits are numbers."""

    name = note = "limited"
    estimated = counter_persists = False

    def __init__(self, *, shared: bool = False) -> None:
        """Begin with the same limit on both."""
        self.limit_w = dict.fromkeys(("a", "b"), AT_FIRST_W)
        self._shared = shared

    def devices(self) -> list[Device]:
        """Two boards."""
        return [
            Device(uuid=uuid, name=uuid, component=Component.GPU, shared=self._shared)
            for uuid in self.limit_w
        ]

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """Nothing is measured here."""
        raise UnknownDeviceError(device_uuid)

    def close(self) -> None:
        """Nothing is open."""

    def power_limits(self, device_uuid: str) -> PowerLimits:
        """100 to 400 W."""
        now_w = self.limit_w[device_uuid]
        return PowerLimits(device_uuid=device_uuid, lowest_w=100, highest_w=400, now_w=now_w)

    def limit_refused(self, device_uuid: str) -> str:  # noqa: ARG002
        """Nothing speaks against it."""
        return ""

    def limit_power(self, device_uuid: str, limit_w: float) -> float:
        """It takes any."""
        self.limit_w[device_uuid] = limit_w
        return limit_w

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:  # noqa: ARG002
        """Not known."""
        return None


class Noting:
    """A guard that notes what it keeps."""

    def __init__(self, source: Limited) -> None:
        """Keep limits of `source`."""
        self.kept: dict[str, float] = {}
        self.is_lost = False
        self._source = source

    def keep(self, device_uuid: str) -> float:
        """Note a board's limit."""
        if self.is_lost:
            raise GuardLostError
        self.kept[device_uuid] = self._source.limit_w[device_uuid]
        return self.kept[device_uuid]

    def forget(self, device_uuid: str) -> None:
        """Note no more."""
        if self.is_lost:
            raise GuardLostError
        self.kept.pop(device_uuid, None)


def limiter(source: Limited) -> tuple[PowerLimiter, list[Noting]]:
    """A limiter, and the guards that it has started."""
    guards: list[Noting] = []

    def start() -> Noting:
        guards.append(Noting(source))
        return guards[-1]

    return PowerLimiter([source], guard=start), guards


def test_a_trials_limit_is_set_back_at_its_end() -> None:
    """And what it was at first is kept by the guard for as long."""
    source = Limited()
    limits, guards = limiter(source)

    told_w = [limits.limit("t", "a", 200.0), limits.limit("t", "a", 150.0)]

    assert told_w == [200.0, 150.0]
    assert guards[0].kept == {"a": AT_FIRST_W}
    assert source.limit_w == {"a": 150.0, "b": AT_FIRST_W}
    limits.restore("t")

    assert source.limit_w["a"] == AT_FIRST_W
    assert guards[0].kept == {}


def test_the_end_of_a_trial_leaves_other_trials_alone() -> None:
    """Each has its own board."""
    source = Limited()
    limits, _ = limiter(source)
    limits.limit("t", "a", 200.0)
    limits.limit("u", "b", 250.0)

    limits.restore("t")

    assert source.limit_w == {"a": AT_FIRST_W, "b": 250.0}


@pytest.mark.parametrize(
    ("source", "trial", "watts", "said"),
    [
        (Limited(), "t", 50.0, "100 to 400 W"),
        (Limited(shared=True), "t", 200.0, "split by MIG"),
        (Limited(), "u", 200.0, "t runs on it"),
    ],
)
def test_what_a_board_does_not_take_is_refused(
    source: Limited, trial: str, watts: float, said: str
) -> None:
    """Out of range, shared, or another trial's; nothing is changed."""
    limits, _ = limiter(source)
    if trial == "u":
        limits.limit("t", "a", 300.0)

    with pytest.raises(TrackerError, match=said):
        limits.limit(trial, "a", watts)

    assert source.limit_w["a"] == AT_FIRST_W


def test_a_cpu_has_no_limit() -> None:
    """The message names the boards that have."""
    limits, _ = limiter(Limited())

    with pytest.raises(TrackerError, match="boards that have: a, b"):
        limits.limit("t", "cpu", 200.0)


def test_a_guard_that_was_killed_is_replaced() -> None:
    """The next limit is kept by another one."""
    source = Limited()
    limits, guards = limiter(source)
    limits.limit("t", "a", 200.0)
    guards[0].is_lost = True

    limits.limit("t", "b", 200.0)
    limits.restore("t")

    assert len(guards) == 2
    assert source.limit_w == {"a": AT_FIRST_W, "b": AT_FIRST_W}


def test_what_is_kept_outlives_its_keeper(tmp_path: Path) -> None:
    """The limit that a board had at first is kept, not the one that a killed tracker has left."""
    source = Limited()
    KeptLimits(tmp_path).keep("a", source)
    source.limit_power("a", 150.0)

    later = KeptLimits(tmp_path)
    later.adopt_leftovers()
    later.restore(source)

    assert source.limit_w["a"] == AT_FIRST_W
    assert list(tmp_path.iterdir()) == []


def test_a_board_has_one_keeper(tmp_path: Path) -> None:
    """While another study has set its limit, it is not set again, and not set back by others."""
    source = Limited()
    first, second = KeptLimits(tmp_path), KeptLimits(tmp_path, others_s=0.1)
    first.keep("a", source)

    assert not second.adopt_leftovers()
    with pytest.raises(TrackerError, match="another study"):
        second.keep("a", source)


SETS = f"""
import time
from trackers.node.power_limiter import PowerLimiter
from trackers.sources.nvml.source import NvmlSource
limits = PowerLimiter([NvmlSource()])
limits.limit("t", "{UUIDS[0]}", 200.0)
print("set", flush=True)
time.sleep(600)
"""


def ends_by(ends: Callable[["subprocess.Popen[str]"], None], folder: Path) -> Boards:
    """Have a process set a limit, and end it."""
    boards = Boards(limits=str(folder / "limits"))
    (folder / "limits").mkdir()
    (folder / "kept").mkdir()
    environment = boards.environment(build(folder / "lib"))
    process = subprocess.Popen(
        [sys.executable, "-c", SETS],
        env={**environment, "TMPDIR": str(folder / "kept")},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "set\n"
    assert boards.limit_at_w(0) == 200.0
    ends(process)
    process.wait(timeout=PATIENCE_S)
    return boards


@pytest.mark.parametrize(
    "ends",
    [
        lambda process: process.kill(),
        lambda process: os.killpg(process.pid, signal.SIGINT),
        lambda process: os.killpg(process.pid, signal.SIGKILL),
    ],
    ids=["killed", "interrupted", "its whole group killed"],
)
@pytest.mark.slow
def test_a_limit_is_set_back_when_its_process_is_gone(
    ends: Callable[["subprocess.Popen[str]"], None], tmp_path: Path
) -> None:
    """Whoever keeps what it was is no child of the process, and in a session of its own."""
    boards = ends_by(ends, tmp_path)

    waited_for(lambda: boards.limit_at_w(0) == boards.limit_w, "the limit as it was")
    waited_for(lambda: not list((tmp_path / "kept").rglob("*.json")), "nothing is kept")

"""Power limits that trials set, and their restoration however a trial or its process ends."""

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
ORIGINAL_W = 300.0


class Limited:
    """A source of boards whose power limits are plain numbers."""

    name = note = "limited"
    estimated = counter_persists = False

    def __init__(self, *, shared: bool = False) -> None:
        """Begin with the same limit on both."""
        self.limit_w = dict.fromkeys(("a", "b"), ORIGINAL_W)
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
        """Allow 100 to 400 W."""
        now_w = self.limit_w[device_uuid]
        return PowerLimits(device_uuid=device_uuid, lowest_w=100, highest_w=400, now_w=now_w)

    def limit_refused(self, device_uuid: str) -> str:  # noqa: ARG002
        """Refuse no board."""
        return ""

    def limit_power(self, device_uuid: str, limit_w: float) -> float:
        """Accept any limit."""
        self.limit_w[device_uuid] = limit_w
        return limit_w

    def highest_limit_w(self, device_uuid: str, since_s: float) -> float | None:  # noqa: ARG002
        """Return None: limits are not recorded."""
        return None


class RecordingGuard:
    """A guard that records the limits that it keeps."""

    def __init__(self, source: Limited) -> None:
        """Keep limits of `source`."""
        self.kept: dict[str, float] = {}
        self.is_lost = False
        self._source = source

    def keep(self, device_uuid: str) -> float:
        """Record a board's limit."""
        if self.is_lost:
            raise GuardLostError
        self.kept[device_uuid] = self._source.limit_w[device_uuid]
        return self.kept[device_uuid]

    def forget(self, device_uuid: str) -> None:
        """Drop a board's limit."""
        if self.is_lost:
            raise GuardLostError
        self.kept.pop(device_uuid, None)


def limiter(source: Limited) -> tuple[PowerLimiter, list[RecordingGuard]]:
    """A limiter, and the guards that it has started."""
    guards: list[RecordingGuard] = []

    def start() -> RecordingGuard:
        guards.append(RecordingGuard(source))
        return guards[-1]

    return PowerLimiter([source], guard=start), guards


def test_a_limit_is_restored_when_its_trial_ends() -> None:
    """Until then the guard keeps the original limit."""
    source = Limited()
    limits, guards = limiter(source)

    returned_w = [limits.limit("t", "a", 200.0), limits.limit("t", "a", 150.0)]

    assert returned_w == [200.0, 150.0]
    assert guards[0].kept == {"a": ORIGINAL_W}
    assert source.limit_w == {"a": 150.0, "b": ORIGINAL_W}
    limits.restore("t")

    assert source.limit_w["a"] == ORIGINAL_W
    assert guards[0].kept == {}


def test_the_end_of_a_trial_leaves_other_trials_alone() -> None:
    """The limits of boards on which other trials run stay as they are."""
    source = Limited()
    limits, _ = limiter(source)
    limits.limit("t", "a", 200.0)
    limits.limit("u", "b", 250.0)

    limits.restore("t")

    assert source.limit_w == {"a": ORIGINAL_W, "b": 250.0}


@pytest.mark.parametrize(
    ("source", "trial", "watts", "message"),
    [
        (Limited(), "t", 50.0, "100 to 400 W"),
        (Limited(shared=True), "t", 200.0, "split by MIG"),
        (Limited(), "u", 200.0, "t runs on it"),
    ],
)
def test_invalid_limits_are_refused(
    source: Limited, trial: str, watts: float, message: str
) -> None:
    """A limit out of range, of a shared board or of another trial's board is refused and changes nothing."""
    limits, _ = limiter(source)
    if trial == "u":
        limits.limit("t", "a", 300.0)

    with pytest.raises(TrackerError, match=message):
        limits.limit(trial, "a", watts)

    assert source.limit_w["a"] == ORIGINAL_W


def test_a_cpu_has_no_limit() -> None:
    """The message names the boards that have one."""
    limits, _ = limiter(Limited())

    with pytest.raises(TrackerError, match="boards that have: a, b"):
        limits.limit("t", "cpu", 200.0)


def test_a_guard_that_was_killed_is_replaced() -> None:
    """A new guard keeps the next limit, and all limits are restored."""
    source = Limited()
    limits, guards = limiter(source)
    limits.limit("t", "a", 200.0)
    guards[0].is_lost = True

    limits.limit("t", "b", 200.0)
    limits.restore("t")

    assert len(guards) == 2
    assert source.limit_w == {"a": ORIGINAL_W, "b": ORIGINAL_W}


def test_a_kept_limit_outlives_its_keeper(tmp_path: Path) -> None:
    """The original limit is restored, not the one that a killed tracker left."""
    source = Limited()
    KeptLimits(tmp_path).keep("a", source)
    source.limit_power("a", 150.0)

    later = KeptLimits(tmp_path)
    later.adopt_leftovers()
    later.restore(source)

    assert source.limit_w["a"] == ORIGINAL_W
    assert list(tmp_path.iterdir()) == []


def test_a_board_has_one_keeper(tmp_path: Path) -> None:
    """A board whose limit one study has set is neither limited nor restored by another study."""
    source = Limited()
    first, second = KeptLimits(tmp_path), KeptLimits(tmp_path, others_s=0.1)
    first.keep("a", source)

    assert not second.adopt_leftovers()
    with pytest.raises(TrackerError, match="another study"):
        second.keep("a", source)


SET_LIMIT = f"""
import time
from trackers.node.power_limiter import PowerLimiter
from trackers.sources.nvml.source import NvmlSource
limits = PowerLimiter([NvmlSource()])
limits.limit("t", "{UUIDS[0]}", 200.0)
print("set", flush=True)
time.sleep(600)
"""


def set_limit_and_end(end: Callable[["subprocess.Popen[str]"], None], folder: Path) -> Boards:
    """Have a process set a limit, then end it by `end`."""
    boards = Boards(limits=str(folder / "limits"))
    (folder / "limits").mkdir()
    (folder / "kept").mkdir()
    environment = boards.environment(build(folder / "lib"))
    process = subprocess.Popen(
        [sys.executable, "-c", SET_LIMIT],
        env={**environment, "TMPDIR": str(folder / "kept")},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "set\n"
    assert boards.limit_at_w(0) == 200.0
    end(process)
    process.wait(timeout=PATIENCE_S)
    return boards


@pytest.mark.parametrize(
    "end",
    [
        lambda process: process.kill(),
        lambda process: os.killpg(process.pid, signal.SIGINT),
        lambda process: os.killpg(process.pid, signal.SIGKILL),
    ],
    ids=["killed", "interrupted", "process group killed"],
)
@pytest.mark.slow
def test_a_limit_is_restored_when_its_process_is_gone(
    end: Callable[["subprocess.Popen[str]"], None], tmp_path: Path
) -> None:
    """The guard is no child of the process and has its own session, so it survives the process."""
    boards = set_limit_and_end(end, tmp_path)

    waited_for(lambda: boards.limit_at_w(0) == boards.limit_w, "the original limit")
    waited_for(
        lambda: not list((tmp_path / "kept").rglob("*.json")), "the end of the kept limit's file"
    )

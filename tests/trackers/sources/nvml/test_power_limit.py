"""Power limits through the real `pynvml`, on emulated boards whose power they cap."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.fake_nvml import UUIDS, Boards
from tests.trackers.sources.nvml.emulated import run
from trackers.clock import ManualClock
from trackers.sources.nvml.power_limit import BoardLimits

OPEN = """
from trackers.sources.nvml.source import NvmlSource
source = NvmlSource()
uuid = source.devices()[0].uuid
"""


@pytest.mark.slow
def test_a_limit_is_set_and_read_back(library: Path, tmp_path: Path) -> None:
    """The limit that the board reports afterwards is returned; another process sees it, too."""
    boards = Boards(limits=str(tmp_path))

    returned_w = run(OPEN + "out = source.limit_power(uuid, 200.0)", boards, library)
    seen_w = run(OPEN + "out = source.power_limits(uuid).now_w", boards, library)

    assert returned_w == seen_w == boards.limit_at_w(0) == 200.0


@pytest.mark.parametrize("shape", ["square", "constant"])
@pytest.mark.slow
def test_python_and_c_know_the_same_energy_under_limits(
    library: Path,
    tmp_path: Path,
    shape: Any,  # noqa: ANN401 - a word
) -> None:
    """Power is capped from the moment at which a limit is set."""
    boards = Boards(limits=str(tmp_path), shape=shape, refresh_ms=0, power_refresh_ms=0)

    rows = run(
        OPEN
        + """
out = []
for limit_w in (450, 200, 120, 450):
    source.limit_power(uuid, limit_w)
    for _ in range(4):
        before_s = time.monotonic()
        seen = source.observe(uuid, counter=True)
        out.append([before_s, seen.counter_j, seen.power_w, time.monotonic()])
        time.sleep(0.05)
""",
        boards,
        library,
    )

    first_s, first_j, *_ = rows[0]
    for before_s, energy_j, power_w, after_s in rows:
        slack_j = 0.01 + boards.high_w * (after_s - before_s + rows[0][3] - first_s)
        assert abs(energy_j - first_j - boards.energy_j(0, first_s, before_s)) <= slack_j
        most_w = min(boards.high_w, boards.limit_at_w(0, after_s))
        assert power_w == pytest.approx(most_w) if shape == "constant" else power_w <= most_w


def test_a_limited_load_uses_least_energy_at_half_more_than_idle_power() -> None:
    """Run time grows with the cube root of the cut, so power x time is least at 1.5 x the idle power."""
    boards = Boards(low_w=100.0, high_w=400.0)

    energy = {w: w * boards.slowdown(0, w) for w in range(110, 400, 10)}

    assert min(energy, key=lambda limit_w: energy[limit_w]) == 150
    assert boards.slowdown(0, 500.0) == 1.0


@pytest.mark.parametrize(
    ("boards", "message"),
    [
        (Boards(set_limit_code=4), "needs root"),
        (Boards(mig=1), "split by MIG"),
    ],
)
def test_a_board_that_may_not_be_limited_says_why(
    library: Path, boards: Boards, message: str
) -> None:
    """Setting a limit needs root, and a board that is split by MIG may have other users."""
    assert message in run(OPEN + "out = source.limit_refused(uuid)", boards, library)


def test_a_board_that_others_use_is_not_limited() -> None:
    """A limit would slow the other processes."""
    handles = {UUIDS[0]: object()}
    busy: Any = SimpleNamespace(is_split=lambda _: False, processes=lambda _: frozenset({41}))

    assert "process 41" in BoardLimits(busy, handles, clock=ManualClock()).refused(UUIDS[0])


def test_checking_whether_a_limit_may_be_set_changes_none(library: Path, tmp_path: Path) -> None:
    """The check leaves the board's limit as it is."""
    boards = Boards(limits=str(tmp_path))

    assert run(OPEN + "out = source.limit_refused(uuid)", boards, library) == ""
    assert boards.limits_set(0) == []


def test_the_highest_limit_since_a_time_is_known() -> None:
    """A window's power is bounded by the highest limit that held in it, whoever set it."""
    clock = ManualClock()
    limits = BoardLimits(SimpleNamespace(), {}, clock=clock)  # type: ignore[arg-type]
    for at_s, limit_w in ((0.0, 300.0), (10.0, 100.0), (20.0, 200.0)):
        clock.advance(at_s - clock.now_s())
        limits.saw("a", limit_w)

    found = [limits.highest_w("a", since_s) for since_s in (5.0, 12.0, 25.0)]

    assert found == [300.0, 200.0, 200.0]
    assert limits.highest_w("b", 0.0) is None

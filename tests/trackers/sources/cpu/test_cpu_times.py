"""CPU times that several devices share, which are read once for all of them."""

import os
from collections.abc import Iterator

import pytest

from tests.trackers.sources.cpu.programs import child
from trackers.errors import DeviceLostError
from trackers.sources.cpu.cpu_times import MOMENT_S, CpuTimes


def test_devices_that_are_read_at_one_moment_have_the_same_times() -> None:
    """The machine's time is read once, and again when the moment is over."""
    now_s, machine_s = [5.0], iter((10.0, 20.0))
    times = CpuTimes(busy_seconds=lambda: next(machine_s), now_s=lambda: now_s[0])

    first = [times.busy_seconds(), times.busy_seconds()]
    now_s[0] += 2 * MOMENT_S
    later = times.busy_seconds()

    assert first == [10.0, 10.0]
    assert later == 20.0


def test_each_process_has_its_own_time() -> None:
    """Two processes that are read at the same moment have different times."""
    times = CpuTimes(now_s=lambda: 0.0)
    with child("wait()") as process:
        own_s, other_s = times.tree_seconds(os.getpid()), times.tree_seconds(process.pid)

        assert times.tree_seconds(os.getpid()) == own_s != other_s


def test_a_process_that_has_ended_is_lost_in_every_reading() -> None:
    """Every device gets the error, not only the first one that asks."""
    now_s: Iterator[float] = iter(range(9))
    times = CpuTimes(now_s=lambda: next(now_s))
    with child("wait()") as process:
        times.tree_seconds(process.pid)

    for _ in range(2):
        with pytest.raises(DeviceLostError):
            times.tree_seconds(process.pid)

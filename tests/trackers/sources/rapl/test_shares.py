"""A process's share of RAPL's energy."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.sources.rapl.zones import CPU, MEMORY, counter_j, two_sockets, zone
from trackers.clock import ManualClock
from trackers.errors import (
    DeviceLostError,
    UnknownDeviceError,
)
from trackers.sample import process_device
from trackers.sources.cpu.cpu_share import SETTLING_BUSY_S, CpuShares
from trackers.sources.rapl import RaplSource


def test_process_has_a_share_of_each_device(tmp_path: Path) -> None:
    """A target has a share of its device; one that names only a process, of all packages."""
    counters = two_sockets(tmp_path)
    seconds = {"tree": 1.0, "busy": 10.0}
    clock = ManualClock()
    source = RaplSource(
        root=tmp_path,
        hostname="node-1",
        clock=clock,
        tree_seconds=lambda _: seconds["tree"],
        busy_seconds=lambda: seconds["busy"],
    )
    targets = (process_device(42), process_device(42, CPU), process_device(42, MEMORY))
    for target in targets:
        counter_j(source, target)
    for used_j, folder in ((10, "intel-rapl:0"), (30, "intel-rapl:1"), (4, "intel-rapl:0:1")):
        counters[folder].write_text(str(int(counters[folder].read_text()) + used_j * 1_000_000))
    seconds.update(tree=2.0, busy=14.0)
    clock.advance(1)

    shares_j = [counter_j(source, target) for target in targets]

    assert shares_j == pytest.approx([(10 + 30) / 4, 10 / 4, 4 / 4])
    with pytest.raises(UnknownDeviceError, match="shares of processes"):
        source.observe(process_device(42, "cpu:node-2:package-0"), counter=True)


def test_process_gets_its_share_of_the_machine(tmp_path: Path) -> None:
    """A process with a quarter of the busy CPU seconds gets a quarter of the energy since then."""
    counter = zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    seconds = {"tree": 100.0, "busy": 1000.0}
    source = RaplSource(
        root=tmp_path,
        tree_seconds=lambda _: seconds["tree"],
        busy_seconds=lambda: seconds["busy"],
    )
    first = source.observe(process_device(42), counter=True)
    counter.write_text("25000000")
    seconds.update(tree=101.0, busy=1004.0)

    last = source.observe(process_device(42), counter=True)

    assert first.counter_j == 0
    assert last.counter_j == pytest.approx(5)
    source.close()
    source.close()


@given(
    st.lists(
        st.tuples(
            st.floats(0, 5),  # CPU seconds of the first process
            st.floats(0, 5),  # of the second
            st.floats(SETTLING_BUSY_S, 5),  # of everything else
            st.floats(0, 1000),  # joules
        ),
        max_size=20,
    )
)
def test_shares_never_fall_and_never_exceed_the_whole(
    steps: list[tuple[float, float, float, float]],
) -> None:
    """Over settled intervals no charge falls, and all charges stay within the whole."""
    used_s = {1: 0.0, 2: 0.0}
    other_s = whole_j = 0.0
    shares = CpuShares(
        tree_seconds=lambda pid: used_s[pid], busy_seconds=lambda: sum(used_s.values()) + other_s
    )
    before = [shares.energy_j(pid, 0.0) for pid in used_s]
    for first_s, second_s, rest_s, energy_j in steps:
        used_s[1] += first_s
        used_s[2] += second_s
        other_s += rest_s
        whole_j += energy_j

        after = [shares.energy_j(pid, whole_j) for pid in used_s]

        assert all(b >= a for a, b in zip(before, after, strict=True))
        assert sum(after) <= whole_j * (1 + 1e-9) + 1e-9
        before = after


def test_frequent_readings_change_no_share() -> None:
    """A process is charged the same for one reading or a thousand, although busy seconds are coarse."""
    charged = []
    for readings in (1, 1000):
        seconds = {"tree": 0.0, "busy": 0.0}
        shares = CpuShares(
            tree_seconds=lambda _, now=seconds: now["tree"],  # type: ignore[misc]
            busy_seconds=lambda now=seconds: 0.05 * (now["busy"] // 0.05),  # type: ignore[misc]
        )
        shares.energy_j(1, 0.0)
        for number in range(1, readings + 1):
            seconds.update(tree=38 * number / readings, busy=40 * number / readings)
            shares.energy_j(1, 800 * number / readings)
        charged.append(shares.energy_j(1, 800))

    assert charged == [pytest.approx(760, rel=0.01), pytest.approx(760, rel=0.01)]


def test_charge_stands_still_while_a_share_shrinks() -> None:
    """In an interval that is not settled a share may shrink, but the charge does not fall."""
    seconds = {"tree": 0.0, "busy": 0.0}
    shares = CpuShares(tree_seconds=lambda _: seconds["tree"], busy_seconds=lambda: seconds["busy"])
    shares.energy_j(1, 0.0)
    seconds.update(tree=0.2, busy=0.2)
    early_j = shares.energy_j(1, 10.0)
    seconds.update(busy=0.8)

    late_j = shares.energy_j(1, 20.0)

    assert (early_j, late_j) == (10, 10)


def test_process_that_ended_is_lost_and_forgotten() -> None:
    """Its account is dropped, so that a later process with the same number starts at 0."""
    seconds: dict[str, float | None] = {"tree": 1.0, "busy": 2.0}

    def tree_seconds(_: int) -> float:
        if seconds["tree"] is None:
            message = "process 1 has ended"
            raise DeviceLostError(message)
        return seconds["tree"]

    shares = CpuShares(tree_seconds=tree_seconds, busy_seconds=lambda: seconds["busy"] or 0.0)
    shares.energy_j(1, 0.0)
    seconds.update(tree=None)

    with pytest.raises(DeviceLostError):
        shares.energy_j(1, 5.0)

    seconds.update(tree=7.0, busy=20.0)
    assert shares.energy_j(1, 9.0) == 0

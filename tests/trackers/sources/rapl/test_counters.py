"""RAPL's counters, which wrap, jump and restart, but never fall."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trackers.sources.rapl.zones import RANGE_UJ, machine_j, zone
from trackers.clock import ManualClock
from trackers.errors import (
    ReadError,
)
from trackers.sources.rapl import RaplSource
from trackers.sources.rising_counter import HIGHEST_W, PAUSE_S


@given(steps_uj=st.lists(st.integers(0, RANGE_UJ - 1), max_size=30))
def test_counter_rises_over_wraps(
    tmp_path_factory: pytest.TempPathFactory, steps_uj: list[int]
) -> None:
    """The counter rises by what is used between two readings, wraps included."""
    root = tmp_path_factory.mktemp("powercap")
    counter, clock = zone(root, "intel-rapl:0", "package-0", 0), ManualClock()
    source = RaplSource(root=root, hostname="node-1", clock=clock)
    start_j, used_uj = machine_j(source), 0

    for step_uj in steps_uj:
        used_uj += step_uj
        clock.advance(step_uj / 1e6 / HIGHEST_W)
        counter.write_text(str(used_uj % RANGE_UJ))
        now_j = machine_j(source)

        assert now_j - start_j == pytest.approx(used_uj / 1e6)


@pytest.mark.parametrize("slept_uj", [0, 40_000])
def test_a_restarted_counter_is_not_taken_for_a_wrap(tmp_path: Path, slept_uj: int) -> None:
    """After sleep the counter starts near 0: its value is added, and not 262 kJ as for a wrap."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 9_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j = machine_j(source)
    clock.advance(0.1)
    counter.write_text(str(slept_uj))

    after_j = machine_j(source)

    assert after_j - before_j == pytest.approx(slept_uj / 1e6)


@pytest.mark.parametrize("absurd_uj", [0, 100_000_000_000, RANGE_UJ - 1])
def test_one_absurd_value_adds_nothing(tmp_path: Path, absurd_uj: int) -> None:
    """A single wrong value, high or low, adds no energy; at most the steps beside it are lost."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 50_000_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j, seen_j = machine_j(source), []
    for value_uj in (50_005_000_000, absurd_uj, 50_015_000_000, 50_020_000_000, 50_025_000_000):
        clock.advance(0.1)
        counter.write_text(str(value_uj))
        with contextlib.suppress(ReadError):
            seen_j.append(machine_j(source) - before_j)

    assert seen_j == sorted(seen_j)
    assert 10 <= seen_j[-1] <= 25


def test_a_counter_that_has_jumped_for_good_goes_on_from_there(tmp_path: Path) -> None:
    """One reading fails, and the jump is never added."""
    counter, clock = zone(tmp_path, "intel-rapl:0", "package-0", 1_000_000), ManualClock()
    source = RaplSource(root=tmp_path, hostname="node-1", clock=clock)
    before_j = machine_j(source)
    counter.write_text("90000000000")
    with pytest.raises(ReadError, match="energy_uj jumped to 90000000000 uJ"):
        machine_j(source)
    clock.advance(0.5)
    counter.write_text("90025000000")

    after_j = machine_j(source)

    assert after_j - before_j == pytest.approx(25)


@given(
    waited_s=st.floats(min_value=0, max_value=3600), over=st.floats(min_value=1.001, max_value=50)
)
def test_no_step_is_above_what_a_zone_can_draw(
    tmp_path_factory: pytest.TempPathFactory, waited_s: float, over: float
) -> None:
    """The bound grows with the time since the previous reading, so that a late one is not refused."""
    root = tmp_path_factory.mktemp("powercap")
    counter, clock = zone(root, "intel-rapl:0", "package-0", 0), ManualClock()
    source = RaplSource(root=root, hostname="node-1", clock=clock)
    most_uj = HIGHEST_W * (waited_s + PAUSE_S) * 1e6
    clock.advance(waited_s)
    counter.write_text(str(int(most_uj * over) + 1))

    with pytest.raises(ReadError):
        machine_j(source)

    counter.write_text(str(int(most_uj * 0.999)))
    assert machine_j(source) == pytest.approx(most_uj * 0.999 / 1e6, abs=1e-5)

"""Epochs that begin with their work, on boards that report at each refresh the power of the time before it.

An H100 and an H200 do so. Taken for present power, it once made sound counters distrusted, and short epochs
after a pause were measured worse than by the counter alone.
"""

import statistics
from functools import cache

import pytest

from tests.fake_nvml import Boards
from tests.trackers.known_curves import counter_alone_j, told_in_step, told_late
from trackers.meter.uncertainty import Persistence
from trackers.sample import Method, Reading, Status

LENGTHS_S = (0.1, 0.3, 1.0)


@cache
def epochs_on_late_board(
    length_s: float, pause_s: float = 0.263
) -> tuple[Boards, list[tuple[Reading, float]]]:
    """A board that reports late, and readings of epochs with pauses, each with the true energy."""
    period_s = length_s + pause_s
    boards = Boards(
        period_s=period_s,
        duty=length_s / period_s,
        low_w=80.0,
        high_w=430.0,
        refresh_ms=100.0,
        power_refresh_ms=100.0,
        usage="instant",
    )
    return boards, told_in_step(boards, epochs=60, altered=told_late(boards))


def error(reading: Reading, truth_j: float) -> float:
    """Relative error of an energy."""
    assert reading.energy_j is not None
    return abs(reading.energy_j / truth_j - 1)


def within(reading: Reading, truth_j: float) -> bool:
    """Return whether the true energy lies within the reading's interval."""
    assert reading.energy_j is not None
    assert reading.uncertainty_j is not None
    return abs(reading.energy_j - truth_j) <= reading.uncertainty_j


@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_a_sound_counter_is_neither_scaled_nor_refused(length_s: float) -> None:
    """Because of late power such a counter was once scaled by 1.4, or refused."""
    _, readings = epochs_on_late_board(length_s)

    assert {reading.method for reading, _ in readings} == {Method.COUNTER}
    assert not [reading.note for reading, _ in readings if "scaled" in reading.note]


@pytest.mark.parametrize("length_s", [0.3, 1.0])
def test_epochs_are_measured_better_than_by_the_counter_alone(
    length_s: float,
) -> None:
    """In each epoch the counter alone lacks what was drawn since its last refresh."""
    boards, readings = epochs_on_late_board(length_s)

    ours = statistics.fmean(error(*each) for each in readings)
    alone = statistics.fmean(
        abs(counter_alone_j(boards, reading.start_s, reading.duration_s) / truth_j - 1)
        for reading, truth_j in readings
    )
    assert ours < alone / 3


@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_large_errors_are_not_ok_and_intervals_hold(length_s: float) -> None:
    """No energy that is off by a quarter is OK, and nine of ten lie within their intervals."""
    _, readings = epochs_on_late_board(length_s)

    errors_of_ok = [error(*each) for each in readings if each[0].status is Status.OK]
    assert max(errors_of_ok, default=0.0) < 0.25
    assert statistics.fmean(within(*each) for each in readings) >= 0.9


@pytest.mark.parametrize(("told_w", "is_late"), [((300.0, 100.0), True), ((200.0, 200.0), False)])
def test_power_is_late_if_it_is_of_the_previous_interval(
    told_w: tuple[float, float],
    is_late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Present power is as far from the mean before it as from the one after it; late power is not."""
    found = Persistence()
    for number in range(20):
        then_w = 100.0 + 200 * (number % 2)
        before_w = told_w[number % 2]
        found.add(
            reported_w=before_w,
            mean_w=then_w,
            length_s=0.1,
            reported_after_w=then_w if is_late else before_w,
        )

    assert found.is_late is is_late


def test_few_intervals_make_no_power_late() -> None:
    """A few intervals may fit by chance."""
    found = Persistence()
    for _ in range(5):
        found.add(reported_w=100.0, mean_w=300.0, length_s=0.1, reported_after_w=300.0)

    assert not found.is_late

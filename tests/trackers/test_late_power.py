"""Boards that tell, at a refresh, the power of the time before it, and epochs whose work begins with them.

So do an H100 and an H200. What they told was taken for the power of the moment, so that a sound counter lost
its trust, and short epochs that begin after a pause were measured worse than by the counter alone.
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
def late(length_s: float, pause_s: float = 0.263) -> tuple[Boards, list[tuple[Reading, float]]]:
    """A late board, and readings of epochs on it after which it idles; each with the true energy."""
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
    """Distance of an energy from the true one, as a share of it."""
    assert reading.energy_j is not None
    return abs(reading.energy_j / truth_j - 1)


def within(reading: Reading, truth_j: float) -> bool:
    """Return whether the true energy lies in the reading's interval."""
    assert reading.energy_j is not None
    assert reading.uncertainty_j is not None
    return abs(reading.energy_j - truth_j) <= reading.uncertainty_j


@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_a_sound_counter_keeps_its_trust(length_s: float) -> None:
    """It was scaled by 1.4, or refused, for the late power's sake."""
    _, readings = late(length_s)

    assert {reading.method for reading, _ in readings} == {Method.COUNTER}
    assert not [reading.note for reading, _ in readings if "scaled" in reading.note]


@pytest.mark.parametrize("length_s", [0.3, 1.0])
def test_epochs_that_begin_with_their_work_are_nearer_than_the_counter_alone(
    length_s: float,
) -> None:
    """The counter alone lacks what was drawn since its last refresh, in each of them."""
    boards, readings = late(length_s)

    ours = statistics.fmean(error(*each) for each in readings)
    alone = statistics.fmean(
        abs(counter_alone_j(boards, reading.start_s, reading.duration_s) / truth_j - 1)
        for reading, truth_j in readings
    )
    assert ours < alone / 3


@pytest.mark.parametrize("length_s", LENGTHS_S)
def test_what_is_far_off_is_not_ok_and_the_interval_says_so(length_s: float) -> None:
    """Of 0.1 s with one refresh in them little can be known; nine of ten lie within what is stated."""
    _, readings = late(length_s)

    taken_for_sure = [error(*each) for each in readings if each[0].status is Status.OK]
    assert max(taken_for_sure, default=0.0) < 0.25
    assert statistics.fmean(within(*each) for each in readings) >= 0.9


@pytest.mark.parametrize(("told_w", "is_late"), [((300.0, 100.0), True), ((200.0, 200.0), False)])
def test_power_is_late_where_it_is_of_the_stretch_before(
    told_w: tuple[float, float],
    is_late: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    """Power of the moment is as far from the mean before it as from the one after it."""
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


def test_little_makes_no_power_late() -> None:
    """A few stretches may be so by chance."""
    found = Persistence()
    for _ in range(5):
        found.add(reported_w=100.0, mean_w=300.0, length_s=0.1, reported_after_w=300.0)

    assert not found.is_late

"""Accuracy of short windows, on boards of known energy and with a clock that jumps."""

import pytest

from tests.fake_nvml import Boards
from tests.trackers.known_curves import mean_error, told
from trackers.sample import Status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("boards", "long", "short"),
    [
        (Boards(), 0.003, 0.02),
        (Boards(shape="ramp"), 0.003, 0.02),
        (Boards(refresh_ms=100), 0.004, 0.03),
        (Boards(refresh_ms=50, period_s=0.9), 0.003, 0.03),
        (Boards(shape="noise"), 0.006, 0.06),
        (Boards(no_counter=1), 0.04, 0.05),
        (Boards(no_counter=1, shape="ramp"), 0.04, 0.05),
    ],
)
def test_short_windows_are_accurate(boards: Boards, long: float, short: float) -> None:
    """The mean errors of windows of 1.0 s and of 0.1 s are small, as far as the refreshes allow."""
    assert mean_error(boards, length_s=1.0) <= long
    assert mean_error(boards, length_s=0.1) <= short


@pytest.mark.parametrize("power_refresh_ms", [20, 100])
def test_power_that_is_a_mean_over_a_second_is_accurate_in_longer_windows(
    power_refresh_ms: float,
) -> None:
    """With a load that changes every 1.5 s, the longer a window is, the smaller its allowed error."""
    boards = Boards(
        no_counter=1, no_instant=1, power_refresh_ms=power_refresh_ms, period_s=3.1, duty=0.5
    )

    assert mean_error(boards, length_s=1.0) <= 0.1
    assert mean_error(boards, length_s=2.3) <= 0.05
    assert mean_error(boards, length_s=4.5) <= 0.03


def test_power_that_is_a_mean_over_a_second_degrades_short_windows() -> None:
    """Short windows are degraded, with an uncertainty as large as their energy; long ones are OK."""
    boards = Boards(no_counter=1, no_instant=1)

    short = told(boards, length_s=1.0, epochs=5)
    long = told(boards, length_s=20.0, epochs=3)

    for reading, _ in short:
        assert reading.status is Status.DEGRADED
        assert "mean over 1 s" in reading.note
        assert reading.uncertainty_j is not None
        assert reading.uncertainty_j >= 0.9 * (reading.energy_j or 0)
    for reading, truth_j in long:
        assert reading.status is Status.OK, reading.note
        assert reading.energy_j == pytest.approx(truth_j, rel=0.03)

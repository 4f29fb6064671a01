"""How right short windows are, on boards whose energy is known and a clock that a test turns."""

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
def test_short_windows_are_right(boards: Boards, long: float, short: float) -> None:
    """Of 1.0 s and of 0.1 s, within what the board's own refreshes let anybody know."""
    assert mean_error(boards, length_s=1.0) <= long
    assert mean_error(boards, length_s=0.1) <= short


@pytest.mark.parametrize("power_refresh_ms", [20, 100])
def test_power_that_is_a_mean_of_a_second_is_right_for_longer_windows(
    power_refresh_ms: float,
) -> None:
    """A load that changes each second or two, of which the mean shows every change a second long."""
    boards = Boards(
        no_counter=1, no_instant=1, power_refresh_ms=power_refresh_ms, period_s=3.1, duty=0.5
    )

    assert mean_error(boards, length_s=1.0) <= 0.1
    assert mean_error(boards, length_s=2.3) <= 0.05
    assert mean_error(boards, length_s=4.5) <= 0.03


def test_power_that_is_a_mean_of_a_second_says_that_short_windows_are_not_right() -> None:
    """They are `degraded`, and their uncertainty is at least their energy; long ones are right."""
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

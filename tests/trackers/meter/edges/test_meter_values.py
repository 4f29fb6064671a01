"""Times of a window that is open, and what is no time."""

import math

import pytest

from trackers.meter.meter_values import LoggedSample, OpenWindow, check_time, logged
from trackers.sample import Observation, PowerSample


@pytest.mark.parametrize(
    ("seen_s", "around_s"), [(None, (5.0, 6.0)), (4.75, (4.75, 6.0)), (5.25, (5.0, 6.25))]
)
def test_power_is_kept_around_the_start_and_the_counters_value(
    seen_s: float | None, around_s: tuple[float, float]
) -> None:
    """From the earlier of both to the later one, and as much longer as powers are means of."""
    seen = None if seen_s is None else Observation(time_s=seen_s, counter_j=1.0)
    window = OpenWindow(start_s=5.0, at_start={"GPU": seen})

    assert window.around_start_s("GPU", 1.0) == around_s


@pytest.mark.parametrize("time_s", [None, 0, -3, 1.5])
def test_a_time_is_a_finite_number_or_none(time_s: float | None) -> None:
    """Clocks may begin anywhere."""
    check_time("start_s", time_s)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, "5", [1.0]])
def test_what_is_no_time_is_refused_by_its_name(wrong: object) -> None:
    """With what was got, and what is allowed."""
    with pytest.raises(ValueError, match=r"^start_s is .*; allowed: a finite number of seconds"):
        check_time("start_s", wrong)  # type: ignore[arg-type] # what another process may send


def test_the_log_has_a_sample_with_its_device_and_its_window() -> None:
    """All four are what was seen."""
    assert logged("GPU", PowerSample(time_s=1.5, power_w=80.0), "epoch") == LoggedSample(
        device_uuid="GPU", time_s=1.5, power_w=80.0, window="epoch"
    )

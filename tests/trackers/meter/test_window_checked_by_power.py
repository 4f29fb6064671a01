"""A window's counter, checked against the power that was sampled in the window."""

import pytest

from tests.trackers.meter.one_window import PERIOD_S, constant, read, seen
from trackers.meter.counter_trust import Trust, Verdict
from trackers.meter.integrate import PowerTrace
from trackers.sample import Method, Observation, PowerSample, Reading, Status


@pytest.mark.parametrize("counted_j", [1.0, 700.0, 1430.0])
def test_a_counter_far_from_the_power_of_its_window_is_not_used(counted_j: float) -> None:
    """A hundred samples of a steady load cannot have missed that much."""
    found = read(seen(0.0, 50.0), seen(10.0, 50.0 + counted_j))

    assert found.energy_j == pytest.approx(1000.0)
    assert (found.method, found.status) == (Method.SAMPLED, Status.DEGRADED)
    assert found.counter_over_power == pytest.approx(counted_j / 1000.0)
    assert "of the energy that the sampled power has" in found.note


@pytest.mark.parametrize("counted_j", [880.0, 1000.0, 1120.0])
def test_a_counter_near_the_power_of_its_window_is_used(counted_j: float) -> None:
    """It includes what happens between the samples."""
    found = read(seen(0.0, 50.0), seen(10.0, 50.0 + counted_j))

    assert found.energy_j == pytest.approx(counted_j)
    assert found.status is Status.OK


def test_an_interval_has_both_energies_where_either_may_be_right() -> None:
    """Nobody can tell which of two sensors is wrong, but a counter of a thousandth cannot be right."""
    near = read(seen(0.0, 50.0), seen(10.0, 50.0 + 700.0))
    far = read(seen(0.0, 50.0), seen(10.0, 50.0 + 1.0))

    assert (near.uncertainty_own_j or 0) >= 299.9
    assert (far.uncertainty_own_j or 0) < 100.0


def test_a_scaled_counter_is_multiplied_by_its_factor() -> None:
    """Each such reading is degraded, with a note."""
    trust = Trust(verdict=Verdict.SCALED, factor=1000.0)

    found = read(seen(0.0, 0.0), seen(10.0, 1.05), trust=trust)

    assert found.energy_j == pytest.approx(1050.0)
    assert (found.method, found.status) == (Method.COUNTER, Status.DEGRADED)
    assert "counts 0.001 of the sampled power" in found.note


def test_a_refused_counter_is_never_used() -> None:
    """It is not used even in a window in which it agrees with the power."""
    found = read(seen(0.0, 0.0), seen(10.0, 1000.0), trust=Trust(verdict=Verdict.REFUSED))

    assert (found.method, found.status) == (Method.SAMPLED, Status.DEGRADED)
    assert "refused" in found.note


@pytest.mark.parametrize(
    "found",
    [
        read(seen(0.0, 0.0), seen(10.0, 2000.0), trace=PowerTrace(period_s=PERIOD_S)),
        read(Observation(time_s=0.0, counter_j=0.0), Observation(time_s=10.0, counter_j=2000.0)),
        read(seen(0.0, 0.0), seen(10.0, 2000.0), estimated=True),
        read(None, None, has_counter=False),
    ],
    ids=["no power", "power made from the counter", "estimate", "no counter"],
)
def test_without_independent_power_there_is_no_ratio(found: Reading) -> None:
    """The ratio is None, and the note does not mention it."""
    assert found.counter_over_power is None
    assert "sampled power" not in found.note


def test_a_late_edge_without_samples_is_corrected_by_the_mean() -> None:
    """A frozen tracker reads the counter 5 s late; its mean is used, because the last sample would mislead."""
    trace = constant(60.0, until_s=1.0)

    found = read(seen(0.0, 0.0, power_w=60.0), seen(6.0, 900.0), stop_s=1.0, trace=trace)

    assert found.energy_j == pytest.approx(150.0)


@pytest.mark.parametrize(
    ("at_start", "at_stop", "has_counter", "trace", "method"),
    [
        (seen(2.0, 5.0), seen(9.0, 705.0), True, constant(100.0), Method.COUNTER),
        (None, None, False, constant(100.0), Method.SAMPLED),
        (None, None, False, PowerTrace(period_s=PERIOD_S), None),
    ],
)
def test_a_reading_has_device_and_times_of_its_window(
    at_start: Observation | None,
    at_stop: Observation | None,
    has_counter: bool,  # noqa: FBT001 - of a table
    trace: PowerTrace,
    method: Method | None,
) -> None:
    """This holds whether the window was counted, sampled or neither."""
    found = read(at_start, at_stop, start_s=2.0, stop_s=9.0, trace=trace, has_counter=has_counter)

    assert (found.device_uuid, found.start_s, found.duration_s) == ("GPU-1", 2.0, 7.0)
    assert found.energy_j == (None if method is None else pytest.approx(700.0))
    assert method is None or found.method is method
    assert method is not None or found.note == "the device did not answer during the window"


def test_rough_power_has_a_larger_own_uncertainty() -> None:
    """Samples of a power that jumps say less about the time between them."""
    rough = PowerTrace(period_s=PERIOD_S)
    for n in range(101):
        rough.append(PowerSample(time_s=n * PERIOD_S, power_w=100.0 + 80.0 * (-1) ** n))

    steady, uneven = (
        read(None, None, has_counter=False, trace=trace).uncertainty_own_j
        for trace in (constant(100.0), rough)
    )

    assert steady is not None
    assert uneven is not None
    assert steady < 0.01 * 1000.0 < uneven

"""Values that check themselves."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.sample import Method, Observation, Reading, Status, process_and_device, process_device


def a_reading(
    *,
    energy_j: float | None = 10.0,
    duration_s: float = 4.0,
    status: Status = Status.OK,
    coverage: float = 1.0,
) -> Reading:
    """A reading of which a test changes one thing."""
    return Reading(
        device_uuid="GPU-1",
        start_s=0.0,
        duration_s=duration_s,
        energy_j=energy_j,
        method=None if energy_j is None else Method.COUNTER,
        status=status,
        coverage=coverage,
        power_samples=0,
    )


@pytest.mark.parametrize("energy_j", [-1e-9, math.nan, math.inf, -math.inf])
def test_an_energy_is_finite_and_not_negative(energy_j: float) -> None:
    """No arithmetic slip can travel on as an energy."""
    with pytest.raises(ValueError, match="allowed: a finite number from 0, or None"):
        a_reading(energy_j=energy_j)


@pytest.mark.parametrize(
    ("energy_j", "status"),
    [(None, Status.OK), (None, Status.DEGRADED), (0.0, Status.MISSING), (5.0, Status.MISSING)],
)
def test_missing_is_none_and_none_is_missing(energy_j: float | None, status: Status) -> None:
    """An energy and its status never contradict each other; above all, missing is not 0."""
    with pytest.raises(ValueError, match="with status"):
        a_reading(energy_j=energy_j, status=status)


@pytest.mark.parametrize("coverage", [-0.01, 1.01, math.nan])
def test_coverage_is_a_share(coverage: float) -> None:
    """A coverage lies in [0, 1]."""
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        a_reading(coverage=coverage)


def test_mean_power_is_energy_over_time() -> None:
    """10 J in 4 s are 2.5 W; where one of the two is not known, neither is the mean."""
    assert a_reading().mean_power_w == 2.5
    assert a_reading(duration_s=0.0).mean_power_w is None
    assert a_reading(energy_j=None, status=Status.MISSING).mean_power_w is None


def test_a_missing_reading_says_why_and_nothing_else() -> None:
    """`Reading.missing` holds no number that could be taken for a measurement."""
    reading = Reading.missing("GPU-1", note="the tracker did not answer", duration_s=3.0)

    assert (reading.energy_j, reading.method, reading.uncertainty_j) == (None, None, None)
    assert (reading.status, reading.coverage) == (Status.MISSING, 0.0)
    assert (reading.duration_s, reading.note) == (3.0, "the tracker did not answer")


@given(value=st.floats(max_value=-1e-300) | st.sampled_from([math.nan, math.inf, -math.inf]))
def test_an_observation_is_finite_and_not_negative(value: float) -> None:
    """What no sensor can mean is refused where it comes in."""
    with pytest.raises(ValueError, match="power_w is"):
        Observation(time_s=0.0, power_w=value)
    with pytest.raises(ValueError, match="counter_j is"):
        Observation(time_s=0.0, counter_j=value)


def test_a_process_has_an_identifier_of_its_own() -> None:
    """Two processes never share one, and none is a bare number."""
    assert process_device(7) == "process:7"
    assert process_device(7) != process_device(77)


@pytest.mark.parametrize("device_uuid", [None, "cpu:node-1:package-0"])
def test_a_share_names_its_process_and_device(device_uuid: str | None) -> None:
    """What was put together comes apart again."""
    assert process_and_device(process_device(42, device_uuid)) == (42, device_uuid)


@pytest.mark.parametrize(
    "target", ["", "process:", "process:x", "process:-1", "process:1:", "GPU-1"]
)
def test_what_is_no_share_names_nothing(target: str) -> None:
    """Devices and broken identifiers are told apart from shares."""
    assert process_and_device(target) is None

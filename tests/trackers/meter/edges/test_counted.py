"""Energy of a window by its counter, computed by hand: the corrections at the edges, and their errors."""

import math

import pytest

from tests.trackers.meter.edges.counted_windows import (
    NEXT,
    counted_j,
    observed,
    sampled,
    sensor,
    uncorrelated_persistence,
    window,
)
from tests.trackers.meter.one_window import constant
from trackers.meter.counted import Stretch, counted_energy_j, counted_share, edge_errors_j
from trackers.meter.counter_trust import Trust, Verdict
from trackers.meter.uncertainty import Persistence, Roughness, edge_error_j
from trackers.sample import Observation, PowerSample


@pytest.mark.parametrize(
    ("refreshed", "at_stop", "found"),
    [
        (observed(10.05, 30.0), observed(11.0, 90.0), observed(10.05, 30.0)),
        (None, observed(10.29, 90.0), observed(10.29, 90.0)),
        (observed(10.05, None), observed(10.29, 90.0), observed(10.29, 90.0)),
        (observed(9.99, 30.0), observed(10.31, 90.0), None),
        (observed(10.31, 30.0), None, None),
        (None, None, None),
    ],
)
def test_the_value_after_the_start_is_a_few_refreshes_later_at_most(
    refreshed: Observation | None, at_stop: Observation | None, found: Observation | None
) -> None:
    """It has a counter, and is at most three and a half refresh periods after the value at the start."""
    edges = window(observed(9.95, 10.0), at_stop, refreshed)

    assert edges.after_start(sensor(refresh_s=0.1)) == found
    assert edges.after_start(sensor()) is None
    assert window(None, at_stop, refreshed).after_start(sensor(refresh_s=0.1)) is None


def test_the_first_stretch_has_powers_energy_and_length() -> None:
    """Its energy is multiplied by the factor of a scaled counter."""
    edges = window(observed(9.9375, 2.0, 150.0), None, observed(10.0625, 2.5, 250.0))

    found = edges.first_stretch(sensor(refresh_s=0.125, trust=Trust(factor=2.0)))

    assert found == Stretch(reported_w=150.0, reported_after_w=250.0, energy_j=1.0, length_s=0.125)


@pytest.mark.parametrize(
    ("at_start", "refreshed"),
    [
        (observed(9.95, 2.0, None), observed(10.05, 2.5)),
        (observed(9.95, 2.5), observed(10.05, 2.5)),
        (observed(9.95, 2.0), observed(10.08, 2.5)),
        (observed(9.95, 2.0), None),
        (None, observed(10.05, 2.5)),
    ],
)
def test_an_incomplete_first_stretch_is_none(
    at_start: Observation | None, refreshed: Observation | None
) -> None:
    """It lacks power at its start, energy, or one of its ends, or spans more than one refresh period."""
    assert window(at_start, None, refreshed).first_stretch(sensor(refresh_s=0.1)) is None


@pytest.mark.parametrize(
    ("at_start", "at_stop", "energy_j"),
    [
        (observed(10.0, 100.0), observed(11.0, 200.0), 100.0),
        (observed(10.05, 100.0, 300.0), observed(11.0, 200.0), 100 + 0.05 * 300),
        (observed(9.95, 100.0, 300.0), observed(11.0, 200.0), 100 - 0.05 * 300),
        (observed(10.0, 100.0), observed(11.05, 200.0, 300.0), 100 - 0.05 * 300),
        (observed(10.0, 100.0), observed(10.95, 200.0, 300.0), 100 + 0.05 * 300),
        (observed(10.5, 100.0), observed(11.0, 200.0), 100 + 0.5 * 200),
        (observed(10.75, 100.0), observed(11.0, 200.0, 50.0), 100 + 0.75 * 50),
        (observed(10.75, 100.0), observed(11.0, 200.0, None), 100 + 0.75 * 400),
        (observed(10.5, 100.0), observed(10.5, 200.0, None), 100),
    ],
)
def test_the_time_between_an_edge_and_its_value_is_corrected(
    at_start: Observation, at_stop: Observation, energy_j: float
) -> None:
    """Short times have the power read with the value, longer ones the counter's mean or else the last power."""
    assert counted_j(window(at_start, at_stop)) == pytest.approx(energy_j)


@pytest.mark.parametrize(("first_s", "mean_w"), [(12.5, 50.0), (11.5, 100 / 2.5)])
def test_a_mean_needs_values_that_span_half_the_window(first_s: float, mean_w: float) -> None:
    """In a window of 4 s the counter has a mean from 2 s on; below that, the last power is used."""
    edges = window(observed(first_s, 100.0), observed(14.0, 200.0, 50.0), stop_s=14.0)

    assert counted_j(edges) == pytest.approx(100 + (first_s - 10) * mean_w)


def test_samples_between_an_edge_and_its_value_are_preferred() -> None:
    """Short times use the samples since the value, and times over a sampling period all samples in between."""
    at_stop = observed(11.0, 200.0)

    before_j = counted_j(window(observed(9.95, 100.0, 300.0), at_stop), sampled((9.97, 80.0)))
    early_j, late_j = (
        counted_j(window(observed(at_s, 100.0, 900.0), at_stop), constant(60.0, until_s=12.0))
        for at_s in (9.75, 10.25)
    )

    after_j = counted_j(window(observed(10.05, 100.0, 300.0), at_stop), sampled((10.06, 80.0)))

    assert after_j == pytest.approx(100 + 0.05 * 300)
    assert before_j == pytest.approx(100 - 0.05 * 80)
    assert [early_j, late_j] == pytest.approx([100 - 0.25 * 60, 100 + 0.25 * 60])


def test_corrections_of_a_scaled_counter_are_in_its_scale() -> None:
    """If the counter counts half of the energy, the correction by power is halved too."""
    edges = window(observed(10.05, 100.0, 300.0), observed(11.0, 200.0))
    trust = Trust(verdict=Verdict.SCALED, factor=2.0)

    assert counted_j(edges, trust=trust) == pytest.approx(100 + 0.05 * 300 / 2)


@pytest.mark.parametrize(("estimated", "is_stop_stale"), [(True, False), (False, True)])
def test_estimates_and_stale_values_are_not_corrected_at_the_end(
    *, estimated: bool, is_stop_stale: bool
) -> None:
    """They are corrected at the start only."""
    edges = window(
        observed(10.05, 100.0, 300.0), observed(10.95, 200.0, 300.0), is_stop_stale=is_stop_stale
    )

    assert counted_j(edges, estimated=estimated) == pytest.approx(100 + 0.05 * 300)


def test_the_power_limit_bounds_boards_but_not_estimates() -> None:
    """The counter of an estimate cannot jump as that of a board can."""
    edges = window(observed(10.0, 0.0), observed(11.0, 1000.0))

    assert counted_j(edges, power_limit_w=100.0, estimated=True) == 1000.0
    assert counted_energy_j(edges, sampled(), sensor(power_limit_w=100.0)) == (
        None,
        "the counter rose by 1e+03 J in 1 s",
    )


@pytest.mark.parametrize(
    ("at_start", "at_stop", "doubt"),
    [
        (observed(10.0, 5.0), observed(11.0, 2.0), "the counter ran backward by 3 J"),
        (observed(10.0, 5.0), observed(11.0, 5.0), "the counter did not rise"),
        (
            observed(9.95, 0.0, 300.0),
            observed(11.0, 15.0),
            "the counter's rise does not fit the window",
        ),
        (observed(10.0, None), observed(11.0, 5.0), ""),
        (None, observed(11.0, 5.0), ""),
    ],
)
def test_an_impossible_counter_gives_a_reason_and_no_energy(
    at_start: Observation | None, at_stop: Observation | None, doubt: str
) -> None:
    """A counter that is missing at an edge gives no energy either, but needs no reason."""
    assert counted_energy_j(window(at_start, at_stop), sampled(), sensor()) == (None, doubt)


def test_the_estimate_of_a_short_window_is_split_evenly() -> None:
    """The power before the window would account for all counted energy, and nothing else is known."""
    edges = window(observed(9.95, 0.0, 300.0), observed(11.0, 10.5))

    energy_j, doubt = counted_energy_j(edges, sampled(), sensor(estimated=True))

    assert energy_j == pytest.approx(10.0)
    assert doubt == "the window is too short to tell when its energy was used"


def test_an_estimate_from_before_the_window_gives_no_energy() -> None:
    """No part of what it counted lies in the window."""
    edges = window(observed(9.95, 0.0, 300.0), observed(9.99, 1.0))

    found = counted_energy_j(edges, sampled(), sensor(estimated=True))

    assert found == (None, "the counter's rise does not fit the window")


def test_the_power_of_an_uncorrelated_load_is_shrunk_to_its_mean() -> None:
    """Its weight is what remains over the time between edge and value."""
    load = uncorrelated_persistence()
    kept = sensor(persistence=load).power_weight(0.05)

    found_j = counted_j(
        window(observed(10.05, 100.0, 300.0), observed(11.0, 195.0)), persistence=load
    )

    assert 0 < kept < 0.1
    assert found_j == pytest.approx(95 + kept * 0.05 * 300 + (1 - kept) * 0.05 * 100)


@pytest.mark.parametrize("stretches", [2, 60])
def test_the_mean_of_a_short_window_includes_earlier_stretches(stretches: int) -> None:
    """They weigh as much as five refresh periods at most."""
    load = Persistence()
    for _ in range(stretches):
        load.add(reported_w=80.0, mean_w=80.0, length_s=0.1)
    known = min(5.0, load.weight)
    mean_w = (5 * 200 + known * 80) / (5 + known)

    found_j = counted_j(
        window(observed(10.5, 100.0), observed(11.0, 200.0)), refresh_s=0.1, persistence=load
    )

    assert found_j == pytest.approx(100 + 0.5 * mean_w)


@pytest.mark.parametrize(
    ("first_s", "last_s", "share"),
    [
        (10.0, 11.0, 1.0),
        (10.25, 10.75, 1.0),
        (10.5, 11.0, 0.5),
        (9.0, 10.5, 0.5),
        (10.4, 10.6, 0.2),
        (11.5, 8.0, 0.0),
    ],
)
def test_the_counted_share_is_what_the_two_values_span(
    first_s: float, last_s: float, share: float
) -> None:
    """Up to three missing sampling periods at either end are ignored."""
    edges = window(observed(first_s, 0.0), observed(last_s, 1.0))

    assert counted_share(edges, period_s=0.1) == pytest.approx(share)


def test_the_counted_share_is_one_without_two_values_or_length() -> None:
    """Such windows are doubted for other reasons."""
    value = observed(10.5, 0.0)

    for edges in (window(None, value), window(value, None), window(value, value, stop_s=10.0)):
        assert counted_share(edges, period_s=0.01) == 1.0


def rough() -> Roughness:
    """Statistics of a load that changes by 500 W^2/s, on a board that updates power every 0.05 s."""
    found = Roughness()
    for n in range(20):
        found.add(PowerSample(time_s=n * 0.05, power_w=100.0 + 5 * (n % 2)))
    return found


def test_each_edge_of_a_window_has_an_error() -> None:
    """It depends on the time between edge and value, its longest gap, and the ages of value and power."""
    load = Persistence()
    load.add(reported_w=100.0, mean_w=100.0, length_s=0.1)
    known = sensor(roughness=rough(), oldest_s=0.06, persistence=load)
    at_start, at_stop = observed(10.04, 100.0), observed(10.8, 200.0)
    edges = window(at_start, at_stop, stop_s=10.5)

    found_j = edge_errors_j(75.0, edges, sampled((10.6, 100.0)), known)

    expected_j = [
        edge_error_j(
            rough(), late_s=late_s, gap_s=gap_s, age_error_s=0.06, mean_w=150.0, assumed_lag_s=0.025
        )
        for late_s, gap_s in ((0.04, 0.04), (0.3, 0.2))
    ]
    assert found_j == pytest.approx(expected_j)


def test_an_edge_without_its_own_value_has_no_error() -> None:
    """The coverage accounts for a missing or stale value; a window without length has finite errors."""
    value, known = observed(10.04, 100.0), sensor(roughness=rough())

    assert len(edge_errors_j(1.0, window(value, None), sampled(), known)) == 1
    assert len(edge_errors_j(1.0, window(None, value), sampled(), known)) == 1
    stale = window(observed(10.0, 1.0), value, is_stop_stale=True)
    assert edge_errors_j(1.0, stale, sampled(), known) == [0.0]
    empty = window(value, value, stop_s=10.0)
    assert all(map(math.isfinite, edge_errors_j(1.0, empty, sampled(), known)))


def test_a_near_refresh_reduces_the_error_at_the_start() -> None:
    """The energy of the stretch is known; the error falls with the root of the share within the window."""
    known = sensor(roughness=rough(), refresh_s=0.1)
    at_stop = observed(11.0, 200.0)

    alone_j, _ = edge_errors_j(100.0, window(observed(9.94, 100.0), at_stop), sampled(), known)
    known_j, _ = edge_errors_j(
        100.0, window(observed(9.94, 100.0), at_stop, NEXT), sampled(), known
    )

    assert alone_j > 0
    assert known_j == pytest.approx(alone_j * math.sqrt(0.04 / 0.1))


def test_a_near_refresh_does_not_affect_other_errors() -> None:
    """Neither a value from after the start nor the one at the end has a smaller error."""
    known = sensor(roughness=rough(), refresh_s=0.1)
    edges = window(observed(10.02, 100.0), observed(10.97, 200.0), NEXT)

    found_j = edge_errors_j(100.0, edges, sampled(), known)

    expected_j = [
        edge_error_j(rough(), late_s=late_s, gap_s=1.0, age_error_s=0.0, mean_w=100.0)
        for late_s in (0.02, -0.03)
    ]
    assert found_j == pytest.approx(expected_j)

"""A counter's energy at a window's edges, worked by hand: windows of 10 s to 11 s."""

import math

import pytest

from tests.trackers.meter.edges.counted_windows import (
    THEN,
    counted_j,
    forgetful,
    said,
    sampled,
    sensor,
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
        (said(10.05, 30.0), said(11.0, 90.0), said(10.05, 30.0)),
        (None, said(10.29, 90.0), said(10.29, 90.0)),
        (said(10.05, None), said(10.29, 90.0), said(10.29, 90.0)),
        (said(9.99, 30.0), said(10.31, 90.0), None),
        (said(10.31, 30.0), None, None),
        (None, None, None),
    ],
)
def test_a_refresh_after_the_start_is_within_a_few_refreshes(
    refreshed: Observation | None, at_stop: Observation | None, found: Observation | None
) -> None:
    """Three and a half after the value at the start, in the window, with a counter."""
    edges = window(said(9.95, 10.0), at_stop, refreshed)

    assert edges.after_start(sensor(refresh_s=0.1)) == found
    assert edges.after_start(sensor()) is None
    assert window(None, at_stop, refreshed).after_start(sensor(refresh_s=0.1)) is None


def test_a_stretch_between_two_refreshes_has_its_powers_its_energy_and_its_length() -> None:
    """By a counter that is scaled, if it is."""
    edges = window(said(9.9375, 2.0, 150.0), None, said(10.0625, 2.5, 250.0))

    found = edges.first_stretch(sensor(refresh_s=0.125, trust=Trust(factor=2.0)))

    assert found == Stretch(reported_w=150.0, reported_after_w=250.0, energy_j=1.0, length_s=0.125)


@pytest.mark.parametrize(
    ("at_start", "refreshed"),
    [
        (said(9.95, 2.0, None), said(10.05, 2.5)),
        (said(9.95, 2.5), said(10.05, 2.5)),
        (said(9.95, 2.0), said(10.08, 2.5)),
        (said(9.95, 2.0), None),
        (None, said(10.05, 2.5)),
    ],
)
def test_what_is_no_stretch_tells_nothing_of_the_load(
    at_start: Observation | None, refreshed: Observation | None
) -> None:
    """Without power at its start, without energy, over two refreshes, or without one of its ends."""
    assert window(at_start, None, refreshed).first_stretch(sensor(refresh_s=0.1)) is None


@pytest.mark.parametrize(
    ("at_start", "at_stop", "energy_j"),
    [
        (said(10.0, 100.0), said(11.0, 200.0), 100.0),
        (said(10.05, 100.0, 300.0), said(11.0, 200.0), 100 + 0.05 * 300),
        (said(9.95, 100.0, 300.0), said(11.0, 200.0), 100 - 0.05 * 300),
        (said(10.0, 100.0), said(11.05, 200.0, 300.0), 100 - 0.05 * 300),
        (said(10.0, 100.0), said(10.95, 200.0, 300.0), 100 + 0.05 * 300),
        (said(10.5, 100.0), said(11.0, 200.0), 100 + 0.5 * 200),
        (said(10.75, 100.0), said(11.0, 200.0, 50.0), 100 + 0.75 * 50),
        (said(10.75, 100.0), said(11.0, 200.0, None), 100 + 0.75 * 400),
        (said(10.5, 100.0), said(10.5, 200.0, None), 100),
    ],
)
def test_moments_between_an_edge_and_its_value_have_the_power_that_came_with_it(
    at_start: Observation, at_stop: Observation, energy_j: float
) -> None:
    """Longer ones the counter's mean, and if it was watched for a moment the last power."""
    assert counted_j(window(at_start, at_stop)) == pytest.approx(energy_j)


@pytest.mark.parametrize(("first_s", "mean_w"), [(12.5, 50.0), (11.5, 100 / 2.5)])
def test_what_one_refresh_adds_in_a_moment_is_no_mean(first_s: float, mean_w: float) -> None:
    """Of a window of 4 s half must have been watched."""
    edges = window(said(first_s, 100.0), said(14.0, 200.0, 50.0), stop_s=14.0)

    assert counted_j(edges) == pytest.approx(100 + (first_s - 10) * mean_w)


def test_what_was_sampled_in_these_moments_is_nearer() -> None:
    """Since the value was made, or where they are longer than a sampling period all that was sampled."""
    at_stop = said(11.0, 200.0)

    short = counted_j(window(said(9.95, 100.0, 300.0), at_stop), sampled((9.97, 80.0)))
    early, late_s = (
        counted_j(window(said(at_s, 100.0, 900.0), at_stop), constant(60.0, until_s=12.0))
        for at_s in (9.75, 10.25)
    )

    after = counted_j(window(said(10.05, 100.0, 300.0), at_stop), sampled((10.06, 80.0)))

    assert after == pytest.approx(100 + 0.05 * 300)
    assert short == pytest.approx(100 - 0.05 * 80)
    assert [early, late_s] == pytest.approx([100 - 0.25 * 60, 100 + 0.25 * 60])


def test_moments_of_a_scaled_counter_are_put_right_in_its_own_measure() -> None:
    """Power is in watts; a counter that counts half of them lacks half as much."""
    edges = window(said(10.05, 100.0, 300.0), said(11.0, 200.0))
    trust = Trust(verdict=Verdict.SCALED, factor=2.0)

    assert counted_j(edges, trust=trust) == pytest.approx(100 + 0.05 * 300 / 2)


@pytest.mark.parametrize(("estimated", "is_stop_stale"), [(True, False), (False, True)])
def test_at_the_end_of_an_estimate_and_after_a_last_word_nothing_is_put_right(
    *, estimated: bool, is_stop_stale: bool
) -> None:
    """At the start it is."""
    edges = window(
        said(10.05, 100.0, 300.0), said(10.95, 200.0, 300.0), is_stop_stale=is_stop_stale
    )

    assert counted_j(edges, estimated=estimated) == pytest.approx(100 + 0.05 * 300)


def test_a_limit_is_of_boards_and_not_of_estimates() -> None:
    """An estimate's counter cannot jump as a board's."""
    edges = window(said(10.0, 0.0), said(11.0, 1000.0))

    assert counted_j(edges, power_limit_w=100.0, estimated=True) == 1000.0
    assert counted_energy_j(edges, sampled(), sensor(power_limit_w=100.0)) == (
        None,
        "the counter rose by 1e+03 J in 1 s",
    )


@pytest.mark.parametrize(
    ("at_start", "at_stop", "doubt"),
    [
        (said(10.0, 5.0), said(11.0, 2.0), "the counter ran backward by 3 J"),
        (said(10.0, 5.0), said(11.0, 5.0), "the counter did not rise"),
        (said(9.95, 0.0, 300.0), said(11.0, 15.0), "the counter's rise does not fit the window"),
        (said(10.0, None), said(11.0, 5.0), ""),
        (None, said(11.0, 5.0), ""),
    ],
)
def test_a_counter_that_cannot_be_right_is_none_with_its_reason(
    at_start: Observation | None, at_stop: Observation | None, doubt: str
) -> None:
    """Where there is no counter at both ends there is nothing to be said against it."""
    assert counted_energy_j(window(at_start, at_stop), sampled(), sensor()) == (None, doubt)


def test_an_estimate_of_a_moment_is_shared_evenly_with_the_time_before() -> None:
    """Where the watts before would have used all that was counted; nothing else is known of the window."""
    edges = window(said(9.95, 0.0, 300.0), said(11.0, 10.5))

    energy_j, doubt = counted_energy_j(edges, sampled(), sensor(estimated=True))

    assert energy_j == pytest.approx(10.0)
    assert doubt == "the window is too short to tell when its energy was used"


def test_an_estimate_whose_last_value_is_of_the_time_before_says_nothing() -> None:
    """There is no part of it that would be the window's."""
    edges = window(said(9.95, 0.0, 300.0), said(9.99, 1.0))

    found = counted_energy_j(edges, sampled(), sensor(estimated=True))

    assert found == (None, "the counter's rise does not fit the window")


def test_a_power_that_a_load_forgets_is_drawn_to_the_mean() -> None:
    """As far as it does in the moment between edge and value."""
    load = forgetful()
    kept = sensor(persistence=load).power_weight(0.05)

    found_j = counted_j(window(said(10.05, 100.0, 300.0), said(11.0, 195.0)), persistence=load)

    assert 0 < kept < 0.1
    assert found_j == pytest.approx(95 + kept * 0.05 * 300 + (1 - kept) * 0.05 * 100)


@pytest.mark.parametrize("stretches", [2, 60])
def test_the_mean_of_a_short_window_is_that_of_the_windows_before_too(stretches: int) -> None:
    """Which count as much as so many refreshes, and at most five."""
    load = Persistence()
    for _ in range(stretches):
        load.add(reported_w=80.0, mean_w=80.0, length_s=0.1)
    known = min(5.0, load.weight)
    mean_w = (5 * 200 + known * 80) / (5 + known)

    found_j = counted_j(
        window(said(10.5, 100.0), said(11.0, 200.0)), refresh_s=0.1, persistence=load
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
def test_a_counter_is_watched_between_its_first_and_its_last_value(
    first_s: float, last_s: float, share: float
) -> None:
    """Three sampling periods at either end are let go."""
    edges = window(said(first_s, 0.0), said(last_s, 1.0))

    assert counted_share(edges, period_s=0.1) == pytest.approx(share)


def test_where_nothing_was_watched_nothing_is_missed() -> None:
    """A window without length, or without a value at one end, has its doubt from elsewhere."""
    value = said(10.5, 0.0)

    for edges in (window(None, value), window(value, None), window(value, value, stop_s=10.0)):
        assert counted_share(edges, period_s=0.01) == 1.0


def rough() -> Roughness:
    """A load that moves by 500 W^2/s, on a board that tells a power for 0.05 s."""
    found = Roughness()
    for n in range(20):
        found.add(PowerSample(time_s=n * 0.05, power_w=100.0 + 5 * (n % 2)))
    return found


def test_each_end_of_a_window_has_its_error() -> None:
    """Of the moment between edge and value, the longest gap in it and how old value and power may be."""
    load = Persistence()
    load.add(reported_w=100.0, mean_w=100.0, length_s=0.1)
    known = sensor(roughness=rough(), oldest_s=0.06, persistence=load)
    at_start, at_stop = said(10.04, 100.0), said(10.8, 200.0)
    edges = window(at_start, at_stop, stop_s=10.5)

    found_j = edge_errors_j(75.0, edges, sampled((10.6, 100.0)), known)

    expected_j = [
        edge_error_j(
            rough(), late_s=late_s, gap_s=gap_s, age_error_s=0.06, mean_w=150.0, assumed_lag_s=0.025
        )
        for late_s, gap_s in ((0.04, 0.04), (0.3, 0.2))
    ]
    assert found_j == pytest.approx(expected_j)


def test_an_end_without_a_value_of_its_own_has_no_error() -> None:
    """Its doubt is the coverage's."""
    value, known = said(10.04, 100.0), sensor(roughness=rough())

    assert len(edge_errors_j(1.0, window(value, None), sampled(), known)) == 1
    assert len(edge_errors_j(1.0, window(None, value), sampled(), known)) == 1
    spoken = window(said(10.0, 1.0), value, is_stop_stale=True)
    assert edge_errors_j(1.0, spoken, sampled(), known) == [0.0]
    still = window(value, value, stop_s=10.0)
    assert all(map(math.isfinite, edge_errors_j(1.0, still, sampled(), known)))


def test_the_nearer_the_next_refresh_the_less_is_open() -> None:
    """What was drawn until then is known: the error shrinks with the root of the share that is left."""
    known = sensor(roughness=rough(), refresh_s=0.1)
    at_stop = said(11.0, 200.0)

    alone_j, _ = edge_errors_j(100.0, window(said(9.94, 100.0), at_stop), sampled(), known)
    known_j, _ = edge_errors_j(100.0, window(said(9.94, 100.0), at_stop, THEN), sampled(), known)

    assert alone_j > 0
    assert known_j == pytest.approx(alone_j * math.sqrt(0.04 / 0.1))


def test_the_next_refresh_tells_nothing_of_values_that_are_late_or_of_the_end() -> None:
    """It closes the stretch before the start alone."""
    known = sensor(roughness=rough(), refresh_s=0.1)
    edges = window(said(10.02, 100.0), said(10.97, 200.0), THEN)

    found_j = edge_errors_j(100.0, edges, sampled(), known)

    expected_j = [
        edge_error_j(rough(), late_s=late_s, gap_s=1.0, age_error_s=0.0, mean_w=100.0)
        for late_s in (0.02, -0.03)
    ]
    assert found_j == pytest.approx(expected_j)

"""What was counted in the stretch over a window's start, shared between the window and the time before."""

import pytest

from tests.trackers.meter.edges.counted_windows import (
    FIRST,
    LAST,
    THEN,
    counted_j,
    forgetful,
    late,
    of_the_moment,
    said,
    sampled,
    sensor,
    window,
)
from trackers.meter.counted import counted_energy_j
from trackers.sample import Observation


@pytest.mark.parametrize(
    ("first", "then", "samples", "bridged_j"),
    [
        (FIRST, THEN, (), 25 * 0.6),
        (FIRST, THEN, ((10.32, 300.0),), 25 * 0.6),
        (FIRST, THEN, ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)), 100 * 0.05 + 400 * 0.01),
        (
            FIRST,
            said(10.04, 125.0, None),
            ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)),
            100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6,
        ),
    ],
    ids=["evenly", "sampled too late", "one change", "as sampled"],
)
def test_a_stretch_over_the_start_is_shared_by_what_was_told_in_it(
    first: Observation,
    then: Observation,
    samples: tuple[tuple[float, float], ...],
    bridged_j: float,
) -> None:
    """Evenly where nothing was, by one change of power where two powers tell of it, or as it was sampled."""
    found_j = counted_j(window(first, LAST, then), sampled(*samples), refresh_s=0.1)

    assert found_j == pytest.approx(225 - bridged_j)


def test_a_board_whose_power_is_of_the_moment_is_believed_as_it_was_sampled() -> None:
    """Where its power is renewed between refreshes, two told powers are not all there is."""
    samples = ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0))

    found_j = counted_j(
        window(FIRST, LAST, THEN), sampled(*samples), refresh_s=0.1, roughness=of_the_moment()
    )

    assert found_j == pytest.approx(225 - (100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6))


def test_a_stretch_that_is_forgotten_is_shared_evenly() -> None:
    """As far as power is, in the longest part of which no power was sampled."""
    known = {"refresh_s": 0.1, "roughness": of_the_moment(), "persistence": forgetful()}
    samples = ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0))
    kept = sensor(**known).power_weight(0.06)
    shaped_j, evenly_j = 100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6, 25 * 0.6

    found_j = counted_j(window(FIRST, LAST, THEN), sampled(*samples), **known)

    assert 0 < kept < 0.1
    assert found_j == pytest.approx(225 - kept * shaped_j - (1 - kept) * evenly_j)


@pytest.mark.parametrize("stop_s", [11.0, 11.02])
@pytest.mark.parametrize(("follows", "power_w"), [(1.0, 100.0), (1.0, 900.0), (0.5, 100.0)])
def test_late_power_is_of_the_time_before_the_window(
    follows: float, power_w: float, stop_s: float
) -> None:
    """At most all that was counted, and evenly as far as it is forgotten."""
    load = late(follows=follows)
    kept = sensor(refresh_s=0.1, persistence=load).power_weight(0.1)
    edges = window(said(9.94, 100.0, power_w), LAST, THEN, stop_s=stop_s)

    found_j = counted_j(edges, refresh_s=0.1, persistence=load)

    assert (kept < 1) is (follows < 1)
    bridged_j = min(25.0, kept * power_w * 0.06 + (1 - kept) * 25 * 0.6)
    if follows == 1:
        assert found_j == pytest.approx(225 - bridged_j + (stop_s - 11.0) * 100.0)
    elif stop_s == 11.0:
        assert found_j == pytest.approx(225 - bridged_j)


@pytest.mark.parametrize(
    ("known", "bridged_mj"),
    [({"persistence": late()}, 100 * 0.06), ({"roughness": of_the_moment()}, 8 + 5 * 0.6)],
    ids=["late", "of the moment"],
)
def test_a_device_of_milliwatts_is_shared_as_a_board_is(
    known: dict[str, object], bridged_mj: float
) -> None:
    """No energy is so small that it is taken for none."""
    first, then, last = (
        said(each.time_s, (each.counter_j or 0) / 1000, (each.power_w or 0) / 1000)
        for each in (FIRST, THEN, LAST)
    )
    trace = sampled((9.96, 0.1), (10.02, 0.3), (10.06, 0.3))

    found_j = counted_j(window(first, last, then), trace, refresh_s=0.1, **known)

    assert found_j == pytest.approx((225 - bridged_mj) / 1000)


def test_a_counter_that_was_read_at_the_start_leaves_nothing_to_be_shared() -> None:
    """Also where power is told late and the window is shorter than a refresh."""
    edges = window(said(10.0, 100.0), said(10.06, 130.0, 500.0), stop_s=10.08)

    found_j = counted_j(edges, refresh_s=0.1, persistence=late())

    assert found_j == pytest.approx(30 + 0.02 * 500)


@pytest.mark.parametrize(
    ("last_s", "power_w", "told_w"),
    [(10.06, 150.0, (30 - 0.04 * 150) / 0.06), (10.06, 900.0, 0.0), (10.005, 150.0, 500.0)],
    ids=["its own", "none", "too short to tell"],
)
def test_late_power_in_the_first_refresh_of_a_window_is_of_the_windows_own_part(
    last_s: float, power_w: float, told_w: float
) -> None:
    """What was counted in the stretch less what is of the time before, over the rest of it."""
    edges = window(said(9.96, 100.0, power_w), said(last_s, 130.0, 500.0), stop_s=last_s + 0.02)

    found_j, doubt = counted_energy_j(edges, sampled(), sensor(refresh_s=0.1, persistence=late()))

    energy_j = 30 - min(30.0, 0.04 * power_w) + 0.02 * told_w
    assert found_j == (pytest.approx(energy_j) if energy_j > 0 else None)
    assert bool(doubt) is (energy_j <= 0)

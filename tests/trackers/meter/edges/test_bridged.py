"""Split of the energy counted in the stretch across a window's start, computed by hand."""

import pytest

from tests.trackers.meter.edges.counted_windows import (
    FIRST,
    LAST,
    NEXT,
    counted_j,
    late_persistence,
    observed,
    present_power,
    sampled,
    sensor,
    uncorrelated_persistence,
    window,
)
from trackers.meter.counted import counted_energy_j
from trackers.sample import Observation


@pytest.mark.parametrize(
    ("first", "then", "samples", "bridged_j"),
    [
        (FIRST, NEXT, (), 25 * 0.6),
        (FIRST, NEXT, ((10.32, 300.0),), 25 * 0.6),
        (FIRST, NEXT, ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)), 100 * 0.05 + 400 * 0.01),
        (
            FIRST,
            observed(10.04, 125.0, None),
            ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)),
            100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6,
        ),
    ],
    ids=["evenly", "sampled too late", "single step", "as sampled"],
)
def test_the_stretch_across_the_start_is_split_by_its_power(
    first: Observation,
    then: Observation,
    samples: tuple[tuple[float, float], ...],
    bridged_j: float,
) -> None:
    """It is split evenly without samples, else by a single step between two reported powers, or as sampled."""
    found_j = counted_j(window(first, LAST, then), sampled(*samples), refresh_s=0.1)

    assert found_j == pytest.approx(225 - bridged_j)


def test_present_power_is_used_as_it_was_sampled() -> None:
    """If power is updated between refreshes, the two powers at the refreshes do not describe the stretch."""
    samples = ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0))

    found_j = counted_j(
        window(FIRST, LAST, NEXT), sampled(*samples), refresh_s=0.1, roughness=present_power()
    )

    assert found_j == pytest.approx(225 - (100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6))


def test_the_stretch_of_an_uncorrelated_load_is_split_evenly() -> None:
    """Sampled power has only the weight that remains over the longest part without a sample."""
    known = {
        "refresh_s": 0.1,
        "roughness": present_power(),
        "persistence": uncorrelated_persistence(),
    }
    samples = ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0))
    kept = sensor(**known).power_weight(0.06)
    shaped_j, evenly_j = 100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6, 25 * 0.6

    found_j = counted_j(window(FIRST, LAST, NEXT), sampled(*samples), **known)

    assert 0 < kept < 0.1
    assert found_j == pytest.approx(225 - kept * shaped_j - (1 - kept) * evenly_j)


@pytest.mark.parametrize("stop_s", [11.0, 11.02])
@pytest.mark.parametrize(("follows", "power_w"), [(1.0, 100.0), (1.0, 900.0), (0.5, 100.0)])
def test_late_power_is_charged_to_the_time_before_the_window(
    follows: float, power_w: float, stop_s: float
) -> None:
    """At most all counted energy is charged, and it is split evenly as far as the load is uncorrelated."""
    load = late_persistence(follows=follows)
    kept = sensor(refresh_s=0.1, persistence=load).power_weight(0.1)
    edges = window(observed(9.94, 100.0, power_w), LAST, NEXT, stop_s=stop_s)

    found_j = counted_j(edges, refresh_s=0.1, persistence=load)

    assert (kept < 1) is (follows < 1)
    bridged_j = min(25.0, kept * power_w * 0.06 + (1 - kept) * 25 * 0.6)
    if follows == 1:
        assert found_j == pytest.approx(225 - bridged_j + (stop_s - 11.0) * 100.0)
    elif stop_s == 11.0:
        assert found_j == pytest.approx(225 - bridged_j)


@pytest.mark.parametrize(
    ("known", "bridged_mj"),
    [
        ({"persistence": late_persistence()}, 100 * 0.06),
        ({"roughness": present_power()}, 8 + 5 * 0.6),
    ],
    ids=["late power", "present power"],
)
def test_a_device_of_milliwatts_is_treated_like_a_board(
    known: dict[str, object], bridged_mj: float
) -> None:
    """No energy is so small that it is treated as none."""
    first, then, last = (
        observed(each.time_s, (each.counter_j or 0) / 1000, (each.power_w or 0) / 1000)
        for each in (FIRST, NEXT, LAST)
    )
    trace = sampled((9.96, 0.1), (10.02, 0.3), (10.06, 0.3))

    found_j = counted_j(window(first, last, then), trace, refresh_s=0.1, **known)

    assert found_j == pytest.approx((225 - bridged_mj) / 1000)


def test_nothing_is_split_if_the_counter_is_read_at_the_start() -> None:
    """This holds even if power is reported late and the window is shorter than a refresh period."""
    edges = window(observed(10.0, 100.0), observed(10.06, 130.0, 500.0), stop_s=10.08)

    found_j = counted_j(edges, refresh_s=0.1, persistence=late_persistence())

    assert found_j == pytest.approx(30 + 0.02 * 500)


@pytest.mark.parametrize(
    ("last_s", "power_w", "own_w"),
    [(10.06, 150.0, (30 - 0.04 * 150) / 0.06), (10.06, 900.0, 0.0), (10.005, 150.0, 500.0)],
    ids=["corrected", "no energy left", "too short"],
)
def test_late_power_is_corrected_in_a_window_with_a_single_refresh(
    last_s: float, power_w: float, own_w: float
) -> None:
    """Its power is the counted energy less that before the window, over the window's part of the stretch."""
    edges = window(
        observed(9.96, 100.0, power_w), observed(last_s, 130.0, 500.0), stop_s=last_s + 0.02
    )

    found_j, doubt = counted_energy_j(
        edges, sampled(), sensor(refresh_s=0.1, persistence=late_persistence())
    )

    energy_j = 30 - min(30.0, 0.04 * power_w) + 0.02 * own_w
    assert found_j == (pytest.approx(energy_j) if energy_j > 0 else None)
    assert bool(doubt) is (energy_j <= 0)

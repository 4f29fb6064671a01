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
        (FIRST, THEN, ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)), 100 * 0.05 + 400 * 0.01),
        (
            FIRST,
            said(10.04, 125.0, None),
            ((9.96, 100.0), (10.02, 300.0), (10.06, 300.0)),
            100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6,
        ),
    ],
    ids=["evenly", "one change", "as sampled"],
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
    kept = sensor(**known).kept(0.06)
    shaped_j, evenly_j = 100 * 0.05 + 300 * 0.01 + (25 - 20) * 0.6, 25 * 0.6

    found_j = counted_j(window(FIRST, LAST, THEN), sampled(*samples), **known)

    assert 0 < kept < 0.1
    assert found_j == pytest.approx(225 - kept * shaped_j - (1 - kept) * evenly_j)


@pytest.mark.parametrize(("follows", "power_w"), [(1.0, 100.0), (1.0, 900.0), (0.5, 100.0)])
def test_late_power_is_of_the_time_before_the_window(follows: float, power_w: float) -> None:
    """At most all that was counted, and evenly as far as it is forgotten."""
    load = late(follows=follows)
    kept = sensor(refresh_s=0.1, persistence=load).kept(0.1)

    found_j = counted_j(
        window(said(9.94, 100.0, power_w), LAST, THEN), refresh_s=0.1, persistence=load
    )

    assert (kept < 1) is (follows < 1)
    bridged_j = kept * power_w * 0.06 + (1 - kept) * 25 * 0.6
    assert found_j == pytest.approx(225 - min(25.0, bridged_j))


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

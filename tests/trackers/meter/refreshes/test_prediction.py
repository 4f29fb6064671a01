"""Refreshes of a counter each 0.125 s, each seen to a hundredth of that: predictions worked by hand."""

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest

from trackers.meter.refreshes.clock import (
    LARGEST_AWAITED_ERROR_S,
    LONGEST_AWAITED_S,
    REFRESHES_TO_LEARN,
    ObservedRefresh,
    RefreshClock,
    at_refresh,
    observe_refresh,
)
from trackers.sample import Observation

PERIOD_S, WIDTH_S = 0.125, 0.001
LAST_S = (REFRESHES_TO_LEARN - 1) * PERIOD_S
"""Time of the last refresh that was seen, which is how long they were followed."""


def seen_at(time_s: float, width_s: float = WIDTH_S) -> ObservedRefresh:
    """A refresh in the middle of a look."""
    return ObservedRefresh(before_s=time_s - width_s, after_s=time_s + width_s)


def learnt(*, width_s: float = WIDTH_S, number: int = REFRESHES_TO_LEARN) -> RefreshClock:
    """A clock that has seen the first refreshes from 0 s on."""
    clock = RefreshClock()
    for n in range(number):
        clock.add(seen_at(n * PERIOD_S, width_s))
    return clock


def test_a_look_is_as_sharp_as_half_of_it_is_long() -> None:
    """The refresh is most likely in its middle."""
    found = ObservedRefresh(before_s=2.0, after_s=2.5)

    assert (found.middle_s, found.width_s) == (2.25, 0.25)


def test_eight_looks_make_a_rate() -> None:
    """One less does not, and of that nothing is predicted."""
    early = learnt(number=REFRESHES_TO_LEARN - 1)

    assert early.is_learning
    assert early.error_s(0.0) == math.inf
    assert early.is_unsure(0.0)
    assert early.last_refresh_s(0.3) is None
    assert learnt().period_s == pytest.approx(PERIOD_S)
    assert not learnt().is_learning


@pytest.mark.parametrize(("beyond_s", "grown"), [(-0.3, 1.0), (0.0, 1.0), (2 * LAST_S, 3.0)])
def test_an_error_grows_with_the_time_since_the_last_look(beyond_s: float, grown: float) -> None:
    """As many times its width as it lies times as far ahead as refreshes were followed."""
    assert learnt().error_s(LAST_S + beyond_s) == pytest.approx(grown * WIDTH_S)


@pytest.mark.parametrize(
    ("width_s", "times"), [(WIDTH_S, 2.5 - 1), (0.002, 2 - 1), (0.0001, 25 - 1)]
)
def test_a_prediction_is_renewed_when_it_may_be_off_by_what_an_edge_waits_for(
    width_s: float, times: float
) -> None:
    """2.5 ms, or twice what looks can tell, where they are coarser."""
    clock, until_s = learnt(width_s=width_s), LAST_S + times * LAST_S

    assert not clock.is_unsure(until_s - 1e-6)
    assert clock.is_unsure(until_s + 1e-6)


@pytest.mark.parametrize(
    ("time_s", "within_s", "made_s"),
    [
        (5.0 * PERIOD_S + 0.0011, 0.0, 5 * PERIOD_S),
        (5.0 * PERIOD_S + 0.0009, 0.0, None),
        (5.0 * PERIOD_S + 0.0019, 0.001, None),
        (5.0 * PERIOD_S + 0.0021, 0.001, 5 * PERIOD_S),
        (5.0 * PERIOD_S - 0.0011, 0.0, 4 * PERIOD_S),
        (5.9 * PERIOD_S, 0.0, 5 * PERIOD_S),
    ],
)
def test_a_value_was_made_at_the_refresh_before_it_was_read(
    time_s: float, within_s: float, made_s: float | None
) -> None:
    """Unless it was read so near to one that it may be from before it."""
    found_s = learnt().last_refresh_s(time_s, within_s=within_s)

    assert found_s == (None if made_s is None else pytest.approx(made_s))


@pytest.mark.parametrize(
    ("number", "time_s", "not_before_s"),
    [
        (0, 0.3, 0.3),
        (1, 0.3, 0.3),
        (2, 0.3, PERIOD_S - WIDTH_S + (PERIOD_S - 2 * WIDTH_S)),
        (REFRESHES_TO_LEARN, 5.2 * PERIOD_S, 6 * PERIOD_S - WIDTH_S),
        (REFRESHES_TO_LEARN, 5.8 * PERIOD_S, 6 * PERIOD_S - WIDTH_S),
    ],
)
def test_the_next_refresh_is_looked_for_shortly_before_it_is_due(
    number: int, time_s: float, not_before_s: float
) -> None:
    """After two looks that can be guessed, and before them there is no telling."""
    assert learnt(number=number).not_before_s(time_s) == pytest.approx(not_before_s)


@pytest.mark.parametrize(
    ("off_s", "width_s", "is_learning"),
    [(0.0134, WIDTH_S, False), (0.0137, WIDTH_S, True), (0.0137, 0.002, False)],
)
def test_a_refresh_a_tenth_of_a_period_off_is_another_rhythm(
    off_s: float, width_s: float, *, is_learning: bool
) -> None:
    """Give or take what the look may be off by."""
    clock = learnt()

    clock.add(seen_at(20 * PERIOD_S + off_s, width_s))

    assert clock.is_learning is is_learning


def test_two_looks_at_one_refresh_fit_no_rate() -> None:
    """One of them saw something else, so that all is learnt anew."""
    clock = learnt()
    clock.add(seen_at(20 * PERIOD_S))

    clock.add(seen_at(20 * PERIOD_S + 0.0005))

    assert clock.is_learning


def test_looks_without_a_width_leave_nothing_unsure() -> None:
    """A board that says itself when it refreshed."""
    clock = learnt(width_s=0.0)

    assert clock.error_s(1e6) == 0.0
    assert not clock.is_unsure(1e6)


def test_a_look_that_took_long_does_not_bend_the_rate() -> None:
    """A machine that was busy for a moment saw a refresh somewhere in that moment."""
    clock = RefreshClock()
    for n in range(REFRESHES_TO_LEARN):
        clock.add(seen_at(n * PERIOD_S) if n != 4 else seen_at(n * PERIOD_S + 0.03, 0.03))

    assert clock.period_s == pytest.approx(PERIOD_S, rel=1e-6)
    assert clock.last_refresh_s(5.5 * PERIOD_S) == pytest.approx(5 * PERIOD_S)


def test_sharp_looks_weigh_more_than_blunt_ones() -> None:
    """By what each may be off."""
    clock = RefreshClock()
    for n in range(REFRESHES_TO_LEARN):
        off_s = 0.0015 if n in (0, 2) else 0.0
        clock.add(seen_at(n * PERIOD_S + off_s, 0.0018 if off_s else WIDTH_S))

    assert clock.period_s is not None
    # A line through looks of equal weight would be flatter by 179 us.
    assert PERIOD_S - clock.period_s == pytest.approx(93e-6, abs=2e-6)


def observations(*counters_j: float | None, apart_s: float = 0.01) -> Sequence[Observation | None]:
    """What a counter says at regular times; None where it does not answer."""
    return [
        None if each is None else Observation(time_s=n * apart_s, counter_j=each)
        for n, each in enumerate(counters_j)
    ]


@pytest.mark.parametrize(
    ("counters_j", "found"),
    [
        ((1.0, 1.0, 1.0, 2.0), ObservedRefresh(before_s=0.02, after_s=0.03)),
        ((1.0, 2.0), ObservedRefresh(before_s=0.0, after_s=0.01)),
        ((2.0, 2.0, 1.0), ObservedRefresh(before_s=0.01, after_s=0.02)),
        ((None,), None),
        ((1.0, None), None),
    ],
)
def test_a_look_lies_between_the_last_old_and_the_first_new_value(
    counters_j: tuple[float | None, ...], found: ObservedRefresh | None
) -> None:
    """None where the counter falls silent."""
    said = iter(observations(*counters_j))

    assert observe_refresh(lambda: next(said), lambda: False) == found


def test_a_look_ends_when_it_is_told_to_or_takes_too_long() -> None:
    """A counter that is refreshed more seldom is taken as it is."""
    said = iter(observations(1.0, 2.0))
    slow = iter(observations(1.0, 1.0, 1.0, 2.0, apart_s=LONGEST_AWAITED_S * 0.6))
    just = iter(observations(1.0, 1.0, 2.0, apart_s=LONGEST_AWAITED_S * 0.9))

    assert observe_refresh(lambda: next(said), lambda: True) is None
    assert observe_refresh(lambda: next(slow), lambda: False) is None
    assert observe_refresh(lambda: next(just), lambda: False) is not None


def read(
    clock: RefreshClock, *said: Observation | None
) -> tuple[Observation | None, list[float], int]:
    """What is read at a refresh, what was waited for, and how often the board was asked."""
    left = list(said)
    waits_s: list[float] = []
    found = at_refresh(lambda: left.pop(0), waits_s.append, clock)
    return found, waits_s, len(said) - len(left)


VALUE = Observation(time_s=5.5 * PERIOD_S, counter_j=7.0, took_s=0.0004)


def test_a_value_is_stamped_with_the_time_at_which_it_was_made() -> None:
    """And is then of that moment."""
    found, waits_s, _ = read(learnt(), VALUE)

    assert found is not None
    assert (found.counter_j, found.took_s, waits_s) == (7.0, 0.0, [])
    assert found.time_s == pytest.approx(5 * PERIOD_S)


@pytest.mark.parametrize("said", [None, replace(VALUE, counter_j=None, power_w=1.0)])
def test_what_has_no_counter_is_taken_as_it_is(said: Observation | None) -> None:
    """There is nothing to be stamped."""
    assert read(learnt(), said) == (said, [], 1)


def test_a_value_is_taken_as_it_is_while_its_refreshes_are_not_known() -> None:
    """Or so badly that an edge would be held up for long."""
    blunt, near = learnt(width_s=0.006), replace(VALUE, time_s=5 * PERIOD_S)

    assert read(RefreshClock(), VALUE) == (VALUE, [], 1)
    assert blunt.error_s(near.time_s) > LARGEST_AWAITED_ERROR_S
    assert read(blunt, near) == (near, [], 1)


def test_a_value_next_to_a_refresh_is_read_again_when_that_is_over() -> None:
    """Twice the error later; three times at most, and one that does not answer is not waited for."""
    near = replace(VALUE, time_s=5 * PERIOD_S)

    found, waits_s, _ = read(learnt(), near, replace(near, time_s=near.time_s + 0.002))
    assert found is not None
    assert found.time_s == pytest.approx(5 * PERIOD_S)
    assert waits_s == pytest.approx([2 * WIDTH_S])
    assert read(learnt(), near, near, near, near)[2] == 4
    assert read(learnt(), near, None, None, None)[0] == near


def test_a_call_that_took_long_may_have_read_the_value_before() -> None:
    """Half of it on either side."""
    slow = replace(VALUE, time_s=5 * PERIOD_S + 0.003, took_s=0.0041)

    assert read(learnt(), slow, VALUE)[2] == 2
    assert read(learnt(), replace(slow, took_s=0.0039), VALUE)[2] == 1

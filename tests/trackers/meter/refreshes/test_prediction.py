"""Predictions of a counter's refreshes, computed by hand: one every 0.125 s, observed to within 1 ms."""

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
"""Time of the last observed refresh, and so the time for which refreshes were followed."""


def seen_at(time_s: float, width_s: float = WIDTH_S) -> ObservedRefresh:
    """A refresh that was observed at a time, give or take a width."""
    return ObservedRefresh(before_s=time_s - width_s, after_s=time_s + width_s)


def learnt(*, width_s: float = WIDTH_S, number: int = REFRESHES_TO_LEARN) -> RefreshClock:
    """A clock that has observed the first refreshes from 0 s on."""
    clock = RefreshClock()
    for n in range(number):
        clock.add(seen_at(n * PERIOD_S, width_s))
    return clock


def test_an_observation_is_uncertain_by_half_its_length() -> None:
    """Its middle is the best estimate of the refresh."""
    found = ObservedRefresh(before_s=2.0, after_s=2.5)

    assert (found.middle_s, found.width_s) == (2.25, 0.25)


def test_eight_refreshes_determine_a_rate() -> None:
    """With one less, nothing is predicted."""
    early = learnt(number=REFRESHES_TO_LEARN - 1)

    assert early.is_learning
    assert early.error_s(0.0) == math.inf
    assert early.is_unsure(0.0)
    assert early.last_refresh_s(0.3) is None
    assert learnt().period_s == pytest.approx(PERIOD_S)
    assert not learnt().is_learning


@pytest.mark.parametrize(("beyond_s", "grown"), [(-0.3, 1.0), (0.0, 1.0), (2 * LAST_S, 3.0)])
def test_an_error_grows_with_the_time_since_the_last_observation(
    beyond_s: float, grown: float
) -> None:
    """It grows linearly, and doubles after as long as refreshes had been followed."""
    assert learnt().error_s(LAST_S + beyond_s) == pytest.approx(grown * WIDTH_S)


@pytest.mark.parametrize(
    ("width_s", "times"), [(WIDTH_S, 2.5 - 1), (0.002, 2 - 1), (0.0001, 25 - 1)]
)
def test_a_prediction_is_unsure_beyond_a_bound_of_its_error(width_s: float, times: float) -> None:
    """The bound is 2.5 ms, or twice the width of the observations where that is more."""
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
def test_a_value_is_of_the_last_refresh_before_its_reading(
    time_s: float, within_s: float, made_s: float | None
) -> None:
    """The refresh is unknown if the reading is too close to one."""
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
def test_the_next_refresh_is_expected_shortly_before_it_is_due(
    number: int, time_s: float, not_before_s: float
) -> None:
    """Two observations suffice for a guess; with fewer, it is expected at once."""
    assert learnt(number=number).not_before_s(time_s) == pytest.approx(not_before_s)


@pytest.mark.parametrize(
    ("off_s", "width_s", "is_learning"),
    [(0.0134, WIDTH_S, False), (0.0137, WIDTH_S, True), (0.0137, 0.002, False)],
)
def test_a_refresh_off_by_a_tenth_of_a_period_restarts_learning(
    off_s: float, width_s: float, *, is_learning: bool
) -> None:
    """The width of the observation is allowed for."""
    clock = learnt()

    clock.add(seen_at(20 * PERIOD_S + off_s, width_s))

    assert clock.is_learning is is_learning


def test_two_observations_of_one_refresh_restart_learning() -> None:
    """One of them must be wrong, so the rate is learnt again."""
    clock = learnt()
    clock.add(seen_at(20 * PERIOD_S))

    clock.add(seen_at(20 * PERIOD_S + 0.0005))

    assert clock.is_learning


def test_exact_observations_give_exact_predictions() -> None:
    """A board may report the times of its refreshes itself."""
    clock = learnt(width_s=0.0)

    assert clock.error_s(1e6) == 0.0
    assert not clock.is_unsure(1e6)


def test_a_wide_observation_does_not_bend_the_rate() -> None:
    """On a busy machine, a refresh is only known to lie somewhere in a longer time."""
    clock = RefreshClock()
    for n in range(REFRESHES_TO_LEARN):
        clock.add(seen_at(n * PERIOD_S) if n != 4 else seen_at(n * PERIOD_S + 0.03, 0.03))

    assert clock.period_s == pytest.approx(PERIOD_S, rel=1e-6)
    assert clock.last_refresh_s(5.5 * PERIOD_S) == pytest.approx(5 * PERIOD_S)


def test_sharp_observations_weigh_more_than_wide_ones() -> None:
    """Each is weighted by the inverse of its width."""
    clock = RefreshClock()
    for n in range(REFRESHES_TO_LEARN):
        off_s = 0.0015 if n in (0, 2) else 0.0
        clock.add(seen_at(n * PERIOD_S + off_s, 0.0018 if off_s else WIDTH_S))

    assert clock.period_s is not None
    # A line through observations of equal weight would be flatter by 179 us.
    assert PERIOD_S - clock.period_s == pytest.approx(93e-6, abs=2e-6)


def observations(*counters_j: float | None, apart_s: float = 0.01) -> Sequence[Observation | None]:
    """Answers of a counter at regular times; None where it does not answer."""
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
def test_a_refresh_lies_between_the_last_old_and_the_first_new_value(
    counters_j: tuple[float | None, ...], found: ObservedRefresh | None
) -> None:
    """There is none if the counter stops answering."""
    answers = iter(observations(*counters_j))

    assert observe_refresh(lambda: next(answers), lambda: False) == found


def test_polling_ends_on_request_or_after_too_long() -> None:
    """Counters that are refreshed less often are used as they are."""
    answers = iter(observations(1.0, 2.0))
    slow = iter(observations(1.0, 1.0, 1.0, 2.0, apart_s=LONGEST_AWAITED_S * 0.6))
    just = iter(observations(1.0, 1.0, 2.0, apart_s=LONGEST_AWAITED_S * 0.9))

    assert observe_refresh(lambda: next(answers), lambda: True) is None
    assert observe_refresh(lambda: next(slow), lambda: False) is None
    assert observe_refresh(lambda: next(just), lambda: False) is not None


def read(
    clock: RefreshClock, *answers: Observation | None
) -> tuple[Observation | None, list[float], int]:
    """Value read at a refresh, the waits for it, and the number of readings."""
    left = list(answers)
    waits_s: list[float] = []
    found = at_refresh(lambda: left.pop(0), waits_s.append, clock)
    return found, waits_s, len(answers) - len(left)


VALUE = Observation(time_s=5.5 * PERIOD_S, counter_j=7.0, took_s=0.0004)


def test_a_value_is_stamped_with_the_time_of_its_refresh() -> None:
    """Its duration no longer matters, so `took_s` is 0."""
    found, waits_s, _ = read(learnt(), VALUE)

    assert found is not None
    assert (found.counter_j, found.took_s, waits_s) == (7.0, 0.0, [])
    assert found.time_s == pytest.approx(5 * PERIOD_S)


@pytest.mark.parametrize("answer", [None, replace(VALUE, counter_j=None, power_w=1.0)])
def test_an_answer_without_a_counter_is_unchanged(answer: Observation | None) -> None:
    """There is no value to stamp."""
    assert read(learnt(), answer) == (answer, [], 1)


def test_a_value_is_unchanged_while_refreshes_are_unknown() -> None:
    """So it is if they are so uncertain that an edge would have to wait for long."""
    uncertain, near = learnt(width_s=0.006), replace(VALUE, time_s=5 * PERIOD_S)

    assert read(RefreshClock(), VALUE) == (VALUE, [], 1)
    assert uncertain.error_s(near.time_s) > LARGEST_AWAITED_ERROR_S
    assert read(uncertain, near) == (near, [], 1)


def test_a_value_close_to_a_refresh_is_read_again() -> None:
    """It is read after twice the error, and three times at most; without an answer the old value is kept."""
    near = replace(VALUE, time_s=5 * PERIOD_S)

    found, waits_s, _ = read(learnt(), near, replace(near, time_s=near.time_s + 0.002))
    assert found is not None
    assert found.time_s == pytest.approx(5 * PERIOD_S)
    assert waits_s == pytest.approx([2 * WIDTH_S])
    assert read(learnt(), near, near, near, near)[2] == 4
    assert read(learnt(), near, None, None, None)[0] == near


def test_a_slow_reading_close_to_a_refresh_is_repeated() -> None:
    """Half of its duration counts as an error in either direction."""
    slow = replace(VALUE, time_s=5 * PERIOD_S + 0.003, took_s=0.0041)

    assert read(learnt(), slow, VALUE)[2] == 2
    assert read(learnt(), replace(slow, took_s=0.0039), VALUE)[2] == 1

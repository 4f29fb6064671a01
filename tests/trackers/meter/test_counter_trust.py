"""One board's counter on trial: what its windows say of it together."""

import pytest

from trackers.meter.counter_trust import (
    OVERLAP_S,
    SAMPLES_TO_JUDGE,
    WINDOWS_TO_JUDGE,
    CounterTrust,
    Evidence,
    Trust,
    Verdict,
)

ENOUGH = SAMPLES_TO_JUDGE // WINDOWS_TO_JUDGE
"""Samples of a window, of which just enough windows are just enough samples."""


def window(
    number: int, ratio: float, *, samples: int = ENOUGH, error: float = 0.04, early_s: float = 0.0
) -> Evidence:
    """One of the windows of 10 s in a row, with the counter over 100 J of samples."""
    return Evidence(
        start_s=10.0 * number - early_s,
        stop_s=10.0 * (number + 1),
        counted_j=100.0 * ratio,
        sampled_j=100.0,
        samples=samples,
        error=error,
    )


def judged(*ratios: float, error: float = 0.04) -> Trust:
    """The verdict on a counter with these ratios to the samples."""
    trial = CounterTrust()
    for number, ratio in enumerate(ratios):
        trial.add(window(number, ratio, error=error))
    return trial.now


@pytest.mark.parametrize(
    ("windows", "samples", "is_judged"),
    [
        (WINDOWS_TO_JUDGE, ENOUGH, True),
        (WINDOWS_TO_JUDGE - 1, 10 * ENOUGH, False),
        (WINDOWS_TO_JUDGE, ENOUGH - 1, False),
    ],
)
def test_a_verdict_needs_windows_and_samples(
    windows: int, samples: int, *, is_judged: bool
) -> None:
    """As many as that, and no more; until then the counter is trusted."""
    trial = CounterTrust()

    changed = [trial.add(window(n, 2.0, samples=samples)) for n in range(windows)]

    assert trial.now.is_judged == is_judged
    assert (trial.now.verdict is Verdict.SCALED) == is_judged
    assert changed == [*[False] * (windows - 1), is_judged]


def test_a_counter_of_a_fixed_share_is_scaled_with_the_error_of_its_factor() -> None:
    """Half of all energy in each of 16 windows: twice as much, known four times as well as by one."""
    found = judged(*[0.5] * 16)

    assert (found.verdict, found.is_judged) == (Verdict.SCALED, True)
    assert found.factor == pytest.approx(2.0)
    assert found.factor_error == pytest.approx(0.01)


def test_a_counter_whose_share_changes_is_refused() -> None:
    """Ratios from 0.2 to 0.9 are of no factor."""
    found = judged(0.2, 0.9, 0.4, 0.7, 0.3)

    assert (found.verdict, found.factor, found.is_judged) == (Verdict.REFUSED, 1.0, True)


def test_a_counter_that_is_right_as_a_rule_is_trusted() -> None:
    """Single windows in which it jumped are no habit; where they are half of all, they are the rule."""
    rule = judged(1.0, 1.0, 1.0, 9.0, 1.0)
    half = judged(1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0)

    assert rule == Trust(is_judged=True)
    assert half.verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.15, Verdict.TRUSTED), (0.85, Verdict.TRUSTED), (1.17, Verdict.SCALED)],
)
def test_many_windows_tell_a_smaller_error_than_one(ratio: float, verdict: Verdict) -> None:
    """A tenth, and three times 0.04 / 2 of four windows: 1.16 agrees, what is beyond does not."""
    assert judged(*[ratio] * 4).verdict is verdict


def test_windows_tell_no_better_than_half_of_ones_error() -> None:
    """A load that repeats may be met in the same place again and again."""
    assert judged(*[1.155] * 60).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("early_s", "counts"), [(0.0, True), (OVERLAP_S, True), (OVERLAP_S + 0.1, False)]
)
def test_a_window_that_overlaps_the_one_before_tells_the_same_again(
    early_s: float, *, counts: bool
) -> None:
    """But for the refresh of the counter that two windows in a row may share."""
    trial = CounterTrust()
    for number in range(WINDOWS_TO_JUDGE - 1):
        trial.add(window(number, 0.5))

    changed = trial.add(window(WINDOWS_TO_JUDGE - 1, 0.5, early_s=early_s))

    assert changed == counts
    assert trial.now.is_judged == counts


def test_a_counter_that_comes_right_is_trusted_again() -> None:
    """Its factor goes with the verdict that it was of."""
    trial = CounterTrust()
    for number in range(4):
        trial.add(window(number, 0.5))

    changed = [trial.add(window(number, 1.0)) for number in range(4, 100)]

    assert changed.count(True) > 0
    assert trial.now == Trust(is_judged=True)

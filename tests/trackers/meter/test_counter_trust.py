"""One board's counter on trial: what its windows say of it together."""

import random

import pytest

from trackers.meter.counter_trust import (
    OVERLAP_S,
    REMEMBERED,
    SAMPLES_TO_JUDGE,
    WINDOWS_TO_JUDGE,
    CounterEvidence,
    CounterTrust,
    Trust,
    Verdict,
    sampling_error,
)
from trackers.meter.integrate import Integral
from trackers.meter.uncertainty import Roughness
from trackers.sample import PowerSample

ENOUGH = SAMPLES_TO_JUDGE // WINDOWS_TO_JUDGE
"""Samples of a window, of which just enough windows are just enough samples."""


def window(
    number: int, ratio: float, *, samples: int = ENOUGH, error: float = 0.04, early_s: float = 0.0
) -> CounterEvidence:
    """One of the windows of 10 s in a row, with the counter over 100 J of samples."""
    return CounterEvidence(
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


def test_a_counter_that_is_scaled_is_so_by_its_usual_share() -> None:
    """One jump in nine windows changes nothing of its factor."""
    assert judged(*[0.5] * 8, 9.0).factor == pytest.approx(2.0)


@pytest.mark.parametrize(("apart", "verdict"), [(0.045, Verdict.SCALED), (0.049, Verdict.REFUSED)])
def test_a_share_is_fixed_that_differs_by_a_tenth_and_an_error_at_most(
    apart: float, verdict: Verdict
) -> None:
    """0.14 of a half: by the middle ones 1.48 times what lies to each side of it."""
    assert judged(*[0.5 - apart, 0.5 + apart] * 3).verdict is verdict


def test_a_verdict_rests_on_the_last_windows() -> None:
    """What a board's counter did long ago counts no more."""
    assert judged(*[0.5] * 100, *[1.0] * REMEMBERED) == Trust(is_judged=True)


def test_a_counter_that_comes_right_is_trusted_again() -> None:
    """Its factor goes with the verdict that it was of."""
    trial = CounterTrust()
    for number in range(4):
        trial.add(window(number, 0.5))

    changed = [trial.add(window(number, 1.0)) for number in range(4, 100)]

    assert changed.count(True) > 0
    assert trial.now == Trust(is_judged=True)


@pytest.mark.parametrize(
    ("ratio", "unjudged", "judged"), [(1.39, True, True), (1.45, False, True), (0.49, False, False)]
)
def test_a_counter_that_was_often_right_is_believed_further(
    ratio: float, *, unjudged: bool, judged: bool
) -> None:
    """In a window with an error of a tenth: three standard errors beside a tenth, or four."""
    evidence = window(0, ratio, error=0.1)

    assert Trust().believes(evidence) == unjudged
    assert Trust(is_judged=True).believes(evidence) == judged
    assert not Trust(verdict=Verdict.REFUSED).believes(window(0, 1.0))


@pytest.mark.parametrize(("ratio", "doubted"), [(1.19, False), (1.21, True), (0.79, True)])
def test_a_counter_is_doubted_that_differs_by_more_than_is_usual(
    ratio: float, *, doubted: bool
) -> None:
    """Until it is judged: a tenth and one standard error."""
    evidence = window(0, ratio, error=0.1)

    assert Trust().doubts(evidence) == doubted
    assert not Trust(is_judged=True).doubts(evidence)


@pytest.mark.parametrize(
    ("samples", "hold_s", "placing_j", "energy_j", "error"),
    [
        (100, 0.0, 0.0, 50.0, 0.03),
        (100, 0.1, 0.0, 50.0, 0.03),
        (100, 2.5, 0.0, 50.0, 0.15),
        (4, 2.5, 0.0, 50.0, 0.15),
        (1, 0.0, 0.0, 50.0, 0.3),
        (0, 0.0, 0.0, 50.0, 0.3),
        (100, 0.0, 10.0, 50.0, 0.2),
        (100, 0.0, 10.0, None, 0.03),
    ],
)
def test_a_windows_samples_err_by_their_number_or_by_their_places(
    samples: int, hold_s: float, placing_j: float, energy_j: float | None, error: float
) -> None:
    """0.3 over the root of the powers that were told in 10 s, or what changes between them leave open."""
    integral = Integral(energy_j=energy_j, coverage=1.0, samples=samples, placing_j=placing_j)

    found = sampling_error(integral, Roughness(), duration_s=10.0, period_s=0.1, hold_s=hold_s)

    assert found == pytest.approx(error)


@pytest.mark.parametrize(("samples", "by_chance"), [(4, 0.5), (10, 10**-0.5), (1000, 10**-0.5)])
def test_samples_of_a_load_that_forgets_itself_err_by_its_spread(
    samples: int, by_chance: float
) -> None:
    """Chance evens out over ten of them and no further; here they are of 20 and 180 W for 10 s."""
    dice = random.Random(0)  # noqa: S311 - a test's dice
    rough = Roughness()
    for number in range(500):
        rough.add(PowerSample(time_s=0.1 * number, power_w=dice.choice((20.0, 180.0))))
    integral = Integral(energy_j=1000.0, coverage=1.0, samples=samples)

    found = sampling_error(integral, rough, duration_s=10.0, period_s=0.1, hold_s=0.0)

    assert found == pytest.approx(rough.std_w * 10.0 / 1000.0 * by_chance)
    assert rough.std_w == pytest.approx(80.0, rel=0.1)

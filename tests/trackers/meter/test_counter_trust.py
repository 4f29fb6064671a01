"""Verdict on a board's counter, from the evidence of many windows."""

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
"""Samples per window with which the least number of windows has just enough samples."""


def window(
    number: int, ratio: float, *, samples: int = ENOUGH, error: float = 0.04, early_s: float = 0.0
) -> CounterEvidence:
    """Evidence of one of consecutive windows of 10 s, with 100 J by the samples."""
    return CounterEvidence(
        start_s=10.0 * number - early_s,
        stop_s=10.0 * (number + 1),
        counted_j=100.0 * ratio,
        sampled_j=100.0,
        samples=samples,
        error=error,
    )


def judged(*ratios: float, error: float = 0.04) -> Trust:
    """Trust in a counter after windows with these ratios of counter to samples."""
    trust = CounterTrust()
    for number, ratio in enumerate(ratios):
        trust.add(window(number, ratio, error=error))
    return trust.now


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
    """Until there are enough of both, the counter is trusted."""
    trust = CounterTrust()

    changed = [trust.add(window(n, 2.0, samples=samples)) for n in range(windows)]

    assert trust.now.is_judged == is_judged
    assert (trust.now.verdict is Verdict.SCALED) == is_judged
    assert changed == [*[False] * (windows - 1), is_judged]


def test_a_counter_of_a_constant_share_is_scaled() -> None:
    """Half of the energy in 16 windows gives a factor of 2 with a quarter of the error of one window."""
    found = judged(*[0.5] * 16)

    assert (found.verdict, found.is_judged) == (Verdict.SCALED, True)
    assert found.factor == pytest.approx(2.0)
    assert found.factor_error == pytest.approx(0.01)


def test_a_counter_whose_share_changes_is_refused() -> None:
    """Ratios from 0.2 to 0.9 have no common factor."""
    found = judged(0.2, 0.9, 0.4, 0.7, 0.3)

    assert (found.verdict, found.factor, found.is_judged) == (Verdict.REFUSED, 1.0, True)


def test_single_jumps_do_not_change_the_verdict() -> None:
    """Windows in which the counter jumped are outliers, unless they are half of all windows."""
    one_jump = judged(1.0, 1.0, 1.0, 9.0, 1.0)
    half_jump = judged(1.0, 1.0, 1.0, 1.0, 9.0, 9.0, 9.0, 9.0)

    assert one_jump == Trust(is_judged=True)
    assert half_jump.verdict is Verdict.REFUSED


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.15, Verdict.TRUSTED), (0.85, Verdict.TRUSTED), (1.17, Verdict.SCALED)],
)
def test_several_windows_must_agree_better_than_one(ratio: float, verdict: Verdict) -> None:
    """Four windows may differ by 0.1 and three times half of the error of 0.04, which is 0.16."""
    assert judged(*[ratio] * 4).verdict is verdict


def test_many_windows_at_most_halve_the_error() -> None:
    """A periodic load may be sampled at the same phase again and again."""
    assert judged(*[1.155] * 60).verdict is Verdict.TRUSTED


@pytest.mark.parametrize(
    ("early_s", "counts"), [(0.0, True), (OVERLAP_S, True), (OVERLAP_S + 0.1, False)]
)
def test_an_overlapping_window_is_no_new_evidence(early_s: float, *, counts: bool) -> None:
    """Consecutive windows may overlap only as far as they share a refresh of the counter."""
    trust = CounterTrust()
    for number in range(WINDOWS_TO_JUDGE - 1):
        trust.add(window(number, 0.5))

    changed = trust.add(window(WINDOWS_TO_JUDGE - 1, 0.5, early_s=early_s))

    assert changed == counts
    assert trust.now.is_judged == counts


def test_a_single_jump_does_not_change_the_factor() -> None:
    """One jump in nine windows is an outlier."""
    assert judged(*[0.5] * 8, 9.0).factor == pytest.approx(2.0)


@pytest.mark.parametrize(("apart", "verdict"), [(0.045, Verdict.SCALED), (0.049, Verdict.REFUSED)])
def test_a_constant_share_may_vary_by_a_tenth_and_an_error(apart: float, verdict: Verdict) -> None:
    """The bound is 0.14 of the share, and applies to 1.48 times the median deviation."""
    assert judged(*[0.5 - apart, 0.5 + apart] * 3).verdict is verdict


def test_a_verdict_rests_on_the_last_windows() -> None:
    """Windows of long ago no longer count."""
    assert judged(*[0.5] * 100, *[1.0] * REMEMBERED) == Trust(is_judged=True)


def test_a_counter_that_recovers_is_trusted_again() -> None:
    """Its factor is dropped together with the old verdict."""
    trust = CounterTrust()
    for number in range(4):
        trust.add(window(number, 0.5))

    changed = [trust.add(window(number, 1.0)) for number in range(4, 100)]

    assert changed.count(True) > 0
    assert trust.now == Trust(is_judged=True)


@pytest.mark.parametrize(
    ("ratio", "unjudged", "judged"), [(1.39, True, True), (1.45, False, True), (0.49, False, False)]
)
def test_a_judged_counter_may_differ_more(ratio: float, *, unjudged: bool, judged: bool) -> None:
    """It may differ by 0.1 and four standard errors instead of three; a refused counter is never believed."""
    evidence = window(0, ratio, error=0.1)

    assert Trust().believes(evidence) == unjudged
    assert Trust(is_judged=True).believes(evidence) == judged
    assert not Trust(verdict=Verdict.REFUSED).believes(window(0, 1.0))


@pytest.mark.parametrize(("ratio", "doubted"), [(1.19, False), (1.21, True), (0.79, True)])
def test_an_unjudged_counter_is_doubted_if_it_differs_unusually(
    ratio: float, *, doubted: bool
) -> None:
    """Until there is a verdict, it may differ by 0.1 and one standard error without a doubt."""
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
def test_the_error_of_samples_depends_on_their_number_and_times(
    samples: int, hold_s: float, placing_j: float, energy_j: float | None, error: float
) -> None:
    """It is 0.3 over the root of their number, or that of the unknown times of changes if larger."""
    integral = Integral(energy_j=energy_j, coverage=1.0, samples=samples, placing_j=placing_j)

    found = sampling_error(integral, Roughness(), duration_s=10.0, period_s=0.1, hold_s=hold_s)

    assert found == pytest.approx(error)


@pytest.mark.parametrize(("samples", "by_chance"), [(4, 0.5), (10, 10**-0.5), (1000, 10**-0.5)])
def test_samples_of_an_uncorrelated_load_err_by_its_deviation(
    samples: int, by_chance: float
) -> None:
    """The error averages out over ten samples at most; the load is 20 W or 180 W at random."""
    rng = random.Random(0)  # noqa: S311 - for a test, not for secrets
    rough = Roughness()
    for number in range(500):
        rough.add(PowerSample(time_s=0.1 * number, power_w=rng.choice((20.0, 180.0))))
    integral = Integral(energy_j=1000.0, coverage=1.0, samples=samples)

    found = sampling_error(integral, rough, duration_s=10.0, period_s=0.1, hold_s=0.0)

    assert found == pytest.approx(rough.std_w * 10.0 / 1000.0 * by_chance)
    assert rough.std_w == pytest.approx(80.0, rel=0.1)

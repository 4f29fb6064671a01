"""Break-even of all setups and of each, and ratios of sums in general."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from study.inference.break_even import (
    StagePosteriors,
    noise_alone,
    pooled_cycles,
    setup_cycles,
)
from study.inference.ratios import ratio_of_sums
from study.inference.repeats import Floats, Repeats
from tests.study.inference.draws import certain, drawn

POSITIVE = st.lists(st.floats(min_value=1.0, max_value=100.0), min_size=6, max_size=6)


def stages(encoder_j: Floats, together_j: Floats, classifier_j: Floats) -> StagePosteriors:
    """Posteriors of energies. Shapes (..., setups, repeats)."""
    return StagePosteriors(
        encoder=drawn(Repeats.of_array(np.log(encoder_j)), draws=500),
        from_scratch=drawn(Repeats.of_array(np.log(together_j)), draws=500),
        classifier=drawn(Repeats.of_array(np.log(classifier_j)), draws=500),
    )


@given(POSITIVE, POSITIVE)
def test_a_ratio_is_that_of_sums_and_within_its_interval(
    above: list[float], below: list[float]
) -> None:
    """Sums over setups of means over repeats."""
    numerator, denominator = (np.asarray(each).reshape(3, 2) for each in (above, below))

    found = ratio_of_sums(numerator, denominator)

    assert found is not None
    assert found.value == pytest.approx(numerator.mean(1).sum() / denominator.mean(1).sum())
    assert found.interval.holds(found.value)


@given(POSITIVE, POSITIVE, st.floats(min_value=0.1, max_value=10))
def test_a_ratio_scales_with_its_numerator(
    above: list[float], below: list[float], by: float
) -> None:
    """Fieller's interval does not depend on the unit."""
    numerator, denominator = (np.asarray(each).reshape(3, 2) for each in (above, below))
    assume(np.ptp(numerator / denominator) > 0.1)

    one, other = ratio_of_sums(numerator, denominator), ratio_of_sums(by * numerator, denominator)

    assert one is not None
    assert other is not None
    assert other.interval.low == pytest.approx(by * one.interval.low, rel=1e-6, abs=1e-9)
    assert other.interval.high == pytest.approx(by * one.interval.high, rel=1e-6)


def test_the_ends_solve_fiellers_equation() -> None:
    """Of one setup: (A - x D)^2 = t^2 Var(A - x D), with Student's t of its repeats less one."""
    above, below = np.asarray([10.0, 11.0, 9.0, 10.5]), np.asarray([5.0, 5.2, 4.9, 4.8])

    found = ratio_of_sums(above[None], below[None])

    assert found is not None
    for end in (found.interval.low, found.interval.high):
        apart = above - end * below
        t = abs(apart.mean()) / (apart.std(ddof=1) / 2)
        assert t == pytest.approx(3.18245, rel=1e-4)


def test_a_denominator_that_may_be_nothing_has_no_upper_end() -> None:
    """What is saved in a cycle is 3 +- 1 J in two repeats, which may be none at all."""
    found = ratio_of_sums(np.asarray([[9.9, 10.1]]), np.asarray([[2.0, 4.0]]))

    assert found is not None
    assert found.value == pytest.approx(10 / 3)
    assert 0 < found.interval.low < found.value
    assert found.interval.high == math.inf


def test_two_repeats_of_many_setups_tell_the_spread_of_their_sum() -> None:
    """Of 16 setups 95 % intervals hold the ratio in 93.5 to 96.5 % of 4,000 studies, not in 97."""
    rng = np.random.default_rng(4)
    above, below = np.exp(0.28 * rng.standard_normal((2, 4000, 16, 2)))

    found = ratio_of_sums(0.75 * above, below)

    assert found is not None
    assert 0.935 <= float(found.interval.holds(0.75).mean()) <= 0.965


def test_setups_without_two_whole_repeats_are_left_out_and_counted() -> None:
    """A repeat of which one energy is missing is no repeat of the ratio."""
    numerator = np.asarray([[1.0, 2.0, 3.0], [5.0, math.nan, 5.0], [9.0, math.nan, math.nan]])
    denominator = np.asarray([[2.0, 4.0, 6.0], [2.0, 2.0, 2.0], [2.0, 2.0, 2.0]])

    found = ratio_of_sums(numerator, denominator)

    assert found is not None
    assert found.setups == 2
    assert found.value == pytest.approx((2 + 5) / (4 + 2))
    assert ratio_of_sums(numerator[2:], denominator[2:]) is None


def test_shapes_of_a_ratio_must_agree() -> None:
    """Parts are paired by setup and repeat."""
    with pytest.raises(ValueError, match="differ"):
        ratio_of_sums(np.ones((2, 2)), np.ones((2, 3)))


def test_a_classifier_that_costs_more_never_pays() -> None:
    """Then the break-even is infinite, with both ends where it is sure."""
    encoder, together = np.full((4, 2), 10.0), np.full((4, 2), 5.0)

    found = pooled_cycles(encoder, together, together + np.asarray([1.0, 1.1]))

    assert found is not None
    assert [found.value, found.interval.low, found.interval.high] == [math.inf] * 3


def test_certain_energies_break_even_at_equation_2() -> None:
    """Setup by setup, and never where nothing is saved."""
    found = setup_cycles(
        StagePosteriors(
            encoder=certain(np.log([10.0, 10.0, 10.0])),
            from_scratch=certain(np.log([5.0, 5.0, 5.0])),
            classifier=certain(np.log([3.0, 1.0, 6.0])),
        )
    )

    assert found.value == pytest.approx([5.0, 2.5, math.inf])
    assert found.interval.low == pytest.approx([5.0, 2.5, math.inf], rel=1e-6)
    assert [found.best, found.worst] == [1, 2]
    assert found.pays.tolist() == [1.0, 1.0, 0.0]


def test_the_interval_of_the_best_is_wider_for_having_been_picked() -> None:
    """The best and the worst of many are extremes of noise, too."""
    rng = np.random.default_rng(0)
    noise = np.exp(0.1 * rng.standard_normal((3, 16, 2)))

    found = setup_cycles(stages(10 * noise[0], 5 * noise[1], 3 * noise[2]))

    assert found.best_interval.low < found.interval.low[found.best]
    assert found.best_interval.high > found.interval.high[found.best]


def test_noise_alone_spreads_one_true_break_even() -> None:
    """Best and worst lie on both sides of it, and without noise on it."""
    rng = np.random.default_rng(0)
    noise = np.exp(0.1 * rng.standard_normal((3, 16, 2)))

    spread = noise_alone(stages(10 * noise[0], 5 * noise[1], 3 * noise[2]), 5.0)
    none = noise_alone(
        StagePosteriors(
            encoder=certain(np.log([10.0] * 2)),
            from_scratch=certain(np.log([5.0] * 2)),
            classifier=certain(np.log([3.0] * 2)),
        ),
        5.0,
    )

    assert spread.best < 4.0
    assert spread.worst > 6.0
    assert [none.best, none.worst, none.never] == pytest.approx([5.0, 5.0, 0.0], rel=1e-6)

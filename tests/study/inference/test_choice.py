"""Choice of the setup with the least expected loss, and its probabilities."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.inference.choice import (
    Aim,
    Preference,
    RelativeGains,
    choose,
    choose_by_means,
    losses,
    probability_text,
)
from study.inference.repeats import Repeats
from tests.study.inference.draws import certain, drawn, energies

OBJECTIVES = st.lists(st.floats(min_value=0, max_value=1), min_size=3, max_size=3)


def test_each_point_beyond_the_tolerance_costs_its_price() -> None:
    """One point too few counts as 40 % more energy, and another 10 % for missing the tolerance at all."""
    aim = Aim(price=Preference.BALANCED.price)

    found = losses(np.zeros(2), np.asarray([0.9, 0.88]), aim)

    assert np.exp(found) == pytest.approx([1.0, 1.4 * 1.1])


@given(OBJECTIVES)
@pytest.mark.slow
def test_without_noise_the_setup_of_least_loss_is_chosen(objectives: list[float]) -> None:
    """The choice by expected loss is then the choice by the loss of the means."""
    energy, objective = certain(np.log([10.0, 20.0, 30.0])), certain(objectives)

    choice = choose(energy, objective, Aim())

    by_means = choose_by_means(energy.repeats, objective.repeats, Aim())
    lost = losses(energy.repeats.mean, objective.repeats.mean, Aim())
    assert lost[choice.setup] == pytest.approx(lost[by_means], abs=1e-4)
    assert choice.expected_loss.min() == 0


def test_a_safe_setup_is_preferred_to_a_marginal_one() -> None:
    """At nearly the same energy, the setup that is surely within the tolerance is chosen."""
    energy = energies([[100.0, 102.0], [97.0, 99.0], [300.0, 306.0]])
    objective = drawn(Repeats.of([[0.88, 0.92], [0.871, 0.911], [0.88, 0.92]]))

    choice = choose(energy, objective, Aim(tolerance=0.01, price=Preference.ACCURACY.price))

    assert choice.setup == 0


@given(OBJECTIVES, st.floats(min_value=0, max_value=0.5))
@pytest.mark.slow
def test_probabilities_are_consistent(objectives: list[float], tolerance: float) -> None:
    """Each draw has one cheapest setup, which is right; a wider tolerance admits more setups."""
    spread = [[each - 0.02, each + 0.02] for each in objectives]
    energy = energies([[10.0, 11.0], [11.0, 12.0], [12.0, 13.0]])
    objective = drawn(Repeats.of(spread))

    narrow = choose(energy, objective, Aim(tolerance=tolerance))
    wide = choose(energy, objective, Aim(tolerance=tolerance + 0.1))

    assert narrow.cheapest.sum() == pytest.approx(1.0)
    assert (narrow.cheapest <= narrow.right).all()
    assert (narrow.right <= narrow.within).all()
    assert (narrow.within <= wide.within).all()
    assert narrow.of_chosen(narrow.within) == narrow.within[narrow.setup]


def test_the_only_setup_is_right_with_certainty() -> None:
    """There is no setup that could be better."""
    choice = choose(energies([[10.0, 20.0]]), drawn(Repeats.of([[0.5, 0.6]])), Aim())

    assert [choice.setup, choice.right[0], choice.most_accurate[0]] == [0, 1.0, 1.0]


def test_preferences_have_increasing_prices() -> None:
    """The more accuracy is preferred, the more energy a point is worth."""
    prices = [math.expm1(each.price) for each in Preference]

    assert prices == pytest.approx([0.2, 0.4, 0.8])


@pytest.mark.parametrize(
    ("tolerance", "point", "price"), [(-0.1, 0.01, 0.1), (0.1, 0.0, 0.1), (0.1, 0.01, -1.0)]
)
def test_an_invalid_aim_is_refused(tolerance: float, point: float, price: float) -> None:
    """A negative tolerance or price would reverse the choice, and a point has a size."""
    with pytest.raises(ValueError, match="at least 0"):
        Aim(tolerance=tolerance, point=point, price=price)


@given(
    st.sampled_from([-1e4, -0.4, 0.0, 0.01, 7.0]),
    st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=9, unique=True),
)
def test_relative_gains_keep_the_order_of_objectives(best: float, gains: list[float]) -> None:
    """This holds for any signs, and the scale can be inverted."""
    scale = RelativeGains(best)

    places = scale.places(sorted(gains))

    assert (np.diff(places) >= 0).all()
    assert scale.gains(places) == pytest.approx(sorted(gains), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("best", [-0.4, 0.4, -120.0])
def test_a_shortfall_is_relative_to_the_best(best: float) -> None:
    """An objective 1 % worse than the best lies exactly at a tolerance of 1 %."""
    [place] = RelativeGains(best).places([best - 0.01 * abs(best)])

    assert -place == pytest.approx(Aim(tolerance=0.01).relative.tolerance)


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "under 1 %"), (0.004, "under 1 %"), (0.42, "42 %"), (0.996, "over 99 %")],
)
def test_a_probability_is_never_shown_as_0_or_100_percent(probability: float, text: str) -> None:
    """It is a fraction of finitely many draws, so it cannot be known that well."""
    assert probability_text(probability) == text

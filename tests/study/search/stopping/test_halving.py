"""Rungs that are energies or epochs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.search.curves import TrialCurve
from study.search.stopping.halving import Halving, Rungs


def cross(halving: Halving, accuracy: float, energy_j: float) -> bool:
    """A trial of one epoch with that accuracy and energy."""
    curve = TrialCurve()
    curve.add(score=accuracy, energy_j=energy_j, time_s=1.0)
    return halving.goes_on(curve, last_epoch_j=energy_j)


def test_the_worse_half_ends_at_a_rung() -> None:
    """The first goes on, a better one goes on, a worse one does not."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)

    went_on = [cross(halving, accuracy, 1.0) for accuracy in (0.5, 0.8, 0.3)]

    assert went_on == [True, True, False]


def test_below_the_first_rung_nobody_ends() -> None:
    """However bad it is."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)
    cross(halving, 0.9, 1.0)

    assert cross(halving, 0.0, 0.99)


def test_between_rungs_nobody_is_judged_again() -> None:
    """An epoch that crosses no rung leaves a trial alone, and no mark at the rung."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)
    curve = TrialCurve()
    curve.add(score=0.1, energy_j=1.0, time_s=1.0)
    halving.goes_on(curve, last_epoch_j=1.0)
    cross(halving, 0.9, 1.0)
    curve.add(score=0.1, energy_j=0.5, time_s=1.0)

    assert halving.goes_on(curve, last_epoch_j=0.5)


def test_a_frugal_trial_is_compared_at_the_same_joules() -> None:
    """With rungs of epochs a dear trial wins by its epochs; with rungs of energy it does not."""
    frugal = TrialCurve()
    for accuracy in (0.4, 0.6, 0.8):
        frugal.add(score=accuracy, energy_j=1.0, time_s=1.0)
    by_energy = Halving(rungs=Rungs.ENERGY, first=3.0)
    cross(by_energy, 0.7, 3.0)

    assert by_energy.goes_on(frugal, last_epoch_j=1.0)


def test_without_a_first_rung_the_first_epoch_sets_it() -> None:
    """To twice its energy."""
    halving = Halving(rungs=Rungs.ENERGY)

    cross(halving, 0.5, 1.5)

    assert halving.first == 3.0


@pytest.mark.parametrize(("first", "factor"), [(0.0, 2.0), (-1.0, 2.0), (1.0, 1.0)])
def test_rungs_that_are_none_are_refused(first: float, factor: float) -> None:
    """A rung of nothing would judge before anything was used."""
    with pytest.raises(ValueError, match="above 0"):
        Halving(rungs=Rungs.ENERGY, first=first, factor=factor)


@given(accuracies=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_best_so_far_always_goes_on(accuracies: list[float]) -> None:
    """Whatever came before."""
    halving = Halving(rungs=Rungs.EPOCHS, first=1.0)
    for accuracy in accuracies:
        cross(halving, accuracy, 1.0)

    assert cross(halving, max(accuracies), 1.0)

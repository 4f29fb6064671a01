"""Halving at rungs of energy or of epochs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.search.curves import TrialCurve
from study.search.stopping.halving import Halving, Rungs


def cross(halving: Halving, accuracy: float, energy_j: float) -> bool:
    """Let a trial of one epoch cross a rung; return whether it continues."""
    curve = TrialCurve()
    curve.add(score=accuracy, energy_j=energy_j, time_s=1.0)
    return halving.goes_on(curve, last_epoch_j=energy_j)


def test_the_worse_half_ends_at_a_rung() -> None:
    """The first trial and a better one continue; a worse one does not."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)

    went_on = [cross(halving, accuracy, 1.0) for accuracy in (0.5, 0.8, 0.3)]

    assert went_on == [True, True, False]


def test_no_trial_ends_below_the_first_rung() -> None:
    """This holds for the worst accuracy, too."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)
    cross(halving, 0.9, 1.0)

    assert cross(halving, 0.0, 0.99)


def test_no_trial_is_judged_between_rungs() -> None:
    """An epoch that crosses no rung does not end even a trial that is now the worst."""
    halving = Halving(rungs=Rungs.ENERGY, first=1.0)
    curve = TrialCurve()
    curve.add(score=0.1, energy_j=1.0, time_s=1.0)
    halving.goes_on(curve, last_epoch_j=1.0)
    cross(halving, 0.9, 1.0)
    curve.add(score=0.1, energy_j=0.5, time_s=1.0)

    assert halving.goes_on(curve, last_epoch_j=0.5)


def test_trials_are_compared_at_the_same_energy() -> None:
    """A trial with 0.8 after three epochs of 1 J beats one with 0.7 after one epoch of 3 J.

    With rungs in epochs, the same trial ends with its first epoch.
    """
    by_energy = Halving(rungs=Rungs.ENERGY, first=3.0)
    by_epochs = Halving(rungs=Rungs.EPOCHS, first=1.0)
    cross(by_energy, 0.7, 3.0)
    cross(by_epochs, 0.7, 3.0)

    frugal = TrialCurve()
    frugal.add(score=0.4, energy_j=1.0, time_s=1.0)
    went_on_by_epochs = by_epochs.goes_on(frugal, last_epoch_j=1.0)
    for accuracy in (0.6, 0.8):
        frugal.add(score=accuracy, energy_j=1.0, time_s=1.0)

    assert by_energy.goes_on(frugal, last_epoch_j=1.0)
    assert not went_on_by_epochs


def test_without_a_first_rung_the_first_epoch_sets_it() -> None:
    """The rung is at twice its energy."""
    halving = Halving(rungs=Rungs.ENERGY)

    cross(halving, 0.5, 1.5)

    assert halving.first == 3.0


@pytest.mark.parametrize(("first", "factor"), [(0.0, 2.0), (-1.0, 2.0), (1.0, 1.0)])
def test_invalid_rungs_are_refused(first: float, factor: float) -> None:
    """A first rung at 0 J would judge before any training; a factor of 1 makes no further rungs."""
    with pytest.raises(ValueError, match="above 0"):
        Halving(rungs=Rungs.ENERGY, first=first, factor=factor)


@given(accuracies=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_the_best_trial_so_far_always_continues(accuracies: list[float]) -> None:
    """This holds for any accuracies before it."""
    halving = Halving(rungs=Rungs.EPOCHS, first=1.0)
    for accuracy in accuracies:
        cross(halving, accuracy, 1.0)

    assert cross(halving, max(accuracies), 1.0)

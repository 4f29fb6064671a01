"""Setups that cannot be told from always naming the commonest class, and what is said of the others."""

import dataclasses

import pytest

from analysis.energy.totals import SetupEnergy
from analysis.ranking.chance import evidence_above_chance
from study.inference.choice import Aim
from study.record.objective import Objective
from tests.analysis.study_folder import DATA, setup_energy

AIM = Aim(tolerance=0.01)


def at_chance(
    *setups: SetupEnergy, chance: float | None = 0.5, samples: int | None = 100
) -> frozenset[int]:
    """Numbers of the setups that have learnt nothing for sure."""
    data = dataclasses.replace(DATA, chance_accuracy=chance, val_samples=samples)
    return evidence_above_chance(setups, AIM, data)[1]


@pytest.mark.parametrize(
    ("chance", "samples", "at", "above"),
    [
        (0.5, 100, 0.597, 0.599),
        (0.2, 1, 0.983, 0.985),
        (0.2, 400, 0.239, 0.240),
        (0.2, 0, 0.9, 1.0),
    ],
)
def test_an_accuracy_counts_that_few_guesses_reach(
    chance: float, samples: int, at: float, above: float
) -> None:
    """1.96 standard deviations of the share of right guesses among so many samples."""
    setups = [setup_energy(1, [9.0], [at]), setup_energy(2, [9.0], [above])]

    assert at_chance(*setups, chance=chance, samples=samples) == {1}


def test_repeats_that_reach_down_to_chance_are_at_chance() -> None:
    """Whatever their mean is: 30 and 90 % are no sign of learning, 60 and 61 % are."""
    setups = [setup_energy(1, [9.0, 9.1], [0.3, 0.9]), setup_energy(2, [9.0, 9.1], [0.60, 0.61])]

    assert 1 in at_chance(*setups, samples=100_000)
    assert 2 not in at_chance(setups[1], samples=100_000)


@pytest.mark.parametrize(
    ("accuracy", "chance", "samples"), [(None, 0.5, 100), (0.5, None, 100), (0.5, 0.5, None)]
)
def test_what_is_not_known_is_not_at_chance(
    accuracy: float | None, chance: float | None, samples: int | None
) -> None:
    """Neither an accuracy that is missing, nor one of targets that are no classes."""
    assert at_chance(setup_energy(1, [9.0], [accuracy]), chance=chance, samples=samples) == set()


def test_what_has_learnt_nothing_is_weighed_with_nothing() -> None:
    """Unless no setup has learnt anything, or none of the others has an accuracy."""
    poor, good = setup_energy(1, [9.0], [0.2]), setup_energy(2, [9.0], [0.9])
    unknown = setup_energy(3, [9.0], [None])

    found = {
        numbers: evidence_above_chance([poor, *others], AIM, DATA)[0]
        for numbers, others in {(2,): [good, unknown], (1,): [unknown]}.items()
    }

    assert {numbers: tuple(each.index_of) for numbers, each in found.items() if each} == {
        (2,): (2,),
        (1,): (1,),
    }


def test_chance_is_said_of_accuracies_alone() -> None:
    """A loss of 0.2 is no guess; it is weighed as what it is."""
    loss = Objective("loss", "min")

    evidence, numbers = evidence_above_chance([setup_energy(1, [9.0], [0.2])], AIM, DATA, loss)

    assert numbers == frozenset()
    assert evidence is not None
    assert evidence.objective == loss

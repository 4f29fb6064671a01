"""Setups at chance level, which always naming the commonest class would reach too."""

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
    """Return the setups whose accuracy cannot be distinguished from chance."""
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
def test_accuracy_must_exceed_what_guessing_could_reach(
    chance: float, samples: int, at: float, above: float
) -> None:
    """The limit is 1.96 standard deviations of the share of right guesses above the chance level."""
    setups = [setup_energy(1, [9.0], [at]), setup_energy(2, [9.0], [above])]

    assert at_chance(*setups, chance=chance, samples=samples) == {1}


def test_repeats_that_reach_down_to_chance_are_at_chance() -> None:
    """The mean does not decide: 30 and 90 % are at chance, 60 and 61 % are not."""
    setups = [setup_energy(1, [9.0, 9.1], [0.3, 0.9]), setup_energy(2, [9.0, 9.1], [0.60, 0.61])]

    assert 1 in at_chance(*setups, samples=100_000)
    assert 2 not in at_chance(setups[1], samples=100_000)


@pytest.mark.parametrize(
    ("accuracy", "chance", "samples"), [(None, 0.5, 100), (0.5, None, 100), (0.5, 0.5, None)]
)
def test_setup_is_not_at_chance_where_a_value_is_missing(
    accuracy: float | None, chance: float | None, samples: int | None
) -> None:
    """The accuracy, the chance level and the number of samples must all be known."""
    assert at_chance(setup_energy(1, [9.0], [accuracy]), chance=chance, samples=samples) == set()


def test_setups_at_chance_are_left_out_of_the_evidence() -> None:
    """They are kept if no other setup has an accuracy above chance."""
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


def test_only_accuracies_can_be_at_chance() -> None:
    """A loss of 0.2 is not compared with the chance accuracy of 0.2 and enters the evidence."""
    loss = Objective("loss", "min")

    evidence, numbers = evidence_above_chance([setup_energy(1, [9.0], [0.2])], AIM, DATA, loss)

    assert numbers == frozenset()
    assert evidence is not None
    assert evidence.objective == loss

"""Text on whether the answer changes with the energy scope: recommendations by the other measured energies."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.energy.scopes import WORDS
from analysis.energy.totals import SetupEnergy
from analysis.quantities import energy_text, enumeration
from study.record.files import EnergyUnit
from study.record.vocabulary import EnergyScope


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeAnswer:
    """Answer of a study by the energy of one scope.

    Attributes:
        scope: The energy scope.
        estimated: Whether a part of its energy is an estimate.
        first: The setup that would be recommended; None if none would.
        setups: All setups, with their energies of this scope.
        cycles: Number of trainings after which pretraining pays; None if there is no such number.
    """

    scope: EnergyScope
    estimated: bool
    first: SetupEnergy | None
    setups: tuple[SetupEnergy, ...]
    cycles: float | None

    def total_j(self, setup: int) -> float | None:
        """Return the energy of a training of a setup in this scope; None if unknown."""
        return next((each.total_j for each in self.setups if each.setup == setup), None)


def scope_text(own: ScopeAnswer, others: Sequence[ScopeAnswer], unit: EnergyUnit) -> str:
    """Describe which energy ranks, and what would be recommended by the others.

    Args:
        own: Answer by the energy that ranks.
        others: Answers by the other measured energies.
        unit: Unit in which the study's energies are shown.

    Returns:
        The sentences; empty if no other energy was measured or no energy leads to an answer.
    """
    told = [each for each in others if each.first is not None]
    silent = [each for each in (own, *others) if each.first is None]
    if not others or (own.first is None and not told):
        return ""
    sentences = [
        f"This ranking is by the energy of {WORDS[own.scope]}.",
        *(_beside(own.first, told, unit) if own.first is not None else _instead(told, unit)),
    ]
    if silent:
        names = enumeration(WORDS[each.scope] for each in silent)
        sentences.append(
            f"By the energy of {names} no setup is recommended, because readings are missing."
        )
    cycles = [each for each in others if each.cycles is not None]
    if cycles:
        said = enumeration(f"{each.cycles:.1f} by that of {_named(each)}" for each in cycles)
        sentences.append(
            f"By this energy there is no number of trainings after which pretraining pays; it is {said}."
            if own.cycles is None
            else f"Pretraining pays after {own.cycles:.1f} trainings by this energy, and after {said}."
        )
    return " ".join(sentences)


def _beside(first: SetupEnergy, others: Sequence[ScopeAnswer], unit: EnergyUnit) -> Iterator[str]:
    """Yield which other energies lead to the same recommendation, and which to another."""
    number = first.setup
    same = [each for each in others if each.first is not None and each.first.setup == number]
    if same:
        names = enumeration(f"{_named(each)} ({_energy(each, number, unit)})" for each in same)
        yield f"By the energy of {names} setup {number} is recommended as well."
    for each in others:
        if each.first is not None and each not in same:
            yield (
                f"By the energy of {_named(each)} the answer changes: setup {each.first.setup} "
                f"({_energy(each, each.first.setup, unit)}, and setup {number} {_energy(each, number, unit)})."
            )


def _instead(others: Sequence[ScopeAnswer], unit: EnergyUnit) -> Iterator[str]:
    """Yield the recommendations by the other energies, if the energy that ranks leads to none."""
    for each in others:
        if each.first is not None:
            yield (
                f"By the energy of {_named(each)} setup {each.first.setup} is recommended "
                f"({_energy(each, each.first.setup, unit)})."
            )


def _named(answer: ScopeAnswer) -> str:
    return f"{WORDS[answer.scope]}{', partly estimated' if answer.estimated else ''}"


def _energy(answer: ScopeAnswer, setup: int, unit: EnergyUnit) -> str:
    energy_j = answer.total_j(setup)
    return "energy not known" if energy_j is None else energy_text(energy_j, unit)

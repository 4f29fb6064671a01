"""Break-even: trainings until a pretrained encoder has paid for itself (equation 2, Figure 4).

    x = E_enc / (E_enc+class - E_class)

`E_enc` is the energy of pretraining the encoder, `E_class` that of training a classifier on it
(frozen, as in the paper, or unfrozen), `E_enc+class` that of training both from scratch. A cycle
is one such training for a further use of the encoder. The encoder has paid after the first whole
number of cycles n with E_enc + n E_class <= n E_enc+class.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from analysis.energy.spread import Interval95, Spread
from analysis.energy.stages import TrialStage, energies_by_repeat
from analysis.pretraining.cycles import CycleDoubt, PooledCycles, Triple, doubt_of, pooled
from study.record.manifest import SetupFacts
from study.record.vocabulary import Stage


class BreakEvenOutcome(StrEnum):
    """Outcomes of equation 2."""

    PAYS = "pays"
    NEVER = "never"
    UNKNOWN = "unknown"
    ENCODER_UNKNOWN = "encoder cost unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """The outcome of equation 2.

    Attributes:
        outcome: What can be said.
        cycles: x, a real number; None unless it pays.
        pays_at: First whole cycle after which the encoder has paid; None unless it pays.
        saved_per_cycle_j: E_enc+class - E_class; None where one of them is not known.
        reason: Why it never pays, or why nothing can be said; empty where it pays.
    """

    outcome: BreakEvenOutcome
    cycles: float | None
    pays_at: int | None
    saved_per_cycle_j: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupBreakEven:
    """The break-even of one setup.

    Energies are means over the repeats in which all of them are known.

    Attributes:
        setup: Number of the setup.
        batch_size: As asked for.
        learning_rate: As asked for.
        parameters: What the setup has besides.
        repeats: Number of repeats that the energies are taken from.
        encoder_j: E_enc; None where it is not known.
        classifier_j: E_class; None where it is not known.
        together_j: E_enc+class; None where it is not known.
        of_means: Equation 2 with these means: the setup's break-even.
        interval: 95 % interval of its cycles, infinite being never; None where no setup has two
            repeats.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    repeats: int
    encoder_j: float | None
    classifier_j: float | None
    together_j: float | None
    of_means: BreakEven
    interval: Interval95 | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenInfo:
    """Break-even over all setups, for one kind of cycle (paper, Figure 4).

    A setup in which it never pays has no number of cycles of its own; what it used counts in the
    pooled number all the same.

    Attributes:
        cycle: What is trained in each cycle: the classifier, frozen or unfrozen.
        rows: Each setup, in the order of their numbers.
        best: The setup that pays soonest; None where none pays.
        worst: The setup that pays last.
        pooled: Over all setups and repeats; None where no repeat has all energies.
        doubt: How far the setups' own can be told; None where no setup has two repeats.
        pays: Number of setups that pay.
        never: Number of setups that never do.
        unknown: Number of setups of which it is not known.
    """

    cycle: Stage
    rows: tuple[SetupBreakEven, ...]
    best: SetupBreakEven | None
    worst: SetupBreakEven | None
    pooled: PooledCycles | None
    doubt: CycleDoubt | None
    pays: int
    never: int
    unknown: int


def break_even(
    encoder_j: float | None, together_j: float | None, classifier_j: float | None
) -> BreakEven:
    """Equation 2 with its outcomes named.

    Args:
        encoder_j: Energy of pretraining the encoder; None if not known.
        together_j: Energy of training encoder and classifier from scratch; None if not known.
        classifier_j: Energy of training a classifier on the encoder; None if not known.
    """
    if together_j is None or classifier_j is None:
        lacking = "encoder+classifier" if together_j is None else "classifier"
        return _without_cycles(BreakEvenOutcome.UNKNOWN, None, f"no energy for the stage {lacking}")
    saved_j = together_j - classifier_j
    if saved_j <= 0:
        more = "as much energy as" if saved_j == 0 else "more energy than"
        reason = f"a classifier on the encoder takes {more} training from scratch"
        return _without_cycles(BreakEvenOutcome.NEVER, saved_j, reason)
    if encoder_j is None:
        reason = "no energy is known for training the encoder"
        return _without_cycles(BreakEvenOutcome.ENCODER_UNKNOWN, saved_j, reason)
    # Exact, so that it pays at n and does not at n - 1, whatever floats would round to.
    exact = Fraction(encoder_j) / (Fraction(together_j) - Fraction(classifier_j))
    return BreakEven(
        outcome=BreakEvenOutcome.PAYS,
        cycles=encoder_j / saved_j,
        pays_at=max(math.ceil(exact), 1),
        saved_per_cycle_j=saved_j,
    )


def break_even_info(
    setups: Sequence[SetupFacts], trials: Iterable[TrialStage], *, cycle: Stage
) -> BreakEvenInfo:
    """Break-even of each setup, best and worst of them, and over all.

    Args:
        setups: The setups of the study.
        trials: The stages of its trials.
        cycle: `CLASSIFIER_FROZEN` (as in the paper) or `CLASSIFIER_UNFROZEN`.
    """
    known = energies_by_repeat(trials)
    rows = tuple(_of_setup(s, list(known.get(s.setup, {}).values()), cycle) for s in setups)
    triples = {row.setup: _whole(known.get(row.setup, {}).values(), cycle) for row in rows}
    over_setups = pooled(triples)
    doubt = None if over_setups is None else doubt_of(triples, over_setups.cycles)
    if over_setups is not None and doubt is not None and over_setups.setups == 1:
        (own,) = doubt.by_setup.values()  # so that one break-even has one interval
        over_setups = replace(over_setups, interval=own)
    if doubt is not None:
        rows = tuple(replace(row, interval=doubt.by_setup.get(row.setup)) for row in rows)
    soonest = sorted(
        (row.of_means.cycles, row.setup, row) for row in rows if row.of_means.cycles is not None
    )
    paying = [row for *_, row in soonest]
    never = sum(row.of_means.outcome is BreakEvenOutcome.NEVER for row in rows)
    return BreakEvenInfo(
        cycle=cycle,
        rows=rows,
        best=paying[0] if paying else None,
        worst=paying[-1] if paying else None,
        pooled=over_setups,
        doubt=doubt,
        pays=len(paying),
        never=never,
        unknown=len(rows) - len(paying) - never,
    )


def _whole(repeats: Iterable[Mapping[str, float | None]], cycle: Stage) -> list[Triple]:
    """The repeats in which all three energies are known."""
    found = []
    for energies in repeats:
        encoder, together, classifier = _triple(energies, cycle)
        if encoder is not None and together is not None and classifier is not None:
            found.append((encoder, together, classifier))
    return found


def _triple(
    energies: Mapping[str, float | None], cycle: Stage
) -> tuple[float | None, float | None, float | None]:
    """E_enc, E_enc+class and E_class of one repeat."""
    return energies.get(Stage.ENCODER), energies.get(Stage.ENCODER_CLASSIFIER), energies.get(cycle)


def _of_setup(
    facts: SetupFacts, repeats: Sequence[Mapping[str, float | None]], cycle: Stage
) -> SetupBreakEven:
    triples = [_triple(each, cycle) for each in repeats]
    whole = [triple for triple in triples if None not in triple]
    without_encoder = [triple for triple in triples if None not in triple[1:]]
    used = whole or without_encoder or triples
    encoder, together, classifier = (
        Spread.of(values) for values in (zip(*used, strict=True) if used else ((), (), ()))
    )
    return SetupBreakEven(
        setup=facts.setup,
        batch_size=facts.batch_size,
        learning_rate=facts.learning_rate,
        parameters=facts.parameters,
        repeats=len(used) if whole or without_encoder else 0,
        encoder_j=_mean(encoder),
        classifier_j=_mean(classifier),
        together_j=_mean(together),
        of_means=break_even(_mean(encoder), _mean(together), _mean(classifier)),
    )


def _without_cycles(outcome: BreakEvenOutcome, saved_j: float | None, reason: str) -> BreakEven:
    return BreakEven(
        outcome=outcome, cycles=None, pays_at=None, saved_per_cycle_j=saved_j, reason=reason
    )


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean

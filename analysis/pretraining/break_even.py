"""Break-even: number of trainings after which a pretrained encoder has paid off (paper, equation 2, Figure 4).

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
from analysis.pretraining.cycles import (
    CycleIntervals,
    PooledCycles,
    Triple,
    cycle_intervals,
    pooled,
)
from study.record.manifest import SetupFacts
from study.record.vocabulary import Stage


class BreakEvenOutcome(StrEnum):
    """Outcomes of equation 2.

    `UNKNOWN` means that an energy of a cycle is unknown; `ENCODER_UNKNOWN` that each cycle saves
    energy, but that of pretraining the encoder is unknown, as for published weights.
    """

    PAYS = "pays"
    NEVER = "never"
    UNKNOWN = "unknown"
    ENCODER_UNKNOWN = "encoder cost unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Result of equation 2.

    Attributes:
        outcome: Whether pretraining pays, never pays, or an energy is unknown.
        cycles: x, a real number; None unless pretraining pays.
        pays_at: First whole number of cycles after which the encoder has paid off; None unless it does.
        saved_per_cycle_j: E_enc+class - E_class; None if one of them is unknown.
        reason: Why pretraining never pays or why that is unknown; empty if it pays.
    """

    outcome: BreakEvenOutcome
    cycles: float | None
    pays_at: int | None
    saved_per_cycle_j: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupBreakEven:
    """The break-even of one setup.

    Energies are means over the repeats in which all three are known. If there is none, they are means
    over the repeats in which both classifier energies are known, or else over all repeats.

    Attributes:
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        learning_rate: Requested learning rate; None if the setup has none.
        parameters: Further parameters of the setup.
        repeats: Number of repeats that the energies are means of; 0 if no repeat has both E_enc+class
            and E_class.
        encoder_j: E_enc; None if unknown.
        classifier_j: E_class; None if unknown.
        from_scratch_j: E_enc+class; None if unknown.
        of_means: Break-even of the setup: equation 2 with these means.
        interval: 95 % interval of the cycles, where infinity means never; None if no setup has two
            repeats.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    repeats: int
    encoder_j: float | None
    classifier_j: float | None
    from_scratch_j: float | None
    of_means: BreakEven
    interval: Interval95 | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenInfo:
    """Break-even over all setups, for one kind of cycle (paper, Figure 4).

    A setup in which pretraining never pays has no number of cycles of its own, but its energies still
    enter the pooled number.

    Attributes:
        cycle: Stage that is trained in each cycle: the frozen or the unfrozen classifier.
        rows: Break-even of each setup, ordered by setup number.
        best: The setup in which pretraining pays soonest; None if it pays in none.
        worst: The setup in which pretraining pays last; None if it pays in none.
        pooled: Break-even over all setups and repeats; None if no repeat has all energies.
        intervals: Intervals of the setups' break-evens; None if no setup has two repeats.
        pays: Number of setups in which pretraining pays.
        never: Number of setups in which it never pays.
        unknown: Number of setups in which that is unknown.
    """

    cycle: Stage
    rows: tuple[SetupBreakEven, ...]
    best: SetupBreakEven | None
    worst: SetupBreakEven | None
    pooled: PooledCycles | None
    intervals: CycleIntervals | None
    pays: int
    never: int
    unknown: int


def break_even(
    encoder_j: float | None, from_scratch_j: float | None, classifier_j: float | None
) -> BreakEven:
    """Evaluate equation 2 of the paper.

    Args:
        encoder_j: Energy of pretraining the encoder, E_enc; None if unknown.
        from_scratch_j: Energy of training encoder and classifier from scratch, E_enc+class; None if unknown.
        classifier_j: Energy of training a classifier on the encoder, E_class; None if unknown.
    """
    if from_scratch_j is None or classifier_j is None:
        lacking = "encoder+classifier" if from_scratch_j is None else "classifier"
        return _without_cycles(BreakEvenOutcome.UNKNOWN, None, f"no energy for the stage {lacking}")
    saved_j = from_scratch_j - classifier_j
    if saved_j <= 0:
        more = "as much energy as" if saved_j == 0 else "more energy than"
        reason = f"a classifier on the encoder takes {more} training from scratch"
        return _without_cycles(BreakEvenOutcome.NEVER, saved_j, reason)
    if encoder_j is None:
        reason = "no energy is known for training the encoder"
        return _without_cycles(BreakEvenOutcome.ENCODER_UNKNOWN, saved_j, reason)
    # Exact arithmetic, since rounding of floats could move the first n that pays by one.
    exact = Fraction(encoder_j) / (Fraction(from_scratch_j) - Fraction(classifier_j))
    return BreakEven(
        outcome=BreakEvenOutcome.PAYS,
        cycles=encoder_j / saved_j,
        pays_at=max(math.ceil(exact), 1),
        saved_per_cycle_j=saved_j,
    )


def break_even_info(
    setups: Sequence[SetupFacts], trials: Iterable[TrialStage], *, cycle: Stage
) -> BreakEvenInfo:
    """Compute the break-even of each setup, the best and the worst of them, and the pooled one.

    Args:
        setups: The setups of the study.
        trials: The stages of its trials.
        cycle: `CLASSIFIER_FROZEN` (as in the paper) or `CLASSIFIER_UNFROZEN`.
    """
    known = energies_by_repeat(trials)
    rows = tuple(_of_setup(s, list(known.get(s.setup, {}).values()), cycle) for s in setups)
    triples = {row.setup: _whole(known.get(row.setup, {}).values(), cycle) for row in rows}
    over_setups = pooled(triples)
    intervals = None if over_setups is None else cycle_intervals(triples, over_setups.cycles)
    if over_setups is not None and intervals is not None and over_setups.setups == 1:
        (own,) = intervals.by_setup.values()  # the setup's own, so that one result has one interval
        over_setups = replace(over_setups, interval=own)
    if intervals is not None:
        rows = tuple(replace(row, interval=intervals.by_setup.get(row.setup)) for row in rows)
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
        intervals=intervals,
        pays=len(paying),
        never=never,
        unknown=len(rows) - len(paying) - never,
    )


def _whole(repeats: Iterable[Mapping[str, float | None]], cycle: Stage) -> list[Triple]:
    """Return E_enc, E_enc+class and E_class of the repeats in which all three are known."""
    found = []
    for energies in repeats:
        encoder, from_scratch, classifier = _triple(energies, cycle)
        if encoder is not None and from_scratch is not None and classifier is not None:
            found.append((encoder, from_scratch, classifier))
    return found


def _triple(
    energies: Mapping[str, float | None], cycle: Stage
) -> tuple[float | None, float | None, float | None]:
    """Return E_enc, E_enc+class and E_class of one repeat; None where unknown."""
    return energies.get(Stage.ENCODER), energies.get(Stage.ENCODER_CLASSIFIER), energies.get(cycle)


def _of_setup(
    facts: SetupFacts, repeats: Sequence[Mapping[str, float | None]], cycle: Stage
) -> SetupBreakEven:
    triples = [_triple(each, cycle) for each in repeats]
    whole = [triple for triple in triples if None not in triple]
    without_encoder = [triple for triple in triples if None not in triple[1:]]
    used = whole or without_encoder or triples
    encoder, from_scratch, classifier = (
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
        from_scratch_j=_mean(from_scratch),
        of_means=break_even(_mean(encoder), _mean(from_scratch), _mean(classifier)),
    )


def _without_cycles(outcome: BreakEvenOutcome, saved_j: float | None, reason: str) -> BreakEven:
    return BreakEven(
        outcome=outcome, cycles=None, pays_at=None, saved_per_cycle_j=saved_j, reason=reason
    )


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean

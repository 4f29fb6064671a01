"""Saving of a frozen encoder against one that is trained on (paper, Table 3)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.energy.savings import Saving, saving_over, saving_over_setups, with_intervals
from analysis.energy.score_changes import ScoreChange
from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage, TrialStage, energies_by_repeat
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupFreezing:
    """Frozen against unfrozen in one setup.

    Attributes:
        setup: Number of the setup.
        batch_size: As asked for.
        learning_rate: As asked for.
        parameters: What the setup has besides.
        saving: Over the repeats; None where no repeat has both energies.
        given_up: What the frozen classifier gives up of the objective against the unfrozen one.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    saving: Saving | None
    given_up: ScoreChange | None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezingInfo:
    """Frozen against unfrozen over all setups.

    Attributes:
        rows: Each setup, in the order of their numbers.
        over_setups: Of the setups' mean energies, as the paper averages; None where none is known.
        latents_j: Energy of computing latent features once; None where they were not cached or
            it is not known. It is part of the frozen energy.
    """

    rows: tuple[SetupFreezing, ...]
    over_setups: Saving | None
    latents_j: Spread | None


def freezing_info(
    setups: Sequence[SetupFacts],
    stages: Iterable[SetupStage],
    trials: Iterable[TrialStage],
    *,
    latents_j: Spread | None = None,
    objective: Objective = ACCURACY,
) -> FreezingInfo:
    """Compare the two stages in each setup.

    Args:
        setups: The setups of the study.
        stages: Their stages.
        trials: The stages of their trials.
        latents_j: Energy of computing latent features, over trials.
        objective: The validation metric that decides.
    """
    scores = {(each.setup, each.stage): each.accuracy for each in stages}
    energies = energies_by_repeat(trials)
    rows = tuple(
        SetupFreezing(
            setup=facts.setup,
            batch_size=facts.batch_size,
            learning_rate=facts.learning_rate,
            parameters=facts.parameters,
            saving=saving_over(
                [
                    (r.get(Stage.CLASSIFIER_UNFROZEN), r.get(Stage.CLASSIFIER_FROZEN))
                    for r in energies.get(facts.setup, {}).values()
                ]
            ),
            given_up=ScoreChange.of(
                scores.get((facts.setup, Stage.CLASSIFIER_UNFROZEN)),
                scores.get((facts.setup, Stage.CLASSIFIER_FROZEN)),
                objective,
            ),
        )
        for facts in setups
    )
    savings = with_intervals([row.saving for row in rows])
    return FreezingInfo(
        rows=tuple(replace(row, saving=each) for row, each in zip(rows, savings, strict=True)),
        over_setups=saving_over_setups(savings),
        latents_j=latents_j,
    )

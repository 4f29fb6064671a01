"""Energy saved by a frozen encoder over one that is trained further (paper, Table 3)."""

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
    """Comparison of the frozen with the unfrozen encoder in one setup.

    Attributes:
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        learning_rate: Requested learning rate; None if the setup has none.
        parameters: Further parameters of the setup.
        saving: Energy saved over the repeats; None if no repeat has both energies.
        score_change: Loss in the objective relative to the unfrozen encoder; None if unknown.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    saving: Saving | None
    score_change: ScoreChange | None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezingInfo:
    """Comparison of the frozen with the unfrozen encoder over all setups.

    Attributes:
        rows: Comparison in each setup, ordered by setup number.
        over_setups: Saving by the setups' mean energies, averaged as in the paper; None if none is known.
        latents_j: Energy of computing latent features once, over trials; None if they were not cached or
            the energy is unknown. It is part of the frozen energy.
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
    """Compare the frozen and the unfrozen classifier stage in each setup.

    Args:
        setups: The setups of the study.
        stages: The stages of these setups.
        trials: The stages of their trials.
        latents_j: Energy of computing latent features, over trials; None if unknown.
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
            score_change=ScoreChange.of(
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

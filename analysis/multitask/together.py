"""Two tasks in one training against one training for each (paper, Table 4 and Figure 5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.energy.savings import Saving, saving_over, saving_over_setups, with_intervals
from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage, TrialStage, energies_by_repeat
from study.record.manifest import SetupFacts
from study.record.records import Stage

TASKS = (Stage.ATTRIBUTES, Stage.IDENTITY, Stage.BOTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAverage:
    """One row of Table 4: a task averaged over the setups that have it.

    Attributes:
        task: Attributes, identity or both.
        energy_per_epoch_j: Over the setups' means.
        epochs: Epochs until it stopped, over the setups' means.
        energy_j: Total of a training, over the setups' means.
    """

    task: Stage
    energy_per_epoch_j: Spread | None
    epochs: Spread | None
    energy_j: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupMultitask:
    """Both tasks together against one by one, in one setup.

    Attributes:
        setup: Number of the setup.
        batch_size: As asked for.
        learning_rate: As asked for.
        parameters: What the setup has besides, for example `{"alpha": 0.5}`.
        stages: Attributes, identity and both, each with energy, epochs and accuracy.
        saving: Of both together against the sum of one by one, over the repeats; None where no
            repeat has all three energies.
        attributes_given_up: Accuracy of the attributes alone minus that with both; a share.
        identity_given_up: Accuracy of the identity alone minus that with both; a share.
    """

    setup: int
    batch_size: int
    learning_rate: float
    stages: tuple[SetupStage, ...]
    saving: Saving | None
    attributes_given_up: float | None
    identity_given_up: float | None
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskInfo:
    """Both tasks together against one by one, over all setups.

    Attributes:
        rows: Each setup, in the order of their numbers.
        tasks: Table 4: each task over the setups.
        over_setups: Saving by the setups' mean energies; None where none is known.
    """

    rows: tuple[SetupMultitask, ...]
    tasks: tuple[TaskAverage, ...]
    over_setups: Saving | None


def multitask_info(
    setups: Sequence[SetupFacts], stages: Iterable[SetupStage], trials: Iterable[TrialStage]
) -> MultitaskInfo:
    """Compare the three stages in each setup.

    Args:
        setups: The setups of the study.
        stages: Their stages.
        trials: The stages of their trials.
    """
    by_setup = {(each.setup, each.stage): each for each in stages}
    energies = energies_by_repeat(trials)
    rows = tuple(
        _of_setup(
            facts,
            tuple(by_setup[facts.setup, t] for t in TASKS if (facts.setup, t) in by_setup),
            list(energies.get(facts.setup, {}).values()),
        )
        for facts in setups
    )
    savings = with_intervals([row.saving for row in rows])
    rows = tuple(replace(row, saving=each) for row, each in zip(rows, savings, strict=True))
    return MultitaskInfo(
        rows=rows,
        tasks=tuple(_average(task, [s for row in rows for s in row.stages]) for task in TASKS),
        over_setups=saving_over_setups(savings),
    )


def one_by_one_j(attributes_j: float | None, identity_j: float | None) -> float | None:
    """Energy of two trainings, one for each task; None where one of them is not known."""
    if attributes_j is None or identity_j is None:
        return None
    return attributes_j + identity_j


def _of_setup(
    facts: SetupFacts,
    stages: tuple[SetupStage, ...],
    repeats: Sequence[Mapping[str, float | None]],
) -> SetupMultitask:
    attributes, identity, both = (
        next((each for each in stages if each.stage == task), None) for task in TASKS
    )
    pairs = [
        (one_by_one_j(r.get(Stage.ATTRIBUTES), r.get(Stage.IDENTITY)), r.get(Stage.BOTH))
        for r in repeats
    ]
    return SetupMultitask(
        setup=facts.setup,
        batch_size=facts.batch_size,
        learning_rate=facts.learning_rate,
        parameters=facts.parameters,
        stages=stages,
        saving=saving_over(pairs),
        attributes_given_up=_given_up(
            attributes.attributes if attributes else None, both.attributes if both else None
        ),
        identity_given_up=_given_up(
            identity.identity if identity else None, both.identity if both else None
        ),
    )


def _average(task: Stage, stages: Sequence[SetupStage]) -> TaskAverage:
    of_task = [each for each in stages if each.stage == task]
    return TaskAverage(
        task=task,
        energy_per_epoch_j=_over_setups(each.energy_per_epoch_j for each in of_task),
        epochs=_over_setups(each.epochs for each in of_task),
        energy_j=_over_setups(each.energy_j for each in of_task),
    )


def _over_setups(spreads: Iterable[Spread | None]) -> Spread | None:
    return Spread.of(None if spread is None else spread.mean for spread in spreads)


def _given_up(alone: Spread | None, together: Spread | None) -> float | None:
    return None if alone is None or together is None else alone.mean - together.mean

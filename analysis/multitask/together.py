"""Comparison of one training for all tasks with one training for each (paper, Table 4 and Figure 5)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from analysis.energy.savings import Saving, saving_over, saving_over_setups, with_intervals
from analysis.energy.score_changes import ScoreChange
from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage, TrialStage, energies_by_repeat
from study.record.manifest import SetupFacts
from study.record.objective import ACCURACY, Objective


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskAverage:
    """One row of Table 4: a task averaged over the setups that have it.

    Attributes:
        task: Name of the task, or of the stage that trains all.
        energy_per_epoch_j: Energy per epoch, over the setups' means; None if unknown.
        epochs: Epochs until the training stopped, over the setups' means; None if unknown.
        energy_j: Total energy of a training, over the setups' means; None if unknown.
    """

    task: str
    energy_per_epoch_j: Spread | None
    epochs: Spread | None
    energy_j: Spread | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupMultitask:
    """Comparison of all tasks together with one by one, in one setup.

    Attributes:
        setup: Number of the setup.
        batch_size: Requested batch size; None if the setup has none.
        learning_rate: Requested learning rate; None if the setup has none.
        parameters: Further parameters, for example `{"alpha": 0.5}`.
        stages: Stage of each task, and last the stage that trains all.
        saving: Energy saved by training together, relative to the sum of one by one, over the repeats;
            None if no repeat has all energies.
        score_changes: Change of each task in the objective when trained together, by its name; None if unknown.
    """

    setup: int
    batch_size: int | None
    learning_rate: float | None
    stages: tuple[SetupStage, ...]
    saving: Saving | None
    score_changes: Mapping[str, ScoreChange | None]
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultitaskInfo:
    """Comparison of all tasks together with one by one, over all setups.

    Attributes:
        rows: Comparison in each setup, ordered by setup number.
        tasks: Rows of Table 4: each task, and last all together, averaged over setups.
        over_setups: Saving by the setups' mean energies; None if none is known.
    """

    rows: tuple[SetupMultitask, ...]
    tasks: tuple[TaskAverage, ...]
    over_setups: Saving | None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tasks, without the stage that trains them all."""
        return tuple(each.task for each in self.tasks[:-1])

    @property
    def changes(self) -> dict[str, ScoreChange]:
        """Mean loss of each task in the objective over the setups, by its name; unknown ones are left out."""
        means = {
            name: ScoreChange.mean(row.score_changes[name] for row in self.rows)
            for name in self.names
        }
        return {name: change for name, change in means.items() if change is not None}


def multitask_info(
    setups: Sequence[SetupFacts],
    stages: Iterable[SetupStage],
    trials: Iterable[TrialStage],
    *,
    objective: Objective = ACCURACY,
) -> MultitaskInfo:
    """Compare, in each setup, the last stage, which trains all tasks, with the others, which train one each.

    Args:
        setups: The setups of the study.
        stages: The stages of these setups, in the order of the manifest.
        trials: The stages of their trials.
        objective: The validation metric that decides.
    """
    by_setup = {(each.setup, each.stage): each for each in stages}
    words = tuple(dict.fromkeys(stage for _, stage in by_setup))
    energies = energies_by_repeat(trials)
    rows = tuple(
        _of_setup(
            facts,
            tuple(by_setup[facts.setup, t] for t in words if (facts.setup, t) in by_setup),
            list(energies.get(facts.setup, {}).values()),
            objective,
        )
        for facts in setups
    )
    savings = with_intervals([row.saving for row in rows])
    rows = tuple(replace(row, saving=each) for row, each in zip(rows, savings, strict=True))
    return MultitaskInfo(
        rows=rows,
        tasks=tuple(_average(task, [s for row in rows for s in row.stages]) for task in words),
        over_setups=saving_over_setups(savings),
    )


def one_by_one_j(tasks_j: Iterable[float | None]) -> float | None:
    """Return the total energy of one training per task; None if one of them is unknown."""
    known = []
    for each in tasks_j:
        if each is None:
            return None
        known.append(each)
    return sum(known)


def _of_setup(
    facts: SetupFacts,
    stages: tuple[SetupStage, ...],
    repeats: Sequence[Mapping[str, float | None]],
    objective: Objective,
) -> SetupMultitask:
    *alone, together = stages
    pairs = [
        (one_by_one_j(r.get(each.stage) for each in alone), r.get(together.stage)) for r in repeats
    ]
    return SetupMultitask(
        setup=facts.setup,
        batch_size=facts.batch_size,
        learning_rate=facts.learning_rate,
        parameters=facts.parameters,
        stages=stages,
        saving=saving_over(pairs),
        score_changes={
            each.stage: ScoreChange.of(
                each.by_task.get(each.stage), together.by_task.get(each.stage), objective
            )
            for each in alone
        },
    )


def _average(task: str, stages: Sequence[SetupStage]) -> TaskAverage:
    of_task = [each for each in stages if each.stage == task]
    return TaskAverage(
        task=task,
        energy_per_epoch_j=_over_setups(each.energy_per_epoch_j for each in of_task),
        epochs=_over_setups(each.epochs for each in of_task),
        energy_j=_over_setups(each.energy_j for each in of_task),
    )


def _over_setups(spreads: Iterable[Spread | None]) -> Spread | None:
    return Spread.of(None if spread is None else spread.mean for spread in spreads)

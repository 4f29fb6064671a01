"""Tasks of each stage of a trial (paper, section "Learning paradigms", Figures 1 and 2).

    encoder               the autoencoder; its decoder is thrown away afterwards
    classifier-frozen     a classifier on the latent features of the encoder, which is not changed
    classifier-unfrozen   the same, but the encoder is trained further
    encoder+classifier    both together, from scratch: the training regime, and the baseline that
                          pretraining is compared with
    NAME OF A TASK        one task of a multitask scenario alone
    both, all             all tasks with one shared encoder: the weighted sum of their losses, for
                          two tasks alpha x the first + (1 - alpha) x the second

If a scenario has no decoder, so that its encoder cannot be pretrained here, its published weights take
the place of the stage `encoder`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, final

import numpy as np
import torch
from torch import Tensor, nn

from models.transfer import Autoencoder, FrozenEncoder, weights_of, with_weights
from study.errors import ScenarioError
from study.record.objective import Objective
from study.record.vocabulary import Stage
from study.scenario import Arrays, Data, Multitask, Pretrainable, Scenario, objective_of
from study.store.tasks import not_multitask, task_weights, tasks_of
from study.training.task import Task, plain_task

PRETRAINING = frozenset(
    {
        *(Stage.ENCODER, Stage.ENCODER_CLASSIFIER),
        *(Stage.CLASSIFIER_FROZEN, Stage.CLASSIFIER_UNFROZEN),
    }
)
"""Stages that train the scenario's own network or parts of it; all others name tasks of a multitask scenario."""

EncoderWeights = Mapping[str, Tensor]


@final
@dataclass(slots=True, kw_only=True)
class StageTasks:
    """Makes the tasks of one trial, and hands the pretrained encoder from one stage to the next.

    Attributes:
        scenario: Scenario that makes the networks.
        data: Data that they are trained on.
        parameters: Parameters of the setup other than batch size and learning rate, by name.
        cache_latents: Whether a frozen encoder is applied to all samples once instead of in each
            epoch.
        from_scratch: Whether `encoder+classifier` ignores published weights.
        encoder_weights: Weights that the stage `encoder` has learnt; None before it has ended.
    """

    scenario: Scenario
    data: Data
    parameters: Mapping[str, Any]
    cache_latents: bool = True
    from_scratch: bool = False
    encoder_weights: EncoderWeights | None = None
    _stage: str | None = None
    _task: Task | None = None

    def start(self, stage: str) -> Task:
        """Begin a stage and return its task with a new network; the caller has set the seed."""
        self._stage, self._task = stage, None
        self._task = self._made(stage)
        return self._task

    def finish(self) -> None:
        """End the stage that was begun last, keeping the weights that later stages need."""
        if self._stage == Stage.ENCODER and self._task is not None:
            self.encoder_weights = weights_of(_part(self._task.network, "encoder"))
        self._task = None

    def _made(self, stage: str) -> Task:
        if stage not in PRETRAINING:
            return self._by_task(stage)
        if stage == Stage.ENCODER:
            return self._autoencoder()
        if stage == Stage.ENCODER_CLASSIFIER:
            data = replace(self.data, weights=None) if self.from_scratch else self.data
            return plain_task(self.scenario, data)
        return self._classifier(frozen=stage == Stage.CLASSIFIER_FROZEN)

    def _autoencoder(self) -> Task:
        if not isinstance(self.scenario, Pretrainable):
            raise _not_pretrainable(self.scenario)
        network = Autoencoder(
            encoder=_part(self.scenario.network(self.data), "encoder"),
            decoder=self.scenario.decoder(self.data),
        )
        return replace(
            plain_task(self.scenario, self.data, network=network),
            loss=nn.functional.mse_loss,
            metrics=lambda _, __: {},
            reconstructs=True,
        )

    def _classifier(self, *, frozen: bool) -> Task:
        task = plain_task(self.scenario, self.data)
        if self.encoder_weights is not None:
            with_weights(_part(task.network, "encoder"), self.encoder_weights)
        if not frozen:
            return task
        encoder = FrozenEncoder(_part(task.network, "encoder"))
        head = _part(task.network, "head")
        if self.cache_latents:
            return replace(task, network=head, encode=encoder)
        return replace(task, network=nn.Sequential(encoder, head))

    def _by_task(self, stage: str) -> Task:
        scenario = self.scenario
        if not isinstance(scenario, Multitask):
            raise not_multitask(scenario)
        tasks = tasks_of(stage, scenario.tasks)
        weights = task_weights(scenario.tasks, self.parameters)
        return replace(
            plain_task(scenario, self.data, network=scenario.task_network(self.data, tasks)),
            loss=partial(_joint_loss, scenario, {task: weights[task] for task in tasks}),
            metrics=partial(_task_metrics, scenario, tasks, objective_of(scenario)),
        )


def stage_warnings(scenario: Scenario, data: Data, stages: Sequence[str]) -> tuple[str, ...]:
    """Return warnings that a reader of these stages' results should see."""
    of_inputs = tuple(_input_warnings(data))
    encoder_has_learnt = isinstance(scenario, Pretrainable) or data.weights is not None
    if encoder_has_learnt or Stage.CLASSIFIER_FROZEN not in stages:
        return of_inputs
    warning = (
        f"The encoder of scenario {scenario.name} is not pretrained here and has no published "
        "weights in this study: where it is frozen, it stays as random as it was made. Give it "
        "published weights, or a decoder."
    )
    return (*of_inputs, warning)


def _input_warnings(data: Data) -> Iterator[str]:
    """Yield a warning for each part of the data with inputs that are NaN or infinite."""
    for name, part in data.parts.items():
        if not isinstance(part, Arrays) or part.inputs.dtype.kind != "f":
            continue
        # One sum reveals any such value without using memory; only then is each sample checked.
        if not np.isfinite(part.inputs.sum(dtype=np.float64)):
            rows = np.isfinite(part.inputs.reshape(len(part), -1)).all(axis=1)
            yield (
                f"{np.count_nonzero(~rows)} of {len(part)} samples of {name} have inputs that are no "
                "finite numbers (NaN, infinite): a training on them diverges, unless its network "
                "takes them out. Fill or drop them in `load`."
            )


def _joint_loss(
    scenario: Multitask,
    weights: Mapping[str, float],
    outputs: Mapping[str, Tensor],
    targets: Tensor,
) -> Tensor:
    """Return the loss of a single task unweighted, or the weighted sum of several (paper, Figure 2)."""
    losses = {task: scenario.task_loss(task, outputs[task], targets) for task in weights}
    if len(losses) == 1:
        return next(iter(losses.values()))
    return torch.stack([weights[task] * loss for task, loss in losses.items()]).sum()


def _task_metrics(
    scenario: Multitask,
    tasks: tuple[str, ...],
    objective: Objective,
    outputs: Mapping[str, Tensor],
    targets: Tensor,
) -> dict[str, Tensor]:
    """Return the objective of each task, and their mean, which early stopping watches."""
    by_task = {task: scenario.task_score(task, outputs[task], targets) for task in tasks}
    mean = torch.stack(list(by_task.values())).mean()
    named = {objective.of_task(task): value for task, value in by_task.items()}
    return {**named, objective.name: mean}


def _part(network: nn.Module, name: str) -> nn.Module:
    part = getattr(network, name, None)
    if not isinstance(part, nn.Module):
        message = (
            f"the network {type(network).__name__} has no module {name!r}. To be pretrained it "
            "must have `encoder` and `head`, and compute head(encoder(inputs)); see "
            "models/sensor.py for one that does."
        )
        raise ScenarioError(message)
    return part


def _not_pretrainable(scenario: Scenario) -> ScenarioError:
    return ScenarioError(
        f"scenario {scenario.name} has no decoder, so its encoder cannot be pretrained: give it a "
        "method decoder(data); see Pretrainable in study.scenario."
    )

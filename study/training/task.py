"""The task of a stage: network, data, loss and metrics, not yet on a device."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn

from study.record.objective import ACCURACY, Objective
from study.scenario import Arrays, Data, Scenario, objective_of
from study.training.ranks import ALONE, Ranks
from study.training.recipe import Steps
from study.training.samples import DataPart, Samples
from study.training.streams import Streamed

Loss = Callable[[Any, Any], Tensor]
Metrics = Callable[[Any, Any], Mapping[str, Tensor]]
"""Outputs are whatever the network gives: a tensor, or tensors by the name of a task."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Training of one stage.

    Attributes:
        network: What is trained; parameters that require no gradient are left as they are.
        train: What it is trained on: arrays, or a map-style data set.
        val: What early stopping and scores are taken from.
        test: What the weights of the best epoch are evaluated on, once; None where there is none.
        loss: Mean loss of a batch, from outputs and targets; shape ().
        metrics: Means over a batch, likewise, each of shape (). Early stopping watches the
            objective; where there is none, it watches the loss.
        objective: The metric that decides.
        loading: Options of a `DataLoader`, for parts that are data sets.
        steps: What the scenario does in its own way.
        reconstructs: Whether the inputs themselves are the targets.
        encode: A frozen encoder that is applied to all samples once, in the first epoch, so that
            `network` sees latent features instead of inputs; None where there is none.
    """

    network: nn.Module
    train: Any
    val: Any
    test: Any = None
    loss: Loss
    metrics: Metrics
    objective: Objective = ACCURACY
    loading: Mapping[str, Any] = field(default_factory=dict)
    steps: Steps = field(default_factory=Steps)
    reconstructs: bool = False
    encode: nn.Module | None = None


def plain_task(scenario: Scenario, data: Data, *, network: nn.Module | None = None) -> Task:
    """A scenario's own training, with its own fresh network unless another is given."""

    def own(name: str) -> Any:  # noqa: ANN401 - a member of the scenario's
        return getattr(scenario, name, None)

    loaders = own("loaders")
    return Task(
        network=scenario.network(data) if network is None else network,
        train=data.train,
        val=data.val,
        test=data.test,
        loss=scenario.loss,
        metrics=scenario.metrics,
        objective=objective_of(scenario),
        loading=data.loading,
        steps=Steps(
            optimizer=own("optimizer"),
            training_step=own("training_step"),
            validation_step=own("validation_step"),
            loaders=None
            if loaders is None
            else lambda batch_size, seed: loaders(data, batch_size, seed),
        ),
    )


def part_of(
    task: Task,
    part: Any,  # noqa: ANN401 - arrays or a data set
    loader: Any,  # noqa: ANN401 - the scenario's own; None where it has none
    device: torch.device,
    ranks: Ranks = ALONE,
) -> DataPart:
    """A part of a task's data, ready to be trained on."""
    if isinstance(part, Arrays) and loader is None:
        return Samples.of(part, device, reconstructs=task.reconstructs, ranks=ranks)
    return Streamed(
        source=part,
        loader=loader,
        device=device,
        options=task.loading,
        reconstructs=task.reconstructs,
        ranks=ranks,
    )

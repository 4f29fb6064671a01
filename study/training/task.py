"""Task of a stage: its network, data, loss and metrics, before any of it is on a device."""

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
"""Function of outputs and targets; outputs are what the network returns: a tensor, or tensors by task name."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Task:
    """Training task of one stage: its network, data, loss and metrics.

    Attributes:
        network: Network to train; parameters that require no gradient are left as they are.
        train: Training data: `Arrays`, or a map-style data set.
        val: Validation data, for early stopping and scores.
        test: Test data, on which the weights of the best epoch are evaluated once; None if there are none.
        loss: Mean loss of a batch as a function of outputs and targets; shape ().
        metrics: Metrics by name as a function of outputs and targets, each the mean over a batch, of
            shape (). Early stopping watches the objective, or the loss if the metrics lack it.
        objective: Metric that decides.
        loading: `DataLoader` options, for data that are data sets.
        steps: The scenario's own optimiser, steps and loaders, where it has any.
        reconstructs: Whether the inputs themselves are the targets, as for an autoencoder.
        encode: Frozen encoder that is applied to all samples once, in the first epoch, so that
            `network` is trained on latent features; None trains on the inputs.
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
    """Return the scenario's plain task, with a new network of the scenario unless one is given."""

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
    """Return a part of a task's data (train, val or test) ready for training on a device."""
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

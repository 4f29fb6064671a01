"""Dry run of a scenario: one batch through its network, loss and metrics before anything is started.

Faults that would make every trial fail, or a study's results meaningless, are found in seconds and reported
together, a paragraph each, with what was got and what to do.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from study.axes.variants import variant_of
from study.errors import ScenarioError, raised_text
from study.scenario import Data, Scenario
from study.training.recipe import AUTOCAST, Precision, TrainingSettings, autocast
from study.training.samples import Batch, DataPart
from study.training.stages import StageTasks
from study.training.task import Task, part_of

SAMPLES = 8
"""Number of samples in the batch: few, but more than one, on which a batch norm cannot be trained."""

MOST_SHAPES = 16
"""Largest number of setups tried, of those that differ in more than batch size and learning rate."""

CPU = torch.device("cpu")
SETTINGS = TrainingSettings(
    batch_size=SAMPLES, learning_rate=0.001, max_epochs=1, patience=1, optimizer="adam", seed=0
)


def check_training(
    scenario: Scenario,
    data: Data,
    stages: Sequence[str],
    parameters: Sequence[Mapping[str, Any]],
    *,
    precision: Precision | None = None,
    least_batch: int = SAMPLES,
) -> None:
    """Refuse a scenario that cannot be trained in these stages.

    Args:
        scenario: Scenario, configured with its options.
        data: Data that the scenario has loaded.
        stages: Stages that each trial trains.
        parameters: Each setup's parameters other than batch size and learning rate.
        precision: Precision of setups that do not choose one, if trials train on a CPU; None if they do
            not: the dry run uses the CPU, which tells nothing about other devices.
        least_batch: Samples in the smallest batch, or part of one, that goes through a network at once.

    Raises:
        ScenarioError: Faults were found; the message has all of them.
    """
    shapes: list[Mapping[str, Any]] = []
    for each in parameters:
        if each not in shapes:
            shapes.append(each)
    faults = dict.fromkeys(
        fault
        for chosen in (shapes or [{}])[:MOST_SHAPES]
        for fault in _faults(scenario, data, stages, chosen, precision, least_batch)
    )
    if faults:
        raise ScenarioError("\n\n".join(f"scenario {scenario.name}: {fault}" for fault in faults))


def _faults(
    scenario: Scenario,
    data: Data,
    stages: Sequence[str],
    chosen: Mapping[str, Any],
    precision: Precision | None,
    least_batch: int,
) -> Iterator[str]:
    scenario, data = variant_of(scenario, data, chosen)
    tasks = StageTasks(scenario=scenario, data=data, parameters=chosen)
    with torch.random.fork_rng(devices=[]):
        for stage in stages:
            torch.manual_seed(SETTINGS.seed)
            try:
                task = tasks.start(stage)
            except ScenarioError as error:
                yield str(error).removeprefix(f"scenario {scenario.name}: ")
                continue
            except Exception as error:  # noqa: BLE001 - the user's own code may raise anything
                yield f"its network for the stage {stage} cannot be made: {raised_text(error)}"
                continue
            network: object = task.network
            if not isinstance(network, nn.Module):
                got = "nothing" if network is None else f"a {type(network).__name__}"
                yield f"its network for the stage {stage} is {got}; it must be a torch.nn.Module."
                continue
            found = tuple(_faults_of(task))
            if not found and least_batch == 1:
                found = tuple(_faults_of_one_sample(task))
            own = precision and chosen.get("precision", precision)
            for each in dict.fromkeys(("fp32", own or "fp32")):
                found = found or tuple(_faults_of_step(task, each))
            yield from found
            tasks.finish()


def _faults_of(task: Task) -> Iterator[str]:
    """Yield the faults of one stage; those of its data first, as the rest needs a batch."""
    try:
        own = _own(task)
    except Exception as error:  # noqa: BLE001 - as above
        yield f"loaders(data, batch_size, seed) raises {raised_text(error)}"
        return
    batches: dict[str, Batch] = {}
    for name, source in (("train", task.train), ("val", task.val), ("test", task.test)):
        if source is None:
            continue
        part: DataPart = part_of(task, source, own.get(name), CPU)
        try:
            batches[name] = part.first(SAMPLES)
        except Exception as error:  # noqa: BLE001 - as above
            yield (
                f"the first samples of {name} cannot be read: {raised_text(error)}. A data set gives pairs of "
                "inputs and target, which its collate_fn makes a batch of."
            )
    if len(batches) < len([each for each in (task.train, task.val, task.test) if each is not None]):
        return
    try:
        outputs = _outputs(task, batches["train"])
    except Exception as error:  # noqa: BLE001 - as above
        inputs = batches["train"].inputs
        yield f"its network does not take a batch of inputs, {_shape(inputs)}: {raised_text(error)}"
        return
    found = tuple(_faults_of_loss(task, batches["train"], outputs))
    yield from found
    yield from _faults_of_validation(task, batches["val"], with_loss=not found)


def _outputs(task: Task, batch: Batch) -> Any:  # noqa: ANN401 - whatever a network gives
    """Return the network's output in training mode; None if the scenario has its own training step."""
    if task.steps.training_step is not None:
        return None
    return task.network.train()(_inputs(task, batch))


def _inputs(task: Task, batch: Batch) -> Any:  # noqa: ANN401 - whatever a network takes
    return batch.inputs if task.encode is None else task.encode(batch.inputs)


def _faults_of_loss(task: Task, batch: Batch, outputs: Any) -> Iterator[str]:  # noqa: ANN401 - as above
    step = task.steps.training_step
    loss: Any = None
    try:
        if step is not None:
            loss = step(task.network.train(), (_inputs(task, batch), batch.targets))
        else:
            loss = task.loss(outputs, batch.targets)
    except Exception as error:  # noqa: BLE001 - as above
        if step is not None:
            yield f"training_step(network, batch) raises {raised_text(error)}"
            return
        yield (
            f"its loss does not take outputs of {_shape(outputs)} and targets of "
            f"{_shape(batch.targets)}: {raised_text(error)}.{_loss_remedy(batch.targets)}"
        )
        return
    if not isinstance(loss, Tensor) or loss.ndim:
        yield f"its loss gives {_shape(loss)}; it must be the mean over the batch, of shape ()."
        return
    if not loss.requires_grad:
        yield (
            "its loss has no gradient, so nothing would be learnt: compute it from the network's outputs "
            "with torch, without detach, item, argmax or numpy."
        )
    if not torch.isfinite(loss):
        yield (
            f"its loss on a first batch, before any step, is {loss:g}: look for NaN in inputs and targets."
        )
    elif step is None:
        yield from _faults_of_mean(task, batch, outputs, loss)


def _faults_of_mean(task: Task, batch: Batch, outputs: Any, loss: Tensor) -> Iterator[str]:  # noqa: ANN401 - as above
    """Yield the fault of a loss that is a single number but not the mean over the samples."""
    if _pairs_all(task.loss, outputs, batch.targets):
        yield f"its loss compares {_all_pairs(outputs, batch.targets)}"
        return
    twice, targets = _twice(outputs), _twice(batch.targets)
    if twice is None or targets is None:
        return
    try:
        doubled = task.loss(twice, targets)
    except Exception:  # noqa: BLE001 - the loss takes no other batch size, so this cannot be tested
        return
    if loss and torch.isclose(doubled, 2 * loss, rtol=1e-4):
        yield (
            "its loss of the same samples twice is twice as large, so it is their sum; it must be their "
            'mean (reduction="mean"): otherwise a larger batch trains with larger steps too.'
        )


def _faults_of_validation(task: Task, batch: Batch, *, with_loss: bool) -> Iterator[str]:
    network = task.network.eval()
    metrics: Any = None
    outputs: Any = None
    try:
        with torch.inference_mode():
            inputs = _inputs(task, batch)
            if task.steps.validation_step is not None:
                _, metrics = task.steps.validation_step(network, (inputs, batch.targets))
            else:
                outputs = network(inputs)
                if with_loss:
                    task.loss(outputs, batch.targets)
                metrics = task.metrics(outputs, batch.targets)
    except Exception as error:  # noqa: BLE001 - as above
        yield f"its metrics cannot be computed on a batch of the validation data: {raised_text(error)}"
        return
    if not isinstance(metrics, Mapping):
        yield f"its metrics give {_shape(metrics)}; they must be a mapping from names to means."
        return
    for name, value in metrics.items():
        if not isinstance(value, Tensor) or value.ndim:
            yield (
                f"its metric {name} is {_shape(value)}; it must be a tensor of shape (), the mean over "
                "the batch."
            )
        elif outputs is not None and _pairs_all(_metric(task, name), outputs, batch.targets):
            yield f"its metric {name} compares {_all_pairs(outputs, batch.targets)}"
        elif name == task.objective.name and task.objective.is_share and (value < 0 or value > 1):
            yield (
                f"its {name} is {value:g}, and a share from 0 to 1 is expected: divide per cent by 100; of "
                f'another number say objective = Objective("{name}", mode="max").'
            )
    if not task.reconstructs and task.objective.name not in metrics:
        there = ", ".join(metrics) or "nothing"
        yield (
            f"its metrics give {there}, and the objective {task.objective.name} is not among them, so no "
            f"setup could be told from another. Call one of them {task.objective.name}, or name the one "
            f'that decides: objective = Objective("{next(iter(metrics), "rmse")}", mode="max" or "min").'
        )


def _faults_of_one_sample(task: Task) -> Iterator[str]:
    """Yield the fault of a network that trains on larger batches but not on one sample, as with batch norm."""
    if _own(task).get("train") is not None:  # which decides the batch size
        return
    batch = part_of(task, task.train, None, CPU).first(1)
    try:
        _outputs(task, batch)
    except Exception as error:  # noqa: BLE001 - as above
        yield (
            f"its network cannot be trained on a batch of 1 sample: {raised_text(error)}. Give "
            "--batch-sizes whose parts (by --accumulate, and one for each worker) have 2 samples or "
            "more, or a norm that needs no batch (GroupNorm, LayerNorm)."
        )


def _faults_of_step(task: Task, precision: Precision) -> Iterator[str]:
    """Yield the fault of a training step in `precision`; the caller has checked fp32 before the others."""
    network = task.network.train()
    try:
        batch = part_of(task, task.train, _own(task).get("train"), CPU).first(SAMPLES)
        inputs = _inputs(task, batch)
        with autocast(CPU, precision):
            if task.steps.training_step is not None:
                loss = task.steps.training_step(network, (inputs, batch.targets))
            else:
                loss = task.loss(network(inputs), batch.targets)
        loss.backward()  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - as above
        yield (
            f"its gradient cannot be computed: {raised_text(error)}. Change no value in place that it needs."
            if precision not in AUTOCAST
            else f"it can be trained in fp32, and not with --precision {precision} on a CPU: "
            f"{raised_text(error)}. Leave --precision out, or choose "
            f"{'bf16' if precision == 'fp16' else 'fp16'}; or compute in fp32 what does not allow it: "
            "with torch.autocast(device, enabled=False)."
        )


def _pairs_all(function: Callable[[Any, Any], Tensor], outputs: Any, targets: Any) -> bool:  # noqa: ANN401 - as above
    """Return whether a function pairs each output with each target, as torch broadcasts (8, 1) and (8,).

    It does if perfect outputs score the same when they are shuffled among the samples, but differently once
    the targets have the outputs' shape. (A new network's outputs would not do: if all targets are larger than
    they are, the mean distance over all pairs is that of the means.)
    """
    if not (isinstance(outputs, Tensor) and isinstance(targets, Tensor)):
        return False
    if outputs.shape == targets.shape or outputs.numel() != targets.numel():
        return False
    paired = targets.view_as(outputs)
    right = paired if targets.is_floating_point() else 2.0 * paired - 1.0  # logits of two classes
    try:
        with warnings.catch_warnings(action="ignore"):
            found, others, alike = (
                function(right, targets),
                function(right.roll(1, 0), targets),
                function(right, paired),
            )
        return torch.allclose(found, others) and not torch.allclose(found, alike)
    except Exception:  # noqa: BLE001 - reported where the function is called first
        return False


def _all_pairs(outputs: Tensor, targets: Tensor) -> str:
    return (
        f"each output with each target, because torch broadcasts outputs of {_shape(outputs)} and targets "
        f"of {_shape(targets)}: give both one shape, as by outputs.squeeze(1), or targets[:, None] in `load`."
    )


def _metric(task: Task, name: str) -> Callable[[Any, Any], Tensor]:
    return lambda outputs, targets: task.metrics(outputs, targets)[name]


def _twice(values: Any) -> Any:  # noqa: ANN401 - whatever a batch or a network gives
    """Return the samples repeated once; None if the values are neither tensors nor mappings of them."""
    if isinstance(values, Tensor):
        return torch.cat([values, values])
    if isinstance(values, Mapping) and all(isinstance(each, Tensor) for each in values.values()):
        return {name: torch.cat([each, each]) for name, each in values.items()}
    return None


def _own(task: Task) -> Mapping[str, Any]:
    """Return the scenario's own loaders by name of the part (train, val, test); empty if it has none."""
    return {} if task.steps.loaders is None else task.steps.loaders(SAMPLES, SETTINGS.seed)


def _loss_remedy(targets: Any) -> str:  # noqa: ANN401 - whatever a batch has
    if not isinstance(targets, Tensor):
        return ""
    if targets.is_floating_point():
        return (
            " Targets are numbers: a loss for numbers takes them (mse_loss); one for classes "
            "(cross_entropy) wants int64 class numbers."
        )
    return (
        " Targets are whole numbers: cross_entropy takes them as classes from 0 to outputs - 1; a loss "
        "for numbers (mse_loss) wants float32 targets of the outputs' shape."
    )


def _shape(values: Any) -> str:  # noqa: ANN401 - whatever a batch or a network gives
    if isinstance(values, Tensor):
        return f"shape {tuple(values.shape)} and type {str(values.dtype).removeprefix('torch.')}"
    if isinstance(values, Mapping):
        return "; ".join(f"{name} of {_shape(each)}" for name, each in values.items())
    return f"a {type(values).__name__}"

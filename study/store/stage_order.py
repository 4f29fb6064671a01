"""Stages that a trial trains, their order, and which of them remain. Imports neither Ray nor torch."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from study.record.vocabulary import FAILURES, Stage, StopReason

NEEDS_ENCODER = frozenset({Stage.CLASSIFIER_FROZEN, Stage.CLASSIFIER_UNFROZEN})
"""Stages that start from the weights of `Stage.ENCODER`, in a trial that has that stage."""


def chosen_stages(stages: Sequence[str], parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the stages of a study that the trials of one setup train.

    A search may choose `frozen`: if true, a trial trains the frozen classifier and the stages that it
    needs; if false, the stage that trains encoder and classifier together. Without that parameter it
    trains all stages.

    Args:
        stages: Stages of the study.
        parameters: Parameters of the setup by name.
    """
    if "frozen" not in parameters:
        return tuple(stages)
    whole = Stage.ENCODER_CLASSIFIER
    return tuple(each for each in stages if (each == whole) != parameters["frozen"])


def ordered(stages: Sequence[str], *, seed: int) -> tuple[str, ...]:
    """Return the stages in an order shuffled by the seed, so that a device warming up favours none.

    The encoder comes before the stages that need it.
    """
    order = list(stages)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    if Stage.ENCODER in order:
        first = min(order.index(each) for each in order if each in {Stage.ENCODER, *NEEDS_ENCODER})
        order.remove(Stage.ENCODER)
        order.insert(first, Stage.ENCODER)
    return tuple(order)


def still_to_train(order: Sequence[str], ended: Mapping[str, StopReason]) -> tuple[str, ...]:
    """Return the stages that remain to be trained.

    If the encoder's training failed, the stages that need it are left out.

    Args:
        order: Stages of the trial in order of training.
        ended: Stages that have ended, each with its reason.
    """
    useless = ended.get(Stage.ENCODER) in FAILURES
    return tuple(
        each for each in order if each not in ended and not (useless and each in NEEDS_ENCODER)
    )

"""Stages that a trial trains, their order, and which of them remain. No Ray, no torch."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from study.record.vocabulary import FAILURES, Stage, StopReason

NEEDS_ENCODER = frozenset({Stage.CLASSIFIER_FROZEN, Stage.CLASSIFIER_UNFROZEN})
"""Stages that start from what `Stage.ENCODER` has learnt, in a trial that has that stage."""


def chosen_stages(stages: Sequence[str], parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Return those of a study's stages that a setup's trials train.

    A search may choose whether the encoder is frozen: such a setup has the frozen classifier, and
    what that needs, and any other the stage that trains both together. Else it is all of them.
    """
    if "frozen" not in parameters:
        return tuple(stages)
    whole = Stage.ENCODER_CLASSIFIER
    return tuple(each for each in stages if (each == whole) != parameters["frozen"])


def ordered(stages: Sequence[str], *, seed: int) -> tuple[str, ...]:
    """The stages in an order of the seed's, so that a device that warms up favours none.

    The encoder comes before those that need it.
    """
    order = list(stages)
    random.Random(seed).shuffle(order)  # noqa: S311 - an order, not a secret
    if Stage.ENCODER in order:
        first = min(order.index(each) for each in order if each in {Stage.ENCODER, *NEEDS_ENCODER})
        order.remove(Stage.ENCODER)
        order.insert(first, Stage.ENCODER)
    return tuple(order)


def still_to_train(order: Sequence[str], ended: Mapping[str, StopReason]) -> tuple[str, ...]:
    """The stages that remain, given why others ended.

    Where the encoder came to nothing, those that need it are left out.
    """
    useless = ended.get(Stage.ENCODER) in FAILURES
    return tuple(
        each for each in order if each not in ended and not (useless and each in NEEDS_ENCODER)
    )

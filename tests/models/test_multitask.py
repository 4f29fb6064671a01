"""One encoder serves several heads."""

import pytest
import torch

from models.multitask import MultitaskClassifier
from models.vision import VisionEncoder

IMAGES = torch.zeros((2, 3, 32, 32), dtype=torch.uint8)


def network(**outputs: int) -> MultitaskClassifier:
    """A small multitask network."""
    return MultitaskClassifier(VisionEncoder("test_resnet", image_size=32), outputs=outputs)


@pytest.mark.parametrize(
    "outputs", [{"identity": 4}, {"attributes": 7}, {"attributes": 7, "identity": 4}]
)
def test_each_task_has_its_outputs(outputs: dict[str, int]) -> None:
    """They go by the task's name and have the requested number; one task alone is allowed."""
    given = network(**outputs).eval()(IMAGES)

    assert {task: scores.shape for task, scores in given.items()} == {
        task: (2, count) for task, count in outputs.items()
    }


def test_both_tasks_train_the_encoder() -> None:
    """A head's loss reaches the shared encoder, but not the other head."""
    both = network(attributes=7, identity=4)

    both(IMAGES)["identity"].sum().backward()

    first = next(both.encoder.backbone.parameters())
    assert first.grad is not None
    assert both.heads["identity"].weight.grad is not None
    assert both.heads["attributes"].weight.grad is None

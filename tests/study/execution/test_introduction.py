"""Lines that a study prints before it begins."""

import pytest

from study.execution.introduction import slots_text
from study.machines.nodes import Share


@pytest.mark.parametrize(
    ("slots", "share", "nodes", "text"),
    [
        (1, Share(cpus=1, gpus=1), 1, "1 trial at a time on 1 node, with 1 GPU and 1 CPU"),
        (2, Share(cpus=4, gpus=0), 1, "2 trials at a time on 1 node, each with 4 CPUs"),
        (
            4,
            Share(cpus=1, gpus=0.5),
            2,
            "4 trials at a time on 2 nodes, each with 0.5 GPU and 1 CPU",
        ),
        (
            1,
            Share(cpus=2, gpus=2, workers=2),
            1,
            "1 trial at a time on 1 node, with 2 GPUs and 2 CPUs, for 2 workers",
        ),
    ],
)
def test_singular_and_plural_are_distinguished(
    slots: int, share: Share, nodes: int, text: str
) -> None:
    """The line says how many trials run at the same time, and with what."""
    assert slots_text(slots, share, nodes=nodes) == text

"""A CelebA that is quick to train."""

from typing import Any

from study.data.celeba.options import CelebaOptions
from study.scenario import Scenario
from study.scenario_lookup import load_scenario

SMALL = "test_resnet"
TASKS = ("attributes", "identity")


def small(**settings: object) -> Scenario:
    """A scenario that is quick to train."""
    chosen: dict[str, Any] = {"encoder": SMALL, "weights": "none", "image_size": 32} | settings
    return load_scenario("celeba", CelebaOptions(**chosen))

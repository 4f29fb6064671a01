"""Processes of Ray actors: finding and killing them."""

import os
from typing import Any

import psutil
import ray

from tests.waiting import PATIENCE_S, waited_for


def pid_of(actor: Any) -> int:  # noqa: ANN401 - an actor's handle
    """Process ID of an actor; waits until it has started."""
    pid: int = ray.get(actor.__ray_call__.remote(lambda _: os.getpid()), timeout=PATIENCE_S)
    return pid


def killed(actor: Any) -> None:  # noqa: ANN401 - an actor's handle
    """Kill an actor for good and wait until its process has ended: until then it may still answer."""
    pid = pid_of(actor)
    ray.kill(actor)
    waited_for(lambda: not psutil.pid_exists(pid), "an actor's end")

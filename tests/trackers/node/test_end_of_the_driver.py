"""Trackers after their driver has shut down Ray."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

from tests.waiting import PATIENCE_S, waited_for

pytestmark = pytest.mark.ray

ROOT = Path(__file__).parents[3]

DRIVER = """
import json, os, sys
import ray
from trackers.node.nodes import start_manager
from trackers.node.client import TrackerClient
from trackers.sources.detect import Request
from trackers.node.ledger import WindowKey

def pid(actor):
    return ray.get(actor.__ray_call__.remote(lambda _: os.getpid()))

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
manager = start_manager(Request(tracker=sys.argv[1]), sampling_hz=10)
client = TrackerClient(manager, accelerator_uuid=None, on_accelerator=False)
(tracker,) = ray.get(manager.trackers.remote()).values()
pids = [pid(manager), pid(tracker)]
first, key = (WindowKey(trial_id="t", attempt=1, stage="s", epoch=each) for each in (1, 2))
client.open(first)
client.open(key)
client.close(first)
ray.shutdown()
client.close(key)
(before,), (reading,) = client.readings(first).values(), client.readings(key).values()
out = {"pids": pids, "note": reading.note, "before": before.note if before.energy_j is None else "", "is_initialized": ray.is_initialized()}
print(json.dumps(out), flush=True)
sys.stdin.readline()
"""


def test_trackers_end_with_their_driver(recording: Path) -> None:
    """After `ray.shutdown` neither manager nor tracker runs, and closing a window later starts no Ray."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DRIVER), str(recording)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as driver:
        assert driver.stdout is not None
        out = json.loads(driver.stdout.readline())
        waited_for(lambda: not any(map(psutil.pid_exists, out["pids"])), "the trackers' end")
        driver.communicate("\n", timeout=PATIENCE_S)

    assert out["note"] == "Ray was shut down"
    assert out["before"] in {"", "Ray was shut down"}
    assert not out["is_initialized"]

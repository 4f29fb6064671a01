"""The process that owns a local Ray, with a stand-in for the package ray."""

import json
import os
import subprocess
import sys
from pathlib import Path

from study.machines.local.early_ray import OWNER

RAY = """
import os
os.write(1, b"printed by a C library\\n")
def init(**keywords):
    print("printed by Ray")
    if keywords["include_dashboard"]:
        raise RuntimeError("no dashboard here")
    class Context:
        address_info = {"gcs_address": "127.0.0.1:6379"}
    return Context()
"""


def answer(folder: Path, **keywords: object) -> object:
    """Return the owner's answer; its input is empty, so it ends at once."""
    (folder / "ray.py").write_text(RAY)
    done = subprocess.run(
        [sys.executable, "-P", str(OWNER), json.dumps(keywords)],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


def test_output_of_ray_does_not_reach_the_command(tmp_path: Path) -> None:
    """The command reads nothing but the address."""
    assert answer(tmp_path, include_dashboard=False) == {"address": "127.0.0.1:6379"}


def test_the_error_of_a_ray_that_cannot_start_is_the_answer(tmp_path: Path) -> None:
    """It has Ray's own message."""
    assert answer(tmp_path, include_dashboard=True) == {"error": "no dashboard here"}

"""The process that holds a local Ray, with another Ray in its place."""

import json
import os
import subprocess
import sys
from pathlib import Path

from study.machines.local.early_ray import OWNER

RAY = """
import os
os.write(1, b"said by a library of C\\n")
def init(**keywords):
    print("said by Ray")
    if keywords["include_dashboard"]:
        raise RuntimeError("no dashboard here")
    class Context:
        address_info = {"gcs_address": "127.0.0.1:6379"}
    return Context()
"""


def answer(folder: Path, **keywords: object) -> object:
    """What the process says of a Ray that is started so; it ends with its input, which is closed at once."""
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


def test_what_ray_prints_is_no_answer(tmp_path: Path) -> None:
    """The line that the command reads is the address alone."""
    assert answer(tmp_path, include_dashboard=False) == {"address": "127.0.0.1:6379"}


def test_a_ray_that_cannot_start_is_an_answer(tmp_path: Path) -> None:
    """In its own words."""
    assert answer(tmp_path, include_dashboard=True) == {"error": "no dashboard here"}

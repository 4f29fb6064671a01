"""Programs that see emulated boards."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from tests.fake_nvml import Boards

ROOT = Path(__file__).parents[4]


def run(code: str, boards: Boards, library: Path) -> Any:  # noqa: ANN401 - whatever JSON holds
    """Run `code` in a process that sees the boards, and return its `out`."""
    lines = ["import json, time", textwrap.dedent(code), "print(json.dumps(out))"]
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)],
        env=boards.environment(library),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)

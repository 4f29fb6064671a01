"""Documented code that measures, run as it stands in the documents."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trackers.meter.meter_values import Window

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def blocks(document: str) -> list[str]:
    """Blocks of Python in a document that import from `trackers`."""
    found = BLOCK.findall((ROOT / document).read_text())
    return [block for block in found if "from trackers" in block]


BLOCKS = [
    pytest.param(block, id=f"{document}-{number}")
    for document in ("README.md", "docs/trackers.md")
    for number, block in enumerate(blocks(document), start=1)
]


def train_one_epoch() -> None:
    """Use enough CPU time to be counted on a machine that counts hundredths of a second."""
    until_s = time.process_time() + 0.1
    while time.process_time() < until_s:
        pass


WATTS = 10.0
"""Power of each logical CPU, as the estimate is told."""

BLOCK_ON_A_CPU = """
import time

from trackers import Request

def train_one_epoch():
    input()
    until_s = time.process_time() + 1.0
    while time.process_time() < until_s:
        pass

began_s = time.process_time()
BLOCK
used_s = time.process_time() - began_s
print(used_s, *(value for each in window.readings.values() for value in (each.energy_j, each.scope)))
"""


def test_there_is_something_to_run() -> None:
    """README and the trackers' document have code that measures."""
    assert len(blocks("README.md")) >= 1
    assert len(blocks("docs/trackers.md")) >= 6


@pytest.mark.parametrize("block", BLOCKS)
def test_code_runs_as_documented(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that is copied, with an epoch to train, measures that epoch."""
    monkeypatch.chdir(tmp_path)
    program: dict[str, object] = {"train_one_epoch": train_one_epoch}

    exec(compile(block, "block", "exec"), program)  # noqa: S102 - our own documents

    window = program["window"]
    assert isinstance(window, Window)
    assert all((reading.energy_j or 0) > 0 for reading in window.readings.values())
    assert window.readings


@pytest.mark.slow
def test_two_processes_are_each_charged_what_they_used() -> None:
    """README's block in two processes at once, without sensors, charges each for its own CPU time alone."""
    estimate = f"detect(Request(tracker='estimate', cpu_watts={WATTS * (os.cpu_count() or 1)}))"
    program = BLOCK_ON_A_CPU.replace("BLOCK", blocks("README.md")[0].replace("detect()", estimate))
    both = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]

    for each in both:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    outputs = [each.communicate()[0] for each in both]

    for text in outputs:
        used_s, energy_j, scope = text.split()[-3:]
        assert scope == "processes"
        assert 0.9 * WATTS <= float(energy_j) <= 1.2 * WATTS * float(used_s)

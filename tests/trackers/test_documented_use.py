"""The code in the documents about measuring runs as it stands there."""

import re
import time
from pathlib import Path

import pytest

from trackers.meter.meter_values import Window

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)


def blocks(document: str) -> list[str]:
    """Python code of a document that measures something."""
    found = BLOCK.findall((ROOT / document).read_text())
    return [block for block in found if "from trackers" in block]


BLOCKS = [
    pytest.param(block, id=f"{document}-{number}")
    for document in ("README.md", "docs/trackers.md")
    for number, block in enumerate(blocks(document), start=1)
]


def train_one_epoch() -> None:
    """Use as much CPU time as a machine counts, in hundredths of a second."""
    until_s = time.process_time() + 0.1
    while time.process_time() < until_s:
        pass


def test_there_is_something_to_run() -> None:
    """Both documents show how."""
    assert len(blocks("README.md")) >= 1
    assert len(blocks("docs/trackers.md")) >= 6


@pytest.mark.parametrize("block", BLOCKS)
def test_code_runs_as_documented(
    block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever copies it, and has an epoch to train, measures that."""
    monkeypatch.chdir(tmp_path)
    program: dict[str, object] = {"train_one_epoch": train_one_epoch}

    exec(compile(block, "block", "exec"), program)  # noqa: S102 - our own documents

    window = program["window"]
    assert isinstance(window, Window)
    assert all((reading.energy_j or 0) > 0 for reading in window.readings.values())
    assert window.readings

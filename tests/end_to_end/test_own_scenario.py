"""A user's scenario in a folder with packages of its own named `models`, `analysis` and `study`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("one_slot")]

MINE = """
import numpy as np
from torch import nn

from of_mine import CLASSES
from study import Arrays, Data


class Mine:
    name = "mine"

    def load(self, data_dir, *, seed):
        draw = np.random.default_rng(seed)
        parts = [draw.normal(size=(count, 3)).astype(np.float32) for count in (64, 32)]
        train, val = (Arrays(inputs=part, targets=part.argmax(axis=1)) for part in parts)
        return Data(train=train, val=val, classes=CLASSES, synthetic=True, description="points")

    def network(self, data):
        return nn.Linear(3, len(CLASSES))

    def loss(self, outputs, targets):
        return nn.functional.cross_entropy(outputs, targets)

    def metrics(self, outputs, targets):
        return {"accuracy": (outputs.argmax(dim=1) == targets).float().mean()}
"""

IN_A_THREAD = """
import asyncio, threading
from study import run_study

async def within():
    return run_study("search", scenario="scenarios/mine.py:Mine", batch_sizes=[8, 16],
                     learning_rates=[0.1], trials=1, max_epochs=2, name="b", results_dir="results")

found = []
thread = threading.Thread(target=lambda: found.append(asyncio.run(within())))
thread.start(); thread.join()
(result,) = found
print(result.trials.shape[0], result.epochs.shape[0], result.unfinished, dict(result.failed))
print(result.recommendation[:16], result.report.is_file(), "<table" in result._repr_html_())
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: a scenario file, a module that it imports, and packages with the names of ours."""
    for name in ("study", "models", "analysis", "scenarios"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    (tmp_path / "scenarios" / "mine.py").write_text(MINE)
    (tmp_path / "scenarios" / "of_mine.py").write_text('CLASSES = ("a", "b", "c")\n')
    return tmp_path


def run_python(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the user's folder, with our packages importable as if they were installed."""
    return subprocess.run(
        [sys.executable, "-P", *args],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_search_runs_in_a_thread_and_within_an_event_loop(folder: Path) -> None:
    """Trials import the user's modules as well as ours; the result has tables, a recommendation and a report."""
    program = folder / "scenarios" / "program.py"
    program.write_text(IN_A_THREAD, encoding="utf-8")

    done = run_python(folder, str(program))

    assert done.returncode == 0, done.stderr
    *_, counts, recommendation = done.stdout.splitlines()
    assert counts == "1 2 0 {}"
    assert recommendation.startswith("Use batch size ")
    assert recommendation.endswith(" True True")

"""The benchmark for a real board, run on an emulated one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.gpu.__main__ import PARTS, function_of
from benchmarks.gpu.emulated import emulated_environment
from benchmarks.gpu.page import page

ROOT = Path(__file__).parents[2]


def run(out: Path, *parts: str, env: dict[str, str] | None = None) -> str:
    """Run parts; return the command's output. Without boards in `env` it restarts itself with emulated ones."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.gpu",
            "--emulated",
            "--out",
            str(out),
            "--parts",
            *parts,
        ],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    ).stdout


@pytest.mark.slow
def test_each_part_has_a_function() -> None:
    """Parts are named by strings and loaded only when they run, so each name has to lead to a function."""
    assert all(callable(function_of(part)) for part in PARTS)


@pytest.mark.slow
def test_finished_parts_are_not_run_again(tmp_path: Path) -> None:
    """An interrupted run resumes with the parts that have no result; the page has a section for each part."""
    first = run(tmp_path, "calls", "window")
    second = run(tmp_path, "window", "refresh", env=emulated_environment(tmp_path / "nvml"))

    written = page(tmp_path)
    refresh = json.loads((tmp_path / "refresh.json").read_text())["result"]
    assert "window: there already" not in first
    assert "window: there already" in second
    assert set(refresh) == {"energy counter", "power, instant", "power, average", "power, usage"}
    assert "Emulated board" in written
    assert written.count("This part has no result.") == 9

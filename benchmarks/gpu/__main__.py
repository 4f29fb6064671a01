"""Measurements that need a real board, in one run of at most eight minutes.

    python -m benchmarks.gpu                     all parts, on the machine's first NVIDIA board
    python -m benchmarks.gpu --emulated          the same on an emulated board, in seconds
    python -m benchmarks.gpu --parts loop table2 only these
    python -m benchmarks.gpu --page              write docs/on-a-gpu.md from the results

Each part writes its result when it ends (OUT/<part>.json); a part that has a result is not run again, so that an
interrupted run can be resumed. Nothing here changes a setting of the board.
"""

import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

from benchmarks.gpu.emulated import emulated_environment
from benchmarks.gpu.page import page

if TYPE_CHECKING:
    from benchmarks.gpu.board import Board

ROOT = Path(__file__).parents[2]

PARTS = {
    "sources": "sensors:sources",
    "refresh": "sensors:refresh_periods",
    "calls": "sensors:cost_of_calls",
    "window": "sensors:cost_of_a_window",
    "counter": "sensors:counter_against_integral",
    "same_work": "same_work:same_work",
    "loop": "training:loop_against_bare",
    "table2": "studies:table2",
    "shared": "studies:two_trials_on_one_board",
    "precision": "training:precisions",
    "formats": "studies:number_formats",
    "command": "sensors:a_command",
}
"""Module and function of each part, in the order in which they run: the most basic come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Run the measurements that need a real board.

    Attributes:
        parts: Names of the parts to run; left out: all.
        out: Folder for the results of the parts.
        emulated: Use an emulated board and the smallest sizes, which tests this program, not a board.
        page: Only write docs/on-a-gpu.md from the results in OUT.
    """

    parts: tuple[str, ...] = tuple(PARTS)
    out: Path = Path("results/gpu")
    emulated: bool = False
    page: bool = False


def function_of(part: str) -> "Callable[[Board], Any]":
    """Import and return the function of a part; not earlier, because torch and timm take seconds to import."""
    module, _, name = PARTS[part].partition(":")
    function: Callable[[Board], Any] = getattr(
        importlib.import_module(f"benchmarks.gpu.{module}"), name
    )
    return function


def run(options: Options) -> int:
    """Run the parts that have no result yet, and return the number of those that failed."""
    from benchmarks.gpu.board import first_board  # noqa: PLC0415 - torch; see `function_of`

    options.out.mkdir(parents=True, exist_ok=True)
    failed = 0
    board = first_board(emulated=options.emulated, out=options.out)
    for name in options.parts:
        target = options.out / f"{name}.json"
        if target.exists():
            print(f"{name}: there already", flush=True)
            continue
        began_s = time.monotonic()
        try:
            result = function_of(name)(board)
        except Exception:  # noqa: BLE001 - the other parts can still run
            failed += 1
            print(f"{name}: failed\n{traceback.format_exc()}", flush=True)
            continue
        took_s = time.monotonic() - began_s
        kept = {
            "emulated": options.emulated,
            "board": board.uuid,
            "commit": commit(),
            "took_s": took_s,
            "result": result,
        }
        target.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        print(f"{name}: {took_s:.0f} s", flush=True)
    return failed


def commit() -> str:
    """Return the commit that is checked out; empty if this is not a git checkout."""
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()


def main() -> int:
    """Run the parts, or write the page, and return the exit status."""
    options = tyro.cli(Options, prog="python -m benchmarks.gpu", description=__doc__)
    unknown = [part for part in options.parts if part not in PARTS]
    if unknown:
        sys.stderr.write(
            f"--parts {unknown[0]}: there is no such part; there are {', '.join(PARTS)}\n"
        )
        return 2
    if not options.page:
        if options.emulated and "FAKE_NVML_BOARDS" not in os.environ:
            # The dynamic loader reads its search path only when a process starts.
            environment = emulated_environment(options.out / "nvml")
            os.execve(sys.executable, sys.orig_argv, environment)  # noqa: S606 - ourselves
        return min(run(options), 1)
    (ROOT / "docs" / "on-a-gpu.md").write_text(page(options.out), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

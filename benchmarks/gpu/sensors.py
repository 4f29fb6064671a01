"""Readings of the board's sensors, their refresh intervals, and the cost of reading them."""

import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch

from benchmarks.gpu.board import Board, ran
from benchmarks.gpu.load import LOADS
from trackers.errors import ReadError
from trackers.meter.meter import EnergyMeter
from trackers.sources.nvml.library import NvmlLibrary, PowerCall
from trackers.sources.nvml.source import NvmlSource


def sources(board: Board) -> dict[str, Any]:
    """Return what `python -m trackers` finds, and nvidia-smi's report of power and clocks."""
    smi = shutil.which("nvidia-smi")
    output = ""
    if smi is not None and not board.emulated:
        output = subprocess.run(
            [smi, "-q", "-d", "POWER,CLOCK"], capture_output=True, text=True, check=False
        ).stdout
    return {
        "board": board.name,
        "driver": board.driver,
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "trackers": json.loads(ran("-m", "trackers", "--json")),
        "nvidia_smi": output,
    }


def refresh_periods(board: Board) -> dict[str, float | None]:
    """Return the median time between changes of each value under a bursty load, in milliseconds."""
    library, handle = _library(board)
    found: dict[str, float | None] = {}
    try:
        with LOADS["bursty"](board):
            for name, asked in _calls(library, handle).items():
                found[name] = _refresh_ms(asked, for_s=board.size(4.0, 0.3))
    finally:
        library.close()
    return found


def _refresh_ms(asked: Callable[[], float], *, for_s: float) -> float | None:
    """Return the median time between changes in milliseconds; None if there are too few, or no value."""
    changes, before, end_s = [], None, time.monotonic() + for_s
    try:
        while (now_s := time.monotonic()) < end_s:
            value = asked()
            if value != before:
                changes.append(now_s)
            before = value
            time.sleep(0.0005)
    except ReadError:
        return None
    steps = [later - earlier for earlier, later in pairwise(changes[1:])]
    return statistics.median(steps) * 1000 if len(steps) > 1 else None


def cost_of_calls(board: Board) -> dict[str, dict[str, float]]:
    """Return the time of a single NVML call in microseconds: median, 99th percentile and worst."""
    library, handle = _library(board)
    found = {}
    try:
        for name, asked in _calls(library, handle).items():
            times_us = []
            for _ in range(int(board.size(400, 20))):
                began_ns = time.perf_counter_ns()
                try:
                    asked()
                except ReadError:
                    break
                times_us.append((time.perf_counter_ns() - began_ns) / 1000)
                time.sleep(0.002)
            if times_us:
                ordered = sorted(times_us)
                found[name] = {
                    "median_us": statistics.median(ordered),
                    "p99_us": ordered[int(0.99 * (len(ordered) - 1))],
                    "worst_us": ordered[-1],
                }
    finally:
        library.close()
    return found


def _calls(library: NvmlLibrary, handle: Any) -> dict[str, Callable[[], float]]:  # noqa: ANN401
    return {
        "energy counter": lambda: library.counter_j(handle),
        "power, instant": lambda: library.power_w(handle, PowerCall.INSTANT),
        "power, average": lambda: library.power_w(handle, PowerCall.AVERAGE),
        "power, usage": lambda: library.power_w(handle, PowerCall.USAGE),
    }


def _library(board: Board) -> tuple[NvmlLibrary, Any]:
    library = NvmlLibrary(None)
    boards, _ = library.boards()
    return library, next(each.handle for each in boards if each.uuid == board.uuid)


def cost_of_a_window(board: Board) -> dict[str, float]:
    """Return the time of opening and closing a window within this process, in milliseconds."""
    opened_ms, closed_ms = [], []
    with EnergyMeter(NvmlSource()) as meter:
        time.sleep(1)
        for number in range(int(board.size(100, 5))):
            began_ns = time.perf_counter_ns()
            meter.open(number, devices=[board.uuid])
            opened_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
            time.sleep(0.02)
            began_ns = time.perf_counter_ns()
            meter.close(number)
            closed_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
    return {
        "open_median_ms": statistics.median(opened_ms),
        "open_worst_ms": max(opened_ms),
        "close_median_ms": statistics.median(closed_ms),
        "close_worst_ms": max(closed_ms),
    }


def counter_against_integral(board: Board) -> dict[str, list[dict[str, Any]]]:
    """Return the counter's energy divided by the integral of the power, for windows of several lengths.

    Both come from one meter, as in a study: the reading's energy is the counter's where it is trusted, and
    its ratio to the integral is `counter_over_power`.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    lengths_s = {0.1: 8, 0.3: 8, 1.0: 5, 5.0: 2}
    for name, load in LOADS.items():
        rows = found.setdefault(name, [])
        with EnergyMeter(NvmlSource()) as meter, load(board):
            time.sleep(board.size(3.0, 0.2))
            for length_s, windows in lengths_s.items():
                for number in range(int(board.size(windows, 1))):
                    key = (name, length_s, number)
                    meter.open(key, devices=[board.uuid])
                    time.sleep(length_s if not board.emulated else min(length_s, 0.3))
                    reading = meter.close(key)[board.uuid]
                    rows.append(
                        {
                            "length_s": length_s,
                            "energy_j": reading.energy_j,
                            "mean_power_w": reading.mean_power_w,
                            "uncertainty_j": reading.uncertainty_j,
                            "method": reading.method and str(reading.method),
                            "status": str(reading.status),
                            "counter_over_power": reading.counter_over_power,
                        }
                    )
    return found


def a_command(board: Board) -> dict[str, Any]:
    """Measure a program with `python -m trackers run`, and with the board's counter around the whole call."""
    side, for_s = int(board.size(8192, 64)), board.size(5.0, 1.0)
    program = (
        "import time, torch\n"
        f"one = torch.randn({side}, {side}, device={board.device.type!r})\n"
        f"end_s = time.monotonic() + {for_s}\n"
        "while time.monotonic() < end_s: (one @ one)[0, 0].item()\n"
    )
    kept = board.out / "command" / "account.json"
    kept.parent.mkdir(exist_ok=True)
    library, handle = _library(board)
    try:
        before_j, began_s = library.counter_j(handle), time.monotonic()
        ran(
            "-m",
            "trackers",
            "run",
            "--quiet",
            "--json",
            str(kept),
            "--",
            sys.executable,
            "-c",
            program,
        )
        took_s, after_j = time.monotonic() - began_s, library.counter_j(handle)
    finally:
        library.close()
    return {
        "counter_j": after_j - before_j,
        "took_s": took_s,
        "account": json.loads(kept.read_text("utf-8")),
    }

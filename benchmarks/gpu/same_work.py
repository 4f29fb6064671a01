"""Errors of repeated readings of the same work: by our meter, and by Zeus if it is installed.

There is no reference meter beside the board. But the same work takes the same energy each time once the board is
warm, and over a whole series the board's counter gives that energy accurately: its values at the two ends are off
by at most one refresh, however many windows lie between them. The difference of a window's reading from it is the
reading's error.
"""

import importlib
import importlib.util
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.board import Board
from trackers.meter.meter import EnergyMeter
from trackers.sample import Reading
from trackers.sources.nvml.library import NvmlLibrary
from trackers.sources.nvml.source import NvmlSource

WINDOWS = {0.1: 60, 0.3: 40, 1.0: 15}
"""Number of windows by length of the work in seconds."""

PAUSES_S = (0.03, 0.33)
"""Shortest and longest pause between two windows, so that they begin at any phase of a sensor's period."""


@dataclass(slots=True, kw_only=True)
class Series:
    """Measurements of a series of windows of one length.

    Attributes:
        ours: Our readings.
        zeus_j: Energies measured by Zeus, in joules; empty if it is not installed.
        counted_j: Values of the board's counter before the first window and after each pause, in joules.
        pauses_s: Time from the end of each window to the counter's reading after its pause, in seconds.
    """

    ours: list[Reading] = field(default_factory=list)
    zeus_j: list[float] = field(default_factory=list)
    counted_j: list[float] = field(default_factory=list)
    pauses_s: list[float] = field(default_factory=list)

    def work_j(self) -> float | None:
        """Return the energy of the work in one window, from the counter's increase without the pauses.

        A constant energy for each window and a constant power in pauses are fitted together, by least
        squares, to the counter's increase since the beginning. None with fewer than three windows.
        """
        if len(self.pauses_s) < 3:  # noqa: PLR2004 - two unknowns
            return None
        rise_j = np.asarray(self.counted_j[1:]) - self.counted_j[0]
        windows = np.arange(1, len(self.pauses_s) + 1)
        columns = np.column_stack((windows, np.cumsum(self.pauses_s)))
        return float(np.linalg.lstsq(columns, rise_j, rcond=None)[0][0])


def same_work(board: Board) -> list[dict[str, Any]]:
    """Return the errors of readings of the same work, relative to its energy, by length and tracker."""
    work = _work(board)
    found = []
    library = NvmlLibrary(None)
    try:
        boards, _ = library.boards()
        handle = next(each.handle for each in boards if each.uuid == board.uuid)
        with EnergyMeter(NvmlSource()) as meter, _zeus(board) as zeus:
            _warmed(work, for_s=board.size(4.0, 0.2))
            for length_s, windows in WINDOWS.items():
                series = Series()
                runs = int(board.size(windows, 3))
                counter = partial(library.counter_j, handle)
                _measure(
                    series, work, meter, zeus, counter, length_s=length_s, runs=runs, board=board
                )
                found.append(_told(series, length_s))
    finally:
        library.close()
    return found


def _measure(
    series: Series,
    work: Callable[[float], None],
    meter: EnergyMeter,
    zeus: Callable[[list[float]], AbstractContextManager[None]],
    counter: Callable[[], float],
    *,
    length_s: float,
    runs: int,
    board: Board,
) -> None:
    draw = random.Random(board.uuid)  # noqa: S311 - pauses
    low_s, high_s = PAUSES_S
    steps = _steps(work, length_s)
    series.counted_j.append(counter())
    for number in range(runs):
        meter.open(number, devices=[board.uuid])
        with zeus(series.zeus_j):
            work(steps)
        series.ours.append(meter.close(number)[board.uuid])
        ended_s = time.monotonic()
        # Short pauses in the first half and long ones in the second: otherwise the energy of windows and that of
        # pauses would both grow linearly, and the fit could not separate them.
        half_s = (high_s - low_s) / 2
        time.sleep(low_s + draw.random() * half_s + (half_s if number >= runs // 2 else 0.0))
        series.counted_j.append(counter())
        series.pauses_s.append(time.monotonic() - ended_s)


def _told(series: Series, length_s: float) -> dict[str, Any]:
    true_j = series.work_j()
    ours_j = [each.energy_j for each in series.ours]
    within = [
        abs(each.energy_j - true_j) <= each.uncertainty_j
        for each in series.ours
        if true_j is not None and each.energy_j is not None and each.uncertainty_j is not None
    ]
    return {
        "length_s": length_s,
        "work_j": true_j,
        "windows": len(series.ours),
        "measured_s": statistics.median(each.duration_s for each in series.ours),
        "ours": _errors(ours_j, true_j),
        "zeus": _errors(list(series.zeus_j), true_j),
        "within_uncertainty": statistics.fmean(within) if within else None,
        "status": {
            name: sum(each.status == name for each in series.ours)
            for name in ("ok", "degraded", "missing")
        },
        "ours_j": ours_j,
        "zeus_j": series.zeus_j,
        "uncertainty_j": [each.uncertainty_j for each in series.ours],
    }


def _errors(told_j: list[float | None], true_j: float | None) -> dict[str, float] | None:
    """Return median, mean, 95th percentile and worst of the errors relative to `true_j`; None if unknown."""
    if not true_j:
        return None
    errors = sorted(abs(each / true_j - 1) for each in told_j if each is not None)
    if not errors:
        return None
    return {
        "median": statistics.median(errors),
        "mean": statistics.fmean(errors),
        "p95": float(np.quantile(errors, 0.95)),
        "worst": errors[-1],
    }


def _work(board: Board) -> Callable[[float], None]:
    """Return a function that computes a number of matrix products and returns when they are done."""
    side = int(board.size(4096, 64))
    one = torch.randn(side, side, device=board.device)
    product = torch.empty_like(one)

    def work(steps: float) -> None:
        for _ in range(int(steps)):
            torch.mm(one, one, out=product)
        if board.device.type == "cuda":
            torch.cuda.synchronize()

    return work


def _warmed(work: Callable[[float], None], *, for_s: float) -> None:
    end_s = time.monotonic() + for_s
    while time.monotonic() < end_s:
        work(10)


def _steps(work: Callable[[float], None], length_s: float) -> int:
    """Return the number of products that take `length_s` seconds on a warm board."""
    work(20)
    began_s = time.monotonic()
    work(100)
    return max(1, round(100 * length_s / (time.monotonic() - began_s)))


@contextmanager
def _zeus(board: Board) -> Iterator[Callable[[list[float]], AbstractContextManager[None]]]:
    """Yield a context for windows that appends Zeus's energy to a list, or does nothing without Zeus."""
    if importlib.util.find_spec("zeus") is None or board.emulated:
        yield lambda _: nullcontext()
        return
    monitor = importlib.import_module("zeus.monitor").ZeusMonitor(gpu_indices=[0], cpu_indices=[])

    @contextmanager
    def window(told_j: list[float]) -> Iterator[None]:
        monitor.begin_window("work", sync_execution=False)
        yield
        told_j.append(float(monitor.end_window("work", sync_execution=False).gpu_energy[0]))

    yield window

"""Emulated NVIDIA boards: a stand-in for `libnvidia-ml.so.1` whose energy is known exactly.

The real `pynvml` (and Ray's own copy of it) loads it from a folder on the library path:

    boards = Boards(boards=4, period_s=0.5)
    environment = boards.environment(build(tmp_path))      # for a child process
    boards.energy_j(2, start_s, stop_s)                    # energy of board 2 between two times of
                                                           # time.monotonic() in any process

Boards are numbered in PCI order. Power is a function of `CLOCK_MONOTONIC` alone, so all processes
of the machine see the same boards.
"""

import itertools
import math
import os
import shutil
import subprocess
import time
from bisect import bisect_right
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal, final

LIBRARY = "libnvidia-ml.so.1"
UUIDS = (
    "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    "GPU-1f0e7a6b-93c2-58d4-a1b7-6e0d4c82f513",
    "GPU-c47d20e8-5b19-f3a6-0d84-97ab31e65c02",
    "GPU-89a1c5e2-0b7d-9e34-5f61-7c20d4b8e913",
    "GPU-60b3f4d9-7e28-1ca5-8f02-d5394be17a6c",
    "GPU-f5182ac7-64d0-bb39-e27c-013f8d96a54e",
    "GPU-2ea94d71-c806-47f3-95be-fa6b027d38c1",
    "GPU-b7d65083-1a9f-2e4c-d830-48e1c97f52ab",
)
"""Identifiers of the boards; those of boards 0 and 3 begin alike, so that `GPU-89` is ambiguous."""

_SOURCE = Path(__file__).parent
_BURST_S = 0.010
_NOISE_SLOTS = 64
_MASK = (1 << 64) - 1


def mig_uuid(board: int, part: int) -> str:
    """Identifier of one of the two MIG devices of a board (with `mig=1`)."""
    return f"MIG-{10 + part:x}{UUIDS[board].removeprefix('GPU-')[1:]}"


def build(folder: Path, *, old_driver: bool = False) -> Path:
    """Compile the library into `folder`, unless it is there already.

    Args:
        folder: Folder for the library, which goes on the library path.
        old_driver: Leave out the energy counter and the field values, as old drivers do.

    Returns:
        `folder`.

    Raises:
        RuntimeError: There is no C compiler, or it failed.
    """
    target = folder / LIBRARY
    if target.exists():
        return folder
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    if compiler is None:
        message = "the emulated boards need a C compiler (cc, gcc or clang); install one"
        raise RuntimeError(message)
    folder.mkdir(parents=True, exist_ok=True)
    # Several processes may build at once: compile into another file, then move it into place atomically.
    aside = folder / f".{LIBRARY}.{os.getpid()}"
    flags = ["-shared", "-fPIC", "-O2", *(["-DOLD_DRIVER"] if old_driver else [])]
    command = [compiler, *flags, "-o", str(aside), str(_SOURCE / "nvml.c"), "-lm"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        message = f"{' '.join(command)} failed:\n{done.stderr}"
        raise RuntimeError(message)
    aside.replace(target)
    return folder


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Boards:
    """Behaviour of the emulated boards; each field is passed on as the variable `FAKE_NVML_<FIELD>`.

    Attributes:
        boards: Number of boards, 1 to 8.
        model: End of the boards' name.
        order: Board numbers in the order in which NVML lists them, as in "2,0,1"; empty for PCI order.
        shape: Power curve: `square` is high for the share `duty` of each period, `burst` for 10 ms;
            `random` has 64 steps of uneven length at levels that depend on `seed`.
        seed: Seed of the curve `random`.
        low_w: Lowest power of board 0.
        high_w: Highest power of board 0.
        period_s: Period of the curve.
        duty: Share of the period at high power.
        scale_step: Additional power of each board over the one before, as a share of board 0's.
        phase_step_s: Time by which each board's curve is ahead of that of the one before.
        limit_w: Initial power limit, and the highest that may be set.
        lowest_limit_w: Lowest power limit that may be set.
        limits: Folder that keeps the limits that were set, for all processes; empty: none may be set.
        set_limit_code: NVML's error for setting a limit; 4 is "no permission"; 0: none.
        refresh_ms: Time between two updates of the counter.
        power_refresh_ms: Time between two updates of the power.
        counter_ms: Duration of a reading of the counter.
        counter_worst_ms: Duration of every 50th such reading.
        usage: Power that `nvmlDeviceGetPowerUsage` returns: `average` (over 1 s) or `instant`.
        no_counter: 1: the energy counter is not supported.
        no_instant: 1: there is no instantaneous power.
        no_average: 1: there is no averaged power field.
        fail_every: Every n-th reading of a process fails; 0: none.
        fail_code: NVML's error for failed readings; 999 is "unknown", 10 "timeout".
        zero_every: Every n-th power reading is 0 W; 0: none.
        lost_at_s: `time.monotonic()` from which on `lost_board` is lost; 0: never.
        lost_board: Number of the lost board.
        hang_from_s: `time.monotonic()` from which on calls on `hang_board` hang.
        hang_until_s: `time.monotonic()` at which they return; 0: they never hang.
        hang_while: File; calls on `hang_board` hang for as long as it exists; empty: none hangs.
        hang_board: Number of the board that hangs.
        backward_at_s: `time.monotonic()` at which the counters fall by `backward_j`; 0: never.
        backward_j: Energy by which the counters fall.
        reset_at_s: `time.monotonic()` at which the counters start again at zero; 0: never.
        mig: 1: each board is split into two MIG devices, which have no power readings of their own.
        init_code: NVML's error on initialisation; 0: none.
    """

    boards: int = 1
    model: str = "RTX 6000"
    order: str = ""
    shape: Literal["square", "ramp", "burst", "constant", "noise", "random"] = "square"
    seed: int = 0
    low_w: float = 60.0
    high_w: float = 300.0
    period_s: float = 0.7
    duty: float = 0.37
    scale_step: float = 0.05
    phase_step_s: float = 0.11
    limit_w: float = 450.0
    lowest_limit_w: float = 100.0
    limits: str = ""
    set_limit_code: int = 0
    refresh_ms: float = 20.0
    power_refresh_ms: float = 20.0
    counter_ms: float = 0.0
    counter_worst_ms: float = 0.0
    usage: Literal["average", "instant"] = "average"
    no_counter: int = 0
    no_instant: int = 0
    no_average: int = 0
    fail_every: int = 0
    fail_code: int = 999
    zero_every: int = 0
    lost_at_s: float = 0.0
    lost_board: int = 0
    hang_from_s: float = 0.0
    hang_until_s: float = 0.0
    hang_while: str = ""
    hang_board: int = 0
    backward_at_s: float = 0.0
    backward_j: float = 1000.0
    reset_at_s: float = 0.0
    mig: int = 0
    init_code: int = 0

    def environment(self, folder: Path) -> dict[str, str]:
        """Environment for a child process: this process's, with these boards on the library path."""
        own = {
            f"FAKE_NVML_{field.name.upper()}": str(getattr(self, field.name))
            for field in fields(self)
        }
        inherited = os.environ.get("LD_LIBRARY_PATH")
        path = os.pathsep.join(filter(None, (str(folder), inherited)))
        return {**os.environ, **own, "LD_LIBRARY_PATH": path}

    def power_w(self, board: int, time_s: float | None = None) -> float:
        """Power of a board at a `time.monotonic()`, by default now."""
        time_s = time.monotonic() if time_s is None else time_s
        low_w, high_w = self._levels_w(board, time_s)
        periods = self._periods(board, time_s)
        return low_w + (high_w - low_w) * self._fraction(periods - math.floor(periods))

    def energy_j(self, board: int, start_s: float, stop_s: float) -> float:
        """Exact energy of a board between two times of `time.monotonic()`."""
        changes = [at_s for at_s, _ in self.limits_set(board) if start_s < at_s < stop_s]
        edges = itertools.pairwise((start_s, *changes, stop_s))
        return math.fsum(self._between_j(board, *each) for each in edges)

    def limits_set(self, board: int) -> list[tuple[float, float]]:
        """Power limits that were set, as pairs of a `time.monotonic()` and watts."""
        file = Path(self.limits) / f"board{board}"
        if not self.limits or not file.exists():
            return []
        lines = (line.split() for line in file.read_text().splitlines())
        return [(float(at_s), float(limit_w)) for at_s, limit_w in lines]

    def limit_at_w(self, board: int, time_s: float | None = None) -> float:
        """Power limit of a board at a `time.monotonic()`, by default now."""
        time_s = time.monotonic() if time_s is None else time_s
        before = [limit_w for at_s, limit_w in self.limits_set(board) if at_s <= time_s]
        return before[-1] if before else self.limit_w

    def slowdown(self, board: int, limit_w: float) -> float:
        """Factor by which a load takes longer under a limit than without one.

        Power is idle power plus a part that grows with the cube of the clock frequency, so that
        f ~ (P - idle)^(1/3). A load that would draw `high_w`, with `low_w` when idle, therefore takes
        ((high - low) / (limit - low))^(1/3) times as long under a lower limit.
        """
        low_w, high_w = self._scale(board) * self.low_w, self._scale(board) * self.high_w
        return 1.0 if limit_w >= high_w else ((high_w - low_w) / (limit_w - low_w)) ** (1 / 3)

    def _between_j(self, board: int, start_s: float, stop_s: float) -> float:
        """Energy between two times without a change of the limit between them."""
        low_w, high_w = self._levels_w(board, start_s)
        full_periods = self._filled_until(board, stop_s) - self._filled_until(board, start_s)
        return low_w * (stop_s - start_s) + (high_w - low_w) * self.period_s * full_periods

    def _levels_w(self, board: int, time_s: float) -> tuple[float, float]:
        """Lowest and highest power at a time; a limit that was set caps both."""
        scale = self._scale(board)
        if not self.limits:
            return scale * self.low_w, scale * self.high_w
        was_set = any(at_s <= time_s for at_s, _ in self.limits_set(board))
        limit_w = self.limit_at_w(board, time_s) if was_set else math.inf
        return min(scale * self.low_w, limit_w), min(scale * self.high_w, limit_w)

    def _scale(self, board: int) -> float:
        return 1 + board * self.scale_step

    def _periods(self, board: int, time_s: float) -> float:
        return (time_s + board * self.phase_step_s) / self.period_s

    def _filled_until(self, board: int, time_s: float) -> float:
        periods = self._periods(board, time_s)
        whole = math.floor(periods)
        return whole * self._filled(1.0) + self._filled(periods - whole)

    def _high_share(self) -> float:
        return _BURST_S / self.period_s if self.shape == "burst" else self.duty

    def _fraction(self, place: float) -> float:
        """Fraction of the way from low to high power, at a place in the period in [0, 1)."""
        if self.shape == "constant":
            return 1.0
        if self.shape == "ramp":
            return place
        if self.shape == "noise":
            return _noise(int(place * _NOISE_SLOTS))
        if self.shape == "random":
            starts, levels, _ = _steps(self.seed)
            return levels[bisect_right(starts, place) - 1]
        return 1.0 if place < self._high_share() else 0.0

    def _filled(self, place: float) -> float:
        """Integral of `_fraction` from the period's start to `place`, in [0, 1]."""
        if self.shape == "constant":
            return place
        if self.shape == "ramp":
            return place * place / 2
        if self.shape == "noise":
            slots = place * _NOISE_SLOTS
            whole = math.floor(slots)
            steps = math.fsum(_noise(slot) for slot in range(whole))
            return (steps + (slots - whole) * _noise(whole)) / _NOISE_SLOTS
        if self.shape == "random":
            starts, levels, sums = _steps(self.seed)
            step = bisect_right(starts, place) - 1
            return sums[step] + (place - starts[step]) * levels[step]
        return min(place, self._high_share())


@cache
def _steps(seed: int) -> tuple[list[float], list[float], list[float]]:
    """Steps of the curve `random`: the start of each, its level, and the integral before it."""
    first = 2 * _NOISE_SLOTS * seed
    levels = [_noise(first + slot) for slot in range(_NOISE_SLOTS)]
    lengths = [0.05 + _noise(first + _NOISE_SLOTS + slot) ** 2 for slot in range(_NOISE_SLOTS)]
    parts = [each / math.fsum(lengths) for each in lengths]
    starts = [0.0, *itertools.accumulate(parts)][:-1]
    sums = [0.0, *itertools.accumulate(a * b for a, b in zip(parts, levels, strict=True))][:-1]
    return starts, levels, sums


def _noise(slot: int) -> float:
    """Step `slot` of the noise, in [0, 1): the high bits of splitmix64."""
    z = (slot + 1) * 0x9E3779B97F4A7C15 & _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return float((z ^ (z >> 31)) >> 11) / 2**53

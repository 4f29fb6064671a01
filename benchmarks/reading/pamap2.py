"""Time and memory of reading a full-size PAMAP2, compared with `pandas.read_csv`.

Writes a synthetic Protocol folder of the real size (9 files, 2.87 million rows, 1.3 GB), then
measures, each in a new process, wall time and peak memory of

    cold      everything: parse, fill gaps, find windows, split, normalise, write the cache
    cached    the same call again, with the cache
    pandas    `pandas.read_csv(file, sep=" ", header=None)` for one file after another, and nothing
              else; its default engine parses in several threads since pandas 3.1
    pandas, one thread     the same, prevented from using threads

The files are always in the operating system's page cache; the time of imports is not included.
Goals: cold at least 5 times faster than pandas, cached under 3 s, peak memory under 3 GB.

    python -m benchmarks.reading.pamap2 [--data-dir FOLDER]
"""

import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import tyro
from rich.console import Console
from rich.table import Table

ROWS_PER_SUBJECT = 358_007
"""Rows of each subject but 109, which has a forty-second of it; the sum is that of the real data set."""

LEAST_RATIO = 5
MOST_CACHED_S = 3
MOST_PEAK_GB = 3

_Task = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Measure how a full-size PAMAP2 is read.

    Attributes:
        data_dir: Folder that has the data or to which they are written, and which is kept; left out: a
            temporary folder.
        rows_per_subject: Number of rows of each subject but 109; fewer make a quick run.
        repeats: Number of rounds; the best time and the highest peak of each task are printed.
    """

    data_dir: Path | None = None
    rows_per_subject: int = ROWS_PER_SUBJECT
    repeats: int = 3


def main() -> None:
    """Write the data, measure, print."""
    options = tyro.cli(Options)
    with tempfile.TemporaryDirectory() as scratch:
        data_dir = options.data_dir or Path(scratch) / "data"
        if not (data_dir / "Protocol").is_dir():
            _write(data_dir, options.rows_per_subject)
        files = sorted((data_dir / "Protocol").glob("*.dat"))
        for file in files:
            file.read_bytes()  # into the page cache
        print(f"{len(files)} files, {sum(file.stat().st_size for file in files) / 1e9:.2f} GB")
        best: dict[str, tuple[float, float]] = {}
        for round_ in range(options.repeats):
            cache = Path(scratch) / f"cache-{round_}"
            for name in _TASKS:  # in turns, so that other load on the machine affects all
                seconds, peak_gb = _measure(name, data_dir, cache)
                before = best.get(name, (seconds, peak_gb))
                best[name] = (min(before[0], seconds), max(before[1], peak_gb))
    _show(best)


def _write(data_dir: Path, rows_per_subject: int) -> None:
    start_s = time.perf_counter()
    command = [sys.executable, "-m", "study.data", "sample", "pamap2", "--data-dir", str(data_dir)]
    command += ["--rows-per-subject", str(rows_per_subject)]
    subprocess.run(command, check=True)
    print(f"written in {time.perf_counter() - start_s:.1f} s")


def _measure(name: str, data_dir: Path, cache: Path) -> tuple[float, float]:
    """Run one task in a new process, and return its seconds and peak memory in GB."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "benchmarks.reading.pamap2",
            "task",
            name,
            str(data_dir),
            str(cache),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds, peak_gb = json.loads(done.stdout.splitlines()[-1])
    return seconds, peak_gb


def _show(best: dict[str, tuple[float, float]]) -> None:
    table = Table("", "best wall time, s", "highest peak memory, GB", "pandas takes, times")
    for name, (seconds, peak_gb) in best.items():
        ratio = best["pandas"][0] / seconds
        table.add_row(name, f"{seconds:.2f}", f"{peak_gb:.2f}", f"{ratio:.2f}")
    Console().print(table)
    ratio = best["pandas"][0] / best["cold"][0]
    cached_s = best["cached"][0]
    peak_gb = max(best["cold"][1], best["cached"][1])
    for goal, got, met in (
        (f"cold {LEAST_RATIO} times faster than pandas", f"{ratio:.2f}", ratio >= LEAST_RATIO),
        (f"cached under {MOST_CACHED_S} s", f"{cached_s:.2f} s", cached_s < MOST_CACHED_S),
        (f"peak under {MOST_PEAK_GB} GB", f"{peak_gb:.2f} GB", peak_gb < MOST_PEAK_GB),
    ):
        print(f"{goal}: {got}, {'met' if met else 'NOT met'}")


def _load(data_dir: Path, cache: Path) -> _Task:
    from study.data.pamap2 import load as pamap2  # noqa: PLC0415 - each task pays for its own imports only

    return lambda: pamap2.load(data_dir, cache_dir=cache)


def _pandas(data_dir: Path, _: Path, most_rows: int | None = None) -> _Task:
    import pandas as pd  # noqa: PLC0415

    def read() -> None:
        for file in sorted((data_dir / "Protocol").glob("*.dat")):
            pd.read_csv(file, sep=" ", header=None, nrows=most_rows)

    return read


def _pandas_one_thread(data_dir: Path, cache: Path) -> _Task:
    # With a limit on the rows, pandas parses in one thread.
    return _pandas(data_dir, cache, most_rows=1 << 40)


_TASKS: dict[str, Callable[[Path, Path], _Task]] = {
    "cold": _load,
    "cached": _load,
    "pandas": _pandas,
    "pandas, one thread": _pandas_one_thread,
}


def _run_task(name: str, data_dir: Path, cache: Path) -> None:
    task = _TASKS[name](data_dir, cache)
    start_s = time.perf_counter()
    task()
    seconds = time.perf_counter() - start_s
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    print(json.dumps([seconds, peak / (1e9 if platform.system() == "Darwin" else 1e9 / 1024)]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["task"]:
        _run_task(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()

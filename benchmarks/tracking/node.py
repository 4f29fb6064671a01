"""Cost of measuring a whole node (8 boards and three more sources), and latency of a window."""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TypeVar, final

from rich.console import Console
from rich.table import Table

from benchmarks.tracking.rivals import OURS, ROOT, environment, measured
from tests.fake_nvml import Boards

Row = TypeVar("Row", bound=tuple[object, ...])

GOAL_CPU_SHARE = 0.015
"""Largest share of one CPU, with 8 boards at 10 Hz and three more sources."""

GOAL_WINDOW_S = 0.001
GAP_MS = "0.08"
"""Milliseconds that a study's own loop computes between an epoch's end and getting its readings; see `latency`."""

KEEPING_MS = "19"
"""The same after the best epoch so far, whose weights (11.7 million numbers on a CPU) are copied for testing."""

CALLS = {
    "EnergyMeter itself": ("direct",),
    "in the tracker's process, by its socket": ("actor",),
    f"the same, readings taken {GAP_MS} ms later": ("actor", "--gap-ms", GAP_MS),
    f"the same, {KEEPING_MS} ms later": ("actor", "--gap-ms", KEEPING_MS),
    "in the tracker's process, through Ray": ("ray",),
    "a call of Ray's that does nothing": ("empty",),
}


@final
class _Plug(BaseHTTPRequestHandler):
    """HTTP handler of a smart plug that reports a constant power."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"power": 400.0}')

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def made_up_node(folder: Path) -> Iterator[dict[str, str]]:
    """Create a RAPL tree and a plug on loopback, and yield the environment variables that locate them."""
    for zone, name in (("intel-rapl:0", "package-0"), ("intel-rapl:0/intel-rapl:0:0", "dram")):
        (folder / zone).mkdir(parents=True)
        for file, text in (
            ("name", name),
            ("max_energy_range_uj", "262143328850"),
            ("energy_uj", "1"),
        ):
            (folder / zone / file).write_text(f"{text}\n", encoding="ascii")
    server = HTTPServer(("127.0.0.1", 0), _Plug)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        yield {"BENCHMARK_RAPL": str(folder), "BENCHMARK_PLUG": url}
    finally:
        server.shutdown()


def cpu_share(console: Console, *, learnt_s: float, epochs: int, is_whole: bool = True) -> None:
    """Print the CPU use of our tracker with 8 boards at 10 Hz.

    Args:
        console: Console to print to.
        learnt_s: Seconds that counters are followed beforehand, after which our tracker checks their refresh
            intervals less often.
        epochs: Number of epochs of 1 s; of those of 0.1 s there are ten times as many.
        is_whole: Whether to run all rows; otherwise each kind of tracker once.
    """
    table = Table(title="ours, 8 boards at 10 Hz", title_justify="left", box=None, padding=(0, 1))
    table.add_column("windows")
    table.add_column("CPU", justify="right")
    rows = {
        "sampling alone, first seconds (learns the refreshes)": ("ours-sampling", 1.0, 0.0),
        f"sampling alone, after {learnt_s:g} s": ("ours-sampling", 1.0, learnt_s / 2),
        "the same and RAPL, a plug, an estimate": ("ours-whole-node", 1.0, learnt_s / 2),
        f"1.0 s windows on all 8, after {learnt_s:g} s": (OURS, 1.0, learnt_s / 2),
        f"0.1 s windows on all 8, after {learnt_s:g} s": (OURS, 0.1, learnt_s / 2),
    }
    with tempfile.TemporaryDirectory() as folder, made_up_node(Path(folder)) as places:
        for name, (tracker, length_s, settle_s) in chosen(rows, is_whole=is_whole).items():
            schedule = ((length_s, round(epochs / length_s)),)
            (outcome,) = measured(
                tracker, Boards(boards=8), schedule, settle_s=settle_s, also=places
            )
            mark = "" if outcome.cpu_share <= GOAL_CPU_SHARE else " ✗"
            table.add_row(name, f"{100 * outcome.cpu_share:.2g} %{mark}")
    console.print(table, "", highlight=False)


def chosen(rows: Mapping[str, Row], *, is_whole: bool) -> Mapping[str, Row]:
    """Return all rows of a table, or only the last of each kind, which is a row's first item."""
    kinds = {row[0]: title for title, row in rows.items()}
    return {title: row for title, row in rows.items() if is_whole or kinds[row[0]] == title}


def latency(windows: int, console: Console, *, is_whole: bool = True) -> None:
    """Print for how long a window delays a training.

    The lower quartile beside the median distinguishes a busy machine from a slow tracker.

    Args:
        windows: Number of windows that are timed.
        console: Console to print to.
        is_whole: Whether to run all rows; otherwise each kind of call once.
    """
    table = Table(title="a window, median", title_justify="left", box=None, padding=(0, 1))
    for name in ("", "opening", "closing", "readings", "all", "all, lowest quarter"):
        table.add_column(name, justify="left" if not name else "right")
    for title, call in chosen(CALLS, is_whole=is_whole).items():
        command = [sys.executable, "-m", "benchmarks.tracking.latency", *call]
        done = subprocess.run(
            [*command, "--windows", str(windows)],
            cwd=ROOT,
            env=environment(Boards()),
            capture_output=True,
            text=True,
            check=True,
        )
        reported = json.loads(done.stdout.strip().splitlines()[-1])
        quarter, whole, _ = statistics.quantiles(
            map(sum, zip(*reported.values(), strict=True)), n=4
        )
        is_missed = call[0] in {"direct", "actor"} and whole > GOAL_WINDOW_S
        table.add_row(
            title,
            *(f"{1000 * statistics.median(each):.2f} ms" for each in reported.values()),
            f"{1000 * whole:.2f} ms{' ✗' if is_missed else ''}",
            f"{1000 * quarter:.2f} ms",
        )
    console.print(table, highlight=False)

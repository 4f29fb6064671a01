"""Cost of our tracker compared with that of an earlier commit, in one run.

    python -m benchmarks.tracking.against COMMIT [--pairs 6]

The two alternate, so that other load on the machine affects both; printed are the median of each and the ratios
of the pairs. CPU is that of the tracker's process, in % of a core. The time of a window is how long a trial waits
for opening it, closing it and getting its readings, which it asks for at once or after what a study's own loop
computes in between; for a window that nobody reads, such as that over a set-up, it is opening and closing. What
the commit does not support is left out. The commit is checked out with `git worktree` into a temporary folder,
which is removed afterwards.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from benchmarks.tracking.node import GAP_MS, KEEPING_MS, made_up_node
from benchmarks.tracking.rivals import ROOT, environment
from tests.fake_nvml import Boards


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Size of the comparison.

    Attributes:
        commit: The earlier commit, as git names it.
        pairs: Number of runs of each.
        settle_s: Seconds a tracker runs before its CPU time counts, in which it learns the boards' refresh intervals.
        seconds: Seconds for which its CPU time counts.
        windows: Number of windows in a run.
        only: Names of what to compare; left out: everything.
    """

    commit: tyro.conf.Positional[str]
    pairs: int = 6
    settle_s: float = 8.0
    seconds: int = 10
    windows: int = 100
    only: tuple[str, ...] = ()


CPU = {
    "8 boards": ("ours-sampling", 1.0),
    "8 boards and three more sources": ("ours-whole-node", 1.0),
    "8 boards, windows of 1 s": ("ours", 1.0),
    "8 boards, windows of 0.1 s": ("ours", 0.1),
}
UNREAD = "a window that nobody reads"
WINDOWS = {
    "a window, own process": ("direct", "0"),
    "a window, tracker's process": ("actor", "0"),
    "a window, as a study takes it": ("actor", GAP_MS),
    "the same, weights kept before": ("actor", KEEPING_MS),
    UNREAD: ("actor", "0"),
}
"""Way of `latency` for each, and milliseconds between closing a window and getting its readings."""


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """Check out a commit into a temporary worktree, and yield its folder."""
    git = ("git", "-C", str(ROOT), "worktree")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "before"
        subprocess.run([*git, "add", "--quiet", "--detach", str(folder), commit], check=True)
        try:
            yield folder
        finally:
            subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def cpu_share(
    checkout: Path, tracker: str, length_s: float, options: Options, also: Mapping[str, str]
) -> float | None:
    """Return the CPU time of a checkout's tracker, in % of a core."""
    # Run this checkout's benchmark by its path, so that it imports the packages of the other checkout.
    command = [str(Path(__file__).with_name("child.py")), tracker]
    command += ["--settle", str(options.settle_s / 2)]
    command += ["--epochs", f"{length_s}:{round(options.seconds / length_s)}"]
    reported = _json(checkout, command, Boards(boards=8), also)
    return None if reported is None else 100 * float(reported[0]["cpu_share"])


def window_ms(checkout: Path, name: str, options: Options) -> float | None:
    """Return the median time that a trial waits for a window, in milliseconds; None if not supported."""
    was = (checkout / "benchmarks" / "tracker_latency.py").exists()
    module = "benchmarks.tracker_latency" if was else "benchmarks.tracking.latency"
    way, gap_ms = WINDOWS[name]
    command = ["-m", module, way, "--windows", str(options.windows)]
    source = (checkout / module.replace(".", "/")).with_suffix(".py")
    if "--gap-ms" in source.read_text(encoding="utf-8"):
        command += ["--gap-ms", gap_ms]  # in older commits, closing a window returns its readings
    reported = _json(checkout, command, Boards(), {})
    if reported is None:
        return None
    if name == UNREAD:
        reported.pop("reading_s", None)
    return 1000 * statistics.median(map(sum, zip(*reported.values(), strict=True)))


def _json(checkout: Path, command: list[str], boards: Boards, also: Mapping[str, str]) -> Any:  # noqa: ANN401 - as the benchmark prints it
    done = subprocess.run(
        [sys.executable, *command],
        cwd=checkout,
        env={**environment(boards), **also, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        print(f"  {checkout.name}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    return json.loads(lines[-1])


def main() -> None:
    """Compare this checkout with an earlier commit."""
    options = tyro.cli(Options, description=__doc__)
    with (
        checked_out(options.commit) as before,
        tempfile.TemporaryDirectory() as folder,
        made_up_node(Path(folder)) as places,
    ):
        for name in options.only or (*CPU, *WINDOWS):
            pairs: list[tuple[float, float]] = []
            for _ in range(options.pairs):
                reported = [
                    cpu_share(each, *CPU[name], options, places)
                    if name in CPU
                    else window_ms(each, name, options)
                    for each in (before, ROOT)
                ]
                if None in reported:
                    break
                pairs.append((reported[0] or 0.0, reported[1] or 0.0))
            _print(name, pairs)


def _print(name: str, pairs: list[tuple[float, float]]) -> None:
    if not pairs:
        print(f"{name:36} not known before", flush=True)
        return
    was, now = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratios = sorted(after / before for before, after in pairs)
    unit = "%" if name in CPU else "ms"
    print(
        f"{name:36} {was:.2f} -> {now:.2f} {unit}; ratio {statistics.median(ratios):.2f} "
        f"({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(pairs)} pairs)",
        flush=True,
    )


if __name__ == "__main__":
    main()

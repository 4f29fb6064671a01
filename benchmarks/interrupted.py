"""Fault injection at random moments of smoke studies: is the folder readable, and does the study resume?

    python -m benchmarks.interrupted [RUNS] [SEED]        20 runs; takes half an hour

Faults are Ctrl-C once and twice, SIGHUP, SIGKILL, starting the same command and `--resume` while the
study runs, and storage that disappears and comes back after the study's end. Each is injected some time after
a line that the study prints, so that every part of a study is hit on slow and on fast machines. Signals go to
the study's process group, as from a terminal, but SIGKILL to the study alone. No process that the study started
may be left over.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil

from study.machines.local.guardian import MARK
from study.record.rescue import rescued

ROOT = Path(__file__).parent.parent
FINISHED = 0
INTERRUPTED = {130, -signal.SIGINT}
"""Statuses after Ctrl-C; the negative one comes before the program is loaded, and a shell reports both as 130."""

REFUSED = 2
KILLED = -signal.SIGKILL

FAULTS = {
    "Ctrl-C": {FINISHED, *INTERRUPTED},
    "Ctrl-C twice": {FINISHED, *INTERRUPTED},
    "SIGHUP": {FINISHED, *INTERRUPTED, -signal.SIGHUP},
    "SIGKILL": {FINISHED, KILLED},
    "double start": {FINISHED},
    "storage away": {FINISHED, REFUSED, *INTERRUPTED},
}
"""Faults by name, and the exit statuses that the study may end with."""

GONE_WITHIN_S = 10.0
"""Longest time that processes started by a study may outlive it."""

LINES = ("", "study", "starting Ray", "watch", "[1/4]", "[2/4]", "[3/4]")
"""Beginnings of lines that a study prints; the last appears a second before its end."""

LONGEST_S = 4.0
KEPT = ["trial_id", "attempts", "epochs", "energy_j", "best_val_score"]


def command(results: str, *more: str) -> list[str]:
    """Return the command of the smoke study, with a checkpoint after each of its short epochs."""
    smoke = ("--smoke", "--checkpoint-every-s", "0", "--results-dir", results, "--name", "a")
    return [sys.executable, "-m", "study.regime", *smoke, *more]


def interrupted_by(
    fault: str, results: str, ray: str, line: str, after_s: float
) -> tuple[int, str]:
    """Start a study and inject a fault some seconds after the line that begins with `line`.

    Returns:
        The exit status, and what went wrong already; empty if nothing.
    """
    process = subprocess.Popen(
        command(results),
        cwd=ROOT,
        env={**os.environ, "RAY_TMPDIR": ray},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    if line:
        next(
            (printed for printed in process.stdout or () if printed.strip().startswith(line)), None
        )
    # Nobody reads on: the rest of the output fits into the pipe.
    try:
        return process.wait(timeout=after_s), ""
    except subprocess.TimeoutExpired:
        wrong = _inject(fault, process, results)
    status = process.wait(timeout=600)
    _put_back(Path(results))
    return status, wrong


def _inject(fault: str, process: "subprocess.Popen[str]", results: str) -> str:
    """Inject a fault; return what went wrong already, empty if nothing."""
    if fault == "SIGKILL":
        process.kill()
    elif fault == "SIGHUP":
        os.killpg(process.pid, signal.SIGHUP)
    elif fault == "double start":
        more = [("--resume",)] if (Path(results) / "a" / "study.json").exists() else [()]
        ended = [
            subprocess.run(command(results, *each), cwd=ROOT, capture_output=True, check=False)
            for each in ((), *more)
        ]
        ran = process.poll() is None
        if ran and any(each.returncode != REFUSED for each in ended):
            return f"a second command ended with {[each.returncode for each in ended]}"
    else:
        if fault == "storage away" and (Path(results) / "a" / "study.json").exists():
            (Path(results) / "a").rename(Path(results) / "away")
            (Path(results) / "a").write_text("in the way")
        os.killpg(process.pid, signal.SIGINT)
        if fault == "Ctrl-C twice":
            time.sleep(0.3)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
    return ""


def _put_back(results: Path) -> None:
    """Bring the storage back, if it was taken away."""
    if (results / "away").exists():
        (results / "a").unlink(missing_ok=True)
        (results / "away").rename(results / "a")


def left_of(ray: str) -> list[str]:
    """Return the commands of processes of the study's Ray that are still there after `GONE_WITHIN_S`."""
    until_s = time.monotonic() + GONE_WITHIN_S
    while True:
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK, "").startswith(f"{ray}/"):
                    found.append(" ".join(process.cmdline()))
        if not found or time.monotonic() > until_s:
            return found
        time.sleep(0.2)


def finished(results: str) -> pd.DataFrame:
    """Return the finished trials in the study's folder; none if the study did not begin."""
    table = Path(results) / "a" / "trials.parquet"
    if not table.exists():
        return pd.DataFrame(columns=KEPT)
    trials = pd.read_parquet(table)
    return trials[trials["status"] == "finished"][KEPT].sort_values("trial_id")


def ended(results: str) -> pd.DataFrame:
    """Return the finished trials, including those rescued because the storage could not be written."""
    found = [finished(results)]
    for place in rescued(str((Path(results) / "a").resolve())):
        trials = pd.read_parquet(place / "trials.parquet")
        found.append(trials[trials["status"] == "finished"][KEPT])
    both = pd.concat(found).drop_duplicates("trial_id", keep="last")
    return both.sort_values("trial_id")


def one(fault: str, line: str, after_s: float) -> str:
    """Inject a fault into a study, resume it, and return the findings in words, ending in `ok` if all is well."""
    with tempfile.TemporaryDirectory() as results, tempfile.TemporaryDirectory(prefix="r") as ray:
        status, wrong_already = interrupted_by(fault, results, ray, line, after_s)
        left = left_of(ray)
        begun = (Path(results) / "a" / "study.json").exists()
        before = ended(results)
        more = ("--resume",) if begun else ()
        again = subprocess.run(
            command(results, *more), cwd=ROOT, capture_output=True, text=True, check=False
        )
        after = finished(results)
        epochs = pd.read_parquet(Path(results) / "a" / "epochs.parquet")
    kept = after[after["trial_id"].isin(before["trial_id"])]
    same = before.reset_index(drop=True).equals(kept.reset_index(drop=True)) or before.empty
    twice = epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()
    summary = f"status {status}, {len(before)} of {len(after)} trials had ended"
    checks = {
        "exit status": status not in FAULTS[fault],
        wrong_already: bool(wrong_already),
        f"processes left: {left}": bool(left),
        f"resume: {again.stderr[-500:]}": again.returncode != FINISHED,
        "not all trials finished": len(after) != 4,  # noqa: PLR2004 - the smoke study's
        "ended trials have changed": not same,
        "an epoch has two rows": bool(twice),
    }
    wrong = [name for name, is_wrong in checks.items() if is_wrong]
    return f"{summary}: {'; '.join(wrong) if wrong else 'ok'}"


def main() -> int:
    """Run as many studies as asked for, each with a fault; return 1 if any went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    asked = parser.parse_args()
    # A process started in the background ignores SIGINT, which the studies would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw = random.Random(asked.seed)  # noqa: S311 - a moment, not a secret
    bad = 0
    for number in range(1, asked.runs + 1):
        fault = list(FAULTS)[number % len(FAULTS)]
        line, after_s = draw.choice(LINES), draw.uniform(0.0, LONGEST_S)
        outcome = one(fault, line, after_s)
        bad += not outcome.endswith(": ok")
        where = f"{after_s:.1f} s after {line or 'the start'!r}"
        print(f"run {number:2}: {fault} {where}: {outcome}", flush=True)
    print(f"{asked.runs - bad} of {asked.runs} runs ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

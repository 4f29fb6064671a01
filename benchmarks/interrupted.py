"""Ctrl-C at random moments: does each smoke study leave a readable folder and go on as it should?

    python -m benchmarks.interrupted [RUNS] [SEED]        20 runs; takes a quarter of an hour

The signal goes to all processes of the study's group, as a terminal sends it, and some moments after a
line that the study prints, so that every part of a study is met on slow machines and on fast ones.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent.parent
FINISHED = 0
INTERRUPTED = {130, -signal.SIGINT}
"""The second before the program is loaded; a shell calls both 130."""

LINES = ("", "study", "starting Ray", "watch", "[1/4]", "[2/4]", "[3/4]")
"""Of what a study prints; the last comes a second before its end."""

LONGEST_S = 4.0
KEPT = ["trial_id", "attempts", "epochs", "energy_j", "best_val_score"]


def command(results: str, *more: str) -> list[str]:
    """The smoke study, with a checkpoint after each of its short epochs."""
    smoke = ("--smoke", "--checkpoint-every-s", "0", "--results-dir", results, "--name", "a")
    return [sys.executable, "-m", "study.regime", *smoke, *more]


def interrupted(results: str, line: str, after_s: float) -> int:
    """Interrupt a run so many seconds after a line that begins so; its exit status."""
    process = subprocess.Popen(
        command(results),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    if line:
        next((said for said in process.stdout or () if said.strip().startswith(line)), None)
    # What it says from now on fits into the pipe.
    try:
        return process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        return process.wait(timeout=600)


def finished(results: str) -> pd.DataFrame:
    """The trials that have ended; none where the study was not begun."""
    table = Path(results) / "a" / "trials.parquet"
    if not table.exists():
        return pd.DataFrame(columns=KEPT)
    trials = pd.read_parquet(table)
    return trials[trials["status"] == "finished"][KEPT].sort_values("trial_id")


def one(line: str, after_s: float) -> str:
    """Interrupt a study and go on with it; what was found.

    Raises:
        AssertionError: Something was lost.
    """
    with tempfile.TemporaryDirectory() as results:
        status = interrupted(results, line, after_s)
        begun = (Path(results) / "a" / "study.json").exists()
        before = finished(results)
        more = ("--resume",) if begun else ()
        again = subprocess.run(
            command(results, *more), cwd=ROOT, capture_output=True, text=True, check=False
        )
        after = finished(results)
        epochs = pd.read_parquet(Path(results) / "a" / "epochs.parquet")
    kept = after[after["trial_id"].isin(before["trial_id"])]
    same = before.reset_index(drop=True).equals(kept.reset_index(drop=True)) or before.empty
    twice = epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).any()
    said = f"status {status}, {len(before)} of {len(after)} trials had ended"
    faults = {
        "exit status": status not in {FINISHED, *INTERRUPTED},
        f"resume: {again.stderr[-500:]}": again.returncode != FINISHED,
        "not all trials finished": len(after) != 4,  # noqa: PLR2004 - the smoke study's
        "ended trials have changed": not same,
        "an epoch has two rows": bool(twice),
    }
    wrong = [name for name, is_wrong in faults.items() if is_wrong]
    return f"{said}: {'; '.join(wrong) if wrong else 'ok'}"


def main() -> int:
    """Interrupt as many runs as asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="?", type=int, default=20)
    parser.add_argument("seed", nargs="?", type=int, default=0)
    asked = parser.parse_args()
    # Started in the background, this process ignores Ctrl-C, and a study would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    draw = random.Random(asked.seed)  # noqa: S311 - a moment, not a secret
    bad = 0
    for number in range(1, asked.runs + 1):
        line, after_s = draw.choice(LINES), draw.uniform(0.0, LONGEST_S)
        said = one(line, after_s)
        bad += not said.endswith(": ok")
        where = f"{after_s:.1f} s after {line or 'the start'!r}"
        print(f"run {number:2}: Ctrl-C {where}: {said}", flush=True)
    print(f"{asked.runs - bad} of {asked.runs} runs ok")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

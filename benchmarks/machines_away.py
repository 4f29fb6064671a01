"""Fault injection in a cluster: a machine that is partitioned and returns, and one that fails every trial.

    python -m benchmarks.machines_away partition
    python -m benchmarks.machines_away quarantine        two minutes each

`partition` freezes one machine of a simulated cluster, with all its processes, for 60 s in the middle of a trial
and then lets it go on; `quarantine` adds a machine on which every trial fails at once. In the end all trials must
have each of their epochs exactly once, with its energy, and the processes of the frozen machine must have ended.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import ray

from analysis.read.counted import counted_epochs
from tests.cluster.machines import Driver, Machines, driver, raylet_of
from tests.end_to_end.held import SICK

CUT_OFF_S = 60.0
GONE_WITHIN_S = 30.0
THEIRS = "Agent"
"""Word in the commands of Ray's own agents, which the study need not end."""

EPOCHS = 6
RATES = ("0.1", "0.01", "0.001", "0.0001", "0.0002")
OPTIONS = (
    *("--batch-sizes", "128", "--learning-rates", *RATES),
    *("--max-epochs", str(EPOCHS), "--patience", str(EPOCHS), "--checkpoint-every-s", "0"),
)


def partition(machines: Machines, study: Driver) -> list[str]:
    """Freeze a machine for a minute, and return the commands of its processes that are left at the end."""
    gone = max(machines.cluster.worker_nodes, key=raylet_of)
    machines.a_trial_on(gone, study.folder.name)
    raylet = psutil.Process(raylet_of(gone))
    frozen = [raylet, *raylet.children(recursive=True)]
    names = {each.pid: " ".join(each.cmdline())[:80] for each in frozen}
    for each in frozen:
        each.suspend()
    machines.gate.open()
    time.sleep(CUT_OFF_S)
    for each in frozen:
        with suppress(psutil.NoSuchProcess):
            each.resume()
    study.ends()
    _, left = psutil.wait_procs(frozen, timeout=GONE_WITHIN_S)
    machines.cluster.remove_node(gone, allow_graceful=False)
    return [names[each.pid] for each in left if _runs(each) and THEIRS not in names[each.pid]]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def quarantine(machines: Machines, study: Driver) -> list[str]:
    """Run the study with a machine on which every trial fails; return what is wrong with its messages."""
    study.until("quarantine:")
    machines.gate.open()
    study.ends()
    messages = sum(line.startswith("quarantine:") for line in study.lines)
    return [] if messages == 1 else [f"{messages} messages of quarantine"]


def one(fault: Callable[[Machines, Driver], list[str]], folder: Path) -> str:
    """Inject a fault into a study, and return the findings in words, ending in `ok` if all is well."""
    machines = Machines(folder)
    machines.add()
    if fault is quarantine:
        machines.add(**{SICK: "1"})
    # Held from the first epoch: a sick machine fails three trials before the others finish theirs.
    machines.gate.hold(after=0 if fault is quarantine else 2)
    try:
        with driver(machines, folder, "a", *OPTIONS) as study:
            left = fault(machines, study)
            status = study.process.wait()
    finally:
        machines.cluster.shutdown()  # type: ignore[no-untyped-call]
        ray.shutdown()
    trials, epochs = (
        pd.read_parquet(study.folder / f"{name}.parquet") for name in ("trials", "epochs")
    )
    counted = counted_epochs(epochs)
    rows, expected = len(counted), len(RATES) * EPOCHS
    missing = int(counted["epoch_energy_j"].isna().sum())
    twice = int(epochs.duplicated(["trial_id", "attempt", "stage", "epoch"]).sum())
    fine = not (status or left or missing or twice) and rows == expected
    return (
        f"status {status}, {(trials['status'] == 'finished').sum()} of {len(RATES)} trials finished, "
        f"{int(trials['attempts'].sum())} attempts, {expected - rows} rows lost, {missing} without energy, {twice} twice; wasted "
        f"{trials['wasted_energy_j'].sum():.0f} J; left {left}: {'ok' if fine else 'WRONG'}"
    )


def main() -> int:
    """Inject the fault that the command line names, and return the exit status."""
    faults = {each.__name__: each for each in (partition, quarantine)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("fault", choices=tuple(faults))
    fault = faults[parser.parse_args().fault]
    with tempfile.TemporaryDirectory() as folder:
        outcome = one(fault, Path(folder))
    print(f"{fault.__name__}: {outcome}", flush=True)
    return 0 if outcome.endswith(": ok") else 1


if __name__ == "__main__":
    sys.exit(main())

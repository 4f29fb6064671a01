"""A Ray cluster of one machine with made-up sensors, and studies of two simultaneous trials, one per board.

The environment variable HANG_S is about how long a board hangs, in seconds.
"""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import ray.cluster_utils

from analysis.read.load import load_windows
from study.command.running import main
from study.regime import DESIGN
from tests.cluster.node_keywords import LEAN
from tests.end_to_end.conftest import BARE
from tests.end_to_end.held import Gate
from tests.fake_nvml import UUIDS, Boards
from tests.trackers.made_up_machine import Machine, made_up
from tests.waiting import waited_for

OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1"),
    *("--batch-sizes", "64", "--learning-rates", "0.001", "0.0001", *BARE),
)
TRIES = 2
"""Runs of a study: on a machine too busy to read each sensor in time, it is run again."""

HANG_S = float(os.environ.get("HANG_S", "3"))
EPOCH_S = 0.7
AROUND = 2
"""Epochs before the hang, and again after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpCluster:
    """A Ray cluster on a made-up machine.

    Attributes:
        machine: The machine, on whose boards the trials run.
        gate: Limits how far trainings may go.
        address: Ray's address.
        folder: Results folder of the studies.
    """

    machine: Machine
    gate: Gate
    address: str
    folder: Path

    def both_wait_in(self, epoch: int) -> None:
        """Wait until both trials are held by the gate in this epoch."""
        waited_for(lambda: self.gate.waiting_in(epoch) == 2, f"both trials in epoch {epoch}")

    def study(
        self,
        name: str,
        *options: str,
        epochs: int,
        meanwhile: Callable[[], None],
        is_well: Callable[[Path], bool],
    ) -> Path:
        """Run a study, and once more if its results cannot be used; return its folder.

        Args:
            name: Name of the study.
            options: Options of the command beside those of size and place.
            epochs: Epochs of each trial.
            meanwhile: Called in a thread while the study runs; the gate is then closed before the first epoch.
            is_well: Returns whether the results in a study's folder can be used by the tests.
        """
        size = ("--max-epochs", str(epochs), "--patience", str(epochs))
        place = ("--results-dir", str(self.folder), "--name", name, "--address", self.address)
        folder = self.folder / name
        for _ in range(TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            self.gate.hold(after=0)
            beside = threading.Thread(target=meanwhile, daemon=True)
            beside.start()
            args = [*OPTIONS, *size, *place, *options]
            assert main(DESIGN, program="study.regime", description="", args=args) == 0
            beside.join()
            if is_well(folder):
                break
        return folder


@contextmanager
def made_up_cluster(folder: Path, boards: Boards) -> Iterator[MadeUpCluster]:
    """Start a Ray cluster whose only machine has made-up sensors."""
    gate = Gate(folder / "gate")
    with made_up(folder, boards) as machine:
        cluster = ray.cluster_utils.Cluster()
        environment = {**machine.environment, **gate.environment}
        cluster.add_node(num_cpus=2, num_gpus=2, **LEAN, env_vars=environment)
        try:
            yield MadeUpCluster(machine=machine, gate=gate, address=cluster.address, folder=folder)
        finally:
            cluster.shutdown()  # type: ignore[no-untyped-call]


def stop_s(windows: pd.DataFrame) -> "pd.Series[float]":
    """Ends of windows, on the machine's monotonic clock."""
    return windows["start_s"] + windows["duration_s"]


def of_boards_j(boards: Boards, windows: pd.DataFrame) -> list[float]:
    """True energies of the windows' boards in these windows."""
    edges = zip(windows["device_uuid"], windows["start_s"], stop_s(windows), strict=True)
    return [boards.energy_j(UUIDS.index(uuid), *edge) for uuid, *edge in edges]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A study in the middle of which a board hung, and its epochs.

    Attributes:
        folder: Folder of the study.
        epochs: Rows of the study's epochs, with their windows' edges (`start_s`, `stop_s`) and notes, the true
            energy of the board (`truth_j`), and whether the whole window lies within the hang (`in_hang`).
    """

    folder: Path
    epochs: pd.DataFrame

    def of_board(self, board: int) -> pd.DataFrame:
        """Epochs of the trial that had this board, in order."""
        return self.epochs[self.epochs["device_uuid"] == UUIDS[board]].sort_values("epoch")


def study_with_a_hang(cluster: MadeUpCluster, *options: str) -> Hung:
    """Run a study during which the boards' `hang_board` hangs while both trials train about `HANG_S` of epochs."""
    file = Path(cluster.machine.boards.hang_while)
    resumes_in = AROUND + max(3, round(HANG_S / EPOCH_S)) + 1
    hang: list[float] = []

    def hang_in_the_middle() -> None:
        cluster.gate.hold(after=AROUND)
        cluster.both_wait_in(AROUND + 1)
        file.touch()
        hang[:] = [time.monotonic()]
        cluster.gate.hold(after=resumes_in - 1)
        cluster.both_wait_in(resumes_in)
        hang.append(time.monotonic())
        file.unlink()
        cluster.gate.open()

    folder = cluster.study(
        "hung",
        *options,
        epochs=resumes_in - 1 + AROUND,
        meanwhile=hang_in_the_middle,
        is_well=lambda _: True,
    )
    return Hung(folder=folder, epochs=_epochs(folder, cluster.machine.boards, *hang))


def _epochs(folder: Path, boards: Boards, hang_from_s: float, hang_until_s: float) -> pd.DataFrame:
    """Epochs of a study joined with the windows that the trackers booked for their boards; see `Hung`."""
    windows, key = load_windows(folder), ["trial_id", "stage", "epoch"]
    assert windows is not None
    booked = windows[(windows["component"] == "gpu") & (windows["epoch"] > 0)]
    booked = booked.assign(stop_s=stop_s(booked), truth_j=of_boards_j(boards, booked))
    rows = pd.read_parquet(folder / "epochs.parquet").drop(columns=["note"], errors="ignore")
    of_window = ["start_s", "stop_s", "truth_j", "note"]
    epochs = rows.merge(booked[[*key, *of_window]], on=key, validate="one_to_one")
    within = (epochs["start_s"] > hang_from_s) & (epochs["stop_s"] < hang_until_s)
    return epochs.assign(in_hang=within)

"""A Ray whose one machine is made up, and studies of two trials on it, a board each, side by side.

HANG_S in the environment is how many seconds' epochs are trained while a board hangs.
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
"""A machine too busy to ask each sensor in time says so, and the study is run again."""


HANG_S = float(os.environ.get("HANG_S", "3"))
EPOCH_S = 0.7
AROUND = 2
"""Epochs before a board hangs, and after."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpCluster:
    """A Ray on a made-up machine.

    Attributes:
        machine: The machine; its boards are the trials'.
        gate: How far trainings may go.
        address: Ray's.
        folder: Studies go into it.
    """

    machine: Machine
    gate: Gate
    address: str
    folder: Path

    def both_wait_in(self, epoch: int) -> None:
        """Wait until both trials have come to an epoch that they may not train yet."""
        waited_for(lambda: self.gate.waiting_in(epoch) == 2, f"both trials in epoch {epoch}")

    def study(
        self,
        name: str,
        *options: str,
        epochs: int,
        meanwhile: Callable[[], None],
        is_well: Callable[[Path], bool],
    ) -> Path:
        """Run a study, and once more where that did not go well; its folder.

        Args:
            name: The study's.
            options: Of the command, beside those of size and place.
            epochs: Of each trial.
            meanwhile: Done in a thread of its own while it runs. The gate is closed before the first epoch.
            is_well: Whether a study's folder has what is to be looked at.
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
    """Start a Ray whose only machine sees made-up sensors."""
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
    """When windows ended, on the machine's monotonic clock."""
    return windows["start_s"] + windows["duration_s"]


def of_boards_j(boards: Boards, windows: pd.DataFrame) -> list[float]:
    """What the boards of windows truly used in them."""
    edges = zip(windows["device_uuid"], windows["start_s"], stop_s(windows), strict=True)
    return [boards.energy_j(UUIDS.index(uuid), *edge) for uuid, *edge in edges]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hung:
    """A study in whose middle a board hung, and what each trial's epochs came to.

    Attributes:
        folder: The study's.
        epochs: What the trials recorded of their epochs; with the window's edges, its note, what the board
            truly used, and whether all of the window lies within the hang.
    """

    folder: Path
    epochs: pd.DataFrame

    def of_board(self, board: int) -> pd.DataFrame:
        """The epochs of the trial that had a board, in order."""
        return self.epochs[self.epochs["device_uuid"] == UUIDS[board]].sort_values("epoch")


def study_with_a_hang(cluster: MadeUpCluster, *options: str) -> Hung:
    """Run a study whose `hang_board` hangs while both trials train on, for as long as that takes them."""
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
    """The epochs of a study with what the trackers booked of their boards; see `Hung`."""
    windows, key = load_windows(folder), ["trial_id", "stage", "epoch"]
    assert windows is not None
    booked = windows[(windows["component"] == "gpu") & (windows["epoch"] > 0)]
    booked = booked.assign(stop_s=stop_s(booked), truth_j=of_boards_j(boards, booked))
    told = pd.read_parquet(folder / "epochs.parquet").drop(columns=["note"], errors="ignore")
    known = ["start_s", "stop_s", "truth_j", "note"]
    epochs = told.merge(booked[[*key, *known]], on=key, validate="one_to_one")
    within = (epochs["start_s"] > hang_from_s) & (epochs["stop_s"] < hang_until_s)
    return epochs.assign(in_hang=within)

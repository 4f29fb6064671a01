"""A cluster of simulated machines on this one, and the studies that run on it.

Each machine is a separate raylet with one emulated board.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

import psutil
from ray.cluster_utils import Cluster

from tests.cluster.node_keywords import LEAN
from tests.end_to_end.conftest import BARE, ROOT, command
from tests.end_to_end.held import Gate
from tests.fake_nvml import Boards, build
from tests.waiting import PATIENCE_S, waited_for

BOARDS = Boards(boards=4, low_w=240.0)
"""Power varies so little that a tracker delayed at a window's edge on a busy machine stays within the
tolerance; two boards differ by more than the tolerance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A running trial.

    Attributes:
        trial_id: The trial.
        epochs: Number of epochs that it has reported.
        pid: Its process.
        raylet: The process of its machine's raylet.
    """

    trial_id: str
    epochs: int
    pid: int
    raylet: int


@final
class Machines:
    """The machines of the cluster; the first is the head node.

    Attributes:
        cluster: Ray's handle of the cluster.
        head: The first machine.
        gate: Holds back the trainings of all studies on these machines.
    """

    def __init__(self, folder: Path) -> None:
        """Start one machine, with board 0; the emulated driver and the gate are in `folder`."""
        self._environment = BOARDS.environment(build(folder / "boards"))
        self.gate = Gate(folder / "gate")
        self._boards = 0
        self.cluster = Cluster()
        self.head = self.add()

    def add(self, **more: str) -> Any:  # noqa: ANN401 - Ray's Node
        """Add a machine with the next board and with `more` in its environment."""
        board = str(self._boards)
        self._boards += 1
        return self.cluster.add_node(
            num_cpus=1,
            num_gpus=1,
            **LEAN,
            env_vars={
                **{
                    k: v for k, v in self._environment.items() if "NVML" in k or k.startswith("LD_")
                },
                **self.gate.environment,
                **more,
                "CUDA_VISIBLE_DEVICES": board,
            },
        )

    def remove(self, node: Any) -> None:  # noqa: ANN401 - Ray's Node
        """Switch a machine off without a graceful shutdown."""
        self.cluster.remove_node(node, allow_graceful=False)

    def trials(self, study: str) -> list[Trial]:
        """Running trials of a study that have reported at least one epoch."""
        session = Path(self.head.get_session_dir_path())
        found = []
        for results in session.glob(f"artifacts/*/{study}/driver_artifacts/*/result.json"):
            lines = [json.loads(line) for line in results.read_text().splitlines() if line]
            if not lines or lines[-1]["stop_reason"] is not None:
                continue
            with suppress(psutil.Error):
                process = psutil.Process(lines[-1]["pid"])
                trial_id = lines[-1]["config"]["trial_id"]
                found.append(
                    Trial(
                        trial_id=trial_id,
                        epochs=len(lines),
                        pid=process.pid,
                        raylet=process.ppid(),
                    )
                )
        return found

    def a_trial_on(self, node: Any, study: str) -> Trial:  # noqa: ANN401 - Ray's Node
        """Wait for a trial that runs on this machine and has reported an epoch; return it."""
        raylet = raylet_of(node)
        return waited_for(
            lambda: next((each for each in self.trials(study) if each.raylet == raylet), None),
            f"a trial of {study} on that machine",
        )

    def tracker_on(self, node: Any) -> psutil.Process:  # noqa: ANN401 - Ray's Node
        """Process of a machine's tracker."""
        workers = psutil.Process(raylet_of(node)).children()
        return next(
            each for each in workers if re.match(r"ray::Tracker\b", " ".join(each.cmdline()))
        )


def raylet_of(node: Any) -> int:  # noqa: ANN401 - Ray's Node
    """Process ID of a machine's raylet."""
    pid: int = node.all_processes["raylet"][0].process.pid
    return pid


@dataclass(slots=True)
class Driver:
    """A running study command, and the lines it has printed."""

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def until(self, pattern: str) -> str:
        """Read output until a line matches the pattern at its start; return that line."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if re.match(pattern, line):
                return line
        message = f"no line {pattern!r} in:\n{''.join(self.lines)}"
        raise AssertionError(message)

    def ends(self) -> int:
        """Wait for the command to end by itself; return its exit status."""
        assert self.process.stdout is not None
        self.lines += self.process.stdout
        return self.process.wait(timeout=PATIENCE_S)


@contextmanager
def driver(machines: Machines, results: Path, name: str, *options: str) -> Iterator[Driver]:
    """Run a study of small trainings on the cluster; the machines' gate holds them back."""
    process = subprocess.Popen(
        command(
            *("--address", machines.cluster.address, "--scenario", HELD, "--repeats", "1"),
            *("--results-dir", str(results), "--name", name, "--tracker", "nvml", *BARE, *options),
        ),
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield Driver(process=process, folder=results / name)
    finally:
        process.kill()
        process.wait()


HELD = "tests.end_to_end.held:Held"

"""A cluster of pretended machines on this one, and the studies that run on it.

Each machine is a raylet of its own, with one emulated board.
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
"""Flat enough that a tracker which a busy machine keeps waiting at a window's edge is no error; two
boards differ by more than what is allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that runs.

    Attributes:
        trial_id: The trial.
        epochs: Number of epochs that it has reported.
        pid: Its process.
        raylet: The process of its machine.
    """

    trial_id: str
    epochs: int
    pid: int
    raylet: int


@final
class Machines:
    """The machines; the first is the head.

    Attributes:
        cluster: Ray's own view of them.
        head: The first.
        gate: What holds the trainings of all studies on them.
    """

    def __init__(self, folder: Path) -> None:
        """One machine, with board 0; the emulated boards' driver and the gate are in `folder`."""
        self._environment = BOARDS.environment(build(folder / "boards"))
        self.gate = Gate(folder / "gate")
        self._boards = 0
        self.cluster = Cluster()
        self.head = self.add()

    def add(self, **more: str) -> Any:  # noqa: ANN401 - Ray's Node
        """One more machine, with the next board and with `more` in its environment."""
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
        """A machine is switched off: no word of farewell."""
        self.cluster.remove_node(node, allow_graceful=False)

    def trials(self, study: str) -> list[Trial]:
        """The study's trials that run and have reported an epoch."""
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
        """A trial that runs on a machine, once one has reported an epoch there."""
        raylet = raylet_of(node)
        return waited_for(
            lambda: next((each for each in self.trials(study) if each.raylet == raylet), None),
            f"a trial of {study} on that machine",
        )

    def tracker_on(self, node: Any) -> psutil.Process:  # noqa: ANN401 - Ray's Node
        """The process of a machine's tracker."""
        workers = psutil.Process(raylet_of(node)).children()
        return next(
            each for each in workers if re.match(r"ray::Tracker\b", " ".join(each.cmdline()))
        )


def raylet_of(node: Any) -> int:  # noqa: ANN401 - Ray's Node
    """The process of a machine."""
    pid: int = node.all_processes["raylet"][0].process.pid
    return pid


@dataclass(slots=True)
class Driver:
    """A study command that runs."""

    process: subprocess.Popen[str]
    folder: Path
    lines: list[str] = field(default_factory=list)

    def until(self, pattern: str) -> str:
        """Read on until a line of its output begins so."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if re.match(pattern, line):
                return line
        message = f"no line {pattern!r} in:\n{''.join(self.lines)}"
        raise AssertionError(message)

    def ends(self) -> int:
        """Its exit status, once it has ended by itself."""
        assert self.process.stdout is not None
        self.lines += self.process.stdout
        return self.process.wait(timeout=PATIENCE_S)


@contextmanager
def driver(machines: Machines, results: Path, name: str, *options: str) -> Iterator[Driver]:
    """A study of small trainings on the cluster, which the machines' gate holds."""
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

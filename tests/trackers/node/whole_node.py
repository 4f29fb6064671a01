"""A node with two emulated boards, a RAPL tree and a plug on loopback, all of known power; two trials.

    python -m tests.trackers.node.whole_node EPOCHS EPOCH_S [HANGING]

runs the trials side by side, each on its own board, and prints what each is charged for each epoch as JSON. During
`HUNG_EPOCHS` of trial 1 there is the file HANGING, which the emulated boards take as the sign to hang.
It is a program of its own because the emulated boards are a library that a process loads once.
"""

import json
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, final

from tests.fake_nvml import UUIDS, Boards
from trackers.meter.meter import EnergyMeter
from trackers.node.ledger import TrackerFacts
from trackers.node.shares.accounts import Accounts
from trackers.sample import Method, Reading
from trackers.sources.nvml.source import NvmlSource
from trackers.sources.rapl import RaplSource
from trackers.sources.web.settings import HttpSettings
from trackers.sources.web.source import HttpSource

BOARDS = Boards(boards=2, low_w=100, high_w=200, period_s=0.9)
CPU_W, MEMORY_W, REST_W = 80.0, 12.0, 150.0
SHARES = {1: 0.375, 2: 0.5}
"""Share of each process in the CPU time of all; the remaining eighth is of other processes."""
HUNG_EPOCHS = (3, 4)
"""First and last epoch of trial 1 in which a board hangs, if one is to."""


def energy_j(component: str, start_s: float, stop_s: float, *, trial: int) -> float:
    """Energy that a trial's component truly used between two times; `plug` is of the whole node."""
    length_s = stop_s - start_s
    if component == "gpu":
        return BOARDS.energy_j(trial - 1, start_s, stop_s)
    if component == "plug":
        boards_j = sum(BOARDS.energy_j(board, start_s, stop_s) for board in (0, 1))
        return boards_j + (CPU_W + MEMORY_W + REST_W) * length_s
    return SHARES[trial] * length_s * {"cpu": CPU_W, "memory": MEMORY_W}[component]


@final
class Plug(BaseHTTPRequestHandler):
    """A plug that reports power and energy of the whole node."""

    def do_GET(self) -> None:
        """Answer."""
        now_s = time.monotonic()
        boards_w = sum(BOARDS.power_w(board, now_s) for board in (0, 1))
        report = {
            "power": boards_w + CPU_W + MEMORY_W + REST_W,
            "energy": energy_j("plug", 0.0, now_s, trial=1),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(report).encode())

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def plug() -> HttpSource:
    """Serve the plug on a free port, and return the source that reads it."""
    server = HTTPServer(("127.0.0.1", 0), Plug)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    settings = HttpSettings(
        url=url, power="power", energy="energy", energy_unit="J", name="plug", every_s=0.1
    )
    return HttpSource(settings)


def rapl(folder: Path) -> RaplSource:
    """A package with its memory, whose counters follow the clock."""
    (folder / "intel-rapl:0" / "intel-rapl:0:0").mkdir(parents=True)
    texts = {"intel-rapl:0": ("package-0", CPU_W), "intel-rapl:0:0": ("dram", MEMORY_W)}

    def read(path: Path) -> str:
        name, power_w = texts[path.parent.name]
        constants = {"name": name, "max_energy_range_uj": str(2**62)}
        return constants.get(path.name) or str(round(power_w * time.monotonic() * 1e6))

    return RaplSource(
        root=folder,
        read=read,
        tree_seconds=lambda pid: SHARES[pid] * time.monotonic(),
        busy_seconds=time.monotonic,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What both trials use."""

    meter: EnergyMeter
    facts: TrackerFacts
    accounts: Accounts
    lock: threading.Lock
    together: threading.Barrier
    hanging: Path | None


def run_trial(node: Node, trial: int, epochs: int, epoch_s: float, found: list[Any]) -> None:
    """Run a trial's epochs, each of which begins together with the other trial's."""
    bill = node.facts.bill(accelerator_uuid=UUIDS[trial - 1], on_accelerator=True, pid=trial)
    targets = [item.target for item in bill]
    for epoch in range(epochs):
        node.together.wait()
        with node.lock:
            node.accounts.enter(str(trial), bill, time.monotonic())
        if node.hanging and (trial, epoch) == (1, HUNG_EPOCHS[0]):
            node.hanging.touch()
        node.meter.open((trial, epoch), devices=targets, start_s=time.monotonic())
        time.sleep(epoch_s)
        readings = node.meter.close((trial, epoch), stop_s=time.monotonic())
        if node.hanging and (trial, epoch) == (1, HUNG_EPOCHS[1]):
            node.hanging.unlink()
        with node.lock:
            charges = node.accounts.charges(str(trial), bill, readings)
        charged = {item.device.component: as_json(charges[item.device.uuid]) for item in bill}
        found.append({"trial": trial, "epoch": epoch, "readings": charged})


def as_json(reading: Reading) -> dict[str, Any]:
    """A reading as a JSON object."""
    return {
        "start_s": reading.start_s,
        "stop_s": reading.start_s + reading.duration_s,
        "energy_j": reading.energy_j,
        "own_j": reading.uncertainty_own_j,
        "status": reading.status,
        "note": reading.note,
    }


def main(epochs: int, epoch_s: float, hanging: Path | None) -> None:
    """Run both trials."""
    with tempfile.TemporaryDirectory() as folder:
        sources = (NvmlSource(), rapl(Path(folder)), plug())
        with EnergyMeter(sources, whole_machine=True) as meter:
            facts = TrackerFacts(
                node_id="node",
                hostname="node",
                source="all",
                note="",
                method=Method.COUNTER,
                refused={},
                devices=meter.devices(),
                idle_power_w={},
            )
            node = Node(
                meter=meter,
                facts=facts,
                accounts=Accounts(meter),
                lock=threading.Lock(),
                together=threading.Barrier(2),
                hanging=hanging,
            )
            found: list[Any] = []
            time.sleep(1.5)  # until the counters' refreshes are learnt
            work = partial(run_trial, node, epochs=epochs, epoch_s=epoch_s, found=found)
            threads = [threading.Thread(target=work, kwargs={"trial": each}) for each in (1, 2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            samples = Counter(each.window for each in meter.take_log() if each.device_uuid in UUIDS)
            for each in found:
                each["board_samples"] = samples[each["trial"], each["epoch"]]
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3]) if sys.argv[3:] else None)

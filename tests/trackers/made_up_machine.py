"""A made-up machine: emulated boards, counters of CPU and memory, a plug on loopback; all of known power.

Its sensors are where the trackers look for them: a library on the path, a tree of files that HOST_SYS names,
a server. The counters follow `time.monotonic()`, so that the true energy is known in any process.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.fake_nvml import Boards, build
from tests.trackers.sources.web.json_server import serving

CPU_W, MEMORY_W, REST_W = 80.0, 12.0, 150.0
"""Power of the package, of the memory, and of everything that only the plug sees."""

RANGE_UJ = 2**62
WRITE_EACH_S = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A made-up machine.

    Attributes:
        boards: Its boards.
        environment: Environment variables that processes on it need.
        plug: The file that describes its plug.
    """

    boards: Boards
    environment: dict[str, str]
    plug: Path

    def energy_j(self, component: str, start_s: float, stop_s: float) -> float:
        """Energy of a component of the whole machine between two times: `gpu`, `cpu`, `memory`, `node`."""
        boards_j = sum(self.boards.energy_j(n, start_s, stop_s) for n in range(self.boards.boards))
        own_w = {"cpu": CPU_W, "memory": MEMORY_W, "node": CPU_W + MEMORY_W + REST_W, "gpu": 0.0}
        whole = own_w[component] * (stop_s - start_s)
        return whole + (boards_j if component in {"gpu", "node"} else 0.0)


@contextmanager
def made_up(folder: Path, boards: Boards) -> Iterator[Machine]:
    """Make the machine, whose counters run until the block ends."""
    own = {
        k: v for k, v in boards.environment(build(folder / "lib")).items() if k not in os.environ
    }
    path = boards.environment(folder / "lib")["LD_LIBRARY_PATH"]
    environment = {**own, "LD_LIBRARY_PATH": path, "HOST_SYS": str(folder / "sys")}
    plug = folder / "plug.yaml"
    machine = Machine(boards=boards, environment=environment, plug=plug)

    unix_minus_monotonic_s = time.time() - time.monotonic()

    def report() -> dict[str, float]:
        now_s = time.monotonic()
        powers_w = [boards.power_w(n, now_s) for n in range(boards.boards)]
        energy_j = machine.energy_j("node", 0.0, now_s)
        power_w = sum(powers_w) + CPU_W + MEMORY_W + REST_W
        # With its time, so that an answer that a busy machine delays is still right.
        return {"power": power_w, "energy": energy_j, "time": unix_minus_monotonic_s + now_s}

    with serving({"/plug": report}) as server, _counting(folder / "sys" / "class" / "powercap"):
        plug.write_text(
            f"url: {server.url}/plug\nname: plug\npower: power\nenergy: energy\nenergy_unit: J\n"
            "time: time\nevery_s: 0.3\n"
        )
        yield machine


@contextmanager
def _counting(powercap: Path) -> Iterator[None]:
    """Make zones of a package and its memory, whose counters a thread keeps writing."""
    powers_w = {"package-0": CPU_W, "dram": MEMORY_W}
    zones = {"package-0": "intel-rapl:0", "dram": "intel-rapl:0/intel-rapl:0:0"}
    counters = {}
    for name, zone in zones.items():
        (powercap / zone).mkdir(parents=True)
        (powercap / zone / "name").write_text(f"{name}\n")
        (powercap / zone / "max_energy_range_uj").write_text(f"{RANGE_UJ}\n")
        flags = os.O_WRONLY | os.O_CREAT
        counters[name] = os.open(powercap / zone / "energy_uj", flags, 0o644)
    ends = threading.Event()

    def write() -> None:
        for name, counter in counters.items():
            # Always of the same length and in one call, so that no reader finds a file cut short.
            os.pwrite(counter, b"%020d\n" % round(powers_w[name] * time.monotonic() * 1e6), 0)

    def keep_writing() -> None:
        while not ends.wait(WRITE_EACH_S):
            write()

    write()
    thread = threading.Thread(target=keep_writing, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
        for counter in counters.values():
            os.close(counter)

"""Time to open and to close a window; started by `benchmarks.tracker_comparison`.

    python -m benchmarks.tracking.latency direct|actor|ray|empty --windows 200

`empty` calls an actor that does nothing, in the place of the closing: what is Ray's part.
Prints JSON: seconds of each opening and of each closing, as the trial sees them.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import ray

from tests.fake_nvml import UUIDS
from trackers.meter.meter import EnergyMeter
from trackers.node.actor import Handle
from trackers.node.client import TrackerClient
from trackers.node.ledger import WindowKey
from trackers.node.nodes import start_manager
from trackers.sources.detect import Request
from trackers.sources.nvml.source import NvmlSource

SETTLE_S = 3.0
Calls = tuple[Callable[[int], object], Callable[[int], object]]


@contextmanager
def direct() -> Iterator[Calls]:
    """Windows of an `EnergyMeter` in this process."""
    with EnergyMeter(NvmlSource()) as meter:
        yield meter.open, meter.close


@contextmanager
def actor(*, by_lane: bool = True) -> Iterator[Calls]:
    """Windows of the tracker's actor, as a trial asks for them, or as one does that has no lane."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        manager = start_manager(Request(tracker="nvml"), sampling_hz=10)
        client = TrackerClient(manager, accelerator_uuid=UUIDS[0], on_accelerator=True)
        if client.device is None:
            message = f"the actor does not measure: {client.note}"
            raise RuntimeError(message)
        if not by_lane:
            client._lane = None  # noqa: SLF001 - nobody else has to know that there is one

        def key(epoch: int) -> WindowKey:
            return WindowKey(trial_id="benchmark", attempt=1, stage="encoder", epoch=epoch)

        yield (lambda epoch: client.open(key(epoch))), (lambda epoch: client.close(key(epoch)))
    finally:
        ray.shutdown()


class Nothing:
    """An actor whose answer costs nothing."""

    def answer(self) -> None:
        """Give none."""


@contextmanager
def empty() -> Iterator[Calls]:
    """A call to an actor of Ray's and its answer, where a window would be closed."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        maker: Handle = ray.remote(num_cpus=0)(Nothing)
        nothing = maker.remote()
        yield (lambda _: None), (lambda _: ray.get(nothing.answer.remote()))
    finally:
        ray.shutdown()


WAYS: dict[str, Callable[[], AbstractContextManager[Calls]]] = {
    "direct": direct,
    "actor": actor,
    "ray": partial(actor, by_lane=False),
    "empty": empty,
}


def main() -> None:
    """Open and close windows, and tell how long each took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=tuple(WAYS))
    parser.add_argument("--windows", type=int, default=200)
    options = parser.parse_args()
    pause = random.Random(0)  # noqa: S311 - not a secret
    opening_s, closing_s = [], []
    with WAYS[options.way]() as (start, stop):
        time.sleep(SETTLE_S)
        for number in range(1, options.windows + 1):
            began_s = time.perf_counter()
            start(number)
            opening_s.append(time.perf_counter() - began_s)
            time.sleep(pause.uniform(0.02, 0.06))
            began_s = time.perf_counter()
            stop(number)
            closing_s.append(time.perf_counter() - began_s)
            time.sleep(pause.uniform(0.0, 0.02))
    print(json.dumps({"opening_s": opening_s, "closing_s": closing_s}))


if __name__ == "__main__":
    main()

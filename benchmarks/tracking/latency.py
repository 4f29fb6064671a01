"""Time for which a window delays a training; started by `benchmarks.tracker_comparison`.

    python -m benchmarks.tracking.latency direct|actor|ray|empty --windows 200 --gap-ms 0.08

`empty` calls an actor that does nothing instead of getting readings, which shows Ray's share. `--gap-ms` is how
long the training computes between closing a window and getting its readings; left out, it gets them at once. In a
study's own loop this gap is 0.08 ms in the median (127 epochs of the scenario `watch` on two processors).
Prints JSON: the seconds for which a trial waits for each opening, each closing and each getting of readings.
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
Calls = tuple[Callable[[int], object], Callable[[int], object], Callable[[int], object]]
"""Functions that open a window, close it, and get its readings, each from the window's number."""


@contextmanager
def direct() -> Iterator[Calls]:
    """Yield the calls of an `EnergyMeter` in this process."""
    with EnergyMeter(NvmlSource()) as meter:
        yield meter.open, (lambda _: None), meter.close  # `close` returns the readings


@contextmanager
def actor(*, by_lane: bool = True) -> Iterator[Calls]:
    """Yield a trial's calls to the tracker's process, by its socket (`by_lane`) or through Ray."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        manager = start_manager(Request(tracker="nvml"), sampling_hz=10)
        client = TrackerClient(manager, accelerator_uuid=UUIDS[0], on_accelerator=True)
        if client.device is None:
            message = f"the actor does not measure: {client.note}"
            raise RuntimeError(message)
        if not by_lane:
            client._calls._lane = None  # noqa: SLF001 - only this benchmark switches the socket off

        def key(epoch: int) -> WindowKey:
            return WindowKey(trial_id="benchmark", attempt=1, stage="encoder", epoch=epoch)

        yield (
            lambda epoch: client.open(key(epoch)),
            lambda epoch: client.close(key(epoch)),
            lambda epoch: client.readings(key(epoch)),
        )
    finally:
        ray.shutdown()


class Nothing:
    """Actor that does nothing."""

    def answer(self) -> None:
        """Return nothing."""


@contextmanager
def empty() -> Iterator[Calls]:
    """Yield a call to a Ray actor that does nothing, in the place of getting a window's readings."""
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        maker: Handle = ray.remote(num_cpus=0)(Nothing)
        nothing = maker.remote()
        yield (lambda _: None), (lambda _: None), (lambda _: ray.get(nothing.answer.remote()))
    finally:
        ray.shutdown()


WAYS: dict[str, Callable[[], AbstractContextManager[Calls]]] = {
    "direct": direct,
    "actor": actor,
    "ray": partial(actor, by_lane=False),
    "empty": empty,
}


def compute(duration_s: float) -> None:
    """Keep a processor busy, as a training does; with a sleep the tracker could use it."""
    until_s = time.perf_counter() + duration_s
    while time.perf_counter() < until_s:
        pass


def timed(call: Callable[[int], object], number: int) -> float:
    """Return the seconds that a call takes."""
    began_s = time.perf_counter()
    call(number)
    return time.perf_counter() - began_s


def main() -> None:
    """Open and close windows, and print how long each call took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("way", choices=tuple(WAYS))
    parser.add_argument("--windows", type=int, default=200)
    parser.add_argument("--gap-ms", type=float, default=0.0)
    options = parser.parse_args()
    pause = random.Random(0)  # noqa: S311 - not a secret
    timings_s: dict[str, list[float]] = {"opening_s": [], "closing_s": [], "reading_s": []}
    with WAYS[options.way]() as (start, stop, take):
        time.sleep(SETTLE_S)
        for number in range(1, options.windows + 1):
            timings_s["opening_s"].append(timed(start, number))
            time.sleep(pause.uniform(0.02, 0.06))
            timings_s["closing_s"].append(timed(stop, number))
            compute(options.gap_ms / 1000)
            timings_s["reading_s"].append(timed(take, number))
            time.sleep(pause.uniform(0.0, 0.02))
    print(json.dumps(timings_s))


if __name__ == "__main__":
    main()

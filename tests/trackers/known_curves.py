"""A meter on boards whose energy is known and a clock that jumps: what short windows come to.

The meter's own loop runs, so that learning, sampling and edges fall as they do in a thread; only
nothing waits. `benchmarks.tracker_comparison` measures the same in real time.
"""

import math
import random
import statistics
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import TypeAlias, final

from tests.fake_nvml import UUIDS, Boards
from trackers.meter.meter import EnergyMeter
from trackers.meter.source_thread import EdgeThread
from trackers.sample import Component, Device, Observation, Reading

START_S = 1234.5
LEARN_S = 4.0
"""From the start to the first window."""

LIMIT_W = 450.0

Altered: TypeAlias = Callable[[Observation], Observation]


@final
class Script:
    """A clock that jumps from wait to wait, and does on the way what a script says."""

    def __init__(self) -> None:
        """Begin at a time like any other."""
        self._now_s = START_S
        self._todo: list[tuple[float, Callable[[], object]]] = []
        self.edges: Callable[[], Iterable[EdgeThread]] = tuple

    def now_s(self) -> float:
        """See `Clock`; a look at it takes a microsecond."""
        self._now_s += 1e-6
        return self._now_s

    def at(self, time_s: float, action: Callable[[], object]) -> None:
        """Do something at a time; times rise."""
        self._todo.append((time_s, action))

    def wait(self, wake: threading.Event, duration_s: float) -> bool:
        """See `Clock`."""
        until_s = self._now_s + duration_s
        while (due := self._next())[0] <= until_s:
            self._now_s = max(self._now_s, due[0])
            due[1]()
        self._now_s = max(self._now_s, until_s)
        return wake.is_set()

    def _next(self) -> tuple[float, Callable[[], object]]:
        """What comes next: a line of the script, or a job for which an edge thread waits."""
        lines = [(self._todo[0][0], self._go_on)] if self._todo else []
        jobs = [(each.due_s, each.do_due) for each in self.edges()]
        return min([*lines, *jobs], key=itemgetter(0), default=(math.inf, self._go_on))

    def _go_on(self) -> None:
        self._todo.pop(0)[1]()


@final
class Curve:
    """A board that draws the curve of an emulated one, without its library."""

    name = "curve"
    note = "a known curve"
    estimated = False
    counter_persists = True

    def __init__(self, boards: Boards, clock: Script, altered: Altered) -> None:
        """Follow the first of `boards`, and say what `altered` makes of it."""
        self._boards = boards
        self._clock = clock
        self._altered = altered

    def devices(self) -> Sequence[Device]:
        """The one board."""
        mean_s = 1.0 if self._boards.no_instant else 0.0
        return (
            Device(
                uuid=UUIDS[0],
                name="board",
                component=Component.GPU,
                power_limit_w=LIMIT_W,
                averaging_period_s=mean_s,
            ),
        )

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        assert device_uuid == UUIDS[0]
        now_s, boards = self._clock.now_s(), self._boards
        told_s = _renewed_s(now_s, boards.power_refresh_ms)
        power_w = boards.power_w(0, told_s)
        if boards.no_instant:
            power_w = boards.energy_j(0, told_s - 1.0, told_s)
        counted_j = boards.energy_j(0, 0.0, _renewed_s(now_s, boards.refresh_ms))
        with_counter = counter and not boards.no_counter
        return self._altered(
            Observation(
                time_s=now_s, power_w=power_w, counter_j=counted_j if with_counter else None
            )
        )

    def close(self) -> None:
        """Nothing is held."""


def _renewed_s(now_s: float, each_ms: float) -> float:
    return math.floor(now_s * 1000 / each_ms) * each_ms / 1000


def told(
    boards: Boards, *, length_s: float, epochs: int, altered: Altered = lambda seen: seen
) -> list[tuple[Reading, float]]:
    """Readings of windows in a row, a few milliseconds apart, each with the true energy.

    Not of the first one, before which power is sampled at the usual rate.

    Args:
        boards: What the board does.
        length_s: Length of a window.
        epochs: Number of windows.
        altered: What a faulty sensor makes of what a right one says; may raise instead. Times are
            from `START_S` on.
    """
    pause, start_s = random.Random(0), START_S + LEARN_S  # noqa: S311 - a test's dice
    windows: list[tuple[float, float]] = []
    for _ in range(epochs):
        windows.append((start_s, start_s + length_s))
        start_s += length_s + pause.uniform(0.001, 0.02)
    return _told(boards, windows, altered)


def told_in_step(
    boards: Boards, *, epochs: int, altered: Altered = lambda seen: seen
) -> list[tuple[Reading, float]]:
    """The same of windows that begin and end with the high part of each period of a square wave.

    As the work of an epoch begins and ends with the epoch.
    """
    first = math.ceil((START_S + LEARN_S) / boards.period_s)
    starts_s = (number * boards.period_s for number in range(first, first + epochs))
    return _told(
        boards, [(each, each + boards.duty * boards.period_s) for each in starts_s], altered
    )


def told_late(boards: Boards) -> Altered:
    """A board that tells, at a refresh, the mean power since the one before.

    An H200 does so, nearly: its power is 0.3 times as far from the counter's rise before a refresh as from
    that after it (mean squares; a ResNet-18 in training, driver 580.159.04).
    """

    def altered(seen: Observation) -> Observation:
        each_s = boards.power_refresh_ms / 1000
        told_s = _renewed_s(seen.time_s, boards.power_refresh_ms)
        return replace(seen, power_w=boards.energy_j(0, told_s - each_s, told_s) / each_s)

    return altered


def _told(
    boards: Boards, windows: Sequence[tuple[float, float]], altered: Altered
) -> list[tuple[Reading, float]]:
    clock = Script()
    meter = EnergyMeter(Curve(boards, clock, altered), clock=clock)
    readings: list[Reading] = []

    def close(number: int) -> None:
        readings.extend(meter.close(number).values())

    for number, (start_s, stop_s) in enumerate(windows):
        clock.at(start_s, lambda number=number: meter.open(number))  # type: ignore[misc]
        clock.at(stop_s, lambda number=number: close(number))  # type: ignore[misc]
    meter.watch(UUIDS[0])
    samplers = meter._samplers  # noqa: SLF001 - in this thread, so that nothing is left to chance
    clock.at(windows[-1][1] + 0.02, samplers.end)
    clock.edges = lambda: [each.thread for each in meter._edges.values()]  # noqa: SLF001 - likewise
    samplers.first.run()
    return [
        (each, boards.energy_j(0, each.start_s, each.start_s + each.duration_s))
        for each in readings[1:]
    ]


def counter_alone_j(boards: Boards, start_s: float, duration_s: float) -> float:
    """What the counter's values at both edges of a window come to, with nothing put right."""
    edges_s = (_renewed_s(each, boards.refresh_ms) for each in (start_s, start_s + duration_s))
    return boards.energy_j(0, *edges_s)


def mean_error(boards: Boards, *, length_s: float) -> float:
    """Mean absolute error per window, as a share of its energy."""
    found = told(boards, length_s=length_s, epochs=round(60 / length_s**0.5))
    return statistics.fmean(
        abs(reading.energy_j / truth_j - 1)
        for reading, truth_j in found
        if reading.energy_j is not None
    )

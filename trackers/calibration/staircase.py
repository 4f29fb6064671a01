"""Staircase of rising loads, each measured by a source and an external meter at the same time."""

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psutil

from trackers.bill import outermost
from trackers.calibration.fit import Step
from trackers.meter.meter import EnergyMeter
from trackers.sample import Component, Reading
from trackers.source import PowerSource

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
SETTLING_S = 3.0
"""Wait before each measurement, because fans and power supplies follow a load with a delay of seconds."""

BURN = "while True: pass"


@contextmanager
def load(share: float, command: str | None) -> Iterator[None]:
    """Keep a share of the machine busy while a block runs.

    Args:
        share: Share of the machine; in [0, 1].
        command: Command that makes the load, in which `{share}` is replaced by the share; None for
            processes that keep that share of the CPUs busy.
    """
    if command is not None:
        commands = [shlex.split(command.replace("{share}", f"{share:g}"))]
    else:
        commands = [[sys.executable, "-c", BURN]] * round(share * (psutil.cpu_count() or 1))
    with running(commands):
        yield


@contextmanager
def running(commands: Sequence[Sequence[str]]) -> Iterator[None]:
    """Run commands while a block runs, and end those that were started if one cannot be.

    Raises:
        OSError: A command cannot be started.
    """
    children: list[subprocess.Popen[bytes]] = []
    try:
        for each in commands:
            children.append(subprocess.Popen(each))  # noqa: S603, PERF401 - ours or the user's; see `finally`
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


def measure_steps(
    source: PowerSource,
    component: Component,
    meter: PowerSource,
    *,
    seconds: float,
    command: str | None = None,
    shares: Sequence[float] = SHARES,
    settling_s: float = SETTLING_S,
    sleep: Callable[[float], object] = time.sleep,
    on_step: Callable[[Step], None] = lambda _: None,
) -> list[Step]:
    """Measure each load with a source and an external meter; loads that either missed are left out.

    Args:
        source: The source to calibrate.
        component: Component of the source to calibrate.
        meter: The external meter.
        seconds: Time for which each load is measured.
        command: See `load`.
        shares: The loads, each as a share of the machine.
        settling_s: Wait before each measurement.
        sleep: Waits for the given number of seconds.
        on_step: Called with each step when it has been measured.
    """
    steps = []
    devices = [each.uuid for each in outermost(source.devices(), {component})]
    if not devices:
        message = f"{source.name} does not measure {component}"
        raise ValueError(message)
    external = [each.uuid for each in meter.devices()]
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(EnergyMeter(each)) for each in (source, meter))
        for share in shares:
            with load(share, command):
                sleep(settling_s)
                ours.open("step", devices=devices)
                theirs.open("step", devices=external)
                sleep(seconds)
                source_w, meter_w = _power_w(ours.close("step")), _power_w(theirs.close("step"))
            if source_w is not None and meter_w is not None:
                steps.append(Step(share=share, source_w=source_w, meter_w=meter_w))
                on_step(steps[-1])
    return steps


def _power_w(readings: dict[str, Reading]) -> float | None:
    """Mean power of all devices together; None where one is missing."""
    powers_w = [each.mean_power_w for each in readings.values()]
    known = [each for each in powers_w if each is not None]
    return sum(known) if known and len(known) == len(powers_w) else None

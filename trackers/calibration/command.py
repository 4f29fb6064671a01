"""The command line of `python -m trackers calibrate`."""

import dataclasses
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import tyro

from trackers.calibration.fit import Step, fit_line
from trackers.calibration.staircase import SETTLING_S, measure_steps
from trackers.errors import TrackerError
from trackers.output_files import check_writable
from trackers.sample import Component
from trackers.source import PowerSource
from trackers.sources.calibrated import Calibration
from trackers.sources.detect import Detection, Request, detect
from trackers.terminal import FINISHED, INTERRUPTED, REFUSED, as_started


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """Options of a calibration.

    Attributes:
        against: The external meter: a PATH.yaml of a plug or another server, or a source's name.
        tracker: The source to calibrate.
        component: Component of the source to calibrate: gpu, cpu, memory or node.
        seconds: Time for which each of the five loads is measured.
        settle: Seconds to wait before each measurement, as fans and power supplies respond to a load with a delay.
        load: Command that makes a load, in which {share} is replaced by a number from 0 to 1; needed for
            boards. When left out, processes keep that share of the CPUs busy.
        out: File for the factor and its interval, which a study takes as --calibration.
        cpu_watts: Rated power of all CPUs of this machine together, for the estimate.
    """

    against: Annotated[str, tyro.conf.arg(metavar="NAME")]
    tracker: Annotated[str, tyro.conf.arg(metavar="NAME")]
    component: tyro.conf.EnumChoicesFromValues[Component] = Component.CPU
    seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 30.0
    settle: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = SETTLING_S
    load: Annotated[str | None, tyro.conf.arg(metavar="COMMAND", help_behavior_hint="")] = None
    out: Path = Path("calibration.json")
    cpu_watts: Annotated[float | None, tyro.conf.arg(metavar="WATTS", help_behavior_hint="")] = None


def main(args: Sequence[str], *, find: Callable[[Request], Detection] = detect) -> int:
    """Calibrate a source and write the result.

    Args:
        args: The options.
        find: Opens the requested sources.

    Returns:
        The exit status: 0; 2 where the source cannot be compared; 130 after Ctrl-C.
    """
    options = tyro.cli(
        CalibrateOptions,
        prog=as_started("python -m trackers calibrate"),
        description="Compare a source with an external meter over a staircase of loads.",
        args=args,
    )
    try:
        check_writable(options.out, option="--out")
        request = Request(tracker=options.tracker, cpu_watts=options.cpu_watts)
        with ExitStack() as stack:
            source, meter = (
                _opened(find(each), stack) for each in (request, Request(tracker=options.against))
            )
            steps = measure_steps(
                source,
                options.component,
                meter,
                seconds=options.seconds,
                command=options.load,
                settling_s=options.settle,
                on_step=_show,
            )
        line = fit_line(steps)
    except (TrackerError, OSError, ValueError) as error:
        sys.stderr.write(f"trackers: {error}\n")
        return REFUSED
    except KeyboardInterrupt:
        sys.stderr.write("trackers: interrupted; no calibration was written\n")
        return INTERRUPTED
    calibration = Calibration(
        source=source.name,
        component=options.component,
        hostname=socket.gethostname(),
        against=options.against,
        factor=line.factor,
        low=line.low,
        high=line.high,
        offset_w=line.offset_w,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    calibration.write(options.out, steps=[dataclasses.asdict(each) for each in steps])
    sys.stdout.write(
        f"{options.against} = {line.factor:.4g} ({line.low:.4g} to {line.high:.4g}) x {source.name} "
        f"{options.component} + {line.offset_w:.4g} W, in {options.out}\n"
    )
    return FINISHED


def _opened(detection: Detection, stack: ExitStack) -> PowerSource:
    """Return the first source of a detection, all of which are closed at the end: `auto` opens several."""
    stack.callback(detection.close)
    return detection.source


def _show(step: Step) -> None:
    sys.stdout.write(f"{step.share:4.0%}  {step.source_w:8.4g} W  {step.meter_w:8.4g} W\n")
    sys.stdout.flush()

"""Parts of a trial's energy: one for each process that does its work.

Trackers know each process by a name. In a study, `TRIAL` (the trial's identifier) is the trial's own process,
which trains too, and `TRIAL#worker1` is a worker that trains with it. For other people's trainables, `TRIAL#0` is
the trial's own process and `TRIAL#worker0` the first worker of a Ray Train run inside it; if there are workers,
they do the work, and the process that waits for them is not on the bill.
"""

import math
from collections.abc import Iterable, Mapping
from typing import TypeVar

from trackers.sample import Method, Reading, Status

Used = TypeVar("Used")

WORKER = "worker"
WORKER_LOST = 71
"""Exit status with which a trial's process ends itself when it has lost a worker."""

_MARK = "#"


def part_of(trial_id: str, part: str) -> str:
    """Return the name under which trackers know a part of a trial."""
    return f"{trial_id}{_MARK}{part}"


def trial_and_part(name: str) -> tuple[str, str]:
    """Return the trial's identifier and the part from a name that `part_of` returned."""
    trial_id, _, part = name.rpartition(_MARK)
    return trial_id, part


def trial_and_rank(name: str) -> tuple[str, int]:
    """Return the trial that a study's process works for, and the rank of the process (0 for its own)."""
    trial_id, mark, rank = name.rpartition(f"{_MARK}{WORKER}")
    return (trial_id, int(rank)) if mark else (name, 0)


def whole_trial(name: str) -> str:
    """Return the identifier of the trial that a process works for, in a study or in other people's trainables."""
    return name.partition(_MARK)[0]


def on_the_bill(parts: Mapping[str, Used]) -> dict[str, Used]:
    """Return the parts that are charged: the workers if there are any, otherwise all parts.

    Args:
        parts: What each process used, by the part's name.
    """
    workers = {name: used for name, used in parts.items() if name.startswith(WORKER)}
    return workers or dict(parts)


def named_in_study(trial_id: str, rank: int) -> str:
    """Return the name under which trackers know a process of a study's trial; see `trial_and_rank`."""
    return part_of(trial_id, f"{WORKER}{rank}") if rank else trial_id


def summed(readings: Iterable[Reading]) -> Reading:
    """Return the sum of readings over the same window; missing if any of them is missing.

    Args:
        readings: At least one reading, each of a different device.
    """
    every = list(readings)
    if len(every) == 1:
        return every[0]
    start_s = min(each.start_s for each in every)
    known_j = [each.energy_j for each in every if each.energy_j is not None]
    is_whole = len(known_j) == len(every)
    return Reading(
        device_uuid="+".join(sorted(each.device_uuid for each in every)),
        start_s=start_s,
        # Machines have different clocks, so starts cannot be compared, but durations can.
        duration_s=max(each.duration_s for each in every),
        energy_j=math.fsum(known_j) if is_whole else None,
        method=_weakest(each.method for each in every) if is_whole else None,
        status=_worst(each.status for each in every),
        coverage=min(each.coverage for each in every),
        power_samples=sum(each.power_samples for each in every),
        uncertainty_common_j=_sum_or_none(each.uncertainty_common_j for each in every),
        uncertainty_own_j=_root_of_squares(each.uncertainty_own_j for each in every),
        note="; ".join(dict.fromkeys(each.note for each in every if each.note)),
        shared_by=max((each.shared_by for each in every if each.shared_by), default=None),
    )


def _worst(statuses: Iterable[Status]) -> Status:
    found = set(statuses)
    return next(each for each in (Status.MISSING, Status.DEGRADED, Status.OK) if each in found)


def _weakest(methods: Iterable[Method | None]) -> Method:
    found = set(methods)
    order = (Method.ESTIMATED, Method.SAMPLED, Method.COUNTER)
    return next(each for each in order if each in found)


def _sum_or_none(values: Iterable[float | None]) -> float | None:
    every = list(values)
    known = [each for each in every if each is not None]
    return math.fsum(known) if len(known) == len(every) else None


def _root_of_squares(values: Iterable[float | None]) -> float | None:
    every = list(values)
    known = [each for each in every if each is not None]
    return math.hypot(*known) if len(known) == len(every) else None

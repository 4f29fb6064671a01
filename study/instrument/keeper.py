"""Actor that keeps the trackers of a Tune run and the energy of its trials' attempts.

    driver --owns--> Keeper (started by EnergyLedger, before the first trial)
    trial  --makes-> Keeper, if there is no ledger; it ends when the Ray job does
    trial  --asks--> Keeper for its attempt and its node's tracker, then talks to that tracker alone

Trials find it by a name derived from the Ray job, so that the user's code need not mention it. A keeper made
by a trial has another name: a later run of the same job may have a ledger, which asks for other sources.
"""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, final

import ray
from ray.exceptions import RayError

from study.execution.charge import ProcessPart, ranking_reading_of_all
from study.record.vocabulary import EnergyScope
from study.store.parts import WORKER, named_in_study, on_the_bill, part_of, trial_and_part
from trackers.node.actor import Handle
from trackers.node.ledger import TRIAL, BookedPower, BookedWindow, Booking, TrackerFacts, WindowKey
from trackers.node.nodes import TrackerManager
from trackers.sources.detect import Request

ANSWER_S = 10.0
START_S = 60.0
SAMPLING_HZ = 10.0
LOOK_FOR_THE_JOB_S = 5.0
RETRY_S = 60.0
"""Time after which a tracker is tried again on a node where it could not be started."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt that begins, with what earlier attempts of its trial have used.

    Attributes:
        number: Number of the attempt, from 1.
        energy_before_j: Known energy of the trial's earlier attempts.
        is_lower_bound: Whether a reading of an earlier attempt is missing.
        can_measure: Whether to ask for a tracker; False soon after the node's could not be started.
    """

    number: int
    energy_before_j: float
    is_lower_bound: bool
    can_measure: bool = True


@dataclass(frozen=True, slots=True)
class SpentEnergy:
    """Energy of an attempt that has ended, as far as it is known.

    Attributes:
        energy_j: Energy that is known to have been used; 0 if none is, with `is_lower_bound` set.
        is_lower_bound: Whether the attempt may have used more.
    """

    energy_j: float = 0.0
    is_lower_bound: bool = True


@final
class Keeper:
    """Threaded actor that keeps the trackers and the energy that trials have used."""

    def __init__(self, request: Request, *, sampling_hz: float) -> None:
        """Start trackers with `request` and `sampling_hz` when they are first needed."""
        self._manager = TrackerManager(request, sampling_hz=sampling_hz)
        self._lock = threading.RLock()
        self._parts: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
        self._reported: defaultdict[tuple[str, int, int], dict[str, ProcessPart]] = defaultdict(
            dict
        )
        self._spent: defaultdict[str, dict[int, SpentEnergy]] = defaultdict(dict)
        self._booked: defaultdict[WindowKey, dict[str, BookedWindow]] = defaultdict(dict)
        self._ranks: defaultdict[tuple[str, int], dict[str, int]] = defaultdict(dict)
        self._changed: dict[WindowKey, str] = {}
        self._again_s: dict[str, float] = {}
        self._power: list[tuple[str, BookedPower]] = []
        threading.Thread(target=_end_with_job, name="job", daemon=True).start()

    def tracker(self, node_id: str, *, instead_of: Handle | None = None) -> Handle:
        """Return the tracker of a node; see `TrackerManager.tracker`."""
        with self._lock:
            return self._manager.tracker(node_id, instead_of=instead_of)

    def trackers(self) -> dict[str, Handle]:
        """Return all trackers, by node."""
        with self._lock:
            return self._manager.trackers()

    def remember(self, spent: dict[str, dict[int, SpentEnergy]]) -> None:
        """Add what attempts used in earlier sessions of the same run, by trial and attempt."""
        with self._lock:
            for trial_id, attempts in spent.items():
                for number, used in attempts.items():
                    self._spent[trial_id].setdefault(number, used)

    def begin(self, trial_id: str, node_id: str) -> Attempt:
        """Begin an attempt of a trial on a node, first booking what its earlier attempts left open."""
        self.release(trial_id)
        self._collect()
        with self._lock:
            earlier = self._spent[trial_id]
            spent = list(earlier.values())
            number = max(earlier, default=0) + 1
            self._spent[trial_id][number] = SpentEnergy()
        return Attempt(
            number=number,
            energy_before_j=sum(each.energy_j for each in spent),
            is_lower_bound=any(each.is_lower_bound for each in spent),
            can_measure=time.monotonic() >= self._again_s.get(node_id, 0.0),
        )

    def mark_untracked(self, node_id: str) -> None:
        """Note that a node has no tracker: trying again for each trial would delay them all."""
        with self._lock:
            self._again_s[node_id] = time.monotonic() + RETRY_S

    def join(self, trial_id: str, attempt: int, part: str) -> None:
        """Register a process (part) of a trial."""
        with self._lock:
            self._parts[trial_id, attempt].append(part)

    def join_worker(self, trial_id: str, attempt: int, rank: int) -> str:
        """Register a Ray Train worker and return a name for it that no earlier worker had."""
        with self._lock:
            parts = self._parts[trial_id, attempt]
            first = f"{WORKER}{rank}"
            again = sum(part.partition(".")[0] == first for part in parts)
            parts.append(f"{first}.{again}" if again else first)
            ranks = self._ranks[trial_id, attempt]
            ranks[parts[-1]] = len(ranks)
            return parts[-1]

    def report(self, trial_id: str, attempt: int, epoch: int, part: str, used: ProcessPart) -> None:
        """Store what a worker used in an epoch; called before the worker reports that epoch to Train."""
        with self._lock:
            self._reported[trial_id, attempt, epoch][part] = used

    def reported(self, trial_id: str, attempt: int, epoch: int) -> dict[str, ProcessPart]:
        """Return and forget what a trial's workers used in an epoch, by part."""
        with self._lock:
            return self._reported.pop((trial_id, attempt, epoch), {})

    def release(self, trial_id: str) -> None:
        """Close the windows that a trial which is gone left open, so that their energy is booked."""
        with self._lock:
            left = [key for key in self._parts if key[0] == trial_id]
            parts = [part for key in left for part in self._parts.pop(key)]
            trackers = list(self._manager.trackers().values())
        asked = [each.release.remote(part_of(trial_id, p)) for p in parts for each in trackers]
        if asked:
            ray.wait(asked, num_returns=len(asked), timeout=ANSWER_S)

    def facts(self) -> list[TrackerFacts]:
        """Return what each node's tracker measures, without trackers that do not answer."""
        found = []
        for tracker in self.trackers().values():
            try:
                found.append(ray.get(tracker.facts.remote(), timeout=ANSWER_S))
            except RayError as error:
                _log.warning("a tracker did not answer: %s", error)
        return found

    def take(self) -> list[Booking]:
        """Return the trials' booked windows and the power samples since the last call, by machine."""
        self._collect()
        with self._lock:
            changed, self._changed = self._changed, {}
            power, self._power = self._power, []
            windows: defaultdict[str, list[BookedWindow]] = defaultdict(list)
            for key, hostname in changed.items():
                ranks = self._ranks[key.trial_id, key.attempt]
                for part, booked in on_the_bill(self._booked[key]).items():
                    name = named_in_study(key.trial_id, ranks.get(part, 0))
                    renamed = replace(booked, key=replace(key, trial_id=name))
                    windows[hostname].append(renamed)
        samples: defaultdict[str, list[BookedPower]] = defaultdict(list)
        for hostname, sample in power:
            samples[hostname].append(sample)
        return [
            Booking(
                hostname=hostname,
                windows=tuple(windows[hostname]),
                power=tuple(samples[hostname]),
            )
            for hostname in dict.fromkeys((*windows, *samples))
        ]

    def _collect(self) -> None:
        """Fetch what the trackers have booked, and sum it up by trial."""
        for booking in self._bookings():
            with self._lock:
                for booked in booking.windows:
                    self._count(booked, booking.hostname)
                self._power += [(booking.hostname, _whole(each)) for each in booking.power]

    def _bookings(self) -> Iterable[Booking]:
        asked = [tracker.take.remote() for tracker in self.trackers().values()]
        ready = ray.wait(asked, num_returns=len(asked), timeout=ANSWER_S)[0] if asked else []
        for answer in ready:
            try:
                yield ray.get(answer)
            except RayError as error:
                _log.warning("a tracker did not answer: %s", error)

    def _count(self, booked: BookedWindow, hostname: str) -> None:
        key, part = _key_of_trial(booked.key)
        self._booked[key][part] = booked
        self._changed[key] = hostname
        if key.stage == TRIAL:
            parts = [_used_in(each) for each in on_the_bill(self._booked[key]).values()]
            whole = ranking_reading_of_all(parts, EnergyScope.ACCELERATOR)
            self._spent[key.trial_id][key.attempt] = (
                SpentEnergy()
                if whole.energy_j is None
                else SpentEnergy(whole.energy_j, is_lower_bound=False)
            )


def _used_in(booked: BookedWindow) -> ProcessPart:
    """Return the readings and devices of one process in a window."""
    readings = {each.device_uuid: each for each in (booked.reading, *booked.others)}
    return ProcessPart(readings=readings, devices=booked.devices)


def _key_of_trial(key: WindowKey) -> tuple[WindowKey, str]:
    trial_id, part = trial_and_part(key.trial_id)
    whole = WindowKey(trial_id=trial_id, attempt=key.attempt, stage=key.stage, epoch=key.epoch)
    return whole, part


def _whole(sample: BookedPower) -> BookedPower:
    """Return a power sample with its part's name replaced by that of its trial."""
    key = None if sample.key is None else _key_of_trial(sample.key)[0]
    return BookedPower(
        device_uuid=sample.device_uuid,
        unix_time_s=sample.unix_time_s,
        power_w=sample.power_w,
        key=key,
    )


def keeper(*, request: Request | None = None, sampling_hz: float = SAMPLING_HZ) -> Handle:
    """Return the keeper of this Ray job, or start one that the caller owns.

    Args:
        request: Power sources that its trackers look for; None looks for all (`auto`).
        sampling_hz: Power samples per second.
    """
    return _found_or_made(_name(), request, sampling_hz, lifetime=None)


def keeper_of_trials() -> Handle:
    """Return the keeper of this Ray job, or start one that outlives the calling trial."""
    try:
        return ray.get_actor(_name())
    except ValueError:
        return _found_or_made(f"{_name()}-of-trials", None, SAMPLING_HZ, lifetime="detached")


def _found_or_made(
    name: str, request: Request | None, sampling_hz: float, *, lifetime: str | None
) -> Handle:
    made: Any = ray.remote(Keeper).options(
        name=name,
        get_if_exists=True,
        num_cpus=0,
        max_concurrency=16,
        lifetime=lifetime,
        # Without this, the actor would be placed in the trial's placement group and end with it.
        scheduling_strategy="DEFAULT",
    )
    return made.remote(request or Request(accelerator=_has_gpus()), sampling_hz=sampling_hz)


def has_keeper() -> bool:
    """Return whether this Ray job has a keeper that was not started by a trial."""
    try:
        ray.get_actor(_name())
    except ValueError:
        return False
    return True


def _name() -> str:
    return f"energy-keeper-{ray.get_runtime_context().get_job_id()}"


def _end_with_job() -> None:
    """End this process when its Ray job has ended, as a keeper started by a trial has no owner."""
    state: Any = import_module("ray._private.state")
    own = ray.get_runtime_context().get_job_id()
    while True:
        time.sleep(LOOK_FOR_THE_JOB_S)
        try:
            is_dead = any(job["JobID"] == own and job["IsDead"] for job in state.jobs())
        except Exception as error:  # noqa: BLE001 - `state` is private to Ray and may change
            _log.warning("the end of the job will not be noticed: %s", error)
            return
        if is_dead:
            os._exit(0)


def _has_gpus() -> bool:
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return resources.get("GPU", 0.0) > 0

"""Tallies for monitoring: the present use of devices, and the energies of epochs so far."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from trackers.exports.exporter import DeviceUse, Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochTally:
    """Epochs of one stage of one trial so far.

    Attributes:
        trial_id: The trial.
        stage: The stage; empty where there is only one.
        method: How the energies came about.
        energy_j: Their sum, of all attempts.
        epochs: Their number.
    """

    trial_id: str
    stage: str
    method: str
    energy_j: float
    epochs: int


@final
class Tallies:
    """Written by an exporter's thread, read by whoever asks."""

    def __init__(self) -> None:
        """Nothing was told yet."""
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, str, str], DeviceUse] = {}
        self._now: frozenset[tuple[str, str, str]] = frozenset()
        self._energies_j: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        self._epochs: defaultdict[tuple[str, str, str], int] = defaultdict(int)

    def add_epoch(self, epoch: Epoch) -> None:
        """Count an epoch; one without an energy counts in no sum."""
        if epoch.energy_j is None:
            return
        key = (epoch.trial_id, epoch.stage, epoch.method)
        with self._lock:
            self._energies_j[key] += epoch.energy_j
            self._epochs[key] += 1

    def add_uses(self, uses: Sequence[DeviceUse]) -> None:
        """Take what devices use now; those that are not told draw nothing for their trial any more."""
        told = {(each.host, each.device_uuid, each.trial_id): each for each in uses}
        with self._lock:
            self._uses |= told
            self._now = frozenset(told)

    def epochs(self) -> list[EpochTally]:
        """Return the epochs so far, by trial and stage."""
        with self._lock:
            return [
                EpochTally(
                    trial_id=trial_id,
                    stage=stage,
                    method=method,
                    energy_j=energy_j,
                    epochs=self._epochs[trial_id, stage, method],
                )
                for (trial_id, stage, method), energy_j in self._energies_j.items()
            ]

    def energies(self) -> list[tuple[DeviceUse, float]]:
        """Return each use of a device by a trial, also by one that has ended, and its energy where that is known."""
        with self._lock:
            uses = list(self._uses.values())
        return [(each, each.energy_j) for each in uses if each.energy_j is not None]

    def present(self) -> list[DeviceUse]:
        """Return what was told last."""
        with self._lock:
            return [self._uses[key] for key in self._now]

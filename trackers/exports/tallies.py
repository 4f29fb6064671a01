"""Running totals for monitoring: the present use of devices, and the energies of epochs so far."""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from trackers.exports.exporter import DeviceUse, Epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochTally:
    """Totals of the epochs so far of one stage of one trial, by the method of their energies.

    Attributes:
        trial_id: The trial.
        stage: The stage; empty where there is only one.
        method: Method of the energies.
        energy_j: Sum of the energies over all attempts.
        epochs: Number of these epochs.
    """

    trial_id: str
    stage: str
    method: str
    energy_j: float
    epochs: int


@final
class Tallies:
    """Running totals, which an exporter's thread writes and other threads may read."""

    def __init__(self) -> None:
        """Start empty."""
        self._lock = threading.Lock()
        self._uses: dict[tuple[str, str, str], DeviceUse] = {}
        self._now: frozenset[tuple[str, str, str]] = frozenset()
        self._energies_j: defaultdict[tuple[str, str, str], float] = defaultdict(float)
        self._epochs: defaultdict[tuple[str, str, str], int] = defaultdict(int)

    def add_epoch(self, epoch: Epoch) -> None:
        """Add an epoch to the totals; one whose energy is missing is not counted."""
        if epoch.energy_j is None:
            return
        key = (epoch.trial_id, epoch.stage, epoch.method)
        with self._lock:
            self._energies_j[key] += epoch.energy_j
            self._epochs[key] += 1

    def add_uses(self, uses: Sequence[DeviceUse]) -> None:
        """Set the present uses of devices; a use that is not among them is no longer present."""
        told = {(each.host, each.device_uuid, each.trial_id): each for each in uses}
        with self._lock:
            self._uses |= told
            self._now = frozenset(told)

    def epochs(self) -> list[EpochTally]:
        """Return the totals of the epochs so far, by trial, stage and method."""
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
        """Return each use of a device whose energy is known, with the energy; also of ended trials."""
        with self._lock:
            uses = list(self._uses.values())
        return [(each, each.energy_j) for each in uses if each.energy_j is not None]

    def present(self) -> list[DeviceUse]:
        """Return the uses that were reported last."""
        with self._lock:
            return [self._uses[key] for key in self._now]

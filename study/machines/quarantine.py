"""Quarantine of machines on which trials keep failing at once. Does not import Ray.

A board that has fallen off the bus, or a full disk, fails a trial within moments, and the machine is then free
for the next: it could burn through most of a study while other machines train or are still starting. So a
machine is closed when several trials in a row fail there before their first epoch ends, as long as another
machine is not suspect. The last machine is never closed: a scenario with a bug should fail quickly. A setup
that also fails at once elsewhere is itself at fault, and counts against no machine.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import final

CLOSED_AFTER = 3
"""Number of trials in a row that must fail on a machine before it is closed."""


@final
class Quarantine:
    """Machines that are closed to trials because trials failed there.

    Attributes:
        closed: Closed machines, by Ray's node identifier, each with the identifiers of the trials
            that failed there in a row.
    """

    def __init__(self, machines: Iterable[str]) -> None:
        """Begin with no machine closed; `machines` are the identifiers of those that trials fit on."""
        self.closed: dict[str, tuple[str, ...]] = {}
        self._machines = set(machines)
        self._rows: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
        self._failed_on: defaultdict[int, set[str]] = defaultdict(set)

    def trained(self, machine: str) -> None:
        """Note that an epoch has ended on a machine."""
        self._machines.add(machine)
        self._rows[machine].clear()

    def failed_at_once(self, machine: str, trial_id: str, setup: int) -> bool:
        """Note that a trial failed on a machine before its first epoch ended.

        Returns:
            Whether this failure closes the machine.
        """
        self._machines.add(machine)
        self._failed_on[setup].add(machine)
        self._rows[machine].append((trial_id, setup))
        others = self._machines - self.closed.keys() - {machine}
        if machine in self.closed or not self._is_suspect(machine):
            return False
        if all(self._is_suspect(other) for other in others):
            return False
        self.closed[machine] = self._own(machine)
        return True

    def _is_suspect(self, machine: str) -> bool:
        return len(self._own(machine)) >= CLOSED_AFTER

    def _own(self, machine: str) -> tuple[str, ...]:
        """Return the trials that failed in a row on a machine and whose setups failed nowhere else."""
        row = self._rows[machine]
        return tuple(trial for trial, setup in row if self._failed_on[setup] == {machine})

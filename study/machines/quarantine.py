"""A machine that fails every trial at once gets no more of them. Nothing here knows Ray.

A board that has fallen off its bus, or a full disk, fails a trial in a moment, and the machine is then free
for the next: it would go through most of a study while the others train, or are still starting. So a machine
is closed on which several trials in a row failed before their first epoch ended, while there is another one
that has not. The last one is never closed: a scenario with a bug is to fail quickly. A setup that fails as fast
elsewhere is itself to blame, and counts against no machine.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import final

AFTER = 3
"""Trials in a row that must have failed on a machine."""


@final
class Quarantine:
    """Machines that are closed to trials because trials failed there.

    Attributes:
        closed: Those machines, each with the trials that failed there in a row.
    """

    def __init__(self, machines: Iterable[str]) -> None:
        """Close none of the machines that trials fit on."""
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
            Whether the machine is closed by that.
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
        return len(self._own(machine)) >= AFTER

    def _own(self, machine: str) -> tuple[str, ...]:
        """Trials that failed in a row on a machine, and whose setups have not failed elsewhere."""
        row = self._rows[machine]
        return tuple(trial for trial, setup in row if self._failed_on[setup] == {machine})

"""A machine that fails every trial at once gets no more of them. Nothing here knows Ray.

A board that has fallen off its bus, or a full disk, fails a trial in a moment, and the machine is then free
for the next: it would go through most of a study while the others train. So a machine is closed on which
several trials in a row failed before their first epoch ended, if another machine trains. A setup that fails
as fast elsewhere is itself to blame, and counts against no machine.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import final

AFTER = 3
"""Trials in a row that must have failed on a machine."""


@final
@dataclass(slots=True)
class Quarantine:
    """Which machines are closed.

    Attributes:
        closed: Those machines, each with the trials that failed there in a row.
    """

    closed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _well: set[str] = field(default_factory=set)
    _rows: defaultdict[str, list[tuple[str, int]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _failed_on: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))

    def trained(self, machine: str) -> str | None:
        """Note that an epoch has ended on a machine.

        Returns:
            Another machine that is to be closed now, because this one shows that training is possible.
        """
        self._well.add(machine)
        self._rows[machine].clear()
        return self._found()

    def failed_at_once(self, machine: str, trial_id: str, setup: int) -> str | None:
        """Note that a trial failed on a machine before its first epoch ended.

        Returns:
            The machine, if it is to be closed now.
        """
        self._failed_on[setup].add(machine)
        self._rows[machine].append((trial_id, setup))
        return self._found()

    def _found(self) -> str | None:
        for machine, row in self._rows.items():
            others = self._well - self.closed.keys() - {machine}
            own = [trial for trial, setup in row if self._failed_on[setup] == {machine}]
            if machine not in self.closed and others and len(own) >= AFTER:
                self.closed[machine] = tuple(own)
                return machine
        return None

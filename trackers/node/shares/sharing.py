"""Use of devices by several consumers at a time, and the part of a device that each is charged.

The rule: at every moment the consumers that use a board are charged equal parts of it. A consumer's part
of a window is the mean, over the window, of one over the number of consumers, independent of the power.
More cannot be known, because boards do not report which consumer drew how much (arXiv 2501.17752 for MIG).
"""

import itertools
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import final

KEPT_S = 3600.0
"""An ended use is kept if it ended no longer than this before the latest departure from the device, and before
the start of the oldest use that goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargedPart:
    """A consumer's part of a device's energy in a window.

    Attributes:
        share: Share of the device's energy; in (0, 1].
        consumers: Greatest number of consumers at a time in the window.
    """

    share: float
    consumers: int


@dataclass(slots=True)
class Use:
    """One consumer's use of a device over time; `until_s` is None while it goes on."""

    consumer: Hashable
    since_s: float
    until_s: float | None = None

    def overlaps(self, start_s: float, stop_s: float) -> bool:
        """Return whether the device was in use in any part of a window."""
        return self.since_s < stop_s and (self.until_s is None or self.until_s > start_s)


@final
@dataclass(slots=True)
class Sharing:
    """Use of each device by its consumers over time."""

    _uses: dict[str, list[Use]] = field(default_factory=dict)

    def enter(self, device_uuid: str, consumer: Hashable, time_s: float) -> None:
        """Record that a consumer begins to use a device; no effect where it already uses it."""
        uses = self._uses.setdefault(device_uuid, [])
        if not any(use.consumer == consumer and use.until_s is None for use in uses):
            uses.append(Use(consumer, time_s))

    def leave(self, device_uuid: str, consumer: Hashable, time_s: float) -> None:
        """Record that a consumer stops using a device, and drop uses that are too old to be needed."""
        uses = self._uses.get(device_uuid, [])
        for use in uses:
            if use.consumer == consumer and use.until_s is None:
                use.until_s = max(time_s, use.since_s)
        present = [use.since_s for use in uses if use.until_s is None]
        needed_s = min([time_s, *present]) - KEPT_S
        uses[:] = [use for use in uses if use.until_s is None or use.until_s > needed_s]

    def stretches(
        self, device_uuid: str, start_s: float, stop_s: float, also: Sequence[Use] = ()
    ) -> list[tuple[float, float, int]]:
        """Return the stretches of a window between changes, as start, end and number of consumers.

        The number is at least 1, because the window's own consumer may not have been recorded yet.

        Args:
            device_uuid: The device.
            start_s: Start of the window.
            stop_s: End of the window.
            also: Uses by consumers that are not recorded here, such as those of other trackers.
        """
        known = (*self._uses.get(device_uuid, ()), *also)
        uses = [use for use in known if use.overlaps(start_s, stop_s)]
        edges_s = {start_s, stop_s}
        for use in uses:
            edges_s |= {max(start_s, use.since_s), min(stop_s, use.until_s or stop_s)}
        return [
            (begin_s, end_s, max(1, len({u.consumer for u in uses if u.overlaps(begin_s, end_s)})))
            for begin_s, end_s in itertools.pairwise(sorted(edges_s))
        ]

    def part(
        self, device_uuid: str, start_s: float, stop_s: float, also: Sequence[Use] = ()
    ) -> ChargedPart:
        """Part of a device's energy for a consumer that used it over a whole window; see `stretches`."""
        weighed_s, most = 0.0, 1
        for begin_s, end_s, here in self.stretches(device_uuid, start_s, stop_s, also):
            weighed_s += (end_s - begin_s) / here
            most = max(most, here)
        length_s = stop_s - start_s
        return ChargedPart(share=weighed_s / length_s if length_s > 0 else 1.0, consumers=most)

    def uses(self, device_uuid: str) -> list[Use]:
        """Return the recorded uses of a device that have not been dropped yet."""
        return list(self._uses.get(device_uuid, ()))

    def busy(
        self, device_uuid: str, start_s: float, stop_s: float, *, excluding: Hashable = None
    ) -> list[tuple[float, float]]:
        """Return the stretches of a window in which a device was in use, in order of time.

        Args:
            device_uuid: The device.
            start_s: Start of the window.
            stop_s: End of the window.
            excluding: Consumer whose use is ignored; None for none.
        """
        stretches: list[tuple[float, float]] = []
        for use in sorted(self._uses.get(device_uuid, []), key=lambda use: use.since_s):
            if use.consumer == excluding or not use.overlaps(start_s, stop_s):
                continue
            begin_s, end_s = max(start_s, use.since_s), min(stop_s, use.until_s or stop_s)
            if stretches and begin_s <= stretches[-1][1]:
                stretches[-1] = (stretches[-1][0], max(end_s, stretches[-1][1]))
            else:
                stretches.append((begin_s, end_s))
        return stretches

    def used_by_others(self, consumer: Hashable, start_s: float, stop_s: float) -> list[str]:
        """Return the devices that consumers other than `consumer` used in a window."""
        return [uuid for uuid in self._uses if self.busy(uuid, start_s, stop_s, excluding=consumer)]

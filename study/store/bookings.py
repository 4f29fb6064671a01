"""Energy that ranks, from the trackers' bookings of an attempt, without counting anything twice."""

from collections.abc import Iterable, Sequence

from study.record.bookings import WindowRecord
from study.record.vocabulary import EnergyScope
from trackers.sample import Component


def ranking_j_of(
    windows: Iterable[WindowRecord], scope: EnergyScope, *, attempt: int
) -> dict[tuple[str, int], float | None]:
    """Return the energy that ranks of each window of an attempt, by stage and epoch.

    Args:
        windows: Booked windows of a trial; one row for each device on its bill.
        scope: Scope of the energy that ranks.
        attempt: Number of the attempt.

    Returns:
        Energy in joules of each window; None if a part of it is missing.
    """
    by_place: dict[tuple[str, int], list[WindowRecord]] = {}
    for row in windows:
        if row.attempt == attempt:
            by_place.setdefault((row.stage, row.epoch), []).append(row)
    return {place: _ranking_j(rows, scope) for place, rows in by_place.items()}


def _ranking_j(rows: Sequence[WindowRecord], scope: EnergyScope) -> float | None:
    """Return the energy of one window over all processes of a trial; None if a part is missing."""
    by_worker: dict[int, list[WindowRecord]] = {}
    for row in rows:
        by_worker.setdefault(row.worker or 0, []).append(row)
    energies_j = [_ranking_j_of_one(each, scope) for each in by_worker.values()]
    known_j = [each for each in energies_j if each is not None]
    return sum(known_j) if known_j and len(known_j) == len(energies_j) else None


def _ranking_j_of_one(rows: Sequence[WindowRecord], scope: EnergyScope) -> float | None:
    chosen = _of_scope(rows, scope)
    uuids = {row.device_uuid for row in chosen}
    energies_j = [row.energy_j for row in chosen if row.part_of not in uuids]
    known_j = [each for each in energies_j if each is not None]
    return sum(known_j) if known_j and len(known_j) == len(energies_j) else None


def _of_scope(rows: Sequence[WindowRecord], scope: EnergyScope) -> Sequence[WindowRecord]:
    if any(row.component is None for row in rows):
        return rows  # version 0.1 booked only the device that ranks, without a component
    boards = [row for row in rows if row.component == Component.GPU]
    if scope is EnergyScope.ACCELERATOR and boards:
        return boards
    is_node = scope is EnergyScope.NODE
    found = [row for row in rows if (row.component == Component.NODE) is is_node]
    return found or (rows[:1] if scope is EnergyScope.ACCELERATOR else [])

"""Division of shared energy among trials; pure arithmetic.

    a board           in equal parts among the trials that use it at a moment
    CPU and memory    by the trial's share of the CPU time of all processes (`trackers.sources.cpu.cpu_share`)
    a node's plug     what the components on the trial's bill used, plus the rest of the plug in equal parts
                      among the trials that run

The rest is the energy that no running trial's components used: fans, disks, power supply, idle boards. So the
charges of all trials add up to the plug's energy while any trial runs.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from trackers.node.shares.sharing import ChargedPart
from trackers.sample import Device, Method, Reading

RULES = {
    "gpu": "a board's energy in equal parts among the trials that use it",
    "cpu": "by the trial's share of CPU time among all processes of the node",
    "memory": "by the trial's share of CPU time among all processes of the node",
    "node": "what the trial's measured components used, plus the rest of the plug in equal parts "
    "among the trials that run",
}
"""The rules as sentences for the manifest and the report, by component."""


def charge_board(reading: Reading, board: Device, part: ChargedPart) -> Reading:
    """Return what a consumer is charged for a board, as a reading.

    Args:
        reading: Reading of the whole board.
        board: The board.
        part: The consumer's part of the board's energy.
    """
    if part.consumers > 1:
        return reading.degraded(
            f"{part.consumers} trials used the board; each is charged an equal part",
            energy_j=None if reading.energy_j is None else part.share * reading.energy_j,
            uncertainty_common_j=None,
            uncertainty_own_j=None,
            shared_by=part.consumers,
        )
    if board.shared:
        note = "the board is split by MIG: all of it is charged, whoever else uses it"
        return reading.degraded(note, shared_by=1)
    return reading


def charge_process(reading: Reading, device: Device) -> Reading:
    """Return the reading of a process's share under the UUID of the device itself."""
    return replace(reading, device_uuid=device.uuid)


class Used(NamedTuple):
    """Energy that others used, with its largest error in either direction (`open_j`)."""

    energy_j: float
    open_j: float = 0.0


def sum_used(used: Sequence[Used | None]) -> Used | None:
    """Sum of the energies that others used; None where one of them is not known."""
    known = [each for each in used if each is not None]
    if len(known) < len(used):
        return None
    return Used(
        math.fsum(each.energy_j for each in known), math.fsum(each.open_j for each in known)
    )


def charge_node(
    plug: Reading, own: Iterable[Reading], others: Used | None, part: ChargedPart
) -> Reading:
    """Return what a trial is charged for the energy that its node draws from the plug, as a reading.

    Args:
        plug: Reading of the whole node.
        own: What the trial is charged for the components on its bill. Estimates are ignored, so that
            the energy that they stand for is part of the rest.
        others: Energy that the components of all other trials used; None where it is not known.
        part: The trial's part of the rest.
    """
    measured = [each for each in own if each.method is not Method.ESTIMATED]
    own_j = [each.energy_j for each in measured]
    known_j = [energy_j for energy_j in own_j if energy_j is not None]
    if plug.energy_j is None or others is None or len(known_j) < len(own_j):
        whole = "what else runs on the node is not known, and so not the trial's part of its plug"
        return plug if plug.energy_j is None else _unknown(plug, whole)
    rest_j = plug.energy_j - math.fsum(known_j) - others.energy_j
    energy_j = math.fsum(known_j) + part.share * max(0.0, rest_j)
    apart = [each.uncertainty_own_j or 0.0 for each in measured]
    scale = energy_j / plug.energy_j if plug.energy_j else 0.0
    shared = replace(
        plug,
        energy_j=energy_j,
        uncertainty_common_j=_scaled(plug.uncertainty_common_j, scale),
        uncertainty_own_j=None
        if plug.uncertainty_own_j is None
        else math.hypot(part.share * plug.uncertainty_own_j, *apart) + part.share * others.open_j,
        shared_by=part.consumers,
    )
    if others.open_j:
        shared = shared.degraded(
            f"the use of a trial that has just begun is uncertain by {others.open_j:.3g} J"
        )
    if rest_j < 0:
        return shared.degraded(
            f"the components used {-rest_j:.3g} J more than the plug reports; nothing is left to share"
        )
    return shared


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else factor * value


def _unknown(plug: Reading, note: str) -> Reading:
    return Reading.missing(
        plug.device_uuid, note=note, start_s=plug.start_s, duration_s=plug.duration_s
    )

"""The boards that a process may use."""

from collections.abc import Mapping

from trackers.errors import TrackerError
from trackers.sample import Component
from trackers.sources.detect import Detection
from trackers.sources.nvml.visible_devices import resolve


def visible_boards(detection: Detection, environment: Mapping[str, str]) -> frozenset[str]:
    """The boards that a process may use, by `CUDA_VISIBLE_DEVICES` where it is set.

    Boards of other vendors are not hidden by it.

    Args:
        detection: What is measured.
        environment: The process's environment.
    """
    boards = [each.uuid for each in detection.devices if each.component is Component.GPU]
    hidden = environment.get("CUDA_VISIBLE_DEVICES")
    nvidia = [uuid for uuid in boards if uuid.startswith("GPU-")]
    if hidden is None or not nvidia:
        return frozenset(boards)
    shown = set()
    for entry in filter(None, (each.strip() for each in hidden.split(","))):
        try:
            shown.add(resolve(entry, nvidia, parts_of=lambda _: ()))
        except TrackerError:
            break  # CUDA shows none of the entries behind one that is no board
    return frozenset({*boards} - {*nvidia} | shown)

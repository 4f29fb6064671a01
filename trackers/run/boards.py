"""Boards that a process may use, by its vendors' environment variables."""

from collections.abc import Mapping, Sequence

from trackers.errors import TrackerError
from trackers.sample import Component
from trackers.sources.detect import Detection
from trackers.sources.nvml.visible_devices import resolve

ROCR, HIP, CUDA = "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"


def visible_boards(detection: Detection, environment: Mapping[str, str]) -> frozenset[str]:
    """Return the UUIDs of the boards that a process may use, by the variables of their vendors.

    NVIDIA boards are selected by `CUDA_VISIBLE_DEVICES`. Of AMD boards, `ROCR_VISIBLE_DEVICES` selects by
    index in the kernel's order, and `HIP_VISIBLE_DEVICES`, or in its absence `CUDA_VISIBLE_DEVICES`, selects
    among those that remain; this has not been tried on such boards yet. Intel boards are all visible.

    Args:
        detection: The detected sources.
        environment: Environment variables of the process.
    """
    boards = [each for each in detection.devices if each.component is Component.GPU]
    nvidia = [each.uuid for each in boards if each.uuid.startswith("GPU-")]
    smi = {d.uuid for s in detection.sources if s.name == "amdsmi" for d in s.devices()}
    amd = sorted(each.uuid for each in boards if each.driver == "amdgpu" or each.uuid in smi)
    others = {each.uuid for each in boards} - {*nvidia, *amd}
    return frozenset({*_nvidia(nvidia, environment), *_amd(amd, nvidia, environment), *others})


def _nvidia(boards: Sequence[str], environment: Mapping[str, str]) -> Sequence[str]:
    hidden = environment.get(CUDA)
    if hidden is None or not boards:
        return boards
    shown = []
    for entry in _entries(hidden):
        try:
            shown.append(resolve(entry, boards, parts_of=lambda _: ()))
        except TrackerError:
            break  # CUDA ignores an invalid entry and all entries after it
    return shown


def _amd(
    boards: Sequence[str], nvidia: Sequence[str], environment: Mapping[str, str]
) -> Sequence[str]:
    of_hip = HIP if HIP in environment or nvidia else CUDA
    for variable in (ROCR, of_hip):
        hidden = environment.get(variable)
        if hidden is None:
            continue
        shown = []
        for entry in _entries(hidden):
            if not entry.lstrip("-").isdecimal():
                return boards  # an identifier of ROCm, which the kernel's sensors do not report
            if not 0 <= int(entry) < len(boards):
                break
            shown.append(boards[int(entry)])
        boards = shown
    return boards


def _entries(hidden: str) -> list[str]:
    return [each.strip() for each in hidden.split(",") if each.strip()]

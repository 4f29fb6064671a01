"""Which boards a process may use."""

from collections.abc import Sequence

import pytest

from trackers.run.boards import visible_boards
from trackers.sample import Component, Device, Observation
from trackers.sources.detect import Detection

AMD = [f"pci:0000:{bus}:00.0" for bus in ("03", "23", "43", "83")]
NVIDIA = [f"GPU-{number}" for number in range(2)]


class Boards:
    """A source of boards."""

    note, estimated, counter_persists = "", False, True

    def __init__(self, name: str, uuids: Sequence[str], *, driver: str | None = None) -> None:
        """Measure these."""
        self.name = name
        self._devices = [
            Device(uuid=each, name="board", component=Component.GPU, driver=driver)
            for each in uuids
        ]

    def devices(self) -> Sequence[Device]:
        """See `PowerSource`."""
        return self._devices

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        raise NotImplementedError(device_uuid, counter)

    def close(self) -> None:
        """See `PowerSource`."""


@pytest.mark.parametrize(
    ("environment", "shown"),
    [
        ({}, [0, 1, 2, 3]),
        ({"ROCR_VISIBLE_DEVICES": "2"}, [2]),
        ({"HIP_VISIBLE_DEVICES": "1,3"}, [1, 3]),
        ({"ROCR_VISIBLE_DEVICES": "1,2", "HIP_VISIBLE_DEVICES": "1"}, [2]),
        ({"ROCR_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "0"}, [0]),
        ({"HIP_VISIBLE_DEVICES": "-1"}, []),
        ({"HIP_VISIBLE_DEVICES": ""}, []),
        ({"ROCR_VISIBLE_DEVICES": "GPU-f980f88ef31631a2"}, [0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("source", ["amdsmi", "hwmon"])
def test_boards_of_amd_are_hidden_by_their_own_variables(
    environment: dict[str, str], shown: list[int], source: str
) -> None:
    """A process that was given one board of many is not charged all of them."""
    boards = Boards(source, AMD, driver="amdgpu" if source == "hwmon" else None)

    found = visible_boards(Detection(sources=(boards,), refused={}), environment)

    assert found == {AMD[number] for number in shown}


def test_each_vendor_has_its_variable() -> None:
    """Beside boards of NVIDIA's, `CUDA_VISIBLE_DEVICES` is theirs."""
    sources = (
        Boards("nvml", NVIDIA),
        Boards("hwmon", AMD, driver="amdgpu"),
    )
    environment = {"CUDA_VISIBLE_DEVICES": "1", "HIP_VISIBLE_DEVICES": "0"}

    found = visible_boards(Detection(sources=sources, refused={}), environment)

    assert found == {NVIDIA[1], AMD[0]}

"""The device that a trial trains on, its identifier, and its state between trials."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args, get_type_hints

import pytest
import torch

from study.errors import OptionError
from study.options import StudyOptions
from study.training.devices import (
    DEVICES,
    accelerator_uuid,
    pci_identifier,
    peak_memory_bytes,
    reset_device,
    synchronize,
    torch_device,
)
from tests.fake_nvml import UUIDS, Boards, build, mig_uuid

CPU = torch.device("cpu")
USABLE = {
    "cuda": torch.cuda.is_available(),
    "xpu": torch.xpu.is_available(),
    "mps": torch.backends.mps.is_available(),
    "cpu": True,
}


@pytest.fixture
def threads() -> Iterator[int]:
    """Torch's number of threads, restored afterwards."""
    before = torch.get_num_threads()
    yield before
    torch.set_num_threads(before)


def test_the_device_option_allows_exactly_the_known_devices() -> None:
    """The values of `--device` are those of `DEVICES`."""
    assert get_args(get_type_hints(StudyOptions)["device"]) == DEVICES


def test_auto_takes_the_first_usable_device() -> None:
    """The order is CUDA, Intel's XPU, Apple's MPS, CPU."""
    first = next(name for name, is_usable in USABLE.items() if is_usable)

    assert first == torch_device("auto").type


@pytest.mark.parametrize("name", USABLE)
def test_a_device_that_cannot_be_used_is_refused(name: str) -> None:
    """The message names the devices that this torch can use, and the remedy."""
    if USABLE[name]:  # no machine has all of them, so one is refused on each
        assert name == torch_device(name).type
        return

    with pytest.raises(OptionError, match=rf"--device {name}: .* it can use .*cpu\. Choose one"):
        torch_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="torch itself knows its board")
@pytest.mark.parametrize("visible", [None, "", "-1", "no-such-board", "NoDevFiles"])
def test_without_a_board_there_is_no_identifier(
    visible: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The identifier is None, neither an index nor an error; what follows is up to the tracker."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert accelerator_uuid() is None


def test_a_trial_gets_its_own_number_of_threads(threads: int) -> None:
    """The number of threads of the previous trial does not matter."""
    torch.set_num_threads(threads + 1)

    reset_device(CPU, threads=1)

    assert torch.get_num_threads() == 1


def test_a_cpu_has_no_peak_memory() -> None:
    """Missing is None, never 0; synchronising a CPU does nothing."""
    synchronize(CPU)

    assert peak_memory_bytes(CPU) is None


BOARDS_OF = """
import json, os, sys
from study.training.devices import accelerator_uuid
found = []
for visible, assigned in json.loads(sys.argv[1]):
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    found.append(accelerator_uuid(assigned))
print(json.dumps(found))
"""

TRIALS: dict[int, list[tuple[str | None, list[str], int]]] = {
    0: [
        ("2", [], 2),
        (UUIDS[1], [], 1),
        (UUIDS[1][:8], [], 1),
        (f"{UUIDS[3]},{UUIDS[0]}", [], 3),
        (None, ["3"], 3),
        ("", [UUIDS[2]], 2),
        ("no-such-board", ["1"], 1),
        ("-1", ["1"], 1),
    ],
    1: [(mig_uuid(1, 1), [], 1)],
}
"""By `mig` of the boards: CUDA_VISIBLE_DEVICES of a trial, what Ray assigned to it, and its board."""


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="torch itself knows its board")
@pytest.mark.parametrize("mig", TRIALS)
def test_the_board_is_found_whatever_the_order_of_nvml(mig: int, tmp_path: Path) -> None:
    """Indices count boards in PCI order, even if NVML lists them in another order."""
    boards = Boards(boards=4, order="2,0,3,1", mig=mig)
    trials = json.dumps([(visible, assigned) for visible, assigned, _ in TRIALS[mig]])

    done = subprocess.run(
        [sys.executable, "-c", BOARDS_OF, trials],
        cwd=Path(__file__).parents[3],
        env=boards.environment(build(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert json.loads(done.stdout) == [UUIDS[board] for _, _, board in TRIALS[mig]]


@pytest.mark.parametrize(
    ("fields", "identifier"),
    [
        ({"pci_domain_id": 0, "pci_bus_id": 0x83, "pci_device_id": 0}, "pci:0000:83:00.0"),
        ({"pci_domain_id": 1, "pci_bus_id": 3, "pci_device_id": 0x1F}, "pci:0001:03:1f.0"),
        ({"uuid": b"0" * 16}, None),
    ],
)
def test_a_board_of_amd_or_intel_is_identified_by_its_pci_address(
    fields: dict[str, Any], identifier: str | None
) -> None:
    """The address is written as in sysfs; without one from torch there is no identifier."""
    assert pci_identifier(SimpleNamespace(**fields)) == identifier

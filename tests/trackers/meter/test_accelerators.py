"""Waiting for the accelerators that torch has used in this process, and for no other."""

import math
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from trackers.meter import accelerators
from trackers.meter.accelerators import wait_for_accelerators

Waits = list[tuple[str, int]]


class Tensor:
    """A tensor, as far as its place is asked for."""

    def __init__(self, kind: str) -> None:
        """It lies on such a device."""
        self.device = SimpleNamespace(type=kind)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A torch that knows tensors, of which nothing has used any accelerator."""
    module = SimpleNamespace(Tensor=Tensor)
    monkeypatch.setattr(accelerators, "_on_mps", False)
    monkeypatch.setattr(accelerators, "_next_look_s", 0.0)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


def boards(waits: Waits, kind: str, *reserved: int, is_used: bool = True) -> SimpleNamespace:
    """`torch.cuda` or `torch.xpu` of a machine with so many bytes on each board."""

    def asked(index: int) -> int:
        assert is_used, "this would begin the device"
        return reserved[index]

    return SimpleNamespace(
        is_initialized=lambda: is_used,
        device_count=lambda: len(reserved),
        memory_reserved=asked,
        current_device=lambda: 0,
        synchronize=lambda index: waits.append((kind, index)),
    )


def apple(torch: SimpleNamespace, waits: Waits, *, is_built: bool) -> None:
    """Give a torch Apple's GPU, which has no `is_initialized`."""
    torch.backends = SimpleNamespace(mps=SimpleNamespace(is_built=lambda: is_built))
    torch.mps = SimpleNamespace(synchronize=lambda: waits.append(("mps", 0)))


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_it_waits_for_each_board_that_is_used(torch: SimpleNamespace, kind: str) -> None:
    """And leaves the others alone: a network may lie on several, not always from the first one on."""
    waits: Waits = []
    setattr(torch, kind, boards(waits, kind, 0, 1024, 512))

    wait_for_accelerators()

    assert waits == [(kind, 1), (kind, 2)]


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_it_begins_no_board(torch: SimpleNamespace, kind: str) -> None:
    """Not of a process that has not used it: that could not fork any more."""
    waits: Waits = []
    setattr(torch, kind, boards(waits, kind, 0, is_used=False))

    wait_for_accelerators()

    assert waits == []


def test_it_waits_for_the_present_board_where_memory_is_not_counted(torch: SimpleNamespace) -> None:
    """As by an allocator of somebody else's."""
    waits: Waits = []

    def uncounted(_: int) -> int:
        raise RuntimeError

    torch.cuda = boards(waits, "cuda", 0)
    torch.cuda.memory_reserved = uncounted

    wait_for_accelerators()

    assert waits == [("cuda", 0)]


@pytest.mark.parametrize(
    ("place", "is_built", "waited"), [("mps", True, 2), ("cpu", True, 0), ("mps", False, 0)]
)
def test_it_waits_for_apples_gpu_once_a_tensor_lay_on_it(
    torch: SimpleNamespace, place: str, waited: int, *, is_built: bool
) -> None:
    """Also when that is gone: its work may not have ended."""
    waits: Waits = []
    apple(torch, waits, is_built=is_built)
    tensor: Any = Tensor(place)

    wait_for_accelerators()
    del tensor
    wait_for_accelerators()

    assert waits == [("mps", 0)] * waited


def test_a_device_that_fails_hides_no_error_of_the_training(
    torch: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed kernel each call raises; the window is closed all the same, and its training saved."""

    def failed(_: int) -> None:
        message = "CUDA error: device-side assert triggered"
        raise RuntimeError(message)

    torch.cuda = boards([], "cuda", 1024)
    torch.cuda.synchronize = failed

    wait_for_accelerators()

    assert "device-side assert" in caplog.text


def test_objects_are_looked_through_now_and_then_alone(
    torch: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training on the CPU of a Mac is not slowed down at each of its epochs' edges."""
    waits: Waits = []
    apple(torch, waits, is_built=True)
    began_s = time.monotonic()
    wait_for_accelerators()
    until_s = vars(accelerators)["_next_look_s"]

    monkeypatch.setattr(accelerators, "_next_look_s", math.inf)
    tensor = Tensor("mps")
    wait_for_accelerators()
    before = list(waits)
    monkeypatch.setattr(accelerators, "_next_look_s", 0.0)
    wait_for_accelerators()

    assert tensor.device.type == "mps"
    assert until_s > began_s
    assert before == []
    assert waits == [("mps", 0)]


def test_without_torch_there_is_nothing_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it imported."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    wait_for_accelerators()

    assert "torch" not in sys.modules

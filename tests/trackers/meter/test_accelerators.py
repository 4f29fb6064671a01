"""Synchronization with the accelerators that torch has used in this process, and with no other."""

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
    """Stand-in for a tensor, which has only a device."""

    def __init__(self, kind: str) -> None:
        """Place the tensor on a device of the given type."""
        self.device = SimpleNamespace(type=kind)


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A fake torch that has not used any accelerator."""
    module = SimpleNamespace(Tensor=Tensor)
    monkeypatch.setattr(accelerators, "_on_mps", False)
    monkeypatch.setattr(accelerators, "_next_look_s", 0.0)
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


def boards(waits: Waits, kind: str, *reserved: int, is_used: bool = True) -> SimpleNamespace:
    """Fake `torch.cuda` or `torch.xpu` with the given number of bytes reserved on each board."""

    def memory_reserved(index: int) -> int:
        assert is_used, "this would create a context on the device"
        return reserved[index]

    return SimpleNamespace(
        is_initialized=lambda: is_used,
        device_count=lambda: len(reserved),
        memory_reserved=memory_reserved,
        current_device=lambda: 0,
        synchronize=lambda index: waits.append((kind, index)),
    )


def apple(torch: SimpleNamespace, waits: Waits, *, is_built: bool) -> None:
    """Add Apple's GPU, which has no `is_initialized`, to a fake torch."""
    torch.backends = SimpleNamespace(mps=SimpleNamespace(is_built=lambda: is_built))
    torch.mps = SimpleNamespace(synchronize=lambda: waits.append(("mps", 0)))


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_every_used_board_is_synchronized(torch: SimpleNamespace, kind: str) -> None:
    """Unused boards are left alone; a network may use several boards, and not the first one."""
    waits: Waits = []
    setattr(torch, kind, boards(waits, kind, 0, 1024, 512))

    wait_for_accelerators()

    assert waits == [(kind, 1), (kind, 2)]


@pytest.mark.parametrize("kind", ["cuda", "xpu"])
def test_an_unused_board_gets_no_context(torch: SimpleNamespace, kind: str) -> None:
    """A process with a context could no longer fork workers."""
    waits: Waits = []
    setattr(torch, kind, boards(waits, kind, 0, is_used=False))

    wait_for_accelerators()

    assert waits == []


def test_the_current_device_is_synchronized_without_statistics(torch: SimpleNamespace) -> None:
    """Another allocator may keep no statistics of memory."""
    waits: Waits = []

    def uncounted(_: int) -> int:
        raise RuntimeError

    torch.cuda = boards(waits, "cuda", 0)
    torch.cuda.memory_reserved = uncounted

    wait_for_accelerators()

    assert waits == [("cuda", 0)]


@pytest.mark.parametrize(
    ("device", "is_built", "times"), [("mps", True, 2), ("cpu", True, 0), ("mps", False, 0)]
)
def test_apples_gpu_is_synchronized_once_a_tensor_was_on_it(
    torch: SimpleNamespace, device: str, times: int, *, is_built: bool
) -> None:
    """It still is after the tensor is gone, because its work may not have finished."""
    waits: Waits = []
    apple(torch, waits, is_built=is_built)
    tensor: Any = Tensor(device)

    wait_for_accelerators()
    del tensor
    wait_for_accelerators()

    assert waits == [("mps", 0)] * times


def test_a_failed_device_is_logged_and_raises_nothing(
    torch: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed kernel every call raises, but the window must still close and the training be saved."""

    def failed(_: int) -> None:
        message = "CUDA error: device-side assert triggered"
        raise RuntimeError(message)

    torch.cuda = boards([], "cuda", 1024)
    torch.cuda.synchronize = failed

    wait_for_accelerators()

    assert "device-side assert" in caplog.text


def test_objects_are_searched_only_now_and_then(
    torch: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training on the CPU of a Mac is not slowed down at each edge of an epoch."""
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
    """It is not imported either."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)

    wait_for_accelerators()

    assert "torch" not in sys.modules

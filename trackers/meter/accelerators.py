"""Synchronize with accelerators, so that the energy of queued work is in the window that started it.

torch queues work on an accelerator and returns at once. A device that this process has not used is never
touched: that would create a context on it, and a process with a context can no longer fork workers.
"""

import gc
import logging
import sys
import time
from typing import Any

LOOK_SHARE = 0.01
"""Largest share of the time that may be spent on looking for tensors on Apple's GPU."""

_log = logging.getLogger(__name__)

_on_mps = False
_next_look_s = 0.0


def wait_for_accelerators() -> None:
    """Wait until the accelerators that torch has used in this process have finished their queued work.

    Covers CUDA (including AMD's ROCm), Intel's XPU and Apple's MPS. Does nothing without torch. An error that
    a device reports is logged: it is the training's own, which meets it by itself.
    """
    try:
        _synchronize(sys.modules.get("torch"))
    except Exception as error:  # noqa: BLE001 - measuring ends no training, nor hides why it ended
        _log.warning("an accelerator could not be waited for: %s", error)


def _synchronize(torch: Any) -> None:  # noqa: ANN401 - the module, or None
    for kind in ("cuda", "xpu"):
        module = getattr(torch, kind, None)
        if module is not None and module.is_initialized():
            for index in _used(module):
                module.synchronize(index)
    if torch is not None and _uses_mps(torch):
        torch.mps.synchronize()


def _used(module: Any) -> list[int]:  # noqa: ANN401 - torch.cuda or torch.xpu
    """Return the indices of the boards on which this process has memory."""
    try:
        return [each for each in range(module.device_count()) if module.memory_reserved(each)]
    except Exception:  # noqa: BLE001 - another allocator may keep no statistics
        return [module.current_device()]


def _uses_mps(torch: Any) -> bool:  # noqa: ANN401 - the module
    """Return whether this process has, or has had, a tensor on Apple's GPU.

    torch has no function for that which does not start the GPU, so the objects in memory are looked through
    until a tensor is found. That takes a moment with a million objects, so it is not done at every call.
    """
    global _on_mps, _next_look_s  # noqa: PLW0603 - state of the process, as the device's is
    backend = getattr(getattr(torch, "backends", None), "mps", None)
    began_s = time.monotonic()
    if _on_mps or backend is None or not backend.is_built() or began_s < _next_look_s:
        return _on_mps
    _on_mps = any(
        issubclass(type(each), torch.Tensor) and each.device.type == "mps"
        for each in gc.get_objects()
    )
    ended_s = time.monotonic()
    _next_look_s = ended_s + (ended_s - began_s) / LOOK_SHARE
    return _on_mps

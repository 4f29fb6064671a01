"""Waiting for accelerators: a window ends where its work ends, and no accelerator begins by it.

torch hands work to an accelerator and goes on. Whoever asks one that the process has not used would begin
it: with a context of ours a training could not fork any more.
"""

import gc
import sys
from typing import Any

_on_mps = False


def wait_for_accelerators() -> None:
    """Wait until those that torch has used in this process have done what they were given.

    Those are CUDA's (AMD's ROCm too), Intel's and Apple's. Without torch there are none.
    """
    torch = sys.modules.get("torch")
    for kind in ("cuda", "xpu"):
        module = getattr(torch, kind, None)
        if module is not None and module.is_initialized():
            for index in _used(module):
                module.synchronize(index)
    if torch is not None and _uses_mps(torch):
        torch.mps.synchronize()


def _used(module: Any) -> list[int]:  # noqa: ANN401 - torch.cuda or torch.xpu
    """Numbers of the boards on which there is memory of this process."""
    try:
        return [each for each in range(module.device_count()) if module.memory_reserved(each)]
    except Exception:  # noqa: BLE001 - an allocator that counts nothing
        return [module.current_device()]


def _uses_mps(torch: Any) -> bool:  # noqa: ANN401 - the module
    """Return whether a tensor lies on Apple's GPU, or did before: torch does not say it otherwise."""
    global _on_mps  # noqa: PLW0603 - of the process, as the device is
    backend = getattr(getattr(torch, "backends", None), "mps", None)
    if not _on_mps and backend is not None and backend.is_built():
        _on_mps = any(
            issubclass(type(each), torch.Tensor) and each.device.type == "mps"
            for each in gc.get_objects()
        )
    return _on_mps

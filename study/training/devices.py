"""Device that this process trains on, and the identifier under which the tracker measures it."""

import os
from collections.abc import Mapping, Sequence

import torch

from study.errors import OptionError
from trackers.errors import TrackerError
from trackers.sources.hwmon import pci_device
from trackers.sources.nvml.source import uuid_of

DEVICES = ("auto", "cuda", "xpu", "mps", "cpu")


def torch_device(asked: str) -> torch.device:
    """Return the device to train on.

    Args:
        asked: One of `DEVICES`; `auto` takes the first of the others that torch can use.

    Raises:
        OptionError: torch cannot use the device that was asked for.
    """
    usable = {
        "cuda": torch.cuda.is_available(),
        "xpu": torch.xpu.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if asked == "auto":
        return torch.device(next(name for name, can in usable.items() if can))
    if not usable[asked]:
        can = ", ".join(name for name, yes in usable.items() if yes)
        message = (
            f"--device {asked}: this torch ({torch.__version__}) cannot use it; it can use {can}. "
            "Choose one of these, or install a build of torch for your accelerator."
        )
        raise OptionError(message)
    return torch.device(asked)


def accelerator_uuid(assigned: Sequence[str] = ()) -> str | None:
    """Return the identifier of the board that this process trains on; None if it has none.

    An AMD or Intel board is identified by its PCI address, as in the kernel's sensors
    (`trackers.sources.hwmon`); if torch does not report one, None, which means the machine's only board.
    Neither has been tried on a real device.

    Call it inside the process that trains, because Ray sets the visible devices there. Asked in this order:
    torch; then, if torch cannot use CUDA and for MIG instances, the first entry of `CUDA_VISIBLE_DEVICES`
    (an index in PCI order, `GPU-...` or `MIG-...`); then what Ray assigned.

    Args:
        assigned: Identifiers of the boards that Ray has assigned to this process, if any.
    """
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0].strip()
    if torch.cuda.is_available() and not visible.startswith("MIG-"):
        board = torch.cuda.get_device_properties(torch.cuda.current_device())
        return pci_identifier(board) if torch.version.hip else f"GPU-{board.uuid}"
    if torch.xpu.is_available():
        return pci_identifier(torch.xpu.get_device_properties(torch.xpu.current_device()))
    for entry in filter(None, (visible, *assigned[:1])):
        try:
            return uuid_of(entry)
        except TrackerError:
            continue
    return None


def pci_identifier(board: object) -> str | None:
    """Return the identifier of a board from the PCI address in its torch properties; None without one."""
    parts = [getattr(board, f"pci_{part}_id", None) for part in ("domain", "bus", "device")]
    numbers = [part for part in parts if isinstance(part, int)]
    if len(numbers) < len(parts):
        return None
    domain, bus, device = numbers
    return pci_device(f"{domain:04x}:{bus:02x}:{device:02x}.0")


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished its queued work, so that a window ends with its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "xpu":
        torch.xpu.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def reset_device(device: torch.device, *, threads: int) -> None:
    """Free the memory and reset the statistics that an earlier trial left in this process.

    Args:
        device: Device that the next trial trains on.
        threads: CPU threads that torch may use.
    """
    torch.set_num_threads(threads)
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    elif device.type == "xpu":
        torch.xpu.empty_cache()
        torch.xpu.reset_peak_memory_stats(device)
    elif device.type == "mps":
        torch.mps.empty_cache()


def peak_memory_bytes(device: torch.device) -> int | None:
    """Return the trial's peak memory on its accelerator in bytes; None on MPS and CPU, as torch keeps none."""
    if device.type == "xpu":
        return torch.xpu.max_memory_allocated(device)
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None


def random_state(device: torch.device) -> dict[str, torch.Tensor]:
    """Return the state of torch's random numbers, on the CPU and on the device."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    elif device.type == "xpu":
        state["xpu"] = torch.xpu.get_rng_state(device)
    elif device.type == "mps":
        state["mps"] = torch.mps.get_rng_state()
    return state


def restore_random_state(device: torch.device, state: Mapping[str, torch.Tensor]) -> None:
    """Restore the state of torch's random numbers from what `random_state` returned.

    From a state taken on another kind of device, only the CPU's is restored.
    """
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)
    elif device.type == "xpu" and "xpu" in state:
        torch.xpu.set_rng_state(state["xpu"], device)
    elif device.type == "mps" and "mps" in state:
        torch.mps.set_rng_state(state["mps"])

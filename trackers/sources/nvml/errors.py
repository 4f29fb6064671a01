"""Meaning of NVML's error codes: the exception for a failed reading, and the remedy when NVML does not open."""

import contextlib
from collections.abc import Callable, Mapping
from typing import TypeVar, final

from trackers.errors import DeviceLostError, ReadError

T = TypeVar("T")

PROBE_ATTEMPTS = 3
"""Attempts at a call when a board is probed. Sporadic errors are common, and a single one must not decide a
board's method for a whole study."""


@final
class ForbiddenError(ReadError):
    """This user has no permission for a call on this board."""


READING_ERRORS: Mapping[str, type[ReadError]] = {
    "NVML_ERROR_UNINITIALIZED": DeviceLostError,
    "NVML_ERROR_INVALID_ARGUMENT": DeviceLostError,  # the handle is from before a reload of the driver
    "NVML_ERROR_NOT_SUPPORTED": ReadError,
    "NVML_ERROR_NO_PERMISSION": ForbiddenError,
    "NVML_ERROR_ALREADY_INITIALIZED": ReadError,
    "NVML_ERROR_NOT_FOUND": DeviceLostError,
    "NVML_ERROR_INSUFFICIENT_SIZE": ReadError,
    "NVML_ERROR_INSUFFICIENT_POWER": ReadError,
    "NVML_ERROR_DRIVER_NOT_LOADED": DeviceLostError,
    "NVML_ERROR_TIMEOUT": ReadError,
    "NVML_ERROR_IRQ_ISSUE": ReadError,
    "NVML_ERROR_LIBRARY_NOT_FOUND": DeviceLostError,
    "NVML_ERROR_FUNCTION_NOT_FOUND": ReadError,
    "NVML_ERROR_CORRUPTED_INFOROM": ReadError,
    "NVML_ERROR_GPU_IS_LOST": DeviceLostError,
    "NVML_ERROR_RESET_REQUIRED": DeviceLostError,
    "NVML_ERROR_OPERATING_SYSTEM": ReadError,
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH": DeviceLostError,
    "NVML_ERROR_IN_USE": ReadError,
    "NVML_ERROR_MEMORY": ReadError,
    "NVML_ERROR_NO_DATA": ReadError,
    "NVML_ERROR_VGPU_ECC_NOT_SUPPORTED": ReadError,
    "NVML_ERROR_INSUFFICIENT_RESOURCES": ReadError,
    "NVML_ERROR_FREQ_NOT_SUPPORTED": ReadError,
    "NVML_ERROR_ARGUMENT_VERSION_MISMATCH": ReadError,
    "NVML_ERROR_DEPRECATED": ReadError,
    "NVML_ERROR_NOT_READY": ReadError,
    "NVML_ERROR_GPU_NOT_FOUND": DeviceLostError,
    "NVML_ERROR_INVALID_STATE": ReadError,
    "NVML_ERROR_RESET_TYPE_NOT_SUPPORTED": ReadError,
    "NVML_ERROR_UNKNOWN": ReadError,
}
"""Exception for each NVML error when a board is read. An error that a later NVML adds is a `ReadError`."""

REMEDIES: Mapping[str, str] = {
    "NVML_ERROR_LIBRARY_NOT_FOUND": (
        "libnvidia-ml.so.1 was not found: install the NVIDIA driver; in a container start it with "
        "`--gpus all` and NVIDIA_DRIVER_CAPABILITIES=compute,utility"
    ),
    "NVML_ERROR_DRIVER_NOT_LOADED": "load the driver: `sudo modprobe nvidia`",
    "NVML_ERROR_LIB_RM_VERSION_MISMATCH": (
        "library and kernel module are of different versions: reboot, or reload the driver"
    ),
    "NVML_ERROR_NO_PERMISSION": (
        "this user may not open /dev/nvidia*: `ls -l /dev/nvidia*` says which group may; join it, "
        "or run as root"
    ),
}
"""Remedies for errors when NVML is opened; for all others `nvidia-smi` shows what is wrong."""


def value_or_error(read: Callable[[], T]) -> T | ReadError:
    """Return the value of a reading, or the error with which it failed this time.

    Raises:
        DeviceLostError: The device is gone.
    """
    try:
        return read()
    except DeviceLostError:
        raise
    except ReadError as error:
        return error


def answers(read: Callable[[], float]) -> bool:
    """Return whether a reading succeeds in one of a few attempts."""
    for _ in range(PROBE_ATTEMPTS):
        with contextlib.suppress(ReadError):
            read()
            return True
    return False

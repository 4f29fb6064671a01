"""Power limits of NVIDIA boards: reading, setting, and a history of them for the bounds on a window's power.

`nvmlDeviceSetPowerManagementLimit` is called and not its successor, because pynvml 13 drops the return code of
`nvmlDeviceSetPowerManagementLimit_v2`, so that a refusal would pass for success.
"""

import threading
from collections.abc import Mapping
from typing import Any, final

from trackers.clock import Clock
from trackers.errors import ReadError, UnknownDeviceError
from trackers.sample import PowerLimits
from trackers.sources.nvml.errors import ForbiddenError
from trackers.sources.nvml.library import NvmlLibrary

REMEDY = (
    "setting a power limit needs root: run the command as root (a container as root with "
    "--cap-add SYS_ADMIN), on a cluster Ray on each machine with a GPU"
)
SPLIT = "it is split by MIG, and a limit would slow the other instances; `sudo nvidia-smi -mig 0` makes it one"

KEPT = 64
"""Number of changes of a board's limit that are remembered."""


@final
class BoardLimits:
    """The power limits of all boards of an open library."""

    def __init__(self, library: NvmlLibrary, handles: Mapping[str, Any], *, clock: Clock) -> None:
        """Create the limits of some boards.

        Args:
            library: The open library.
            handles: NVML's handle of each board by its UUID.
            clock: Clock of the times at which limits are seen.
        """
        self._library = library
        self._handles = handles
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: dict[str, list[tuple[float, float]]] = {}

    def limits(self, device_uuid: str) -> PowerLimits:
        """See `trackers.source.LimitsPower`."""
        handle = self._handle(device_uuid)
        lowest_mw, highest_mw = self._library.call(
            "nvmlDeviceGetPowerManagementLimitConstraints", handle
        )
        now_mw = self._library.call("nvmlDeviceGetPowerManagementLimit", handle)
        return PowerLimits(
            device_uuid=device_uuid,
            lowest_w=lowest_mw / 1000,
            highest_w=highest_mw / 1000,
            now_w=now_mw / 1000,
        )

    def refused(self, device_uuid: str) -> str:
        """See `trackers.source.LimitsPower.limit_refused`."""
        handle = self._handle(device_uuid)
        if self._library.is_split(handle):
            return SPLIT
        users = sorted(self._library.processes(handle))
        if users:
            return (
                f"others use it (process {', '.join(map(str, users))}), whom a limit would slow; wait "
                "until they have ended, or take a board of your own"
            )
        try:
            now_mw = self._library.call("nvmlDeviceGetPowerManagementLimit", handle)
            self._library.call("nvmlDeviceSetPowerManagementLimit", handle, now_mw)
        except ForbiddenError as error:
            return f"{error}: {REMEDY}"
        except ReadError as error:
            return f"{error}: this board's limit cannot be set"
        return ""

    def set_w(self, device_uuid: str, limit_w: float) -> float:
        """See `trackers.source.LimitsPower.limit_power`."""
        handle = self._handle(device_uuid)
        # Recorded before and after the call, so that power drawn meanwhile is bounded by the higher limit.
        self.saw(device_uuid, limit_w)
        self._library.call("nvmlDeviceSetPowerManagementLimit", handle, round(1000 * limit_w))
        now_mw = self._library.call("nvmlDeviceGetPowerManagementLimit", handle)
        now_w = float(now_mw / 1000)
        self.saw(device_uuid, now_w)
        return now_w

    def saw(self, device_uuid: str, limit_w: float | None) -> None:
        """Record that a board has a limit from now on, whoever has set it; None is ignored."""
        if limit_w is None:
            return
        with self._lock:
            seen = self._seen.setdefault(device_uuid, [])
            if not seen or seen[-1][1] != limit_w:
                seen.append((self._clock.now_s(), limit_w))
                del seen[:-KEPT]

    def highest_w(self, device_uuid: str, since_s: float) -> float | None:
        """See `trackers.source.LimitsPower.highest_limit_w`."""
        with self._lock:
            seen = list(self._seen.get(device_uuid, ()))
        later = [limit_w for at_s, limit_w in seen if at_s > since_s]
        before = [limit_w for at_s, limit_w in seen if at_s <= since_s][-1:]
        return max(before + later, default=None)

    def _handle(self, device_uuid: str) -> Any:  # noqa: ANN401 - opaque
        if device_uuid not in self._handles:
            known = ", ".join(self._handles)
            message = f"unknown device {device_uuid!r}; nvml measures {known}"
            raise UnknownDeviceError(message)
        return self._handles[device_uuid]

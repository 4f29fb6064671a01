"""Power source for the whole machine, through its management controller: IPMI DCMI, by `ipmitool`.

    ipmitool dcmi power reading
        Instantaneous power reading:                   220 Watts
        ...
        Power reading state is:                        activated

The power is in whole watts, and usually updated once a second or more slowly. It is from the machine's own meter
at its power supplies, so that it includes CPU, memory and boards.
"""

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import final

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component, Device, Observation
from trackers.sources.poller import Poller

PERIOD_S = 1.0
TIMEOUT_S = 5.0
"""Longest wait for an answer; a busy controller takes seconds, and one may not answer at all."""

_POWER = re.compile(r"Instantaneous power reading:\s*(\d+)\s*Watts")


def ask_ipmitool() -> str:
    """Run `ipmitool dcmi power reading` and return its output.

    Raises:
        SourceUnavailableError: There is no ipmitool.
        SourcePermissionError: The controller's device cannot be opened, for want of a driver or permission.
        ReadError: The command failed, or did not answer in time.
    """
    tool = shutil.which("ipmitool")
    if tool is None:
        message = "ipmi: this machine has no `ipmitool`; install the package of that name"
        raise SourceUnavailableError(message)
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            [tool, "dcmi", "power", "reading"],
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIMEOUT_S,
        )
    except (subprocess.TimeoutExpired, OSError) as error:
        message = f"ipmi: ipmitool did not answer: {error}"
        raise ReadError(message) from error
    said = done.stderr.strip() or done.stdout.strip()
    if done.returncode == 0:
        return done.stdout
    if "Could not open device" in said:
        message = (
            f"ipmi: {said}. Load the driver (`sudo modprobe ipmi_devintf ipmi_si`) and let this user "
            "read it (`sudo chmod a+rw /dev/ipmi0`)"
        )
        raise SourcePermissionError(message)
    message = f"ipmi: ipmitool ended with {done.returncode}: {said or 'no message'}"
    raise ReadError(message)


@final
class IpmiSource:
    """Power of a machine, as its management controller reports it.

    Attributes:
        name: `ipmi`.
        note: The command, and how often it is run.
        estimated: False.
        counter_persists: False; there is no counter.
    """

    name = "ipmi"
    estimated = False
    counter_persists = False

    def __init__(
        self,
        *,
        ask: Callable[[], str] = ask_ipmitool,
        clock: Clock | None = None,
        hostname: str | None = None,
        in_background: bool = True,
    ) -> None:
        """Ask the controller once.

        Args:
            ask: Returns the output of ipmitool.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.
            hostname: Host name in the device's identifier; this machine's when left out.
            in_background: See `Poller`.

        Raises:
            SourceUnavailableError: There is no ipmitool, or no controller that reports a power.
            SourcePermissionError: The controller's device cannot be opened.
        """
        self._ask = ask
        self._clock = clock or MonotonicClock()
        self._device = Device(
            uuid=f"node:{hostname or socket.gethostname()}:dcmi",
            name="management controller",
            component=Component.NODE,
            update_period_s=PERIOD_S,
        )
        self.note = f"ipmitool dcmi power reading, each {PERIOD_S:g} s, in whole watts"
        try:
            self._poller = Poller(
                self._observation,
                period_s=PERIOD_S,
                clock=self._clock,
                in_background=in_background,
            )
        except ReadError as error:
            raise SourceUnavailableError(str(error)) from error

    def devices(self) -> Sequence[Device]:
        """Return the machine as the only device."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns the controller's last answer, with its time."""
        if device_uuid != self._device.uuid:
            message = f"unknown device {device_uuid!r}; ipmi measures {self._device.uuid!r}"
            raise UnknownDeviceError(message)
        return self._poller.newest()

    def close(self) -> None:
        """Stop asking; may be called twice."""
        self._poller.close()

    def _observation(self) -> Observation:
        before_s = self._clock.now_s()
        said = self._ask()
        power = _POWER.search(said)
        if power is None or "deactivated" in said or int(power[1]) == 0:
            message = f"ipmi: the controller reports no power: {' '.join(said.split())[:200]}"
            raise ReadError(message)
        at_s = (before_s + self._clock.now_s()) / 2
        return Observation(time_s=at_s, power_w=float(power[1]))

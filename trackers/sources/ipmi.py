"""The whole machine through its management controller: IPMI DCMI, asked with `ipmitool`.

    ipmitool dcmi power reading
        Instantaneous power reading:                   220 Watts
        ...
        Power reading state is:                        activated

Whole watts, mostly renewed once a second or more slowly. It is the machine's own meter behind its
power supplies, so that it contains CPU, memory and boards.
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
"""A controller that is busy takes seconds; one that does not answer must not be waited for."""

_POWER = re.compile(r"Instantaneous power reading:\s*(\d+)\s*Watts")


def ask_ipmitool() -> str:
    """Output of `ipmitool dcmi power reading`.

    Raises:
        SourceUnavailableError: There is no ipmitool.
        SourcePermissionError: This user may not open the controller.
        ReadError: It failed, or did not answer in time.
    """
    tool = shutil.which("ipmitool")
    if tool is None:
        message = "ipmi: this machine has no `ipmitool`; install the package of that name"
        raise SourceUnavailableError(message)
    try:
        done = subprocess.run(  # noqa: S603 - our own words, no shell
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
    message = f"ipmi: ipmitool ended with {done.returncode}: {said or 'it said nothing'}"
    raise ReadError(message)


@final
class IpmiSource:
    """The power that a machine's management controller tells.

    Attributes:
        name: `ipmi`.
        note: The command.
        estimated: False.
        counter_outlives: False; there is no counter.
    """

    name = "ipmi"
    estimated = False
    counter_outlives = False

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
            ask: Gives what ipmitool writes.
            clock: Stamps the observations.
            hostname: Goes into the device's identifier; left out: this machine's.
            in_background: See `Poller`.

        Raises:
            SourceUnavailableError: There is no ipmitool, or no controller that tells a power.
            SourcePermissionError: This user may not ask it.
        """
        self._ask = ask
        self._clock = clock or MonotonicClock()
        self._device = Device(
            uuid=f"node:{hostname or socket.gethostname()}:dcmi",
            name="management controller",
            component=Component.NODE,
            told_each_s=PERIOD_S,
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
        """The machine."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; what the controller said last, with its time."""
        if device_uuid != self._device.uuid:
            message = f"unknown device {device_uuid!r}; ipmi measures {self._device.uuid!r}"
            raise UnknownDeviceError(message)
        return self._poller.newest()

    def close(self) -> None:
        """Ask no more; may be called twice."""
        self._poller.close()

    def _observation(self) -> Observation:
        before_s = self._clock.now_s()
        said = self._ask()
        power = _POWER.search(said)
        if power is None or "deactivated" in said or int(power[1]) == 0:
            message = f"ipmi: the controller tells no power: {' '.join(said.split())[:200]}"
            raise ReadError(message)
        at_s = (before_s + self._clock.now_s()) / 2
        return Observation(time_s=at_s, power_w=float(power[1]))

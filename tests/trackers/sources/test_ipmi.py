"""IPMI DCMI through an executable that stands in for ipmitool."""

from collections.abc import Callable
from pathlib import Path

import pytest

from trackers.clock import ManualClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Component
from trackers.sources.ipmi import IpmiSource, ask_ipmitool

READING = """
    Instantaneous power reading:                   220 Watts
    Minimum during sampling period:                 18 Watts
    Maximum during sampling period:                540 Watts
    Average power reading over sample period:      210 Watts
    IPMI timestamp:                           Thu Nov 26 14:00:00 2026
    Sampling period:                          00000001 Seconds.
    Power reading state is:                   activated
"""


@pytest.fixture
def ipmitool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a script in the place of ipmitool, first on the path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def put(script: str) -> None:
        path = tmp_path / "ipmitool"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    return put


def says(text: str) -> str:
    """A script that is asked for the power reading and writes a text."""
    return f'[ "$*" = "dcmi power reading" ] || exit 9\ncat <<X\n{text}\nX'


def opened() -> IpmiSource:
    """The source, asking when it is asked."""
    return IpmiSource(hostname="h", clock=ManualClock(7), in_background=False)


def test_the_present_power_is_the_nodes(ipmitool: Callable[[str], None]) -> None:
    """Not the minimum, the maximum or the average of its period."""
    ipmitool(says(READING))

    source = opened()

    (device,) = source.devices()
    assert (device.uuid, device.component) == ("node:h:dcmi", Component.NODE)
    assert device.update_period_s == 1
    seen = source.observe(device.uuid, counter=True)
    assert (seen.time_s, seen.power_w, seen.counter_j) == (7, 220, None)
    with pytest.raises(UnknownDeviceError, match="node:h:dcmi"):
        source.observe("GPU-1", counter=False)
    source.close()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        (says(READING.replace("activated", "deactivated")), "reports no power"),
        (says(READING.replace("220", "0")), "reports no power"),
        (says(""), "reports no power"),
        ("echo 'DCMI request failed' >&2; exit 1", "ended with 1: DCMI request failed"),
    ],
)
def test_what_tells_no_power_is_refused_and_later_a_gap(
    ipmitool: Callable[[str], None], script: str, message: str
) -> None:
    """Deactivated, 0 W, silent or failing: at the start another source is taken, later it passes."""
    ipmitool(script)
    with pytest.raises(SourceUnavailableError, match=message):
        opened()
    ipmitool(says(READING))
    source = opened()
    ipmitool(script)

    with pytest.raises(ReadError, match=message):
        source.observe("node:h:dcmi", counter=False)
    source.close()


def test_a_controller_that_may_not_be_opened_says_how(ipmitool: Callable[[str], None]) -> None:
    """The driver to load and the device to allow."""
    ipmitool("echo 'Could not open device at /dev/ipmi0: No such file or directory' >&2; exit 1")

    with pytest.raises(SourcePermissionError, match=r"modprobe ipmi_devintf.*chmod a\+rw"):
        opened()


def test_a_machine_without_ipmitool_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the package to install."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceUnavailableError, match="install the package"):
        ask_ipmitool()

"""Errors that power sources and the meter raise.

    TrackerError
    |-- SourceUnavailableError          this source cannot be used on this machine
    |   `-- SourcePermissionError       it could be used with more rights
    |-- UnknownDeviceError              no device of this source has that identifier
    `-- ReadError                       one reading failed; the next may succeed
        `-- DeviceLostError             the device is gone; no later reading is expected to succeed

Vendor errors are mapped to these where the vendor's library is called, and nowhere else.
A message says what was found and what to do.
"""


class TrackerError(Exception):
    """Base class of the errors that `trackers` raises on purpose."""


class SourceUnavailableError(TrackerError):
    """A power source cannot be used on this machine."""


class SourcePermissionError(SourceUnavailableError):
    """A power source exists, but this user may not read it."""


class UnknownDeviceError(TrackerError):
    """No device of the source has the given identifier."""


class ReadError(TrackerError):
    """One reading failed; a later one may succeed."""


class DeviceLostError(ReadError):
    """The device is gone; no later reading is expected to succeed until it comes back."""

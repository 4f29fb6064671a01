"""A source whose figures are multiplied by what an external meter says of them.

The factor is measured by `python -m trackers calibrate` and kept in a file, which a study names with
`--calibration`. It holds for one source's component on one machine.
"""

import json
import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Self, final

from trackers.errors import SourceUnavailableError
from trackers.sample import Component, Observation, process_and_device
from trackers.source import PowerSource


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Factor of a source against an external meter.

    Attributes:
        source: The source's name.
        component: What of it was compared.
        hostname: The machine.
        against: The external meter.
        factor: Watts of the meter per watt of the source.
        low: Lower end of the factor's 95 % interval.
        high: Its upper end.
        offset_w: What the meter shows where the source would show nothing.
        measured_at: Wall time, ISO 8601.
    """

    source: str
    component: Component
    hostname: str
    against: str
    factor: float
    low: float
    high: float
    offset_w: float
    measured_at: str

    def write(self, path: Path, **more: Any) -> None:  # noqa: ANN401 - whatever JSON has
        """Write it, with what else is worth keeping."""
        path.write_text(json.dumps({**asdict(self), **more}, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a calibration that was written.

        Raises:
            SourceUnavailableError: It cannot be read, or is no calibration.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            known = {name: content[name] for name in cls.__slots__}
            calibration = cls(**{**known, "component": Component(known["component"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = (
                f"{path} is no calibration ({error}); `python -m trackers calibrate` writes one"
            )
            raise SourceUnavailableError(message) from error
        if not calibration.factor > 0:
            message = f"{path}: the factor is {calibration.factor}; allowed is a number above 0"
            raise SourceUnavailableError(message)
        return calibration

    def fits(self, source: PowerSource) -> bool:
        """Return whether it was measured with that source, on this machine."""
        has = any(each.component is self.component for each in source.devices())
        return source.name == self.source and has and self.hostname == socket.gethostname()


@final
class CalibratedSource:
    """A source whose component is multiplied by a factor; all else is as the source has it.

    Attributes:
        note: The source's, with the factor and its interval.
    """

    def __init__(self, source: PowerSource, calibration: Calibration) -> None:
        """Multiply what `source` says of the calibration's component."""
        self._source = source
        self._factor = calibration.factor
        self._uuids = {
            each.uuid for each in source.devices() if each.component is calibration.component
        }
        self._is_cpu = calibration.component is Component.CPU
        self.note = (
            f"{source.note}; {calibration.component} x {calibration.factor:.4g} "
            f"({calibration.low:.4g} to {calibration.high:.4g}) by {calibration.against}"
        )

        for name in (
            "state",
            "users",
            "power_limits",
            "limit_refused",
            "limit_power",
            "highest_limit_w",
        ):
            # As its own, so that it is seen by whoever asks what the source can do.
            if hasattr(source, name):
                setattr(self, name, getattr(source, name))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the source has it
        """Everything else is the source's."""
        return getattr(self._source, name)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:
        """See `PowerSource`."""
        seen = self._source.observe(device_uuid, counter=counter)
        asked = process_and_device(device_uuid)
        wanted = device_uuid if asked is None else asked[1]
        if wanted not in self._uuids and not (wanted is None and self._is_cpu):
            return seen
        return replace(
            seen,
            power_w=None if seen.power_w is None else seen.power_w * self._factor,
            counter_j=None if seen.counter_j is None else seen.counter_j * self._factor,
        )

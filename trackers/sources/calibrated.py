"""A source whose values are multiplied by a factor that was calibrated against an external meter.

The factor is measured by `python -m trackers calibrate` and stored in a file, which a study names with
`--calibration`. It is valid for one component of one source on one machine.
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
    """Calibration of a source against an external meter.

    Attributes:
        source: Name of the source.
        component: Component of the source that was compared.
        hostname: Host name of the machine.
        against: The external meter, as given to `--against`.
        factor: Watts of the meter per watt of the source.
        low: Lower end of the factor's 95 % interval.
        high: Upper end of the factor's 95 % interval.
        offset_w: Power that the meter shows where the source would show 0 W; it is not applied.
        measured_at: Wall time of the calibration, in ISO 8601.
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
        """Write the calibration as JSON.

        Args:
            path: The file.
            **more: Further values to write into the file, which `read` ignores.
        """
        path.write_text(json.dumps({**asdict(self), **more}, indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a calibration from a file.

        Raises:
            SourceUnavailableError: The file cannot be read, or does not contain a calibration.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            known = {name: content[name] for name in cls.__slots__}
            calibration = cls(**{**known, "component": Component(known["component"])})
        except (OSError, ValueError, KeyError, TypeError) as error:
            message = (
                f"{path} is not a calibration ({error}); `python -m trackers calibrate` writes one"
            )
            raise SourceUnavailableError(message) from error
        if not calibration.factor > 0:
            message = f"{path}: the factor is {calibration.factor}; allowed: a number above 0"
            raise SourceUnavailableError(message)
        return calibration

    def fits(self, source: PowerSource) -> bool:
        """Return whether the calibration is of this source and this machine."""
        has = any(each.component is self.component for each in source.devices())
        return source.name == self.source and has and self.hostname == socket.gethostname()


@final
class CalibratedSource:
    """A source with the values of one component multiplied by a factor, and otherwise unchanged.

    Attributes:
        note: Note of the source, with the factor and its interval.
    """

    def __init__(self, source: PowerSource, calibration: Calibration) -> None:
        """Wrap a source, whose values of the calibration's component are multiplied by the factor."""
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
            # As attributes of its own, so that isinstance checks of `KnowsUsers` and the like see them.
            if hasattr(source, name):
                setattr(self, name, getattr(source, name))

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as the source has it
        """Return any other attribute from the wrapped source."""
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

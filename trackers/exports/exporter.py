"""Interface of exporters to experiment trackers and monitoring, and the values that are sent to them.

A new exporter is a file that implements `Exporter`, and a line in the table of `trackers.exports.known`.
The values are plain, so that anything measured can be exported: a study, a Tune run, a command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from trackers.sample import BoardState, Component


class ExportRefusedError(Exception):
    """The receiving side has rejected an event, which is therefore not sent again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study, or a command, that is measured as a whole.

    Attributes:
        identity: Unique identifier that stays the same over resumes.
        name: Name to show to people.
        parameters: Its options and other parameters.
        tags: Further facts about it.
        folder: Folder of its files; None where it has none on this machine.
    """

    identity: str
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One trial of a study.

    Attributes:
        trial_id: Identifier under which its epochs and people refer to it.
        identity: Identifier that is unique within the study and stays the same over attempts and resumes.
        parameters: Its setup and seed.
    """

    trial_id: str
    identity: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One epoch of a trial.

    Attributes:
        trial_id: The trial.
        stage: The stage of the trial; empty where there is only one.
        attempt: Number of the attempt, from 1.
        epoch: Number of the epoch within the stage, from 1.
        unix_time_s: Time at which it was reported, as a Unix time stamp.
        energy_j: Energy by which setups are ranked; None where it is missing.
        method: Method of that energy, and so whether it is an estimate; empty where it is missing.
        metrics: Numbers by the names of their columns in `epochs.parquet`; missing ones are absent.
        is_earlier: Whether an earlier command of the same study has exported it already.
    """

    trial_id: str
    stage: str
    attempt: int
    epoch: int
    unix_time_s: float
    energy_j: float | None
    method: str
    metrics: Mapping[str, float]
    is_earlier: bool = False

    def named(self, name: str) -> str:
        """Return a metric's name, prefixed by the stage where the trial has several."""
        return f"{self.stage}/{name}" if self.stage else name


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """Use of one device by one trial, or the power of a device that no trial uses.

    Attributes:
        host: Host name of the machine.
        device_uuid: The device.
        device_name: Name that the vendor gives it.
        component: Role of the device on the energy bill.
        trial_id: The trial; empty for a device that no trial uses.
        estimated: Whether the values are computed from something other than a sensor.
        power_w: Mean power since the previous report; None where it was not observed.
        energy_j: Observed energy since its tracker was first asked, which never falls; None as long as
            none was observed.
        state: Temperature, clock and the like of the device.
    """

    host: str
    device_uuid: str
    device_name: str
    component: Component
    trial_id: str
    estimated: bool
    power_w: float | None
    energy_j: float | None
    state: BoardState = field(default_factory=BoardState)


class Exporter(Protocol):
    """Something that sends measurements to another system, which shows or stores them.

    Its constructor connects. All methods are called from one thread, in order. A call that raises is
    repeated later, unless it raised `ExportRefusedError`.
    """

    @property
    def where(self) -> str:
        """Return where people find the exported values."""
        ...

    def begin(self, study: Study) -> None:
        """Begin a study, or continue the one of that identity."""
        ...

    def begin_trial(self, trial: Trial) -> None:
        """Begin a trial, or continue it with another attempt."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """Export an epoch."""
        ...

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Export power, energy and state of devices; of several waiting calls only the newest is made."""
        ...

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """End a trial, which may be continued later.

        Args:
            trial_id: The trial.
            failed: Whether it has failed.
            totals: Its energies and best scores, by the names of their columns in `trials.parquet`.
        """
        ...

    def keep(self, files: Sequence[Path]) -> None:
        """Store files and folders with the study."""
        ...

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:
        """End the study, which may be continued later, and release all resources.

        Args:
            finished: Whether all of its trials have ended.
            totals: Its total energies and other totals, by name.
        """
        ...

"""The seam between measuring and other people's trackers: values that are handed on, and who takes them.

A new exporter is a file that implements `Exporter`, and a line in the table of `trackers.exports.known`.
Values are plain, so that whatever is measured can be handed on: a study, a Tune run, a command.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from trackers.sample import BoardState, Component


class ExportRefusedError(Exception):
    """The other side has said no to one event; to say the same once more would not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Study or command that is measured as a whole.

    Attributes:
        identity: Stays the same over resumes, and is that of no other study.
        name: For people.
        parameters: What was asked for.
        tags: What else is known of it.
        folder: Where its files lie; None where it has none on this machine.
    """

    identity: str
    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One training of a study.

    Attributes:
        trial_id: By which its epochs name it, and people.
        identity: Stays the same over attempts and resumes, and is that of no other trial of the study.
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
        stage: The training within the trial; empty where there is only one.
        attempt: From 1.
        epoch: From 1 within the stage.
        unix_time_s: When it was reported.
        energy_j: Energy that ranks; None where it is missing.
        method: How that came about, and so whether it is an estimate; empty where it is missing.
        metrics: Numbers by the names of their columns in `epochs.parquet`; what is missing is absent.
        is_earlier: Whether an earlier command of the same study has handed it on.
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
        """Return a metric's name with the stage before it, where there are several."""
        return f"{self.stage}/{name}" if self.stage else name


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceUse:
    """Use of one device by one trial, or by nobody.

    Attributes:
        host: The machine.
        device_uuid: The device.
        device_name: As its vendor names it.
        component: What it is to the bill.
        trial_id: Whose part it is; empty for a device that no trial uses.
        estimated: Whether it is computed from something other than a sensor.
        power_w: Mean power since it was told before; None where it was not observed.
        energy_j: Energy since its tracker was first asked, as far as it was observed; never falls. None
            as long as nothing of it was.
        state: Temperature, clock and the like.
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
    """Someone who takes what is measured, and shows or keeps it elsewhere.

    Its constructor connects. All calls come from one thread, in their order. One that raises is made
    once more later, unless it raised `ExportRefusedError`.
    """

    @property
    def where(self) -> str:
        """Return where people find it."""
        ...

    def begin(self, study: Study) -> None:
        """Begin a study, or go on with the one of that identity."""
        ...

    def begin_trial(self, trial: Trial) -> None:
        """Begin a trial, or go on with it, in another attempt."""
        ...

    def epoch(self, epoch: Epoch) -> None:
        """Take an epoch."""
        ...

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Take power, energy and state of devices; of several that wait it is the newest alone."""
        ...

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """End a trial, for now or for good.

        Args:
            trial_id: The trial.
            failed: Whether it has failed.
            totals: Its energies and its best, by the names of their columns in `trials.parquet`.
        """
        ...

    def keep(self, files: Sequence[Path]) -> None:
        """Keep files and folders with the study."""
        ...

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:
        """End the study, for now or for good, and let go of everything.

        Args:
            finished: Whether all of its trials have ended.
            totals: What it used.
        """
        ...

"""Bookings of a study's trackers: the ledger behind the energies of epochs and trials, and the power log.

Together with `study.record.records` this is the contract between `study`, which writes, and `analysis`,
which reads.

    WindowRecord    one row of windows.parquet: one window that a tracker booked
    PowerRecord     one row of power.parquet: one power sample of one device
"""

from dataclasses import dataclass

from study.record.rows import Row
from study.record.vocabulary import EnergyMethod, EnergyStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRecord(Row):
    """A tracker's booking of one device for one window, also where its trial never reported it.

    Attributes:
        trial_id: Identifier of the trial.
        attempt: Number of its attempt, from 1.
        stage: Stage of the trial. `trial` is the window over the whole attempt, `setup` the one up to
            the first epoch, and `so far` the part of an attempt up to the last query of its tracker,
            which is kept where the attempt was lost together with its machine.
        epoch: Number of the epoch, from 1; 0 for `trial`, `setup` and `so far`.
        device_uuid: Identifier of the device; `process:<pid>` in tables of version 0.1, for a share of a
            CPU.
        start_s: Start of the window, in seconds on the node's monotonic clock.
        duration_s: Length of the window in seconds.
        energy_j: Energy of the window; None where it is missing.
        energy_method: Method by which it was determined; None where it is missing.
        energy_status: Quality of the energy: `ok`, `degraded` or `missing`.
        note: Reason why the status is not `ok`; empty where it is.
        component: Component of the bill that the device is: `gpu`, `cpu`, `memory` or `node`; None in
            tables of version 0.1, which hold the device that ranks and no other.
        part_of: Identifier of the device that contains it; None where no other does.
        worker: Number of the trial's process that used it, from 0; None in tables of version 0.1, where
            each trial was one process.
    """

    trial_id: str
    attempt: int
    stage: str
    epoch: int
    device_uuid: str
    start_s: float
    duration_s: float
    energy_j: float | None
    energy_method: EnergyMethod | None
    energy_status: EnergyStatus
    note: str
    component: str | None = None
    part_of: str | None = None
    worker: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerRecord(Row):
    """One power sample of a device: the paper's log of time stamp, epoch and power.

    Attributes:
        node: Host of the device.
        device_uuid: Identifier of the device; `process:<pid>` for a trial's share of a CPU.
        trial_id: Trial that was using the device; None between trials.
        attempt: Number of its attempt; None between trials.
        stage: Its stage, or `setup` or `between`; None between trials.
        epoch: Number of its epoch; 0 outside epochs, None between trials.
        unix_time_s: Wall-clock time in Unix seconds; only a label, since all arithmetic uses a monotonic
            clock.
        power_w: Power that the device drew, in watts.
    """

    node: str
    device_uuid: str
    trial_id: str | None
    attempt: int | None
    stage: str | None
    epoch: int | None
    unix_time_s: float
    power_w: float

"""The trackers' bookings of a study: the ledger behind epochs and trials, and the power log.

With `study.record.records` the contract between `study`, which writes, and `analysis`, which reads.

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
        trial_id: The trial.
        attempt: Its attempt.
        stage: Its stage; `trial` is the window over the whole attempt, `setup` the one up to the
            first epoch, and `so far` what an attempt had come to when its tracker was last asked,
            which is kept where it was lost with its machine.
        epoch: From 1; 0 for the two above.
        device_uuid: The device; `process:<pid>` in tables of version 0.1, for a share of a CPU.
        start_s: When it was opened, on the node's monotonic clock.
        duration_s: Length of the window.
        energy_j: Its energy; None where it is missing.
        energy_method: How it came about; None where it is missing.
        energy_status: How far it can be trusted.
        note: Why the status is not `ok`.
        component: What the device is to the bill: `gpu`, `cpu`, `memory` or `node`; None in tables of
            version 0.1, which have the device that ranks and no other.
        part_of: The device that contains it; None where no other does.
        worker: Which of the trial's processes used it, from 0; None in tables of version 0.1, where
            a trial was one process.
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
    """One row of power.parquet: one power sample, the paper's log of time stamp, epoch and power.

    Attributes:
        node: Host on which the device is.
        device_uuid: The device; `process:<pid>` for one trial's share of a CPU.
        trial_id: The trial that had the device; None between trials.
        attempt: Its attempt; None between trials.
        stage: Its stage, or `setup` or `between`; None between trials.
        epoch: Its epoch; 0 outside the epochs, None between trials.
        unix_time_s: Wall time, a label only; all arithmetic was done on a monotonic clock.
        power_w: Power that the device drew.
    """

    node: str
    device_uuid: str
    trial_id: str | None
    attempt: int | None
    stage: str | None
    epoch: int | None
    unix_time_s: float
    power_w: float

"""Export of a measured command to the exporters of `--log`: its devices live, and its account at the end."""

import shlex
import socket
import time
import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import final

from trackers.exports.exporter import DeviceUse, Epoch, Study, Trial
from trackers.exports.exports import Exports
from trackers.run.account import Account
from trackers.sample import Component, Device, Reading

TRIAL_ID = "run"


@final
class CommandExport:
    """A measured command, exported as a study of one trial with one epoch."""

    def __init__(
        self, command: Sequence[str], exports: Exports, *, estimated: Collection[Component] = ()
    ) -> None:
        """Begin the study; the caller closes `exports`.

        Args:
            command: The command and its arguments.
            exports: Exporters to send to.
            estimated: Components whose energy is estimated.
        """
        self._estimated = estimated
        self._exports = exports
        self._host = socket.gethostname()
        self._energies_j: defaultdict[str, float] = defaultdict(float)
        if exports:
            name = Path(command[0]).name
            exports.begin(
                Study(
                    identity=f"{name}/{uuid.uuid4()}",
                    name=name,
                    parameters={"command": shlex.join(command)},
                    tags={"host": self._host},
                )
            )
            exports.begin_trial(Trial(trial_id=TRIAL_ID, identity=TRIAL_ID))

    def readings(self, devices: Sequence[Device], readings: Mapping[str, Reading]) -> None:
        """Export the readings of the last second.

        Args:
            devices: Devices that the command uses.
            readings: Reading of each device by its UUID.
        """
        uses = []
        for device in devices if self._exports else ():
            reading = readings.get(device.uuid)
            if reading is None:
                continue
            if reading.energy_j is not None:
                self._energies_j[device.uuid] += reading.energy_j
            uses.append(
                DeviceUse(
                    host=self._host,
                    device_uuid=device.uuid,
                    device_name=device.name,
                    component=device.component,
                    trial_id=TRIAL_ID,
                    estimated=device.component in self._estimated,
                    power_w=reading.mean_power_w,
                    energy_j=self._energies_j.get(device.uuid),
                    state=reading.state,
                )
            )
        if uses:
            self._exports.devices(uses)

    def end(self, account: Account) -> None:
        """Export the account of the finished command."""
        totals = {"duration_s": account.duration_s, "exit_status": float(account.status)}
        for line in account.lines:
            if line.energy_j is not None:
                totals[f"{line.components[0]}_energy_j"] = line.energy_j
        if account.total.energy_j is not None:
            totals["energy_j"] = account.total.energy_j
        if account.g_co2e is not None:
            totals["g_co2e"] = account.g_co2e
        self._exports.epoch(
            Epoch(
                trial_id=TRIAL_ID,
                stage="",
                attempt=1,
                epoch=1,
                unix_time_s=time.time(),
                energy_j=account.total.energy_j,
                method="+".join(account.total.methods),
                metrics=totals,
            )
        )
        self._exports.end_trial(TRIAL_ID, failed=account.status != 0, totals=totals)
        self._exports.will_end(finished=True, totals=totals)

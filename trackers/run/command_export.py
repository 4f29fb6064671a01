"""Export of a measured command to the exporters of `--log`: its devices live, and its account at the end."""

import shlex
import socket
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import final

from trackers.exports.exporter import Epoch, Study, Trial
from trackers.exports.exports import Exports
from trackers.exports.summed_uses import SummedUses
from trackers.run.account import Account
from trackers.sample import Device, Reading

TRIAL_ID = "run"


@final
class CommandExport:
    """A measured command, exported as a study of one trial with one epoch."""

    def __init__(self, command: Sequence[str], exports: Exports) -> None:
        """Begin the study; the caller closes `exports`.

        Args:
            command: The command and its arguments.
            exports: Exporters to send to.
        """
        self._exports = exports
        host = socket.gethostname()
        self._uses = SummedUses(host=host, trial_id=TRIAL_ID)
        if exports:
            name = Path(command[0]).name
            exports.begin(
                Study(
                    identity=f"{name}/{uuid.uuid4()}",
                    name=name,
                    parameters={"command": shlex.join(command)},
                    tags={"host": host},
                )
            )
            exports.begin_trial(Trial(trial_id=TRIAL_ID, identity=TRIAL_ID))

    def readings(self, devices: Sequence[Device], readings: Mapping[str, Reading]) -> None:
        """Export the readings of the last second.

        Args:
            devices: Devices that the command uses.
            readings: Reading of each device by its UUID.
        """
        uses = self._uses.add(devices, readings) if self._exports else []
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

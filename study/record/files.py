"""Names of the files in a study's folder, and the units in which people are shown what is in them.

All energies of a study are in one unit, while it runs, in tables and in text. It goes by the first epoch, which
is known before anything is shown, so that it never changes: a training of 10 to 30 such epochs has
one to four digits before the decimal point.
"""

import math
from dataclasses import dataclass

EPOCHS_FILE = "epochs.parquet"
TRIALS_FILE = "trials.parquet"
TRIALS_CSV_FILE = "trials.csv"
WINDOWS_FILE = "windows.parquet"
POWER_FILE = "power.parquet"
"""A parquet data set: a folder of parts, which every parquet reader takes as one table."""
EARLIER_FILE = "earlier.parquet"
"""Trials of earlier studies that a search began with, as `TrialRecord`s with its own target."""
MANIFEST_FILE = "study.json"
REPORT_FOLDER = "report"
RUN_STATES = "experiment_state-*.json"
"""Ray Tune's own files of a run, which each of its folders has."""

J_PER_WH = 3600.0
J_PER_MWH = 3.6

_SIGNIFICANT = 3

_FIRST_IN_WH_J = 0.3 * J_PER_WH
"""A first epoch from which on a study is shown in Wh, and 1000 times as much in kWh."""


@dataclass(frozen=True, slots=True)
class EnergyUnit:
    """A unit of energy.

    Attributes:
        name: As people write it.
        joules: In one of it.
    """

    name: str
    joules: float

    def number(self, energy_j: float) -> str:
        """An energy in it, with three significant digits or more."""
        value = energy_j / self.joules
        if value == 0:
            return "0"
        decimals = max(_SIGNIFICANT - 1 - math.floor(math.log10(abs(value))), 0)
        return f"{value:,.{decimals}f}"

    def text(self, energy_j: float) -> str:
        """An energy with its unit: `12.3 mWh`."""
        return f"{self.number(energy_j)} {self.name}"


MWH, WH, KWH = (
    EnergyUnit("mWh", J_PER_MWH),
    EnergyUnit("Wh", J_PER_WH),
    EnergyUnit("kWh", 1000 * J_PER_WH),
)


def unit_of(first_epoch_j: float | None) -> EnergyUnit:
    """Return the unit of a study.

    Args:
        first_epoch_j: Energy of its first epoch that has one; None before there is one.
    """
    if first_epoch_j is None or first_epoch_j < _FIRST_IN_WH_J:
        return MWH
    return WH if first_epoch_j < 1000 * _FIRST_IN_WH_J else KWH

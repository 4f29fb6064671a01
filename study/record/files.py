"""Names of the files in a study's folder, and the unit in which its energies are shown to people.

All energies of a study are shown in one unit, while it runs, in tables and in text. The unit is chosen by
the energy of the first epoch, which is known before anything is shown, so it never changes. A training of
10 to 30 such epochs then has one to four digits before the decimal point.
"""

import math
from dataclasses import dataclass

EPOCHS_FILE = "epochs.parquet"
TRIALS_FILE = "trials.parquet"
TRIALS_CSV_FILE = "trials.csv"
WINDOWS_FILE = "windows.parquet"
POWER_FILE = "power.parquet"
"""A parquet data set: a folder of part files, which every parquet reader reads as one table."""
EARLIER_FILE = "earlier.parquet"
"""Trials of earlier studies that a search was warm-started with, as `TrialRecord`s for its own target."""
MANIFEST_FILE = "study.json"
REPORT_FOLDER = "report"
RUN_STATES = "experiment_state-*.json"
"""Pattern of Ray Tune's own state files, present in every folder of a Tune run."""

J_PER_WH = 3600.0
J_PER_MWH = 3.6

_SIGNIFICANT = 3

_FIRST_IN_WH_J = 0.3 * J_PER_WH
"""Energy of the first epoch from which on a study is shown in Wh; from 1000 times as much on, in kWh."""


@dataclass(frozen=True, slots=True)
class EnergyUnit:
    """A unit of energy.

    Attributes:
        name: Symbol of the unit.
        joules: Joules per unit.
    """

    name: str
    joules: float

    def number(self, energy_j: float) -> str:
        """Format an energy in this unit, without its name, with at least three significant digits."""
        value = energy_j / self.joules
        if value == 0:
            return "0"
        decimals = max(_SIGNIFICANT - 1 - math.floor(math.log10(abs(value))), 0)
        return f"{value:,.{decimals}f}"

    def text(self, energy_j: float) -> str:
        """Format an energy with its unit: `12.3 mWh`."""
        return f"{self.number(energy_j)} {self.name}"


MWH, WH, KWH = (
    EnergyUnit("mWh", J_PER_MWH),
    EnergyUnit("Wh", J_PER_WH),
    EnergyUnit("kWh", 1000 * J_PER_WH),
)


def unit_of(first_epoch_j: float | None) -> EnergyUnit:
    """Return the unit in which the energies of a study are shown.

    Args:
        first_epoch_j: Energy of the study's first epoch that has one; None where there is none yet.
    """
    if first_epoch_j is None or first_epoch_j < _FIRST_IN_WH_J:
        return MWH
    return WH if first_epoch_j < 1000 * _FIRST_IN_WH_J else KWH

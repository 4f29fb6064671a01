"""Breakdown of a study's energy by use: training, by component, and the energy around it, in joules.

The breakdown is of the widest energy that was measured: that of the whole machine if its plug was
measured, otherwise that of the components together. Energy of the machine that belongs to no
measured component is its rest: fans, disks, power supply, idle.
"""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.energy.known import known_number
from analysis.energy.scopes import measured_components
from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from study.record.vocabulary import TEST

TRIAL, SETUP, INTERIM = "trial", "setup", "so far"
"""Stages of the windows that span a whole attempt, the time before its first epoch, and the part of an
attempt up to the loss of its machine."""

REST = "rest of the node"
AROUND = ("tests", "set-up", "between epochs", "wasted")
"""Uses of energy around the epochs that count."""

_PARTS = ("gpu", "cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One part of the mean energy of a setup's trials.

    Attributes:
        setup: Number of the setup.
        part: A component (its energy in the epochs that count), `REST`, or one of `AROUND`.
        energy_j: Mean energy of the part per trial.
    """

    setup: int
    part: str
    energy_j: float


def where_joules_go(study: Study, windows: pd.DataFrame) -> tuple[Piece, ...]:
    """Return the parts of each setup's energy, ordered by setup.

    Trials of which a part is unknown are left out; so are setups without any other trial.

    Args:
        study: The study.
        windows: Windows that its trackers booked, with the columns of `WindowRecord`.
    """
    measured = measured_components(study)
    whole = ("node",) if "node" in measured else tuple(each for each in _PARTS if each in measured)
    booked = _booked(windows, whole)
    kept = counted_epochs(study.epochs)
    pieces = []
    for setup, trials in study.trials.groupby("setup"):
        of_trials = [
            _of_trial(kept[kept["trial_id"] == name], booked.get(str(name)), measured, whole)
            for name in trials["trial_id"]
        ]
        known = [each for each in of_trials if each is not None]
        if not known:
            continue
        for part in known[0]:
            mean_j = sum(each[part] for each in known) / len(known)
            pieces.append(Piece(setup=int(str(setup)), part=part, energy_j=mean_j))
    return tuple(pieces)


def _booked(windows: pd.DataFrame, whole: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """Return each trial's windows of the components to add up, without devices inside other devices."""
    inner = windows["part_of"].isin(set(windows["device_uuid"]))
    if whole != ("node",):
        inner &= windows["part_of"].notna()
    chosen = windows[windows["component"].isin(whole) & ~inner]
    return {str(name): rows for name, rows in chosen.groupby("trial_id")}


def _of_trial(
    epochs: pd.DataFrame,
    windows: pd.DataFrame | None,
    measured: tuple[str, ...],
    whole: tuple[str, ...],
) -> dict[str, float] | None:
    """Return the parts of one trial's energy; None if one of them is unknown."""
    if windows is None or epochs.empty:
        return None
    trained = {each: known_number(_sum(epochs[f"{each}_energy_j"])) for each in measured}
    last = int(windows["attempt"].max())
    parts: dict[str, float | None] = {each: trained[each] for each in _PARTS if each in measured}
    if "node" in measured and trained["node"] is not None and None not in parts.values():
        parts[REST] = max(0.0, trained["node"] - sum(each or 0.0 for each in parts.values()))
    of_last = windows[windows["attempt"] == last]
    total_j, own_j = _stage_j(of_last, TRIAL), _own_j(epochs[epochs["attempt"] == last], whole)
    setup_j, test_j = _stage_j(of_last, SETUP), _stage_j(of_last, TEST)
    lost = windows[(windows["attempt"] < last) & windows["stage"].isin((TRIAL, INTERIM))]
    lost_j = _sum(lost["energy_j"]) if lost["attempt"].nunique() == last - 1 else math.nan
    lost_own_j = _own_j(epochs[epochs["attempt"] < last], whole)
    around = (test_j, setup_j, total_j - setup_j - own_j - test_j, lost_j - lost_own_j)
    parts |= dict(zip(AROUND, (known_number(each) for each in around), strict=True))
    if None in parts.values():
        return None
    return {name: max(0.0, joules or 0.0) for name, joules in parts.items()}


def _stage_j(windows: pd.DataFrame, stage: str) -> float:
    joules = windows.loc[windows["stage"] == stage, "energy_j"]
    return _sum(joules) if len(joules) or stage == TEST else math.nan


def _own_j(epochs: pd.DataFrame, whole: tuple[str, ...]) -> float:
    return sum(_sum(epochs[f"{each}_energy_j"]) for each in whole)


def _sum(joules: "pd.Series[float]") -> float:
    """Return the sum; NaN if a value is missing."""
    return float(joules.sum(skipna=False))

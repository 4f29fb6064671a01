"""Energy of a study by use: training by component, and what was used around it.

All of it is of the widest energy that was measured: of the whole machine where its plug was, else of the
components together. What of a machine no component is, is its rest: fans, disks, power supply, idle. Joules.
"""

import math
from dataclasses import dataclass

import pandas as pd

from analysis.energy.known import known_number
from analysis.energy.scopes import measured_components
from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from study.record.vocabulary import TEST

TRIAL, SETUP, SO_FAR = "trial", "setup", "so far"
"""Stages of the windows over a whole attempt, over all before its first epoch, and over what there was
of an attempt when it was lost with its machine."""

REST = "rest of the node"
AROUND = ("tests", "set-up", "between epochs", "wasted")
"""What is used around the epochs that count."""

_PARTS = ("gpu", "cpu", "memory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of what the trials of a setup used, in the mean of a trial.

    Attributes:
        setup: Number of the setup.
        part: A component in the epochs that count, `REST`, or one of `AROUND`.
        energy_j: The energy.
    """

    setup: int
    part: str
    energy_j: float


def where_joules_go(study: Study, windows: pd.DataFrame) -> tuple[Piece, ...]:
    """Return the parts of each setup, in order; none of setups of which a part is not known.

    Args:
        study: The study; its trials of which everything was booked count.
        windows: What its trackers booked, with the columns of `WindowRecord`.
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
    """Each trial's windows of the components that are added up, none of them part of another."""
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
    """The parts of one trial; None where one is not known."""
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
    lost = windows[(windows["attempt"] < last) & windows["stage"].isin((TRIAL, SO_FAR))]
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
    """The sum; NaN where one is missing."""
    return float(joules.sum(skipna=False))

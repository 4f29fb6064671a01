"""Energies that may be compared: of whole epochs, and of one kind.

A counter that fell silent within an epoch has counted a part of it. Taken as it is, that would look
like a saving. The part that was not seen is taken to have drawn as much as the part that was, and
all of it is the reading's uncertainty; of an epoch of which less than half was seen, the energy
is missing. (Sampled power needs no such step: the tracker holds the last power over a gap, and the
gap is in its uncertainty.)

Measured and estimated energies are not compared. Where a study has both, the estimates are missing.
"""

import dataclasses

import pandas as pd

from analysis.quantities import counted
from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from analysis.read.noted import left_out, with_note
from study.record.vocabulary import EnergyMethod, EnergyStatus

LEAST_SEEN = 0.5
"""Share of an epoch that must have been seen for the rest to be extrapolated."""


def comparable(study: Study) -> Study:
    """Return the study with energies that may be compared, and notes of what was done for it.

    A study of which all energies are comparable is returned as it is; so is one that this function
    has returned.
    """
    epochs, notes = study.epochs, []
    methods = epochs["energy_method"]
    estimated = methods == EnergyMethod.ESTIMATED.value
    if estimated.any() and (methods.notna() & ~estimated).any():
        epochs = left_out(epochs, estimated).assign(
            energy_method=methods.astype("object").where(~estimated, None)
        )
        notes.append(
            f"Measured and estimated energies are not compared: the estimates of "
            f"{counted(int(estimated.sum()), 'epoch')} are left out"
        )
    degraded = epochs["energy_status"] == EnergyStatus.DEGRADED.value
    part = degraded & (epochs["coverage"] < 1) & epochs["epoch_energy_j"].notna()
    too_little = part & (epochs["coverage"] < LEAST_SEEN)
    extrapolated = part & ~too_little & (epochs["energy_method"] == EnergyMethod.COUNTER.value)
    if too_little.any():
        epochs = left_out(epochs, too_little)
        notes.append(
            f"{counted(int(too_little.sum()), 'epoch')} left out, of which less than "
            f"{100 * LEAST_SEEN:.0f} % was seen"
        )
    if extrapolated.any():
        epochs = with_note(_extrapolated(epochs, extrapolated), extrapolated)
        notes.append(
            f"{counted(int(extrapolated.sum()), 'epoch')} extrapolated from the part that was seen"
        )
    if not notes:
        return study
    return dataclasses.replace(
        study,
        epochs=epochs,
        trials=_summed_anew(study.trials, epochs),
        notes=(*study.notes, *(f"{note}." for note in notes)),
    )


def _extrapolated(epochs: pd.DataFrame, which: "pd.Series[bool]") -> pd.DataFrame:
    whole_j = epochs["epoch_energy_j"] / epochs["coverage"].where(which, 1.0)
    unseen_j = whole_j - epochs["epoch_energy_j"]
    widths = ("uncertainty_j", "uncertainty_own_j")
    return epochs.assign(
        epoch_energy_j=whole_j,
        **{
            name: epochs[name].where(~which, epochs[name].fillna(0.0).clip(lower=unseen_j))
            for name in widths
        },
        coverage=epochs["coverage"].mask(which, 1.0),
    )


def _summed_anew(trials: pd.DataFrame, epochs: pd.DataFrame) -> pd.DataFrame:
    """The trials with the sums of these epochs as their energies."""
    sums = (
        counted_epochs(epochs)
        .groupby("trial_id")["epoch_energy_j"]
        .agg(lambda energies: energies.sum(skipna=False))
    )
    anew = trials["trial_id"].map(sums)
    return trials.assign(energy_j=anew.where(trials["energy_j"].notna()).astype("float64"))

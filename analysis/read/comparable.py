"""Comparable energies: each of a whole epoch, and all either measured or estimated.

An energy counter that stopped responding within an epoch has counted only part of it, which would
look like a saving. The unobserved part is assumed to have drawn the same mean power as the observed
one, and the reading's uncertainty is then at least that whole part; if less than half of an epoch was
observed, its energy is missing. (Sampled power needs no such step: the tracker holds the last power
over a gap and accounts for the gap in the uncertainty.)

Measured and estimated energies are not compared: where a study has both, the estimates are treated
as missing.
"""

import dataclasses

import pandas as pd

from analysis.quantities import count_text
from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from analysis.read.noted import with_note, without_energy
from study.record.vocabulary import EnergyMethod, EnergyStatus

LEAST_SEEN = 0.5
"""Share of an epoch that must have been observed for the rest to be extrapolated."""


def comparable(study: Study) -> Study:
    """Return the study with comparable energies, and a note for each change that this took.

    A study whose energies are all comparable is returned unchanged, so the function is idempotent.
    """
    epochs, notes = study.epochs, []
    methods = epochs["energy_method"]
    estimated = methods == EnergyMethod.ESTIMATED.value
    if estimated.any() and (methods.notna() & ~estimated).any():
        epochs = without_energy(epochs, estimated).assign(
            energy_method=methods.astype("object").where(~estimated, None)
        )
        notes.append(
            f"Measured and estimated energies are not compared: the estimates of "
            f"{count_text(int(estimated.sum()), 'epoch')} are left out"
        )
    degraded = epochs["energy_status"] == EnergyStatus.DEGRADED.value
    part = degraded & (epochs["coverage"] < 1) & epochs["epoch_energy_j"].notna()
    too_little = part & (epochs["coverage"] < LEAST_SEEN)
    extrapolated = part & ~too_little & (epochs["energy_method"] == EnergyMethod.COUNTER.value)
    if too_little.any():
        epochs = without_energy(epochs, too_little)
        notes.append(
            f"{count_text(int(too_little.sum()), 'epoch')} left out, of which less than "
            f"{100 * LEAST_SEEN:.0f} % was seen"
        )
    if extrapolated.any():
        epochs = with_note(_extrapolated(epochs, extrapolated), extrapolated)
        notes.append(
            f"{count_text(int(extrapolated.sum()), 'epoch')} extrapolated from the part that was seen"
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
    """Return the trials with their energies summed again from these epochs."""
    sums = (
        counted_epochs(epochs)
        .groupby("trial_id")["epoch_energy_j"]
        .agg(lambda energies: energies.sum(skipna=False))
    )
    anew = trials["trial_id"].map(sums)
    return trials.assign(energy_j=anew.where(trials["energy_j"].notna()).astype("float64"))

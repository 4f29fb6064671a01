"""Subtraction of the devices' idle power, which leaves the energy of the work itself."""

import dataclasses
import math
from collections.abc import Iterator, Mapping

import pandas as pd

from analysis.errors import AnalysisError
from analysis.quantities import count_text
from analysis.read.load import Study
from analysis.read.noted import without_energy
from analysis.read.recover import COMPONENTS
from study.record.trial_energy import BESIDE_EPOCHS
from study.record.vocabulary import EnergyStatus

LABEL = "idle power subtracted"


def without_idle(study: Study) -> Study:
    """Return the study with idle power x time subtracted from each epoch's energy, but never below 0.

    The energy becomes missing (NaN) where it cannot be computed: for epochs on a device whose idle
    power was not measured; for epochs on a CPU or on a board that several trials shared, since they
    were charged an unknown part of the idle power; for the energy outside epochs, whose duration is
    not stored; and for the components, whose individual idle powers are not stored.

    Raises:
        AnalysisError: No device of the study has a measured idle power.
    """
    idle_w = {
        device.uuid: device.idle_power_w
        for node in study.manifest.nodes
        for device in node.devices
        if device.idle_power_w is not None and device.kind != "cpu"
    }
    if not idle_w:
        message = (
            f"--subtract-idle: {study.path} has no device whose idle power was measured (an "
            "estimate has none). Leave the option out."
        )
        raise AnalysisError(message)
    epochs = study.epochs
    idle_of_trial_w = epochs["device_uuid"].map(lambda uuid: _idle_w_of(uuid, idle_w))
    taken_off = epochs["epoch_energy_j"] - idle_of_trial_w * epochs["epoch_time_s"]
    shared = (epochs["shared_by"] > 1) & taken_off.notna()
    energies: pd.Series[float] = taken_off.clip(lower=0)
    statuses = epochs["energy_status"].where(energies.notna(), EnergyStatus.MISSING.value)
    changed = without_energy(
        epochs.assign(epoch_energy_j=energies, energy_j=float("nan"), energy_status=statuses),
        shared,
    )
    components = dict.fromkeys(COMPONENTS, math.nan)
    notes = [
        (
            "Idle power was subtracted from each epoch: these are not the energies of a bill, and "
            "lost attempts still have theirs."
        ),
        *_notes_of(int((taken_off[~shared] < 0).sum()), int(shared.sum())),
    ]
    return dataclasses.replace(
        study,
        epochs=changed.assign(**components),
        trials=study.trials.assign(**dict.fromkeys(BESIDE_EPOCHS, math.nan), **components),
        notes=(*study.notes, *notes),
        labels=(*study.labels, LABEL),
    )


def _idle_w_of(device_uuid: object, idle_w: Mapping[str, float]) -> float:
    """Sum the idle power of a trial's devices, whose UUIDs `+` joins; NaN where one is not known."""
    return sum(idle_w.get(each, math.nan) for each in str(device_uuid).split("+"))


def _notes_of(below: int, shared: int) -> Iterator[str]:
    if below:
        yield (
            f"{count_text(below, 'epoch')} used no more than the device draws when idle: they count as 0."
        )
    if shared:
        yield (
            f"{count_text(shared, 'epoch')} on a board that several trials used: what is left of them "
            "without idle power is not known."
        )

"""Caveats about the energy readings that a recommendation is based on."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from analysis.energy.totals import SetupEnergy
from analysis.quantities import count_text, enumeration, percent_text, sentence
from analysis.read.counted import counted_epochs
from analysis.read.load import Study
from analysis.read.noted import is_noted
from study.record.vocabulary import EnergyMethod, EnergyStatus

SHORT_EPOCH_S = 2.0
"""Duration below which an epoch has too few readings of a sensor sampled, or a counter refreshed, at some
10 Hz."""

LEAST_OWN = 0.01
"""Least median relative uncertainty of short epochs that gets a caveat."""

SEEN = 0.9
"""Coverage of an epoch below which its device counts as not observed all the time."""


def about_readings(study: Study, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    """Yield sentences on what is estimated, missing or uncertain in the energies of epochs.

    Args:
        study: The study.
        setups: Energies of its setups, in the ranked stage.
    """
    epochs = study.epochs
    estimated = int((epochs["energy_method"] == EnergyMethod.ESTIMATED.value).sum())
    if estimated:
        which = (
            "All energies are"
            if estimated == len(epochs)
            else f"{estimated:,} epochs' energies are"
        )
        yield (
            f"{which} estimated, not measured: good for comparing setups on this machine, "
            "not for the bill."
        )
    yield from _about_missing(epochs, setups)
    partly = sum(setup.without_energy for setup in setups if setup.total_j is not None)
    if partly:
        yield f"{count_text(partly, 'finished repeat')} excluded from the totals: no energy reading."
    yield from of_epochs(epochs)


def of_epochs(epochs: pd.DataFrame) -> Iterator[str]:
    """Yield sentences on how reliable single readings are.

    Args:
        epochs: Rows with the columns of `EpochRecord`.
    """
    is_degraded = epochs["energy_status"] == EnergyStatus.DEGRADED.value
    yield from _about_degraded(epochs[is_degraded & ~is_noted(epochs)])
    yield from _about_short(
        epochs[
            epochs["epoch_energy_j"].notna()
            & (epochs["energy_method"] != EnergyMethod.ESTIMATED.value)
            & (epochs["epoch_time_s"] < SHORT_EPOCH_S)
        ],
        of=len(epochs),
    )


def _about_missing(epochs: pd.DataFrame, setups: Sequence[SetupEnergy]) -> Iterator[str]:
    """Count the epochs without a reading, and name the setups that therefore have no total."""
    kept = counted_epochs(epochs)
    missing = int((kept["epoch_energy_j"].isna() & ~is_noted(kept)).sum())
    without = [setup.setup for setup in setups if setup.finished and setup.total_j is None]
    lost = f"no total for {setups_text(without, start=False)}" if without else ""
    if missing:
        yield f"{count_text(missing, 'epoch')} without an energy reading{lost and f'; {lost}'}."
    elif lost:
        yield sentence(f"{lost}: epochs of {'it' if len(without) == 1 else 'them'} are left out")


def _about_degraded(epochs: pd.DataFrame) -> Iterator[str]:
    """Count the epochs with a degraded reading, by cause."""
    if epochs.empty:
        return
    shared = epochs["shared_by"].fillna(0) > 1
    unseen = ~shared & (epochs["coverage"].fillna(0.0) < SEEN)
    causes = (
        (int(shared.sum()), "the board was used by others too"),
        (int(unseen.sum()), "the device was not seen all the time"),
        (int((~shared & ~unseen).sum()), "the sensors disagree or leave much open"),
    )
    present = [(count, words) for count, words in causes if count]
    one = len(present) == 1
    told = (
        present[0][1] if one else enumeration(f"in {count:,} {words}" for count, words in present)
    )
    yield f"{count_text(len(epochs), 'epoch')} with a degraded reading: {told}."


def _about_short(epochs: pd.DataFrame, *, of: int) -> Iterator[str]:
    """State how uncertain single readings of short epochs are, by their own intervals."""
    if epochs.empty:
        return
    which = (
        f"{percent_text(len(epochs) / of, decimals=0)} of the epochs are shorter than "
        f"{SHORT_EPOCH_S:g} s"
    )
    own = (epochs["uncertainty_own_j"] / epochs["epoch_energy_j"]).dropna()
    if own.empty:
        yield f"{which}: their readings rest on few samples."
    elif (usual := float(own.median())) >= LEAST_OWN:
        yield (
            f"{which}: a single reading is known to "
            f"±{percent_text(usual, decimals=0)} (median), the total of a training better."
        )


def setups_text(numbers: Iterable[int], *, start: bool = True) -> str:
    """List setups by number: `Setups 1 and 2`, or `setups 1 and 2` within a sentence."""
    known = sorted(numbers)
    word = "setup" if len(known) == 1 else "setups"
    return f"{word.capitalize() if start else word} {enumeration(known)}"

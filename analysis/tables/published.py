"""Published tables of the paper (arXiv 2401.01851), as printed, and the inconsistencies in them.

The numbers are kept in the paper's units. Derived numbers come from the same functions as a study's
own: `saved_share`, `one_by_one_j`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from analysis.energy.savings import saved_share
from analysis.multitask.together import one_by_one_j
from study.record.files import J_PER_MWH, J_PER_WH
from study.record.manifest import Manifest
from study.record.vocabulary import Paradigm, Stage

PAMAP2, CELEBA = "pamap2", "celeba"
"""Scenarios of the paper."""
BATCH_SIZES = (64, 256, 1024, 4096)
LEARNING_RATES = (0.1, 0.01, 0.001, 0.0001)


class Hardware(StrEnum):
    """Hardware of the paper."""

    CUDA = "cuda"
    MPS = "mps"


HARDWARE_TEXT: Mapping[Hardware, str] = {
    Hardware.CUDA: "Nvidia RTX 6000 Ada (48 GB), CUDA 12.3",
    Hardware.MPS: "Apple M1 Max (32-core GPU, 64 GB), Metal",
}

METHOD_TEXT = "power of the GPU sampled at 1 Hz, mean power x time (equation 1); two repeats"

_Matrix = tuple[tuple[float, ...], ...]

TABLE_2_MWH: Mapping[tuple[str, Hardware], _Matrix] = {
    (PAMAP2, Hardware.CUDA): (
        (109.63, 110.42, 107.50, 108.37),
        (42.34, 40.20, 40.19, 38.41),
        (30.84, 30.97, 30.87, 30.81),
        (38.57, 37.13, 37.44, 38.22),
    ),
    (CELEBA, Hardware.CUDA): (
        (38.40, 39.25, 38.73, 38.10),
        (39.03, 40.19, 39.91, 39.34),
        (43.52, 43.98, 44.26, 42.98),
        (43.00, 43.97, 44.01, 43.09),
    ),
    (PAMAP2, Hardware.MPS): (
        (15.40, 15.63, 15.96, 15.66),
        (16.83, 16.79, 16.76, 25.35),
        (25.31, 25.35, 25.45, 25.57),
        (27.33, 27.17, 27.11, 27.24),
    ),
    (CELEBA, Hardware.MPS): (
        (22.81, 22.78, 22.75, 22.79),
        (22.29, 22.28, 22.31, 22.28),
        (22.37, 22.34, 22.25, 22.39),
        (22.39, 22.29, 22.28, 22.37),
    ),
}
"""Energy per epoch in mWh, by scenario and hardware; rows are batch sizes, columns learning rates."""

TABLE_3_WH: Mapping[Hardware, Mapping[Stage, float]] = {
    Hardware.CUDA: {Stage.CLASSIFIER_UNFROZEN: 4.26, Stage.CLASSIFIER_FROZEN: 1.64},
    Hardware.MPS: {Stage.CLASSIFIER_UNFROZEN: 1.42, Stage.CLASSIFIER_FROZEN: 0.76},
}
"""Energy of training a classifier on the pretrained encoder, in Wh, averaged over 16 setups."""

TABLE_3_SAVING_PRINTED_PERCENT: Mapping[Hardware, float] = {
    Hardware.CUDA: 61.5,
    Hardware.MPS: 46.1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedTask:
    """A row of Table 4.

    Attributes:
        energy_per_epoch_mwh: Energy per epoch, averaged over 16 setups.
        epochs: Epochs until training stopped, averaged over 16 setups.
    """

    energy_per_epoch_mwh: float
    epochs: int

    @property
    def energy_j(self) -> float:
        """Energy per epoch times epochs, since the paper prints no total."""
        return self.energy_per_epoch_mwh * J_PER_MWH * self.epochs


def _task(energy_per_epoch_mwh: float, epochs: int) -> PublishedTask:
    return PublishedTask(energy_per_epoch_mwh=energy_per_epoch_mwh, epochs=epochs)


TABLE_4: Mapping[Hardware, Mapping[str, PublishedTask]] = {
    Hardware.CUDA: {
        "attributes": _task(22.47, 368),
        "identity": _task(22.46, 150),
        Stage.BOTH: _task(22.44, 142),
    },
    Hardware.MPS: {
        "attributes": _task(40.87, 359),
        "identity": _task(41.09, 161),
        Stage.BOTH: _task(41.36, 145),
    },
}

FIGURE_4_BEST_CYCLES: Mapping[Hardware, int] = {Hardware.CUDA: 1, Hardware.MPS: 1}
FIGURE_4_WORST_CYCLES: Mapping[Hardware, int] = {Hardware.CUDA: 43, Hardware.MPS: 23}
FIGURE_4_AVERAGE_CYCLES = "10 to 13"
"""Average cycles on both machines, in the paper's words."""

INCONSISTENCIES = (
    (
        "CelebA's energy per epoch is 38 to 44 mWh on CUDA and 22 mWh on MPS in Table 2, but 22 mWh "
        "on CUDA and 41 mWh on MPS in Table 4: in one of them the machines seem exchanged."
    ),
    (
        "Table 2 (c), PAMAP2 on MPS: batch size 256 with rate 0.0001 stands out of its row with "
        "25.35 mWh (the others: 16.76 to 16.83); the next row has the same number."
    ),
    "Table 3 prints a saving of 46.1 % on MPS; from its own energies it is 46.5 %.",
    'The text calls Table 3 "figure 3", and Table 4 "figure 4".',
    (
        "Below Figure 3 two of the four panels, (c) and (d), are both said to be CelebA on CUDA; one of "
        "them must be MPS."
    ),
)


def paper_scenario(manifest: Manifest) -> str | None:
    """Return the scenario of the paper that a study is compared with.

    A scenario of the user's own is compared with PAMAP2. A multitask study is compared with CelebA if
    its tasks are the paper's; otherwise the result is None, since the paper has no such tasks.

    Args:
        manifest: Manifest of the study.
    """
    if manifest.scenario == CELEBA:
        return CELEBA
    if manifest.paradigm is not Paradigm.MULTITASK:
        return PAMAP2
    return CELEBA if set(manifest.stages) == set(TABLE_4[Hardware.CUDA]) else None


def table_2_j(scenario: str, hardware: Hardware) -> dict[tuple[int, float], float]:
    """Return Table 2 in joules by batch size and learning rate; empty for scenarios not in the paper."""
    matrix = TABLE_2_MWH.get((scenario, hardware), ())
    return {
        (size, rate): mwh * J_PER_MWH
        for size, row in zip(BATCH_SIZES, matrix, strict=False)
        for rate, mwh in zip(LEARNING_RATES, row, strict=True)
    }


def freezing_saving(hardware: Hardware) -> float | None:
    """Return the share of energy that a frozen encoder saves, computed from the energies of Table 3."""
    row = TABLE_3_WH[hardware]
    return saved_share(
        row[Stage.CLASSIFIER_UNFROZEN] * J_PER_WH, row[Stage.CLASSIFIER_FROZEN] * J_PER_WH
    )


def multitask_saving(hardware: Hardware) -> float | None:
    """Return the share of energy that training both tasks together saves, computed from Table 4."""
    row = TABLE_4[hardware]
    apart_j = one_by_one_j(row[each].energy_j for each in ("attributes", "identity"))
    return saved_share(apart_j, row[Stage.BOTH].energy_j)

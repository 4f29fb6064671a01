"""Studies of several stages with one repeat, built from the energies of their stages."""

from collections.abc import Mapping
from pathlib import Path

from analysis.findings import Findings, analyse
from analysis.read.load import load
from study.record.files import J_PER_WH
from study.record.vocabulary import Paradigm, Stage
from tests.analysis.study_folder import grid, staged, write_study

PRETRAINING = (
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
)


TASKS = ("attributes", "identity", Stage.BOTH)


def findings_of(
    folder: Path,
    paradigm: Paradigm,
    stages: tuple[str, ...],
    energies_wh: Mapping[int, tuple[float | None, ...]],
) -> Findings:
    """Findings of a study of one repeat whose setups have these energies in their stages."""
    trials = [
        staged(
            setup,
            {
                stage: [None if energy is None else energy * J_PER_WH]
                for stage, energy in zip(stages, energies, strict=True)
            },
            accuracies=dict.fromkeys(stages, 0.9),
        )
        for setup, energies in energies_wh.items()
    ]
    setups = grid([64, 256], [0.1, 0.01])[: len(energies_wh)]
    return analyse(
        load(write_study(folder, setups, trials, manifest={"paradigm": paradigm, "stages": stages}))
    )

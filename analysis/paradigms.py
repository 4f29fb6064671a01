"""What a study of several stages says, computed for the paradigm that it has."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage, TrialStage, setup_stages, trial_stages
from analysis.energy.totals import counted_epochs
from analysis.multitask.together import MultitaskInfo, multitask_info
from analysis.pretraining.break_even import BreakEvenInfo, break_even_info
from analysis.pretraining.freezing import FreezingInfo, freezing_info
from analysis.read.load import Study, load_windows, with_earlier
from analysis.search.info import SearchInfo, search_info
from study.record.records import LATENTS, Paradigm, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainingInfo:
    """What a pretraining study says.

    Attributes:
        frozen: Break-even with the frozen classifier in each cycle, as in the paper.
        unfrozen: Break-even with the unfrozen classifier in each cycle.
        freezing: Frozen against unfrozen.
        encoder_weights: Published weights that encoders start from; None where they were trained.
    """

    frozen: BreakEvenInfo
    unfrozen: BreakEvenInfo
    freezing: FreezingInfo
    encoder_weights: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ParadigmInfo:
    """The stages of a study, and what they say together.

    Attributes:
        stages: Each stage of each setup; of one stage in a study of the regime.
        pretraining: Of a pretraining study, else None.
        multitask: Of a multitask study, else None.
        search: Of a search, else None.
    """

    stages: tuple[SetupStage, ...]
    pretraining: PretrainingInfo | None
    multitask: MultitaskInfo | None
    search: SearchInfo | None = None


def paradigm_info(study: Study) -> ParadigmInfo:
    """Compute what the study's paradigm asks for."""
    manifest = study.manifest
    trials = trial_stages(study.epochs)
    stages = setup_stages(manifest.setups, manifest.stages, trials)
    kind = manifest.paradigm
    return ParadigmInfo(
        stages=stages,
        pretraining=_pretraining(study, stages, trials) if kind is Paradigm.PRETRAINING else None,
        multitask=(
            multitask_info(manifest.setups, stages, trials) if kind is Paradigm.MULTITASK else None
        ),
        search=(
            search_info(manifest, study.epochs, with_earlier(study.path, study.trials))
            if kind is Paradigm.SEARCH
            else None
        ),
    )


def _pretraining(
    study: Study, stages: Sequence[SetupStage], trials: Sequence[TrialStage]
) -> PretrainingInfo:
    setups = study.manifest.setups
    return PretrainingInfo(
        frozen=break_even_info(setups, trials, cycle=Stage.CLASSIFIER_FROZEN),
        unfrozen=break_even_info(setups, trials, cycle=Stage.CLASSIFIER_UNFROZEN),
        freezing=freezing_info(setups, stages, trials, latents_j=_latents_j(study)),
        encoder_weights=study.manifest.encoder_weights,
    )


def _latents_j(study: Study) -> Spread | None:
    """Energy of computing latent features, of the attempts whose first epoch counts."""
    windows = load_windows(study.path)
    if windows is None:
        return None
    epochs = counted_epochs(study.epochs)
    first = epochs[(epochs["stage"] == Stage.CLASSIFIER_FROZEN) & (epochs["epoch"] == 1)]
    latents = windows[windows["stage"] == LATENTS]
    kept = latents.merge(first[["trial_id", "attempt"]], on=["trial_id", "attempt"])["energy_j"]
    return Spread.of(float(energy) for energy in kept.dropna())

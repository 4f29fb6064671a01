"""Results of a pretraining study: break-even, and frozen against unfrozen encoders."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.energy.score_changes import ScoreChange
from analysis.energy.spread import Spread
from analysis.energy.stages import SetupStage, TrialStage
from analysis.pretraining.break_even import BreakEvenInfo, break_even_info
from analysis.pretraining.freezing import FreezingInfo, freezing_info
from analysis.read.counted import counted_epochs
from analysis.read.load import Study, load_windows
from study.record.objective import Objective
from study.record.vocabulary import LATENTS, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainingInfo:
    """Results of a pretraining study.

    Attributes:
        frozen: Break-even with the frozen classifier in each cycle, as in the paper.
        unfrozen: Break-even with the unfrozen classifier in each cycle.
        freezing: Comparison of the frozen with the unfrozen encoder.
        score_change: Loss in the objective with a frozen encoder relative to training from scratch, mean
            over setups; None if unknown.
        encoder_weights: Name of the published weights that the encoders start from; None if the
            encoders were trained in the study.
    """

    frozen: BreakEvenInfo
    unfrozen: BreakEvenInfo
    freezing: FreezingInfo
    score_change: ScoreChange | None
    encoder_weights: str | None


def pretraining_info(
    study: Study, stages: Sequence[SetupStage], trials: Sequence[TrialStage]
) -> PretrainingInfo:
    """Compute the results of a pretraining study.

    Args:
        study: The study.
        stages: Stages of its setups.
        trials: Stages of its trials.
    """
    setups, objective = study.manifest.setups, study.manifest.objective
    return PretrainingInfo(
        frozen=break_even_info(setups, trials, cycle=Stage.CLASSIFIER_FROZEN),
        unfrozen=break_even_info(setups, trials, cycle=Stage.CLASSIFIER_UNFROZEN),
        freezing=freezing_info(
            setups, stages, trials, latents_j=_latents_j(study), objective=objective
        ),
        score_change=_score_change(stages, objective),
        encoder_weights=study.manifest.encoder_weights,
    )


def _score_change(stages: Sequence[SetupStage], objective: Objective) -> ScoreChange | None:
    """Return the mean loss in the objective with a frozen encoder relative to training from scratch."""
    frozen = {each.setup: each.accuracy for each in stages if each.stage == Stage.CLASSIFIER_FROZEN}
    return ScoreChange.mean(
        ScoreChange.of(each.accuracy, frozen.get(each.setup), objective)
        for each in stages
        if each.stage == Stage.ENCODER_CLASSIFIER
    )


def _latents_j(study: Study) -> Spread | None:
    """Return the energy of computing latent features, from the attempts whose first epoch counts."""
    windows = load_windows(study.path)
    if windows is None:
        return None
    epochs = counted_epochs(study.epochs)
    first = epochs[(epochs["stage"] == Stage.CLASSIFIER_FROZEN) & (epochs["epoch"] == 1)]
    latents = windows[windows["stage"] == LATENTS]
    kept = latents.merge(first[["trial_id", "attempt"]], on=["trial_id", "attempt"])["energy_j"]
    return Spread.of(float(energy) for energy in kept.dropna())

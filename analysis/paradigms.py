"""Results specific to a study's paradigm (pretraining, multitask, search), and advice from them."""

from dataclasses import dataclass

from analysis.energy.stages import SetupStage, setup_stages, trial_stages
from analysis.forms.scores import ScoreForm
from analysis.multitask.advice import multitask_advice
from analysis.multitask.together import MultitaskInfo, multitask_info
from analysis.pretraining.advice import pretraining_advice
from analysis.pretraining.info import PretrainingInfo, pretraining_info
from analysis.read.load import Study, with_earlier
from analysis.search.info import SearchInfo, search_info
from study.record.vocabulary import Paradigm


@dataclass(frozen=True, slots=True, kw_only=True)
class ParadigmInfo:
    """The stages of a study, and the results of its paradigm.

    Attributes:
        stages: Each stage of each setup; a regime study has a single stage.
        pretraining: Results of a pretraining study; None for other studies.
        multitask: Results of a multitask study; None for other studies.
        search: Results of a search; None for other studies.
    """

    stages: tuple[SetupStage, ...]
    pretraining: PretrainingInfo | None
    multitask: MultitaskInfo | None
    search: SearchInfo | None = None


def paradigm_info(study: Study) -> ParadigmInfo:
    """Compute the stages of a study and the results of its paradigm."""
    manifest = study.manifest
    trials = trial_stages(study.epochs, manifest.objective)
    stages = setup_stages(manifest.setups, manifest.stages, trials)
    kind = manifest.paradigm
    return ParadigmInfo(
        stages=stages,
        pretraining=pretraining_info(study, stages, trials)
        if kind is Paradigm.PRETRAINING
        else None,
        multitask=(
            multitask_info(manifest.setups, stages, trials, objective=manifest.objective)
            if kind is Paradigm.MULTITASK
            else None
        ),
        search=(
            search_info(manifest, study.epochs, with_earlier(study.path, study.trials))
            if kind is Paradigm.SEARCH
            else None
        ),
    )


def paradigm_advice(info: ParadigmInfo, tolerance: float, score: ScoreForm) -> tuple[str, ...]:
    """Return sentences on whether pretraining pays and freezing saves, or tasks are cheaper together."""
    if info.pretraining is not None:
        return tuple(pretraining_advice(info.pretraining, tolerance, score))
    if info.multitask is not None:
        return tuple(multitask_advice(info.multitask, score))
    return ()

"""Results of a study's paradigm, computed and put into words."""

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
    """Advise whether pretraining pays and freezing saves, or whether tasks are cheaper together."""
    if info.pretraining is not None:
        return tuple(pretraining_advice(info.pretraining, tolerance, score))
    if info.multitask is not None:
        return tuple(multitask_advice(info.multitask, score))
    return ()

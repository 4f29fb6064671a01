"""What a study is before it is run, and what it has become afterwards. Light: no Ray, no torch."""

from collections.abc import Callable
from dataclasses import dataclass

from study.manifest import SetupFacts
from study.options import StudyOptions
from study.records import Paradigm, Stage, TrialRecord
from study.results import StudyFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What makes one kind of study differ from another.

    Attributes:
        paradigm: What the study compares.
        stage: What each trial trains.
        setups: The setups, from the options.
    """

    paradigm: Paradigm
    stage: Stage
    setups: Callable[[StudyOptions], tuple[SetupFacts, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a study.

    Attributes:
        folder: Where its results lie.
        failed: The trials that failed.
        unfinished: Number of trials that have not ended.
    """

    folder: StudyFolder
    failed: tuple[TrialRecord, ...]
    unfinished: int

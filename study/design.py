"""Design of a study before it runs, and its outcome afterwards. Imports neither Ray nor torch."""

import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from study.record.manifest import SetupFacts
from study.record.records import TrialRecord
from study.record.vocabulary import Paradigm, TrialStatus
from study.scenario import Scenario
from study.store.folder import StudyFolder

LONGEST_SCENARIO = 40
"""Characters of a scenario's name that go into the name of its study, which is also a folder name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Design of a kind of study: the parts in which it differs from the others.

    Attributes:
        paradigm: What the study compares.
        stages: Given the scenario, returns the stages of each trial in the paper's order, without
            those that the scenario does not support.
        setups: Given the options and the scenario, returns the setups.
        power_limits_w: Power limits in watts that setups not known beforehand may choose (a search).
        caches_latents: Given the options, returns whether a frozen encoder is applied only once.
    """

    paradigm: Paradigm
    stages: Callable[[Scenario], tuple[str, ...]]
    setups: Callable[[Any, Scenario], tuple[SetupFacts, ...]]
    power_limits_w: frozenset[float] = frozenset()
    caches_latents: Callable[[Any], bool] = lambda _: True


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyOutcome:
    """Outcome of a study.

    Attributes:
        folder: Folder of its results.
        failed: The trials that failed.
        unfinished: Number of trials that have not ended.
    """

    folder: StudyFolder
    failed: tuple[TrialRecord, ...]
    unfinished: int

    @classmethod
    def of(cls, folder: StudyFolder, trials: Sequence[TrialRecord], *, expected: int) -> Self:
        """Return the outcome of a study from its trials and the number of trials expected."""
        ended = sum(trial.status is not TrialStatus.RUNNING for trial in trials)
        return cls(
            folder=folder,
            failed=tuple(trial for trial in trials if trial.status is TrialStatus.FAILED),
            unfinished=expected - ended,
        )


def new_name(paradigm: Paradigm, scenario: str) -> str:
    """Return a unique name for a study that was given none.

    The time alone is not unique: jobs of an array start in the same second, and local time repeats an
    hour in autumn. The random suffix is long enough for thousands of studies at once.
    """
    plain = re.sub(r"[^A-Za-z0-9]+", "-", scenario)[:LONGEST_SCENARIO].strip("-")
    parts = (str(paradigm), plain, time.strftime("%Y%m%d-%H%M%S"), secrets.token_hex(4))
    return "-".join(filter(None, parts))

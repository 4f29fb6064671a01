"""A study before it is run, and its outcome. Light: no Ray, no torch."""

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
"""Letters of a scenario's name in that of its study, which is a folder's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Differences between one kind of study and another.

    Attributes:
        paradigm: What the study compares.
        stages: What each trial trains, in the order of the paper; those that the scenario cannot
            have are left out.
        setups: The setups, from the options and the scenario.
        power_limits_w: Power limits that setups may choose which are not known beforehand.
        caches_latents: Whether a frozen encoder is applied once, from the options.
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
        folder: Where its results lie.
        failed: The trials that failed.
        unfinished: Number of trials that have not ended.
    """

    folder: StudyFolder
    failed: tuple[TrialRecord, ...]
    unfinished: int

    @classmethod
    def of(cls, folder: StudyFolder, trials: Sequence[TrialRecord], *, expected: int) -> Self:
        """Return the outcome of a study of which so many trials were expected."""
        ended = sum(trial.status is not TrialStatus.RUNNING for trial in trials)
        return cls(
            folder=folder,
            failed=tuple(trial for trial in trials if trial.status is TrialStatus.FAILED),
            unfinished=expected - ended,
        )


def new_name(paradigm: Paradigm, scenario: str) -> str:
    """A name for a study that was given none.

    Jobs of an array begin in the same second, and an hour of a local clock comes twice in autumn: the
    last letters are drawn, enough of them for thousands at once.
    """
    plain = re.sub(r"[^A-Za-z0-9]+", "-", scenario)[:LONGEST_SCENARIO].strip("-")
    parts = (str(paradigm), plain, time.strftime("%Y%m%d-%H%M%S"), secrets.token_hex(4))
    return "-".join(filter(None, parts))

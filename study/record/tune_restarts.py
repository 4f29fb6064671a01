"""The trials of Tune that are trainings of an earlier session begun anew: `Tuner.restore(restart_errored=True)`.

Tune gives such a trial another identifier and no longer lists the one that was lost. It is one
training with a further attempt, and not a repeat of its own.

For `study.instrument`, which records a run, and `analysis`, which imports one that was not recorded.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from study.record.tune_rows import SetupNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial:
    """A trial of an earlier session of a run.

    Attributes:
        trial_id: Tune's identifier.
        setup: Number of its setup.
        seed: That of its configuration, or its number among the repeats of the setup.
        has_finished: Whether it was trained to an end, or its study had seen enough of it.
    """

    trial_id: str
    setup: int
    seed: int
    has_finished: bool


def restarts(
    trials: Mapping[str, Mapping[str, Any]], earlier: Iterable[EarlierTrial], book: SetupNumbers
) -> dict[str, str]:
    """Return the present identifiers of trainings that were begun anew, by those that they had.

    Trials of one configuration cannot be told apart, and need not be: what was lost of one is in the
    energy of its setup either way.

    Args:
        trials: Configurations of all trials that Tune lists, by identifier.
        earlier: Trials of earlier sessions.
        book: Has the setups of `earlier`.
    """
    earlier = tuple(earlier)
    lost = [each for each in earlier if not each.has_finished and each.trial_id not in trials]
    kept = {(each.setup, each.seed) for each in earlier if each.trial_id in trials}
    known = {each.trial_id for each in earlier}
    found: dict[str, str] = {}
    for trial_id, config in trials.items():
        if trial_id in known or not lost:
            continue
        setup, seed = book.choice(config)
        is_named = seed is not None and (setup.setup, seed) not in kept
        match = next(
            (
                each
                for each in lost
                if each.trial_id not in found
                if each.setup == setup.setup and (not is_named or each.seed == seed)
            ),
            None,
        )
        if match is not None:
            found[match.trial_id] = trial_id
    return found

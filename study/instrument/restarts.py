"""The trials of Tune that are trainings of an earlier session begun anew: `Tuner.restore(restart_errored=True)`.

Tune gives such a trial another identifier and no longer lists the one that was lost. It is one
training with a further attempt, and not a repeat of its own.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from study.record.records import TrialRecord
from study.record.tune_rows import SetupNumbers
from study.record.vocabulary import TrialStatus


def restarts(
    trials: Mapping[str, Mapping[str, Any]], earlier: Sequence[TrialRecord], book: SetupNumbers
) -> dict[str, str]:
    """Return the present identifiers of trainings that were begun anew, by those that they had.

    Trials of one configuration cannot be told apart, and need not be: what was lost of one is in the
    energy of its setup either way.

    Args:
        trials: Configurations of all trials that Tune lists, by identifier.
        earlier: Trials of earlier sessions of the run.
        book: Has the setups of `earlier`.
    """
    lost = [
        each
        for each in earlier
        if each.status is not TrialStatus.FINISHED and each.trial_id not in trials
    ]
    kept = {(each.setup, each.seed) for each in earlier if each.trial_id in trials}
    known = {each.trial_id for each in earlier}
    found: dict[str, str] = {}
    for trial_id, config in trials.items():
        if trial_id in known:
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

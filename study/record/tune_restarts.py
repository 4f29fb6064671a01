"""Tune trials that restart a training of an earlier session: `Tuner.restore(restart_errored=True)`.

Tune gives such a trial a new identifier and no longer lists the lost one. For us it is a further attempt
of the same training, not a repeat.

Used by `study.instrument`, which records a run, and by `analysis`, which imports an unrecorded one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from study.record.tune_rows import SetupNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierTrial:
    """A trial of an earlier session of a run.

    Attributes:
        trial_id: Tune's identifier of the trial.
        setup: Number of its setup.
        seed: Seed in its configuration, or the number of the repeat of its setup where that has none.
        has_finished: Whether it was trained to its end or stopped by its study.
    """

    trial_id: str
    setup: int
    seed: int
    has_finished: bool


def restarts(
    trials: Mapping[str, Mapping[str, Any]], earlier: Iterable[EarlierTrial], book: SetupNumbers
) -> dict[str, str]:
    """Return the present identifiers of restarted trainings, by their earlier identifiers.

    Trials with the same configuration cannot be told apart, and need not be: the energy lost in one of
    them is charged to the same setup either way.

    Args:
        trials: Configurations of all trials that Tune lists, by identifier.
        earlier: Trials of earlier sessions.
        book: Setups of the run, those of `earlier` included.
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

"""Pooled accuracies of setups that differ in cost alone, such as in a power limit.

Such setups learn alike, so each of their trainings is evidence on the accuracy of all of them.
Trainings with the same seed are the same training up to rounding, so together they count as one
value, their mean.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from analysis.energy.spread import Spread
from analysis.energy.totals import SetupEnergy, TrialEnergy
from study.record.vocabulary import COST_ONLY_AXES


def with_shared_scores(
    setups: Sequence[SetupEnergy], trials: Sequence[TrialEnergy], seeds: Mapping[str, int]
) -> tuple[SetupEnergy, ...]:
    """Set `shared_accuracy` of the setups that learn like other setups, and clear it for the others.

    Args:
        setups: All setups of a study.
        trials: The trials of these setups.
        seeds: Seeds of the trials, by trial identifier.
    """
    alike: defaultdict[str, list[int]] = defaultdict(list)
    for setup in setups:
        alike[_learnt(setup)].append(setup.setup)
    reached: defaultdict[int, list[TrialEnergy]] = defaultdict(list)
    for trial in trials:
        if trial.finished:
            reached[trial.setup].append(trial)
    shared = []
    for setup in setups:
        group = alike[_learnt(setup)]
        scores = None
        if len(group) > 1:
            scores = _by_seed([each for number in group for each in reached[number]], seeds)
        shared.append(replace(setup, shared_accuracy=scores))
    return tuple(shared)


def _learnt(setup: SetupEnergy) -> str:
    """Return a key that setups with the same choices on the axes that affect learning share."""
    others = {name: v for name, v in setup.parameters.items() if name not in COST_ONLY_AXES}
    return repr((setup.batch_size, setup.learning_rate, sorted(others.items())))


def _by_seed(trials: Sequence[TrialEnergy], seeds: Mapping[str, int]) -> Spread | None:
    """Return the spread of the objective with one value for each seed; None if none is known."""
    by_seed: defaultdict[int | str, list[float | None]] = defaultdict(list)
    for trial in trials:
        by_seed[seeds.get(trial.trial_id, trial.trial_id)].append(trial.best_accuracy)
    means = (Spread.of(each) for each in by_seed.values())
    return Spread.of(None if each is None else each.mean for each in means)

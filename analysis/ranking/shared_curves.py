"""Learning that setups share: those that differ in cost alone, such as in a power limit.

What such a setup reaches is what all of them reach, so that each of their trainings tells it of all. Trainings
with one seed are one training, up to roundings: their values count once, as their mean.
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
    """Return the setups with what all that learn alike have reached, where there are such.

    Args:
        setups: Of a study.
        trials: Their trials.
        seeds: Of the trials, by their identifiers.
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
    """Choices of a setup on the axes that change learning."""
    others = {name: v for name, v in setup.parameters.items() if name not in COST_ONLY_AXES}
    return repr((setup.batch_size, setup.learning_rate, sorted(others.items())))


def _by_seed(trials: Sequence[TrialEnergy], seeds: Mapping[str, int]) -> Spread | None:
    """The values of the objective, one for each seed."""
    by_seed: defaultdict[int | str, list[float | None]] = defaultdict(list)
    for trial in trials:
        by_seed[seeds.get(trial.trial_id, trial.trial_id)].append(trial.best_accuracy)
    means = (Spread.of(each) for each in by_seed.values())
    return Spread.of(None if each is None else each.mean for each in means)

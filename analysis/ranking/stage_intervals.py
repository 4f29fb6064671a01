"""Intervals of the energies of stages, with the variance of a stage pooled over its setups."""

from collections.abc import Mapping, Sequence

from analysis.energy.spread import Interval95
from analysis.energy.stages import SetupStage
from study.inference.intervals import total_interval_j
from study.inference.posterior import posterior
from study.inference.repeats import Repeats


def stage_intervals(stages: Sequence[SetupStage]) -> Mapping[tuple[int, str], Interval95]:
    """Return the 95 % interval of the energy in joules by setup and stage.

    A stage is left out if none of its setups has two repeats, a setup if it has no energy above 0.
    """
    found: dict[tuple[int, str], Interval95] = {}
    for name in dict.fromkeys(str(each.stage) for each in stages):
        known = [
            (each.setup, each.energy_j.values)
            for each in stages
            if each.stage == name and each.energy_j is not None and min(each.energy_j.values) > 0
        ]
        drawn = posterior(Repeats.of_energies_j([values for _, values in known])) if known else None
        if drawn is None:
            continue
        for place, (setup, _) in enumerate(known):
            found[setup, name] = Interval95.of(total_interval_j(drawn, place))
    return found

"""Coverage of break-even and multitask savings whose true value is the same in all setups."""

import math
from collections.abc import Mapping

import numpy as np

from benchmarks.calibration.worlds import ENERGY_DEVIATION, Truth
from study.inference.break_even import (
    StagePosteriors,
    noise_alone,
    pooled_cycles,
    setup_cycles,
)
from study.inference.posterior import Posterior, posterior
from study.inference.ratios import ratio_of_sums
from study.inference.repeats import Floats, Repeats, Truths

TRUE_CYCLES = 5.0
CLASSIFIER_SHARE = 0.3
"""Energy of a classifier on the pretrained encoder, as a share of training from scratch."""

TRUE_SAVING = 0.25
"""Share of energy saved by training two tasks together instead of one by one."""

_SPLIT = 0.4
"""Share of the first task in the energy of training one by one."""


def cycle_measures(
    truth: Truth, rng: np.random.Generator, *, repeats: int, draws: int
) -> Mapping[str, float]:
    """Simulate pretraining studies whose break-even is 5 in all setups.

    Args:
        truth: True values of the studies; the energies are those of training from scratch.
        rng: Random numbers for the repeats and the posteriors.
        repeats: Number of repeats of each setup, at least 2.
        draws: Number of draws from each posterior.

    Returns:
        Shares of intervals that hold the truth, and medians in cycles, by the name of the column.
    """
    saved = math.log(TRUE_CYCLES * (1 - CLASSIFIER_SHARE))
    encoder, from_scratch, classifier = (
        _observed(truth.energy + shift, rng, repeats)
        for shift in (saved, 0.0, math.log(CLASSIFIER_SHARE))
    )
    pooled = pooled_cycles(*(np.exp(each) for each in (encoder, from_scratch, classifier)))
    if pooled is None:
        msg = "with one repeat there is no interval to count"
        raise ValueError(msg)
    stages = StagePosteriors(
        encoder=_drawn(encoder, rng, draws),
        from_scratch=_drawn(from_scratch, rng, draws),
        classifier=_drawn(classifier, rng, draws),
    )
    single = setup_cycles(stages)
    alone = noise_alone(stages, pooled.value, rng=rng)
    extremes = np.stack([single.value.min(axis=-1), single.value.max(axis=-1)])
    return {
        "all setups": _share(pooled.interval.holds(TRUE_CYCLES)),
        "width": float(np.median(pooled.interval.width)),
        "one setup": _share(single.interval.holds(TRUE_CYCLES)),
        "best": _share(single.best_interval.holds(TRUE_CYCLES)),
        "worst": _share(single.worst_interval.holds(TRUE_CYCLES)),
        "best printed": _median(extremes[0]),
        "noise alone, best": _median(alone.best),
        "worst printed": _median(extremes[1]),
        "noise alone, worst": _median(alone.worst),
    }


def saving_measures(truth: Truth, rng: np.random.Generator, *, repeats: int) -> Mapping[str, float]:
    """Simulate multitask studies that save 25 % in all setups.

    Args:
        truth: True values of the studies; the energies are those of training one by one.
        rng: Random numbers for the repeats.
        repeats: Number of repeats of each setup, at least 2.

    Returns:
        Share of intervals that hold the truth, and their median width, by the name of the column.
    """
    together, first, second = (
        np.exp(_observed(truth.energy + math.log(share), rng, repeats))
        for share in (1 - TRUE_SAVING, _SPLIT, 1 - _SPLIT)
    )
    ratio = ratio_of_sums(together, first + second)
    if ratio is None:
        msg = "with one repeat there is no interval to count"
        raise ValueError(msg)
    return {
        "multitask saving": _share(ratio.interval.holds(1 - TRUE_SAVING)),
        "saving's width": float(np.median(ratio.interval.width)),
    }


def _observed(energy: Floats, rng: np.random.Generator, repeats: int) -> Floats:
    noise = rng.standard_normal((*energy.shape, repeats))
    return np.asarray(energy[..., None] + ENERGY_DEVIATION * noise)


def _drawn(values: Floats, rng: np.random.Generator, draws: int) -> Posterior:
    drawn = posterior(Repeats.of_array(values), rng=rng, draws=draws)
    if drawn is None:
        msg = "with one repeat there is no interval to count"
        raise ValueError(msg)
    return drawn


def _median(values: Floats) -> float:
    return float(np.quantile(values, 0.5, method="closest_observation"))


def _share(held: Truths) -> float:
    return float(held.mean())

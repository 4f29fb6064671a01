"""Break-even: cycles until a pretrained encoder has paid for itself (paper, equation 2), with its interval.

    x = E_enc / (E_enc+class - E_class)

Over all setups it is a ratio of sums with Fieller's interval (`study.inference.ratios`). For a single
setup with its few repeats it is computed from the draws of the three energies, whose spread is informed
by all setups. The best and the worst of many setups were selected, so their intervals are wider: among m
setups with one true value, the extremes lie within an interval of confidence 1 - 0.1 / m in 95 % of the
cases (Bonferroni, one-sided, because an extreme can be off to one side only).
"""

import math
from dataclasses import dataclass

import numpy as np

from study.inference.intervals import (
    CONFIDENCE,
    Interval,
    exponential,
    interval,
    share_saved,
)
from study.inference.posterior import SEED, Posterior
from study.inference.ratios import Ratio, ratio_of_sums
from study.inference.repeats import Floats, Integers


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePosteriors:
    """Posteriors of the three energies of equation 2 for all setups, as logarithms of joules.

    Attributes:
        encoder: E_enc, pretraining the encoder.
        from_scratch: E_enc+class, training encoder and classifier from scratch.
        classifier: E_class, training the classifier on the pretrained encoder, frozen or unfrozen.
    """

    encoder: Posterior
    from_scratch: Posterior
    classifier: Posterior


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupCycles:
    """Break-even of each setup on its own, in cycles; infinite where it never pays.

    Attributes:
        value: Break-even at the typical energies. Shape (..., setups).
        interval: 95 % interval of each setup. Arrays of shape (..., setups).
        if_selected: Wider 95 % interval of each setup, valid if it was selected as the best or the worst.
            Arrays of shape (..., setups).
        pays: Probability that it ever pays. Shape (..., setups).
        best: Index of the setup that pays soonest. Shape (...).
        best_interval: Entry of `if_selected` for the best setup.
        worst: Index of the setup that pays last, or never. Shape (...).
        worst_interval: Entry of `if_selected` for the worst setup.
    """

    value: Floats
    interval: Interval
    if_selected: Interval
    pays: Floats
    best: Integers
    best_interval: Interval
    worst: Integers
    worst_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseAlone:
    """Extremes that noise alone would produce if all setups had the same true break-even.

    Attributes:
        best: Median of the best setup's break-even. Shape (...).
        worst: Median of the worst setup's break-even; infinite where mostly at least one setup seems
            never to pay. Shape (...).
        never: Mean fraction of the setups that would seem never to pay. Shape (...).
    """

    best: Floats
    worst: Floats
    never: Floats


def pooled_cycles(encoder_j: Floats, from_scratch_j: Floats, classifier_j: Floats) -> Ratio | None:
    """Return the break-even over all setups and repeats; None where no setup has two complete repeats.

    Args:
        encoder_j: E_enc of each setup and repeat in joules; NaN where missing. Shape
            (..., setups, repeats).
        from_scratch_j: E_enc+class, in the same form.
        classifier_j: E_class, in the same form.
    """
    return ratio_of_sums(encoder_j, from_scratch_j - classifier_j)


def setup_cycles(stages: StagePosteriors) -> SetupCycles:
    """Return the break-even of each setup, with intervals.

    Args:
        stages: Posteriors of the three energies.
    """
    drawn = np.moveaxis(
        _cycles(stages.encoder.means, stages.from_scratch.means, stages.classifier.means), -2, -1
    )
    value = _cycles(*(s.repeats.mean for s in _all(stages)))
    best, worst = np.asarray(value.argmin(axis=-1)), np.asarray(value.argmax(axis=-1))
    # A single setup was not selected, so its interval is not widened.
    among = max(value.shape[-1], 2)
    if_selected = interval(drawn, confidence=1 - 2 * (1 - CONFIDENCE) / among)
    return SetupCycles(
        value=value,
        interval=interval(drawn),
        if_selected=if_selected,
        pays=np.isfinite(drawn).mean(axis=-1),
        best=best,
        best_interval=_at(if_selected, best),
        worst=worst,
        worst_interval=_at(if_selected, worst),
    )


def noise_alone(
    stages: StagePosteriors, cycles: float | Floats, *, rng: np.random.Generator | int = SEED
) -> NoiseAlone:
    """Simulate the best and worst break-even for the case that all setups have the same true one.

    Each setup keeps its energy of training from scratch; the other two energies are the same fractions
    of it in all setups.

    Args:
        stages: Posteriors of the three energies; their variances are used for the noise.
        cycles: The common true break-even, such as the value of `pooled_cycles`. Shape () or (...).
        rng: Random generator for the noise, or a seed for one.
    """
    source = np.random.default_rng(rng)
    from_scratch = stages.from_scratch.repeats.mean
    energies = [np.exp(each.repeats.mean).sum(axis=-1) for each in _all(stages)]
    saved = np.maximum(1 - energies[2] / energies[1], 0.0)
    with np.errstate(divide="ignore"):
        encoder = from_scratch + np.log(np.asarray(cycles) * saved)[..., None]
        classifier = from_scratch + np.log1p(-saved)[..., None]
    drawn = _cycles(
        *(
            truth[..., None, :]
            + np.sqrt(each.mean_variances) * source.standard_normal(each.means.shape)
            for truth, each in zip((encoder, from_scratch, classifier), _all(stages), strict=True)
        )
    )
    return NoiseAlone(
        best=_median(drawn.min(axis=-1)),
        worst=_median(drawn.max(axis=-1)),
        never=np.isinf(drawn).mean(axis=(-2, -1)),
    )


def _all(stages: StagePosteriors) -> tuple[Posterior, Posterior, Posterior]:
    return stages.encoder, stages.from_scratch, stages.classifier


def _cycles(encoder: Floats, from_scratch: Floats, classifier: Floats) -> Floats:
    """Evaluate equation 2 for logarithms of joules; infinite where a cycle saves nothing."""
    saved = share_saved(classifier - from_scratch)
    cycles = np.full(saved.shape, math.inf)
    np.divide(exponential(encoder - from_scratch), saved, out=cycles, where=saved > 0)
    return cycles


def _median(draws: Floats) -> Floats:
    return np.asarray(np.quantile(draws, 0.5, axis=-1, method="closest_observation"))


def _at(many: Interval, place: Integers) -> Interval:
    low, high = (
        np.take_along_axis(end, place[..., None], axis=-1)[..., 0] for end in (many.low, many.high)
    )
    return Interval(low=low, high=high)

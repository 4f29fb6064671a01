"""Forecast of the total energy and time of a study, from its trainings so far.

The cost of a training is the cost per epoch times the number of epochs, which early stopping decides. Both
depend on the setup, so each is forecast separately (`study.forecast.draws`) for each stage: joules and
seconds per epoch, which hardly vary, and the number of epochs, which does. The energy that a trial uses
outside its epochs, most of it before the first, is forecast as another quantity.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

import numpy as np

from study.forecast.draws import DRAWS, Known, draw_all
from study.inference.intervals import Interval, interval
from study.inference.repeats import Floats, Truths
from study.record.vocabulary import COST_ONLY_AXES

CONFIDENCE = 0.9
"""Probability of the intervals that are shown."""

USUAL_CHANGE = 0.05
"""Prior standard deviation of the logarithm of the ratio between the cost of a training's later epochs and that
of its epochs so far."""

FEWER_AT_ONCE = 0.15
"""Standard deviation of the same ratio, common to all running trials, once no trials are left to begin. As their
neighbours end, they are charged a larger share of what is shared, or get more of the machine; trials that have
ended do not tell how much."""

FEWEST = 2
"""Number of trainings that must have ended before anything is forecast."""

MOST_RUNS, MOST_KINDS = 5000, 600
"""Maximum numbers of trainings and of different kinds of them. With more, there is no forecast: each kind is
compared with each other, which would take too long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A training, which is one stage of a trial: ended, running or still to come.

    Attributes:
        trial: Identifier of the trial.
        stage: Name of the stage.
        chosen: Value of the setup on each axis, including batch size and learning rate.
        seed: Seed of the initial weights and the order of samples.
        epochs: Number of epochs trained so far; 0 for a training to come.
        energies_j: Energies of those epochs, in order, without epochs whose energy is missing.
        time_s: Duration of all its epochs so far.
        fewest: Minimum number of epochs that it will have had when it ends.
        has_ended: Whether it has ended.
        is_cut: Whether it ended other than by early stopping: at the maximum number of epochs, by a
            failure, or because its study stopped it.
        validations: Number of validations per pass over the samples. If there are several, each
            interval between two counts as an epoch here.
    """

    trial: str
    stage: str
    chosen: Mapping[str, object] = field(repr=False)
    seed: int
    epochs: int = 0
    energies_j: tuple[float, ...] = field(default=(), repr=False)
    time_s: float = 0.0
    fewest: int = 1
    has_ended: bool = False
    is_cut: bool = False
    validations: int = 1

    @property
    def energy_j(self) -> float:
        """Energy of the epochs whose energy is known, in joules."""
        return sum(self.energies_j)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialOverhead:
    """Energy that a trial uses outside its epochs.

    Attributes:
        chosen: Value of the setup on each axis, as in `Run`.
        energy_j: Energy before the first epoch, between epochs and in tests; None before the trial has
            ended, or if it is not known.
        in_new_process: Whether the trial ran in a new process, which first loads libraries and data;
            None if that is not known.
        lost_j: Energy of its lost attempts so far.
    """

    chosen: Mapping[str, object] = field(repr=False)
    energy_j: float | None = None
    in_new_process: bool | None = False
    lost_j: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyForecast:
    """Draws of the total energy and time of all trainings of a study.

    Attributes:
        runs: The trainings.
        energies_j: Energy of each training's epochs when it ends; NaN if no energy in its stage is
            known. Shape (draws, runs).
        times_s: Duration of each training's epochs, likewise. Shape (draws, runs).
        overhead_j: Energy of all trials together outside their epochs, including lost attempts; None as
            long as it is unknown for a kind of trial that is still to come (in a new process or not).
            Shape (draws,).
    """

    runs: tuple[Run, ...]
    energies_j: Floats
    times_s: Floats
    overhead_j: Floats | None = None

    @property
    def total_j(self) -> Floats | None:
        """Draws of the energy of the whole study; None if it is not known. Shape (draws,).

        If `overhead_j` is None, the energy of trials outside their epochs is not included.
        """
        totals = self.energies_j.sum(axis=1)
        if self.overhead_j is not None:
            totals = totals + self.overhead_j
        return totals if np.isfinite(totals).all() else None

    def of_trial(self, trial: str) -> Floats | None:
        """Return draws of the energy of one trial's epochs; None if it is not known. Shape (draws,)."""
        own = [each.trial == trial for each in self.runs]
        totals = self.energies_j[:, own].sum(axis=1)
        return totals if any(own) and np.isfinite(totals).all() else None

    def left_s(self, *, slots: int, overhead_s: float = 0.0) -> Floats:
        """Return draws of the seconds until all trainings have ended. Shape (draws,).

        Args:
            slots: Number of trials that run at the same time.
            overhead_s: Seconds that a trial to come will take in addition to its epochs.
        """
        free = np.zeros((len(self.times_s), max(1, slots)))
        every = np.arange(len(free))
        for left_s in self._left_by_trial(overhead_s).values():
            slot = free.argmin(axis=1)
            free[every, slot] += left_s
        return np.asarray(free.max(axis=1))

    def _left_by_trial(self, overhead_s: float) -> Mapping[str, Floats]:
        """Return draws of the seconds left for each trial that has not ended, running trials first."""
        left: dict[str, Floats] = {}
        begun = {each.trial for each in self.runs if each.epochs}
        order = sorted(range(len(self.runs)), key=lambda place: self.runs[place].trial not in begun)
        for place in order:
            run = self.runs[place]
            if run.has_ended:
                continue
            start = np.full(len(self.times_s), 0.0 if run.trial in begun else overhead_s)
            left[run.trial] = left.get(run.trial, start) + self.times_s[:, place] - run.time_s
        return left


def cut(draws: Floats) -> Interval:
    """Return the 90 % interval of draws, as forecasts are shown."""
    return interval(draws, confidence=CONFIDENCE)


def study_forecast(
    runs: Sequence[Run],
    *,
    max_epochs: int,
    overheads: Sequence[TrialOverhead] = (),
    at_once: int = 1,
    seed: int = 0,
) -> StudyForecast | None:
    """Forecast all trainings of a study.

    Args:
        runs: Trainings that have ended, in the order of their ends, followed by all others.
        max_epochs: Maximum number of passes over the samples.
        overheads: Energy of each trial outside its epochs, in the order in which trials occur in `runs`.
        at_once: Largest number of trials that have run at the same time so far.
        seed: Seed of the draws.

    Returns:
        The forecast; None before `FEWEST` trainings have ended, or if there are too many trainings.
    """
    ended = sum(each.has_ended for each in runs)
    if ended < FEWEST or len(runs) > MOST_RUNS or _kinds(runs) > MOST_KINDS:
        return None
    energies_j = np.full((DRAWS, len(runs)), np.nan)
    times_s = np.full((DRAWS, len(runs)), np.nan)
    rng = np.random.default_rng(seed)
    begun = {each.trial for each in runs if each.epochs}
    none_follows = at_once > 1 and all(each.trial in begun for each in runs)
    for stage in dict.fromkeys(each.stage for each in runs):
        places = [place for place, each in enumerate(runs) if each.stage == stage]
        own = [runs[place] for place in places]
        if not any(each.epochs for each in own):
            continue
        epochs = _draw_epochs(own, max_epochs, rng)
        joules, seconds = _draw_per_epoch(own, rng)
        done = np.asarray([each.epochs for each in own])
        rest = _draw_later_ratios(own, rng)
        if none_follows:
            rest = rest * np.exp(FEWER_AT_ONCE * rng.standard_normal((DRAWS, 1)))
        energies_j[:, places] = (done + (epochs - done) * rest) * joules
        times_s[:, places] = epochs * seconds
    return StudyForecast(
        runs=tuple(runs),
        energies_j=energies_j,
        times_s=times_s,
        overhead_j=_draw_total_overhead(overheads, rng),
    )


def _draw_total_overhead(
    trials: Sequence[TrialOverhead], rng: np.random.Generator
) -> Floats | None:
    """Draw the energy of all trials together outside their epochs; None if unknown. Shape (DRAWS,)."""
    if all(each.energy_j is None for each in trials):
        return None
    totals = np.full(DRAWS, sum((each.energy_j or 0.0) + each.lost_j for each in trials))
    # Separately for new and reused processes: the set-up of a process's first trial is much dearer, and
    # says nothing about later trials in that process.
    for is_new in (True, False):
        alike = [each for each in trials if each.in_new_process is is_new]
        coming = np.asarray([each.energy_j is None for each in alike])
        if coming.any():
            known = [math.nan if each.energy_j is None else each.energy_j for each in alike]
            drawn = _draw_positive(known, [each.chosen for each in alike], rng)
            totals = totals + drawn[:, coming].sum(axis=1)
    return totals if np.isfinite(totals).all() else None


def _kinds(runs: Sequence[Run]) -> int:
    """Return the number of trainings that differ in the properties by which they are forecast."""
    with_seeds = any(COST_ONLY_AXES & each.chosen.keys() for each in runs)
    return len(
        {(repr(sorted(run.chosen.items())), run.seed if with_seeds else None) for run in runs}
    )


def _draw_epochs(runs: Sequence[Run], max_epochs: int, rng: np.random.Generator) -> Floats:
    """Draw the number of epochs of each training. Shape (DRAWS, runs)."""
    done = np.asarray([each.epochs for each in runs], dtype=float)
    ended = np.asarray([each.has_ended for each in runs])
    fewest = np.where(ended, done, np.maximum([each.fewest for each in runs], done))
    # The bound of a running training is half an epoch less than its fewest epochs: it may end with exactly
    # that many, and draws are rounded.
    known = np.where(ended, done, fewest - 0.5)
    values = np.where(done > 0, np.log(np.maximum(known, 0.5)), np.nan)
    cut_off = np.asarray([each.is_cut or not each.has_ended for each in runs])
    learning = [
        {name: value for name, value in each.chosen.items() if name not in COST_ONLY_AXES}
        for each in runs
    ]
    shares = None
    if any(COST_ONLY_AXES & each.chosen.keys() for each in runs):
        pairs = zip(learning, runs, strict=True)
        shares = [(repr(sorted(own.items())), each.seed) for own, each in pairs]
    drawn = draw_all(Known(values=values, is_bound=cut_off), learning, rng, shares=shares)
    most = np.maximum(done, [max_epochs * each.validations for each in runs])
    coming = np.clip(np.rint(np.exp(np.minimum(drawn, 50.0))), fewest, most)
    return np.asarray(np.where(ended, done, coming))


def _draw_per_epoch(runs: Sequence[Run], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw the mean joules and seconds per epoch of each training. Shapes (DRAWS, runs)."""
    settings = [each.chosen for each in runs]
    joules = [each.energy_j / len(each.energies_j) if each.energies_j else np.nan for each in runs]
    seconds = [each.time_s / each.epochs if each.epochs else np.nan for each in runs]
    return _draw_positive(joules, settings, rng), _draw_positive(seconds, settings, rng)


def _draw_later_ratios(runs: Sequence[Run], rng: np.random.Generator) -> Floats:
    """Draw the ratio between the energy of a running training's later epochs and its epochs so far.

    First epochs may cost more, and a machine may change over time; trainings that have ended show by how
    much. For all other trainings the ratio is 1. Shape (DRAWS, runs).
    """
    found = np.ones((DRAWS, len(runs)))
    for place, run in enumerate(runs):
        had = len(run.energies_j)
        if run.has_ended or not had:
            continue
        ended = [each.energies_j for each in runs if each.has_ended and len(each.energies_j) > had]
        means = [(fmean(each[had:]), fmean(each[:had])) for each in ended]
        logs = [math.log(late / early) for late, early in means if late > 0 and early > 0]
        found[:, place] = np.exp(_draw_next(logs, rng))
    return found


def _draw_next(seen: Sequence[float], rng: np.random.Generator) -> Floats:
    """Draw the next value of a quantity from the values seen, by Student's t. Shape (DRAWS,).

    The prior is 0 with standard deviation `USUAL_CHANGE`, and has the weight of one value seen.
    """
    count = len(seen) + 1
    mean = sum(seen) / count
    squares = USUAL_CHANGE**2 + sum((each - mean) ** 2 for each in seen) + mean**2
    deviation = math.sqrt(squares / count * (1 + 1 / count))
    # The conjugate posterior has `count` degrees of freedom, the prior counted as one value. Here it has two
    # more, because with 1 (nothing seen yet) Student's t has no variance, and some draws would be absurdly
    # large. If values vary as the prior says, 90 % intervals then hold 98 % of the next ones with none
    # seen, 93 % with one, 91 % with two and 90 % with more; with `count` degrees it is 100, 98 and 95 %
    # with none, one and two.
    return np.asarray(mean + deviation * rng.standard_t(count + 2, size=DRAWS))


def _draw_positive(
    values: Sequence[float], settings: Sequence[Mapping[str, object]], rng: np.random.Generator
) -> Floats:
    """Draw a positive quantity for each training; all NaN if it is known of none. Shape (DRAWS, runs).

    Args:
        values: Known values; NaN if unknown, and 0 counts as unknown.
        settings: Value of each training on each axis.
        rng: Source of randomness.
    """
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(values, dtype=float))
    logs = np.where(np.isfinite(logs), logs, np.nan)
    if not np.isfinite(logs).any():
        return np.full((DRAWS, len(values)), np.nan)
    bound: Truths = np.zeros(len(values), dtype=bool)
    return np.asarray(np.exp(draw_all(Known(values=logs, is_bound=bound), settings, rng)))

"""The energy and time that a study will have used, from its trainings so far.

A training costs what its epochs cost, and there are as many as its early stopping lets it have. Both
go with its axes, so each is forecast by itself (`study.forecast.draws`), for each stage: joules and
seconds of an epoch, which hardly vary, and the number of epochs, which does. What a trial uses outside
its epochs, most of it before the first, is a quantity of its own.
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

USUAL_CHANGE = 0.05
"""Standard deviation of the logarithm by which epochs to come differ from those of a training so far,
as long as nothing else is known of it."""

FEWER_AT_ONCE = 0.15
"""The same, for all at once, of trials for whose neighbours none follows: they are charged more of what
is shared, or have more of the machine. None that has ended tells how much."""

FEWEST = 2
"""Trainings that must have ended before anything is forecast."""

MOST_RUNS, MOST_KINDS = 5000, 600
"""Of more trainings, or of more that differ in their setups, nothing is forecast: each kind is compared with
each, which would take long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A stage of a trial: a training that has ended, is under way or is to come.

    Attributes:
        trial: The trial's identifier.
        stage: Name of the stage.
        chosen: The setup's value on each axis, batch size and learning rate among them.
        seed: Of weights and order.
        epochs: Those that it has trained; 0 for one that is to come.
        energies_j: Of each of these that has one, in their order.
        time_s: Of all its epochs.
        fewest: Epochs before which it cannot end.
        has_ended: Whether it has.
        is_cut: Whether it ended otherwise than by its early stopping: at the limit of epochs, by a
            fault, or because its study ended it.
        validations: In a pass over the samples; where there are several, what counts as an epoch here is
            what lies between two.
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
        """Energy of the epochs that have one."""
        return sum(self.energies_j)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Energy of a trial outside its epochs.

    Attributes:
        chosen: As of its runs.
        energy_j: Before the first epoch, between epochs and in tests; None before the trial has ended, or
            where it is not known.
        in_new_process: Whether its process was a new one, which loads libraries and data first; None
            where that is not known.
        lost_j: Of attempts that were lost, so far.
    """

    chosen: Mapping[str, object] = field(repr=False)
    energy_j: float | None = None
    in_new_process: bool | None = False
    lost_j: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyForecast:
    """Draws of what all trainings will have used.

    Attributes:
        runs: The trainings.
        energies_j: Of the epochs of each; NaN where no energy is known of any. Shape (draws, runs).
        times_s: Likewise. Shape (draws, runs).
        outside_j: Of all trials outside their epochs; None before it is known of one that had a new process,
            and of one that had not. Shape (draws,).
    """

    runs: tuple[Run, ...]
    energies_j: Floats
    times_s: Floats
    outside_j: Floats | None = None

    @property
    def total_j(self) -> Floats | None:
        """Draws of the whole study's energy; None where none is known. Shape (draws,).

        Without what trials use outside their epochs where `outside_j` is None.
        """
        totals = self.energies_j.sum(axis=1)
        if self.outside_j is not None:
            totals = totals + self.outside_j
        return totals if np.isfinite(totals).all() else None

    def of_trial(self, trial: str) -> Floats | None:
        """Draws of the energy of one trial's epochs; None where none is known. Shape (draws,)."""
        own = [each.trial == trial for each in self.runs]
        totals = self.energies_j[:, own].sum(axis=1)
        return totals if any(own) and np.isfinite(totals).all() else None

    def left_s(self, *, slots: int, beside_s: float = 0.0) -> Floats:
        """Draws of the seconds until all have ended. Shape (draws,).

        Args:
            slots: Trials that run at the same time.
            beside_s: Seconds of a trial beside its epochs, which those to come will have too.
        """
        free = np.zeros((len(self.times_s), max(1, slots)))
        every = np.arange(len(free))
        for left_s in self._left_by_trial(beside_s).values():
            slot = free.argmin(axis=1)
            free[every, slot] += left_s
        return np.asarray(free.max(axis=1))

    def _left_by_trial(self, beside_s: float) -> Mapping[str, Floats]:
        """Seconds left of each trial, those under way first."""
        left: dict[str, Floats] = {}
        begun = {each.trial for each in self.runs if each.epochs}
        order = sorted(range(len(self.runs)), key=lambda place: self.runs[place].trial not in begun)
        for place in order:
            run = self.runs[place]
            if run.has_ended:
                continue
            start = np.full(len(self.times_s), 0.0 if run.trial in begun else beside_s)
            left[run.trial] = left.get(run.trial, start) + self.times_s[:, place] - run.time_s
        return left


def cut(draws: Floats) -> Interval:
    """Return the interval that a forecast states: 90 %."""
    return interval(draws, confidence=CONFIDENCE)


def study_forecast(
    runs: Sequence[Run],
    *,
    max_epochs: int,
    outside: Sequence[Outside] = (),
    at_once: int = 1,
    seed: int = 0,
) -> StudyForecast | None:
    """Forecast all trainings of a study; None before `FEWEST` have ended.

    Args:
        runs: Those that have ended in the order of their ends, and all others.
        max_epochs: Passes over the samples after which a training ends at the latest.
        outside: Of each trial, in the same order.
        at_once: The most trials that have run at the same time so far.
        seed: Of the draws.
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
        epochs = _epochs(own, max_epochs, rng)
        joules, seconds = _each_epoch(own, rng)
        done = np.asarray([each.epochs for each in own])
        rest = _rest(own, rng)
        if none_follows:
            rest = rest * np.exp(FEWER_AT_ONCE * rng.standard_normal((DRAWS, 1)))
        energies_j[:, places] = (done + (epochs - done) * rest) * joules
        times_s[:, places] = epochs * seconds
    return StudyForecast(
        runs=tuple(runs),
        energies_j=energies_j,
        times_s=times_s,
        outside_j=_outside(outside, rng),
    )


def _outside(trials: Sequence[Outside], rng: np.random.Generator) -> Floats | None:
    """Draw the energy of all trials outside their epochs. Shape (DRAWS,)."""
    if all(each.energy_j is None for each in trials):
        return None
    totals = np.full(DRAWS, sum((each.energy_j or 0.0) + each.lost_j for each in trials))
    # By their processes: a first trial's set-up says nothing of those that come after it in its process.
    for is_new in (True, False):
        alike = [each for each in trials if each.in_new_process is is_new]
        coming = np.asarray([each.energy_j is None for each in alike])
        if coming.any():
            known = [math.nan if each.energy_j is None else each.energy_j for each in alike]
            drawn = _positive(known, [each.chosen for each in alike], rng)
            totals = totals + drawn[:, coming].sum(axis=1)
    return totals if np.isfinite(totals).all() else None


def _kinds(runs: Sequence[Run]) -> int:
    """Number of trainings that differ in what they are forecast by."""
    with_seeds = any(COST_ONLY_AXES & each.chosen.keys() for each in runs)
    return len(
        {(repr(sorted(run.chosen.items())), run.seed if with_seeds else None) for run in runs}
    )


def _epochs(runs: Sequence[Run], max_epochs: int, rng: np.random.Generator) -> Floats:
    """Draw the number of epochs of each training. Shape (DRAWS, runs)."""
    done = np.asarray([each.epochs for each in runs], dtype=float)
    ended = np.asarray([each.has_ended for each in runs])
    fewest = np.where(ended, done, np.maximum([each.fewest for each in runs], done))
    # A bound is what it had without having ended: the next epoch may be its last.
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


def _each_epoch(runs: Sequence[Run], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draw joules and seconds of an epoch of each training. Shapes (DRAWS, runs)."""
    settings = [each.chosen for each in runs]
    joules = [each.energy_j / len(each.energies_j) if each.energies_j else np.nan for each in runs]
    seconds = [each.time_s / each.epochs if each.epochs else np.nan for each in runs]
    return _positive(joules, settings, rng), _positive(seconds, settings, rng)


def _rest(runs: Sequence[Run], rng: np.random.Generator) -> Floats:
    """Draw what an epoch to come costs of each training that is under way, over those that it has had.

    First epochs may be dearer, and a machine may change on the way: as those that have ended tell. Of
    all others 1. Shape (DRAWS, runs).
    """
    found = np.ones((DRAWS, len(runs)))
    for place, run in enumerate(runs):
        had = len(run.energies_j)
        if run.has_ended or not had:
            continue
        ended = [each.energies_j for each in runs if each.has_ended and len(each.energies_j) > had]
        means = [(fmean(each[had:]), fmean(each[:had])) for each in ended]
        logs = [math.log(late / early) for late, early in means if late > 0 and early > 0]
        found[:, place] = np.exp(_next(logs, rng))
    return found


def _next(seen: Sequence[float], rng: np.random.Generator) -> Floats:
    """Draw the next one of a quantity of which some were seen: Student's t. Shape (DRAWS,).

    Beforehand it is 0, give or take `USUAL_CHANGE`, which counts as much as one that was seen.
    """
    count = len(seen) + 1
    mean = sum(seen) / count
    squares = USUAL_CHANGE**2 + sum((each - mean) ** 2 for each in seen) + mean**2
    deviation = math.sqrt(squares / count * (1 + 1 / count))
    # Two degrees more than were seen: with one alone some draws would have no end.
    return np.asarray(mean + deviation * rng.standard_t(count + 2, size=DRAWS))


def _positive(
    values: Sequence[float], settings: Sequence[Mapping[str, object]], rng: np.random.Generator
) -> Floats:
    """Draw a quantity above 0; NaN throughout where it is not known of any training."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.asarray(values, dtype=float))
    logs = np.where(np.isfinite(logs), logs, np.nan)
    if not np.isfinite(logs).any():
        return np.full((DRAWS, len(values)), np.nan)
    bound: Truths = np.zeros(len(values), dtype=bool)
    return np.asarray(np.exp(draw_all(Known(values=logs, is_bound=bound), settings, rng)))

"""Simulations that produce the rows of the calibration's tables."""

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.calibration.advice import Stated, advice_measures
from benchmarks.calibration.cycles import cycle_measures, saving_measures
from benchmarks.calibration.held_out import HELD_OUT, held_out, of_table
from benchmarks.calibration.ideal import ideal_of
from benchmarks.calibration.intervals import interval_measures
from benchmarks.calibration.spending import spending_measures
from benchmarks.calibration.tables import Cell, Form, Measures
from benchmarks.calibration.worlds import WORLDS, Truth, truth_of
from study.inference.allocation import Rule
from study.inference.choice import Aim, Preference

REPEATS = (1, 2, 3, 5, 10)
HELD_OUT_REPEATS = (2, 5)

MORE = 16
"""Number of further repeats: as many as a third repeat of all 16 setups would be."""

IN_ORDER = "one after another"
SURE = 0.9

STATED_OF = (*WORLDS, "moved")
"""Worlds in the table of stated probabilities."""

_ADVICE = Form(
    before=("truth", "repeats"),
    shares=(
        *("right", "allowed", "ideal right", "stated", "excess", "ideal excess", "log excess"),
        *("lost", "ideal lost", "outside"),
    ),
    numbers=("short",),
)
_INTERVALS = Form(
    before=("truth", "repeats"),
    shares=(
        *("total", "fixed pair", "against costliest", "against most accurate", "its total"),
        *("its score", "equal told apart", "twofold told apart"),
        *("each spread known", "spreads known, not whose"),
    ),
    numbers=("width to known",),
)
FORMS: Mapping[str, Mapping[str, Form]] = {
    "intervals": {"intervals": _INTERVALS},
    "advice": {
        "advice": _ADVICE,
        "most accurate": Form(before=("truth", "repeats"), shares=("said best", "best when said")),
    },
    "preference": {
        "preference": Form(
            before=("truth", "prefer"),
            shares=("right", "allowed", "excess", "outside"),
            numbers=("short",),
        )
    },
    "more repeats": {
        "more repeats": Form(
            before=("truth", "rule"),
            shares=(
                *("right", "excess", "outside", "sure"),
                *("right when sure", "nearly right when sure", "sure and wrong"),
            ),
            numbers=("short",),
        )
    },
    "ratios": {
        "break-even": Form(
            before=("truth", "repeats"),
            shares=("all setups", "one setup", "best", "worst"),
            numbers=(
                *("width", "best printed", "noise alone, best"),
                *("worst printed", "noise alone, worst"),
            ),
        ),
        "multitask": Form(
            before=("truth", "repeats"), shares=("multitask saving",), numbers=("saving's width",)
        ),
    },
    "held out: intervals": {"held out: intervals": _INTERVALS},
    "held out: advice": {"held out: advice": _ADVICE},
}
"""Forms of the tables that each kind of task fills, by their names on the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Size of the simulations.

    Attributes:
        studies: Number of studies for each value.
        draws: Number of draws from each posterior.
    """

    studies: int
    draws: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Simulation of one row of a table for one seed.

    Attributes:
        table: Kind of task, a key of `FORMS`.
        seed: Number of the seed, from 0.
        world: Name of the distribution of truths.
        repeats: Number of repeats of each setup.
        preference: Preference between energy and objective in the advice.
        rule: Rule that chooses which setup is repeated next; None takes setups in turn.
        recording: Table of trainings from which the truth is drawn; None draws from `world`.
    """

    table: str
    seed: int
    world: str
    repeats: int = 2
    preference: Preference = Preference.BALANCED
    rule: Rule | None = None
    recording: Path | None = None

    @property
    def row(self) -> Cell:
        """Return the cells that identify the row, before its values."""
        if self.table == "preference":
            return self.world, str(self.preference)
        if self.table == "more repeats":
            return self.world, IN_ORDER if self.rule is None else str(self.rule)
        return self.world, str(self.repeats)

    @property
    def entropy(self) -> tuple[int, ...]:
        """Entropy of the task's random numbers: different for each task, the same in each run."""
        return self.seed, *repr((self.table, self.row)).encode()

    def truth(self, rng: np.random.Generator, studies: int) -> Truth:
        """Draw the true values of a number of studies."""
        if self.recording is not None:
            return of_table(self.recording, studies)
        return (truth_of if self.world in WORLDS else held_out)(self.world, rng, studies)


def tasks(seeds: int, recordings: Sequence[Path]) -> Iterator[Task]:
    """Yield all simulations, those that take longest first for each seed.

    Args:
        seeds: Number of seeds.
        recordings: Tables of trainings from which further truths are drawn.
    """
    for seed in range(seeds):
        for world in (*WORLDS, "moved"):
            for rule in (None, Rule.KNOWLEDGE_GRADIENT, Rule.TOP_TWO):
                yield Task(table="more repeats", seed=seed, world=world, rule=rule)
        for world, repeats in itertools.product(WORLDS, REPEATS):
            yield Task(table="advice", seed=seed, world=world, repeats=repeats)
            if repeats > 1:
                yield Task(table="intervals", seed=seed, world=world, repeats=repeats)
                yield Task(table="ratios", seed=seed, world=world, repeats=repeats)
        for world, preference in itertools.product(WORLDS, Preference):
            yield Task(table="preference", seed=seed, world=world, preference=preference)
        others = [
            *((name, None) for name in HELD_OUT),
            *((p.stem.partition("-")[0], p) for p in recordings),
        ]
        for (world, recording), repeats in itertools.product(others, HELD_OUT_REPEATS):
            for kind in ("held out: intervals", "held out: advice"):
                yield Task(table=kind, seed=seed, world=world, repeats=repeats, recording=recording)


def done(task: Task, size: Size) -> tuple[Measures, Mapping[str, Stated]]:
    """Simulate a row; return its values by column, and the stated probabilities by kind of statement."""
    rng = np.random.default_rng(task.entropy)
    return _KINDS[task.table](task, size, rng)


def _intervals(
    task: Task, size: Size, rng: np.random.Generator
) -> tuple[Measures, Mapping[str, Stated]]:
    truth = task.truth(rng, size.studies)
    return interval_measures(truth, rng, repeats=task.repeats, draws=size.draws), {}


def _advice(
    task: Task, size: Size, rng: np.random.Generator
) -> tuple[Measures, Mapping[str, Stated]]:
    truth = task.truth(rng, size.studies)
    ideal = None if task.recording else ideal_of(task.world)
    return advice_measures(
        truth, rng, repeats=task.repeats, draws=size.draws, aim=Aim(), ideal=ideal
    )


def _preference(
    task: Task, size: Size, rng: np.random.Generator
) -> tuple[Measures, Mapping[str, Stated]]:
    truth = task.truth(rng, size.studies)
    aim = Aim(price=task.preference.price)
    return advice_measures(truth, rng, repeats=task.repeats, draws=size.draws, aim=aim)[0], {}


def _ratios(
    task: Task, size: Size, rng: np.random.Generator
) -> tuple[Measures, Mapping[str, Stated]]:
    truth = task.truth(rng, size.studies)
    return {
        **cycle_measures(truth, rng, repeats=task.repeats, draws=size.draws),
        **saving_measures(truth, rng, repeats=task.repeats),
    }, {}


def _more(
    task: Task, size: Size, rng: np.random.Generator
) -> tuple[Measures, Mapping[str, Stated]]:
    truth = task.truth(rng, size.studies)
    # A study takes as long here as 17 elsewhere, so only half of the draws are used.
    draws = size.draws // 2
    return spending_measures(
        truth, rng, rule=task.rule, more=MORE, draws=draws, aim=Aim(), sure=SURE
    ), {}


_KINDS: Mapping[
    str,
    Callable[[Task, Size, np.random.Generator], tuple[Measures, Mapping[str, Stated]]],
] = {
    "intervals": _intervals,
    "advice": _advice,
    "preference": _preference,
    "more repeats": _more,
    "ratios": _ratios,
    "held out: intervals": _intervals,
    "held out: advice": _advice,
}

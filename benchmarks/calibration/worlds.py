"""Four "worlds": distributions of true energies and accuracies from which studies are simulated.

resampled    the 16 setups of `benchmarks/data/watch16`; a repeat is one of a setup's five recorded
             trainings, drawn with replacement, energy and accuracy together. Their spreads differ
             tenfold, and one setup either gives up after 7 epochs or runs to the limit of 30
parametric   the means of these setups; energies log-normal with a standard deviation of 0.28,
             accuracies normal with one of 2.5 points
grids        random 4 x 4 grids: effects of row, column and cell, drawn for each study (log energy:
             normal with deviations 0.35, 0.35, 0.2; points lost: exponential with means 3, 5, 1);
             noise as in `parametric`
synthetic    4 x 4 of the 16 x 16 setups of `benchmarks.search.synthetic_table`, chosen for each
             study; the truth of a setup is the mean of nine of its trainings; noise as in `parametric`
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.search.synthetic_table import synthetic_rows
from study.inference.repeats import Floats, Integers, Truths
from study.record.migration import RENAMED
from study.record.objective import ACCURACY

RECORDED = Path(__file__).parent.parent / "data" / "watch16" / "epochs.csv"
ENERGY_DEVIATION, OBJECTIVE_DEVIATION = 0.28, 0.025
SETUPS = 16
AXES = np.stack(np.divmod(np.arange(SETUPS), 4), axis=-1)
"""Indices of each setup's batch size and learning rate; shape (setups, 2)."""

ENDS = ACCURACY.gain_ends
"""Least and greatest value of an accuracy."""

BEST, GRID_ENERGY = 0.9, 3.0
"""In `grids`: accuracy of a setup that loses nothing, and mean of the logarithms of energies."""

GRID_DEVIATIONS, GRID_LOST = (0.35, 0.35, 0.2), (0.03, 0.05, 0.01)
"""For rows, columns and cells: standard deviation of the effect on log energy, mean loss of accuracy."""

WORLDS = ("resampled", "parametric", "grids", "synthetic")

Noise = Callable[[np.random.Generator, tuple[int, ...]], tuple[Floats, Floats]]
"""Function that draws standardised deviations (mean 0, variance 1) of energies and objectives."""


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Draw independent standard normal deviations of energies and objectives."""
    return rng.standard_normal(shape), rng.standard_normal(shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """True values of many simulated studies, and the distribution of their repeats.

    Attributes:
        energy: True energies, as logarithms of joules; shape (studies, setups).
        objective: True accuracies; shape (studies, setups).
        energy_deviation: Standard deviation of the log energy of a repeat; shape (studies, setups).
        objective_deviation: Standard deviation of the accuracy of a repeat; shape (studies, setups).
        recorded: Energies and objectives from which repeats are drawn; shape (studies, setups,
            recorded, 2). None draws them from `noise`.
        noise: Noise of the repeats, before it is multiplied by the deviations.
    """

    energy: Floats
    objective: Floats
    energy_deviation: Floats
    objective_deviation: Floats
    recorded: Floats | None = None
    noise: Noise = normal

    @property
    def studies(self) -> int:
        """Number of studies."""
        return int(self.energy.shape[0])

    def observed(self, rng: np.random.Generator, repeats: int) -> tuple[Floats, Floats]:
        """Draw the log energies and objectives of repeats; shapes (studies, setups, repeats)."""
        shape = (*self.energy.shape, repeats)
        if self.recorded is not None:
            drawn = rng.integers(self.recorded.shape[2], size=shape)
            pairs = np.take_along_axis(self.recorded, drawn[..., None], axis=2)
            return pairs[..., 0], pairs[..., 1]
        energy, objective = self.noise(rng, shape)
        return (
            self.energy[..., None] + self.energy_deviation[..., None] * energy,
            self.objective[..., None] + self.objective_deviation[..., None] * objective,
        )

    def observed_once(self, rng: np.random.Generator, setup: Integers) -> tuple[Floats, Floats]:
        """Draw log energy and objective of a repeat of one setup in each study; shapes (studies,)."""
        energy, objective = self._taken(np.asarray(setup)[:, None]).observed(rng, 1)
        return energy[:, 0, 0], objective[:, 0, 0]

    def kept(self, studies: Truths) -> "Truth":
        """Return only the studies that the mask `studies` selects."""
        return replace(
            self,
            energy=self.energy[studies],
            objective=self.objective[studies],
            energy_deviation=self.energy_deviation[studies],
            objective_deviation=self.objective_deviation[studies],
            recorded=None if self.recorded is None else self.recorded[studies],
        )

    def with_twins(self, of: Integers, instead: Integers, factor: Floats) -> "Truth":
        """Return the truth with some setups replaced by twins of others.

        Args:
            of: Indices of the setups that get a twin; shape (studies, twins).
            instead: Indices of the setups that are replaced by the twins; shape (studies, twins).
            factor: Energy of each twin divided by that of its original; shape (twins,).
        """
        places = np.broadcast_to(np.arange(self.energy.shape[1]), self.energy.shape).copy()
        studies = np.arange(self.studies)[:, None]
        places[studies, instead] = of
        more = np.zeros(self.energy.shape)
        more[studies, instead] = np.log(factor)
        twins = self._taken(places)
        recorded = twins.recorded
        if recorded is not None:
            recorded = recorded + np.stack([more, np.zeros_like(more)], axis=-1)[:, :, None, :]
        return replace(twins, energy=twins.energy + more, recorded=recorded)

    def _taken(self, places: Integers) -> "Truth":
        def taken(values: Floats) -> Floats:
            return np.asarray(np.take_along_axis(values, places, axis=1))

        return replace(
            self,
            energy=taken(self.energy),
            objective=taken(self.objective),
            energy_deviation=taken(self.energy_deviation),
            objective_deviation=taken(self.objective_deviation),
            recorded=None
            if self.recorded is None
            else np.take_along_axis(self.recorded, places[:, :, None, None], axis=1),
        )


def truth_of(world: str, rng: np.random.Generator, studies: int) -> Truth:
    """Draw the true values of a number of studies in one world.

    Args:
        world: Name of the world, one of `WORLDS`.
        rng: Random numbers for what differs between studies.
        studies: Number of studies.
    """
    if world == "resampled":
        return of_recordings(recorded_trainings(), studies)
    energy, objective = _MEANS[world](rng, studies)
    return Truth(
        energy=energy,
        objective=objective,
        energy_deviation=np.full(energy.shape, ENERGY_DEVIATION),
        objective_deviation=np.full(energy.shape, OBJECTIVE_DEVIATION),
    )


def of_recordings(trainings: Floats, studies: int) -> Truth:
    """Return a truth whose repeats are recorded trainings of the setup, drawn with replacement.

    Args:
        trainings: Log energy and accuracy of each training; shape (setups, recorded, 2).
        studies: Number of studies.
    """
    recorded = np.broadcast_to(trainings, (studies, *trainings.shape))
    mean, deviation = recorded.mean(axis=2), recorded.std(axis=2)
    return Truth(
        energy=mean[..., 0],
        objective=mean[..., 1],
        energy_deviation=deviation[..., 0],
        objective_deviation=deviation[..., 1],
        recorded=recorded,
    )


@functools.cache
def recorded_trainings() -> Floats:
    """Return log energy and best accuracy of each training of watch16; shape (16, 5, 2)."""
    return _trainings(pd.read_csv(RECORDED).rename(columns=RENAMED))


def _trainings(epochs: pd.DataFrame) -> Floats:
    """Return log energy and best accuracy by setup and seed; shape (setups, seeds, 2)."""
    by_training = epochs.groupby(["batch_size", "learning_rate", "seed"])
    energy = np.log(by_training["epoch_energy_j"].sum().to_numpy())
    accuracy = by_training["val_score"].max().to_numpy()
    seeds = int(epochs["seed"].nunique())
    return np.asarray(np.stack([energy, accuracy], axis=-1).reshape(-1, seeds, 2))


def watch_means() -> tuple[Floats, Floats]:
    """Return the mean log energies and mean accuracies of watch16's setups; shapes (16,)."""
    mean = recorded_trainings().mean(axis=1)
    return mean[..., 0], mean[..., 1]


def _recorded_means(_: np.random.Generator, studies: int) -> tuple[Floats, Floats]:
    energy, objective = (np.broadcast_to(each, (studies, SETUPS)) for each in watch_means())
    return energy, objective


def _random_grids(rng: np.random.Generator, studies: int) -> tuple[Floats, Floats]:
    shapes = ((studies, 4, 1), (studies, 1, 4), (studies, 4, 4))
    energy = GRID_ENERGY + sum(
        rng.normal(0.0, scale, shape) for scale, shape in zip(GRID_DEVIATIONS, shapes, strict=True)
    )
    lost = sum(
        rng.exponential(scale, shape) for scale, shape in zip(GRID_LOST, shapes, strict=True)
    )
    flat = (studies, SETUPS)
    return np.reshape(energy, flat), np.reshape(BEST - lost, flat)


@functools.cache
def synthetic_means() -> Floats:
    """Return mean log energy and mean best accuracy of the synthetic model's setups; shape (16, 16, 2)."""
    return np.asarray(_trainings(synthetic_rows(seeds=9)).mean(axis=1).reshape(16, 16, 2))


def _parts_of_the_model(rng: np.random.Generator, studies: int) -> tuple[Floats, Floats]:
    rows, columns = (
        np.sort(rng.permuted(np.tile(np.arange(16), (studies, 1)), axis=1)[:, :4], axis=1)
        for _ in range(2)
    )
    part = synthetic_means()[rows[:, :, None], columns[:, None, :]].reshape(studies, SETUPS, 2)
    return part[..., 0], part[..., 1]


_MEANS = {
    "parametric": _recorded_means,
    "grids": _random_grids,
    "synthetic": _parts_of_the_model,
}

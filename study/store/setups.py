"""Setups and trials that a study consists of.

A setup is a choice of batch size, learning rate and possibly further parameters, numbered from 1 as in
the paper's Table 1: batch size in the outer loop, learning rate in the inner one. A trial is one setup with one
seed.
"""

import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from study.record.manifest import SetupFacts

PLAIN = ("batch_size", "learning_rate")
"""Parameters that every setup has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """One trial that is to be run; it is the trial's configuration in Ray Tune.

    Attributes:
        trial_id: Identifier that stays the same across attempts and resumes.
        attempt: Number of the attempt, from 1.
        setup: Number of the setup.
        batch_size: Batch size; None if another project's trainable has none in its configuration.
        learning_rate: Learning rate; None likewise.
        seed: Seed of the initial weights and the order of samples.
        energy_before_j: Energy of the epochs of earlier attempts; None if it is not known.
        parameters: Further parameters of the setup as JSON, as in `EpochRecord`; None for none.
    """

    trial_id: str
    attempt: int
    setup: int
    batch_size: int | None
    learning_rate: float | None
    seed: int
    energy_before_j: float | None = 0.0
    parameters: str | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """Parameters of the setup besides batch size and learning rate, by name."""
        chosen: dict[str, Any] = {} if self.parameters is None else json.loads(self.parameters)
        return chosen

    @property
    def batch_size_and_rate(self) -> tuple[int, float]:
        """Batch size and learning rate of one of our own trainings.

        Raises:
            ValueError: One of them is None.
        """
        if self.batch_size is None or self.learning_rate is None:
            message = f"{self.trial_id} has batch size {self.batch_size} and learning rate {self.learning_rate}"
            raise ValueError(message)
        return self.batch_size, self.learning_rate

    def to_config(self) -> dict[str, Any]:
        """Return the plan as a Tune configuration."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Create a plan from a Tune configuration."""
        return cls(**config)

    def again(self, *, attempt: int, energy_before_j: float | None) -> Self:
        """Return the plan of a later attempt at the same trial."""
        return replace(self, attempt=attempt, energy_before_j=energy_before_j)

    @property
    def folder(self) -> str:
        """Name of the attempt's folder, which TensorBoard shows as the name of the run."""
        again = f"_attempt{self.attempt}" if self.attempt > 1 else ""
        size, rate = self.batch_size_and_rate
        more = "".join(f"_{name}{value}" for name, value in self.chosen.items())
        return f"{self.trial_id}_batch{size}_rate{rate:g}{more}{again}"


def grid(
    batch_sizes: Iterable[int],
    learning_rates: Sequence[float],
    further: Sequence[Mapping[str, Any]] = ({},),
) -> tuple[SetupFacts, ...]:
    """Return all setups of a grid (paper, Table 1).

    Args:
        batch_sizes: Batch sizes, the outermost axis.
        learning_rates: Learning rates, the middle axis.
        further: Other parameters by name, for example `{"alpha": 0.5}`, the innermost axis.
    """
    return numbered(
        {"batch_size": size, "learning_rate": rate, **more}
        for size, rate, more in itertools.product(batch_sizes, learning_rates, further)
    )


def numbered(choices: Iterable[Mapping[str, Any]]) -> tuple[SetupFacts, ...]:
    """Return setups, numbered from 1, from the parameters of each by name."""
    return tuple(
        SetupFacts(
            setup=number,
            batch_size=each["batch_size"],
            learning_rate=each["learning_rate"],
            parameters={name: each[name] for name in each if name not in PLAIN},
        )
        for number, each in enumerate(choices, start=1)
    )


def as_text(parameters: dict[str, Any]) -> str | None:
    """Return parameters as JSON, as records hold them; None if there are none."""
    return json.dumps(parameters, sort_keys=True) if parameters else None


def name_of_trial(setup: int, seed: int) -> str:
    """Return the identifier of the trial with this setup and seed."""
    return f"setup{setup:02d}-seed{seed}"


def trial_plan(setup: SetupFacts, seed: int) -> TrialPlan:
    """Return the plan of the first attempt at a trial: one setup with one seed."""
    return TrialPlan(
        trial_id=name_of_trial(setup.setup, seed),
        attempt=1,
        setup=setup.setup,
        batch_size=setup.batch_size,
        learning_rate=setup.learning_rate,
        seed=seed,
        parameters=as_text(setup.parameters),
    )


def trial_plans(
    setups: Iterable[SetupFacts], seeds: Iterable[int], *, shuffle_seed: int
) -> list[TrialPlan]:
    """Return one trial for each setup and seed, one repeat after another.

    Within a repeat the order is shuffled, so that effects of a device that warms up, or of differences
    between devices, are not confounded with batch size or learning rate.
    """
    shuffle = random.Random(shuffle_seed)  # noqa: S311 - an order, not a secret
    plans = []
    for seed in seeds:
        repeat = [trial_plan(each, seed) for each in setups]
        shuffle.shuffle(repeat)
        plans.extend(repeat)
    return plans

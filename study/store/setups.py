"""Setups and trials: which trainings a study consists of.

A setup is a choice of batch size and learning rate, numbered as in the paper's Table 1: batch size
outer, learning rate inner, from 1. A trial is one setup with one seed.
"""

import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from study.record.manifest import SetupFacts

PLAIN = ("batch_size", "learning_rate")
"""What every setup chooses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPlan:
    """One trial that is to be run; Ray Tune carries it as the trial's configuration.

    Attributes:
        trial_id: Stays the same over attempts and resumes.
        attempt: From 1.
        setup: Number of the setup.
        batch_size: Of the setup; None where somebody else's configuration has none.
        learning_rate: Likewise.
        seed: Of weights and order.
        energy_before_j: Energy of the epochs of earlier attempts; None if it is not known.
        parameters: What the setup has besides, as in `EpochRecord`.
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
        """The parameters of the setup besides batch size and learning rate."""
        chosen: dict[str, Any] = {} if self.parameters is None else json.loads(self.parameters)
        return chosen

    @property
    def trained_with(self) -> tuple[int, float]:
        """Batch size and learning rate of a training of ours.

        Raises:
            ValueError: It has not both.
        """
        if self.batch_size is None or self.learning_rate is None:
            message = f"{self.trial_id} has batch size {self.batch_size} and learning rate {self.learning_rate}"
            raise ValueError(message)
        return self.batch_size, self.learning_rate

    def to_config(self) -> dict[str, Any]:
        """The plan as Tune's configuration."""
        return asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """The plan from Tune's configuration."""
        return cls(**config)

    def again(self, *, attempt: int, energy_before_j: float | None) -> Self:
        """The same trial as a later attempt."""
        return replace(self, attempt=attempt, energy_before_j=energy_before_j)

    @property
    def folder(self) -> str:
        """Name of the trial's folder, which TensorBoard shows as the run's name."""
        again = f"_attempt{self.attempt}" if self.attempt > 1 else ""
        size, rate = self.trained_with
        more = "".join(f"_{name}{value}" for name, value in self.chosen.items())
        return f"{self.trial_id}_batch{size}_rate{rate:g}{more}{again}"


def grid(
    batch_sizes: Iterable[int],
    learning_rates: Sequence[float],
    further: Sequence[Mapping[str, Any]] = ({},),
) -> tuple[SetupFacts, ...]:
    """Return all setups of a grid (paper, Table 1).

    Args:
        batch_sizes: The outermost axis.
        learning_rates: The axis within.
        further: The innermost axis: other parameters by name, for example `{"alpha": 0.5}`.
    """
    return numbered(
        {"batch_size": size, "learning_rate": rate, **more}
        for size, rate, more in itertools.product(batch_sizes, learning_rates, further)
    )


def numbered(choices: Iterable[Mapping[str, Any]]) -> tuple[SetupFacts, ...]:
    """Return setups from what each chooses by name, numbered from 1."""
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
    """Parameters as records hold them; None for none."""
    return json.dumps(parameters, sort_keys=True) if parameters else None


def name_of_trial(setup: int, seed: int) -> str:
    """Name of the one training of a study that has this setup and this seed."""
    return f"setup{setup:02d}-seed{seed}"


def trial_plan(setup: SetupFacts, seed: int) -> TrialPlan:
    """Return the first attempt at one setup with one seed."""
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
    """One trial for each setup and seed, repeat after repeat.

    Within a repeat the order is shuffled, so that neither a device that warms up nor one of several
    devices goes with a batch size or a learning rate.
    """
    shuffle = random.Random(shuffle_seed)  # noqa: S311 - an order, not a secret
    plans = []
    for seed in seeds:
        repeat = [trial_plan(each, seed) for each in setups]
        shuffle.shuffle(repeat)
        plans.extend(repeat)
    return plans

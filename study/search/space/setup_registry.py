"""Registry of a search's setups by their values, numbered in advance or as they are proposed."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

from study.record.manifest import SetupFacts
from study.record.records import TrialRecord
from study.search.space.space import Choice, Space, Value
from study.store.setups import TrialPlan, trial_plans


@final
class SetupRegistry:
    """Maps choices to setups, and setups to trials.

    Attributes:
        setups: Setups known so far, in the order of their numbers.
    """

    def __init__(
        self,
        space: Space,
        setups: Iterable[SetupFacts],
        *,
        fixed_values: Mapping[str, Value],
        expect: Callable[..., Sequence[TrialPlan]],
    ) -> None:
        """Start with the setups that are known.

        Args:
            space: Search space.
            setups: Setups that are numbered already.
            fixed_values: Values from options that apply to setups which do not choose them, by name.
            expect: Registers plans of trials, and returns those whose trials have not ended.
        """
        self.setups = list(setups)
        self._space = space
        self._fixed_values = fixed_values
        self._expect = expect
        self._by_choice = {self.choice(each): each for each in self.setups}

    def choice(self, setup: SetupFacts | TrialRecord) -> Choice:
        """Return the choice of a setup or of a trial's setup, see `choice_of`."""
        return choice_of(setup, self._space, self._fixed_values)

    def named(self, choice: Choice) -> dict[str, Value]:
        """Return the values of a choice by the name of the axis."""
        return self._space.named(choice)

    def plan(self, choice: Choice, seed: int) -> TrialPlan | None:
        """Return the trial of a choice with a seed; None if it has already ended."""
        plans = trial_plans([self.setup(choice)], [seed], shuffle_seed=0)
        return next(iter(self._expect(plans)), None)

    def plan_or_resume(self, choice: Choice, seed: int) -> TrialPlan | None:
        """Return the trial of a choice with a seed, as a further attempt if it was paused.

        None if it has already ended.
        """
        plans = trial_plans([self.setup(choice)], [seed], shuffle_seed=0)
        return next(iter(self._expect(plans, paused=True)), None)

    def setup(self, choice: Choice) -> SetupFacts:
        """Return the setup of a choice; a new one gets the next number."""
        known = self._by_choice.get(choice)
        if known is None:
            known = setup_of(self._space, choice, number=len(self.setups) + 1)
            self.setups.append(known)
            self._by_choice[choice] = known
        return known


def setup_of(space: Space, choice: Choice, *, number: int) -> SetupFacts:
    """Return the setup for a choice."""
    named = space.named(choice)
    batch_size, learning_rate = named.pop("batch_size"), named.pop("learning_rate")
    return SetupFacts(
        setup=number,
        batch_size=int(batch_size),
        learning_rate=float(learning_rate),
        parameters=dict(named),
    )


def listed_setups(space: Space) -> tuple[SetupFacts, ...]:
    """Return all setups of a space, numbered from 1, last axis innermost; empty where it is not listed."""
    if not space.is_listed:
        return ()
    return tuple(
        setup_of(space, space.choice(space.indices(number)), number=number + 1)
        for number in range(int(space.size))
    )


def choice_of(
    setup: SetupFacts | TrialRecord | TrialPlan, space: Space, fixed_values: Mapping[str, Value]
) -> Choice:
    """Return the choice of a setup, or of the setup of a trial.

    Where neither the setup nor `fixed_values` has a value for an axis, the value is the empty string,
    which no space contains.
    """
    chosen = setup.parameters
    parameters: Mapping[str, Any] = json.loads(chosen) if isinstance(chosen, str) else chosen or {}
    named = {
        **fixed_values,
        "batch_size": setup.batch_size,
        "learning_rate": setup.learning_rate,
        **parameters,
    }
    return tuple(named.get(axis.name, "") for axis in space.axes)

"""The setups of a search by what they choose, numbered beforehand or as they are proposed."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, final

from study.record.manifest import SetupFacts
from study.record.records import TrialRecord
from study.search.space.space import Choice, Space, Value
from study.store.setups import TrialPlan, trial_plans


@final
class SetupRegistry:
    """Gives a choice its setup, and a setup its trials.

    Attributes:
        setups: All that are known, by their numbers.
    """

    def __init__(
        self,
        space: Space,
        setups: Iterable[SetupFacts],
        *,
        fixed_values: Mapping[str, Value],
        expect: Callable[..., Sequence[TrialPlan]],
    ) -> None:
        """Begin with the setups that are known.

        Args:
            space: What a setup chooses.
            setups: Those that are numbered already.
            fixed_values: What setups have that do not choose it: the values of options.
            expect: Takes note of plans, and gives those back whose trials have not ended.
        """
        self.setups = list(setups)
        self._space = space
        self._fixed_values = fixed_values
        self._expect = expect
        self._by_choice = {self.choice(each): each for each in self.setups}

    def choice(self, setup: SetupFacts | TrialRecord) -> Choice:
        """See `choice_of`."""
        return choice_of(setup, self._space, self._fixed_values)

    def named(self, choice: Choice) -> dict[str, Value]:
        """A choice as values by name."""
        return self._space.named(choice)

    def plan(self, choice: Choice, seed: int) -> TrialPlan | None:
        """The trial of a choice with a seed; None if that has ended before."""
        plans = trial_plans([self.setup(choice)], [seed], shuffle_seed=0)
        return next(iter(self._expect(plans)), None)

    def go_on(self, choice: Choice, seed: int) -> TrialPlan | None:
        """A further attempt of a trial that was paused; None if it has ended."""
        plans = trial_plans([self.setup(choice)], [seed], shuffle_seed=0)
        return next(iter(self._expect(plans, paused=True)), None)

    def setup(self, choice: Choice) -> SetupFacts:
        """The setup of a choice; a new one gets the next number."""
        known = self._by_choice.get(choice)
        if known is None:
            known = setup_of(self._space, choice, number=len(self.setups) + 1)
            self.setups.append(known)
            self._by_choice[choice] = known
        return known


def setup_of(space: Space, choice: Choice, *, number: int) -> SetupFacts:
    """A choice as a setup."""
    named = space.named(choice)
    batch_size, learning_rate = named.pop("batch_size"), named.pop("learning_rate")
    return SetupFacts(
        setup=number,
        batch_size=int(batch_size),
        learning_rate=float(learning_rate),
        parameters=dict(named),
    )


def listed_setups(space: Space) -> tuple[SetupFacts, ...]:
    """All setups of a space, numbered from 1 in the order of its axes; none where it has a range."""
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

    Where it does not choose an axis, and `fixed_values` does not tell either, the value is the empty
    word, which no space holds.
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

"""Setups by what they choose."""

from collections.abc import Sequence

from study.record.manifest import SetupFacts
from study.search.space.setup_registry import SetupRegistry, listed_setups
from study.search.space.space import Range, Space, space_of
from study.store.setups import TrialPlan

RATES = Range(name="learning_rate", low=0.001, high=0.1, log=True, whole=False)
OPEN = Space(axes=(*space_of({"batch_size": (8, 16)}).axes, RATES))
LISTED = space_of({"batch_size": (8, 16), "learning_rate": (0.1,), "frozen": (True, False)})


def registry_of(space: Space, setups: Sequence[SetupFacts] = ()) -> SetupRegistry:
    """A registry in which no trial has ended, but that of seed 7."""

    def expect(plans: Sequence[TrialPlan]) -> Sequence[TrialPlan]:
        return [plan for plan in plans if plan.seed != 7]

    return SetupRegistry(space, setups, fixed_values={"frozen": False}, expect=expect)


def test_listed_setups_are_numbered_beforehand() -> None:
    """The last axis is the innermost; what is no batch size or learning rate is a parameter."""
    setups = listed_setups(LISTED)

    assert [(s.setup, s.batch_size, s.parameters) for s in setups] == [
        (1, 8, {"frozen": True}),
        (2, 8, {"frozen": False}),
        (3, 16, {"frozen": True}),
        (4, 16, {"frozen": False}),
    ]
    assert listed_setups(OPEN) == ()


def test_a_range_numbers_its_setups_as_they_come() -> None:
    """The same choice is the same setup."""
    registry = registry_of(OPEN)

    plans = [registry.plan(choice, 0) for choice in ((8, 0.02), (16, 0.03), (8, 0.02))]

    assert [plan and plan.setup for plan in plans] == [1, 2, 1]
    assert [(s.batch_size, s.learning_rate) for s in registry.setups] == [(8, 0.02), (16, 0.03)]


def test_what_was_numbered_before_keeps_its_number() -> None:
    """A search that is resumed goes on counting."""
    registry = registry_of(OPEN, [SetupFacts(setup=1, batch_size=8, learning_rate=0.02)])

    plans = [registry.plan(choice, 0) for choice in ((16, 0.03), (8, 0.02))]

    assert [plan and plan.setup for plan in plans] == [2, 1]


def test_a_trial_that_has_ended_has_no_plan() -> None:
    """Whoever expects plans knows."""
    assert registry_of(OPEN).plan((8, 0.02), 7) is None


def test_a_setup_that_does_not_choose_has_what_the_options_say() -> None:
    """Of a grid without it, the encoder was not frozen."""
    choice = registry_of(LISTED).choice(SetupFacts(setup=1, batch_size=8, learning_rate=0.1))

    assert choice == (8, 0.1, False)


def test_what_cannot_be_told_is_in_no_space() -> None:
    """A weight decay that was nowhere given."""
    space = space_of({"batch_size": (8,), "learning_rate": (0.1,), "weight_decay": (0.0,)})
    registry = registry_of(space)

    choice = registry.choice(SetupFacts(setup=1, batch_size=8, learning_rate=0.1))

    assert not space.holds(choice)

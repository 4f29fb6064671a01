"""Numbers of setups, by their choices."""

from collections.abc import Sequence

from study.record.manifest import SetupFacts
from study.search.space.setup_registry import SetupRegistry, listed_setups
from study.search.space.space import Range, Space, space_of
from study.store.setups import TrialPlan

RATES = Range(name="learning_rate", low=0.001, high=0.1, log=True, whole=False)
OPEN = Space(axes=(*space_of({"batch_size": (8, 16)}).axes, RATES))
LISTED = space_of({"batch_size": (8, 16), "learning_rate": (0.1,), "frozen": (True, False)})


def registry_of(space: Space, setups: Sequence[SetupFacts] = ()) -> SetupRegistry:
    """Return a registry in which only trials with seed 7 have ended."""

    def expect(plans: Sequence[TrialPlan]) -> Sequence[TrialPlan]:
        return [plan for plan in plans if plan.seed != 7]

    return SetupRegistry(space, setups, fixed_values={"frozen": False}, expect=expect)


def test_listed_setups_are_numbered_in_advance() -> None:
    """The last axis varies fastest; axes other than batch size and learning rate are parameters."""
    setups = listed_setups(LISTED)

    assert [(s.setup, s.batch_size, s.parameters) for s in setups] == [
        (1, 8, {"frozen": True}),
        (2, 8, {"frozen": False}),
        (3, 16, {"frozen": True}),
        (4, 16, {"frozen": False}),
    ]
    assert listed_setups(OPEN) == ()


def test_setups_of_a_range_are_numbered_as_they_come() -> None:
    """The same choice has the same number."""
    registry = registry_of(OPEN)

    plans = [registry.plan(choice, 0) for choice in ((8, 0.02), (16, 0.03), (8, 0.02))]

    assert [plan and plan.setup for plan in plans] == [1, 2, 1]
    assert [(s.batch_size, s.learning_rate) for s in registry.setups] == [(8, 0.02), (16, 0.03)]


def test_known_setups_keep_their_numbers() -> None:
    """A resumed search numbers new setups after them."""
    registry = registry_of(OPEN, [SetupFacts(setup=1, batch_size=8, learning_rate=0.02)])

    plans = [registry.plan(choice, 0) for choice in ((16, 0.03), (8, 0.02))]

    assert [plan and plan.setup for plan in plans] == [2, 1]


def test_a_trial_that_has_ended_has_no_plan() -> None:
    """The hook `expect` leaves it out."""
    assert registry_of(OPEN).plan((8, 0.02), 7) is None


def test_a_missing_parameter_has_the_value_of_the_option() -> None:
    """In a grid without the axis `frozen`, the encoder was not frozen."""
    choice = registry_of(LISTED).choice(SetupFacts(setup=1, batch_size=8, learning_rate=0.1))

    assert choice == (8, 0.1, False)


def test_an_unknown_value_is_in_no_space() -> None:
    """The weight decay of this setup is given nowhere."""
    space = space_of({"batch_size": (8,), "learning_rate": (0.1,), "weight_decay": (0.0,)})
    registry = registry_of(space)

    choice = registry.choice(SetupFacts(setup=1, batch_size=8, learning_rate=0.1))

    assert not space.holds(choice)

"""Order in which arms are tried."""

import itertools

from study.search.arms.order import ArmOrder
from study.search.space.space import Axis, Choice

SIZES = Axis(name="batch_size", values=(8, 16, 32, 64, 128, 256, 512))
RATES = Axis(name="learning_rate", values=(0.001, 0.01, 0.1))
OPTIMIZERS = Axis(name="optimizer", values=("adam", "sgd"))
ARMS: list[Choice] = list(itertools.product(SIZES.values, RATES.values))


def test_the_middle_of_the_space_comes_first() -> None:
    """This does not depend on the seed."""
    found = {ArmOrder((SIZES, RATES), ARMS, seed=seed).next(ARMS, {}) for seed in range(5)}

    assert found == {(64, 0.01)}


def test_of_two_values_in_the_middle_the_lower_comes_first() -> None:
    """Eight values have two middle ones."""
    sizes = Axis(name="batch_size", values=(*SIZES.values, 1024))
    arms: list[Choice] = [(size,) for size in sizes.values]

    assert ArmOrder((sizes,), arms, seed=0).next(arms, {}) == (64,)


def test_a_requested_arm_comes_before_the_middle() -> None:
    """It is tried first, and then the middle."""
    order = ArmOrder((SIZES, RATES), ARMS, seed=0, start=[(512, 0.1)])

    first = order.next(ARMS, {})
    second = order.next([arm for arm in ARMS if arm != first], {})

    assert first == (512, 0.1)
    assert second == (64, 0.01)


def test_the_next_arm_lies_on_the_better_side() -> None:
    """Smaller batches were cheaper, so an even smaller one is next."""
    arms: list[Choice] = [(size,) for size in SIZES.values]
    costs: dict[Choice, float] = {(64,): 8.0, (32,): 4.0, (128,): 16.0}
    untried = [arm for arm in arms if arm not in costs]

    assert ArmOrder((SIZES,), arms, seed=0).next(untried, costs) in {(16,), (8,)}


def test_results_carry_over_between_categories() -> None:
    """A batch size that is cheap with one optimizer is expected to be cheap with the other."""
    arms: list[Choice] = list(itertools.product(SIZES.values, OPTIMIZERS.values))
    costs: dict[Choice, float] = {(8, "adam"): 1.0, (512, "adam"): 50.0, (64, "adam"): 10.0}
    untried: list[Choice] = [(8, "sgd"), (512, "sgd")]

    assert ArmOrder((SIZES, OPTIMIZERS), arms, seed=0).next(untried, costs) == (8, "sgd")

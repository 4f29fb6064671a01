"""Spaces of choices for a search."""

from study.search.space.space import space_of

DEFAULT = {"batch_size": (64, 256), "learning_rate": (0.1, 0.01)}


def test_numbers_enumerate_all_setups() -> None:
    """Each number is another setup, and the last axis varies fastest."""
    space = space_of(DEFAULT)

    choices = [space.choice(space.indices(number)) for number in range(int(space.size))]

    assert choices == [(64, 0.01), (64, 0.1), (256, 0.01), (256, 0.1)]

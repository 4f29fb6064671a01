"""Savings of one way of training against another, with their intervals."""

import pytest

from analysis.energy.savings import Saving, saving_over, saving_over_setups, with_intervals


def savings(*setups: list[tuple[float, float]]) -> list[Saving | None]:
    """Savings of setups, given as (reference, other) energies of their repeats."""
    return with_intervals([saving_over(pairs) for pairs in setups])


def test_savings_lie_within_their_intervals() -> None:
    """Each setup and all setups together save about half."""
    found = savings([(10.0, 5.1), (10.4, 5.0)], [(20.0, 10.2), (19.0, 9.8)])
    over = saving_over_setups(found)

    for each in (*found, over):
        assert each is not None
        assert each.share is not None
        assert each.interval is not None
        assert each.interval.low < each.share < each.interval.high
        assert each.excludes_zero


def test_a_saving_over_one_setup_is_that_of_the_setup() -> None:
    """Both have the same interval."""
    (found,) = savings([(10.0, 5.1), (13.0, 5.0)])
    over = saving_over_setups([found, None])

    assert found is not None
    assert over is not None
    assert over.interval == found.interval


def test_noise_alone_is_no_certain_saving() -> None:
    """The mean is 4 % lower, but repeats differ by a third."""
    over = saving_over_setups(savings([(10.0, 12.0), (13.0, 10.0)], [(9.0, 10.0), (12.0, 10.0)]))

    assert over is not None
    assert not over.excludes_zero


def test_one_repeat_has_a_share_and_no_interval() -> None:
    """A study in which one setup has a single repeat has no interval either: it would be of the others."""
    (one,) = savings([(10.0, 5.0)])
    over = saving_over_setups(savings([(10.0, 5.0)], [(10.0, 5.0), (11.0, 5.2)]))

    assert one is not None
    assert over is not None
    assert (one.share, one.interval, over.interval) == (0.5, None, None)


def test_a_pair_that_lacks_an_energy_does_not_count() -> None:
    """A missing energy does not count as 0 J."""
    (found,) = with_intervals([saving_over([(10.0, 5.0), (None, 1.0), (3.0, None)])])

    assert found is not None
    assert found.share == pytest.approx(0.5)
    assert found.reference_j.count == 1

"""What one way of training saves against another, with its interval."""

import pytest

from analysis.energy.savings import Saving, saving_over, saving_over_setups, with_intervals


def savings(*setups: list[tuple[float, float]]) -> list[Saving | None]:
    """The savings of setups, by (reference, other) energies of their repeats."""
    return with_intervals([saving_over(pairs) for pairs in setups])


def test_a_setup_and_all_setups_have_intervals_round_their_shares() -> None:
    """Half is saved, within some percent."""
    found = savings([(10.0, 5.1), (10.4, 5.0)], [(20.0, 10.2), (19.0, 9.8)])
    over = saving_over_setups(found)

    for each in (*found, over):
        assert each is not None
        assert each.share is not None
        assert each.interval is not None
        assert each.interval.low < each.share < each.interval.high
        assert each.excludes_zero


def test_a_saving_over_one_setup_is_that_of_the_setup() -> None:
    """One saving has one interval, wherever it is shown."""
    (found,) = savings([(10.0, 5.1), (13.0, 5.0)])
    over = saving_over_setups([found, None])

    assert found is not None
    assert over is not None
    assert over.interval == found.interval


def test_noise_alone_is_not_sure_of_a_saving() -> None:
    """4 % less in the mean, where repeats differ by a third."""
    over = saving_over_setups(savings([(10.0, 12.0), (13.0, 10.0)], [(9.0, 10.0), (12.0, 10.0)]))

    assert over is not None
    assert not over.excludes_zero


def test_one_repeat_has_a_share_and_no_interval() -> None:
    """Nor has a study in which a setup has one: the interval would be of the others."""
    (one,) = savings([(10.0, 5.0)])
    over = saving_over_setups(savings([(10.0, 5.0)], [(10.0, 5.0), (11.0, 5.2)]))

    assert one is not None
    assert over is not None
    assert (one.share, one.interval, over.interval) == (0.5, None, None)


def test_a_pair_that_lacks_an_energy_does_not_count() -> None:
    """None is not 0."""
    (found,) = with_intervals([saving_over([(10.0, 5.0), (None, 1.0), (3.0, None)])])

    assert found is not None
    assert found.share == pytest.approx(0.5)
    assert found.reference_j.count == 1

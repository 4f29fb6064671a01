"""What a training promises, from how it has gone."""

import pytest

from study.record.objective import Objective
from study.search.arms.training import State, Training

ARM = (64, 0.1)


def trained(*scores: float, joules: float = 1.0, target: float = 0.8) -> Training:
    """A training with these scores, each epoch as dear as the others."""
    training = Training(arm=ARM, seed=0, number=0, target=target)
    for score in scores:
        training.add({(): joules}, score)
    return training


def test_it_promises_as_much_for_each_doubling_as_the_last_one_won() -> None:
    """0.2 won from 2 to 4 epochs; two more doublings bring 0.4."""
    assert trained(0.1, 0.2, 0.3, 0.4).predicted_j == pytest.approx(16.0)


def test_the_least_it_can_need_is_by_the_pace_of_its_last_half() -> None:
    """0.2 in two epochs; 0.4 takes four more."""
    assert trained(0.1, 0.2, 0.3, 0.4).least_j == pytest.approx(8.0)


def test_what_has_not_begun_to_rise_promises_nothing() -> None:
    """It counts with many times what it used, so that it comes last."""
    flat = trained(0.1, 0.1, 0.1)

    assert flat.predicted_j is None
    assert not flat.has_risen
    assert flat.estimated_cost_j == 24.0


@pytest.mark.parametrize("unread", [None, 0.0])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_epoch_without_a_reading_counts_as_dear_as_the_others(
    place: int, unread: float | None
) -> None:
    """The first ones, too; an epoch that used 0 J is one that was not read."""
    costs_j: list[float | None] = [3.0, 3.0, 3.0, 3.0]
    costs_j[place] = unread
    training = Training(arm=ARM, seed=0, number=0, target=0.8)

    for score, cost_j in zip((0.1, 0.2, 0.3, 0.4), costs_j, strict=True):
        training.add({(): cost_j}, score)

    assert training.energies_j == [3.0, 6.0, 9.0, 12.0]
    assert training.missing == 1


def test_without_any_reading_nothing_is_known_of_its_cost() -> None:
    """Least of all that it was 0."""
    training = Training(arm=ARM, seed=0, number=0, target=0.8)

    for score in (0.1, 0.5, 0.9):
        training.add({(): None}, score)

    assert training.reached
    assert training.to_target_j is None
    assert training.predicted_j is None
    assert not training.crosses_rung


def test_what_has_reached_the_target_promises_what_it_needed() -> None:
    """Epochs after it do not count."""
    reached = trained(0.5, 0.85, 0.9, joules=3.0)

    assert reached.to_target_j == 6.0
    assert reached.estimated_cost_j == 6.0


def test_one_that_ended_without_the_target_promises_nothing() -> None:
    """However well it went until then."""
    ended = trained(0.1, 0.4, 0.7)
    ended.state = State.ENDED

    assert ended.estimated_cost_j == 24.0


def test_the_first_epoch_tells_what_all_settings_cost() -> None:
    """It goes on at the cheapest, and is counted as if it had been there from the beginning."""
    training = Training(arm=ARM, seed=0, number=0, target=0.8)
    training.add({(100,): 5.0, (200,): 4.0, (300,): 6.0}, 0.4)
    training.add({(200,): 4.0}, 0.8)

    assert training.setting == (200,)
    assert training.to_target_j == 8.0


def test_rungs_are_at_two_four_and_eight_epochs() -> None:
    """Of equal cost."""
    training = trained()
    crossed = []
    for number in range(1, 10):
        training.add({(): 2.0}, 0.1)
        if training.crosses_rung:
            crossed.append(number)

    assert crossed == [2, 4, 8]


def test_of_an_error_less_is_better() -> None:
    """Nothing is known after one epoch, because its scale has no beginning."""
    error = Objective(name="rmse", mode="min")
    training = Training(arm=ARM, seed=0, number=0, target=1.0, objective=error)
    training.add({(): 1.0}, 4.0)
    first = training.predicted_j
    training.add({(): 1.0}, 2.0)

    assert first is None
    assert training.predicted_j == pytest.approx(2.0 * 2**0.5)

"""Predictions of a training's energy to target, from its epochs so far."""

import pytest

from study.record.objective import Objective
from study.search.arms.training import State, Training

ARM = (64, 0.1)


def trained(*scores: float, joules: float = 1.0, target: float = 0.8) -> Training:
    """Return a training with these scores and equal energies."""
    training = Training(arm=ARM, seed=0, number=0, target=target)
    for score in scores:
        training.add({(): joules}, score)
    return training


def test_each_doubling_is_predicted_to_gain_as_much_as_the_last() -> None:
    """Epochs 3 and 4 gained 0.2, so two more doublings gain 0.4."""
    assert trained(0.1, 0.2, 0.3, 0.4).predicted_j == pytest.approx(16.0)


def test_the_lower_bound_uses_the_pace_of_the_last_half() -> None:
    """Two epochs gained 0.2, so 0.4 takes at least four more."""
    assert trained(0.1, 0.2, 0.3, 0.4).least_j == pytest.approx(8.0)


def test_a_flat_curve_has_no_prediction() -> None:
    """Its estimated cost is a multiple of the energy it used, so that it comes last."""
    flat = trained(0.1, 0.1, 0.1)

    assert flat.predicted_j is None
    assert not flat.has_risen
    assert flat.estimated_cost_j == 24.0


@pytest.mark.parametrize("unread", [None, 0.0])
@pytest.mark.parametrize("place", [0, 1, 3])
def test_an_epoch_without_a_reading_counts_like_the_others(
    place: int, unread: float | None
) -> None:
    """This includes the first epoch; 0 J is treated as a missing reading."""
    costs_j: list[float | None] = [3.0, 3.0, 3.0, 3.0]
    costs_j[place] = unread
    training = Training(arm=ARM, seed=0, number=0, target=0.8)

    for score, cost_j in zip((0.1, 0.2, 0.3, 0.4), costs_j, strict=True):
        training.add({(): cost_j}, score)

    assert training.energies_j == [3.0, 6.0, 9.0, 12.0]
    assert training.missing == 1


def test_without_any_reading_the_cost_is_unknown() -> None:
    """It does not count as 0 J."""
    training = Training(arm=ARM, seed=0, number=0, target=0.8)

    for score in (0.1, 0.5, 0.9):
        training.add({(): None}, score)

    assert training.reached
    assert training.to_target_j is None
    assert training.predicted_j is None
    assert not training.crosses_rung


def test_after_the_target_the_estimate_is_the_energy_to_it() -> None:
    """Later epochs do not count."""
    reached = trained(0.5, 0.85, 0.9, joules=3.0)

    assert reached.to_target_j == 6.0
    assert reached.estimated_cost_j == 6.0


def test_a_training_that_missed_the_target_counts_like_a_flat_one() -> None:
    """Its estimated cost is a multiple of the energy it used, however well it went before."""
    ended = trained(0.1, 0.4, 0.7)
    ended.state = State.ENDED

    assert ended.estimated_cost_j == 24.0


def test_the_first_epoch_measures_all_settings() -> None:
    """The training continues at the cheapest setting, and is charged as if it had used only that."""
    training = Training(arm=ARM, seed=0, number=0, target=0.8)
    training.add({(100,): 5.0, (200,): 4.0, (300,): 6.0}, 0.4)
    training.add({(200,): 4.0}, 0.8)

    assert training.setting == (200,)
    assert training.to_target_j == 8.0


def test_rungs_are_at_two_four_and_eight_epochs() -> None:
    """This holds for epochs of equal energy."""
    training = trained()
    crossed = []
    for number in range(1, 10):
        training.add({(): 2.0}, 0.1)
        if training.crosses_rung:
            crossed.append(number)

    assert crossed == [2, 4, 8]


def test_a_decrease_of_an_error_is_progress() -> None:
    """After one epoch there is no prediction, because an error has no starting value."""
    error = Objective(name="rmse", mode="min")
    training = Training(arm=ARM, seed=0, number=0, target=1.0, objective=error)
    training.add({(): 1.0}, 4.0)
    first = training.predicted_j
    training.add({(): 1.0}, 2.0)

    assert first is None
    assert training.predicted_j == pytest.approx(2.0 * 2**0.5)

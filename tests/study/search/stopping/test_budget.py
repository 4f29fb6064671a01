"""Energy budget of a search."""

import pytest

from study.search.stopping.budget import Budget


def test_repeated_reports_of_overhead_count_once() -> None:
    """Each report has the total so far."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=0.0)

    for total_j in (2.0, 2.0, 5.0, 5.0):
        budget.overhead("a", total_j)

    assert budget.spent_j == 5.0
    assert budget.max_overhead_j == 5.0


def test_lost_energy_counts_but_is_not_expected_of_other_trials() -> None:
    """A lost attempt may be nearly a whole training."""
    budget = Budget(100.0)

    budget.overhead("a", 2.0, lost_j=30.0)

    assert budget.spent_j == 32.0
    assert budget.max_overhead_j == 2.0


def test_a_trial_counts_with_the_largest_overhead_until_its_own_is_final() -> None:
    """Its overhead is final only after its end, when the energy between epochs is known."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.end("a")
    budget.overhead("a", 6.0)

    budget.start("b", first_rung_j=0.0)
    begun_j = budget.expected_j
    budget.overhead("b", 4.0)
    reported_j = budget.expected_j
    budget.end("b")
    ended_j = budget.expected_j
    budget.overhead("b", 4.5)

    assert (begun_j, reported_j, ended_j) == (12.0, 12.0, 12.0)
    assert budget.expected_j == budget.spent_j == 10.5


def test_expected_overhead_can_use_up_a_budget() -> None:
    """Running trials then end with their current epoch."""
    budget = Budget(20.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.start("b", first_rung_j=0.0)

    budget.epoch("a", 8.0)

    assert budget.spent_j == 14.0
    assert budget.is_used_up


@pytest.mark.parametrize("limit_j", [0.0, -1.0, float("nan")])
def test_a_budget_that_is_not_positive_is_refused(limit_j: float) -> None:
    """For a search without a budget, no limit is given at all."""
    with pytest.raises(ValueError, match="above 0"):
        Budget(limit_j)


def test_a_trial_begins_only_if_the_budget_covers_its_first_rung() -> None:
    """Energy reserved for running trials is not available to others; once used, it counts as spent."""
    budget = Budget(10.0)

    started = [
        budget.start(name, first_rung_j=j) for name, j in (("a", 6.0), ("b", 5.0), ("c", 4.0))
    ]
    budget.epoch("a", 6.0)
    later = budget.start("d", first_rung_j=0.5)

    assert started == [True, False, True]
    assert not later
    assert budget.spent_j == 6.0


def test_a_used_up_reservation_is_not_renewed() -> None:
    """An epoch of a trial without a reservation makes none."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=2.0)

    for _ in range(3):
        budget.epoch("a", 2.0)
    budget.epoch("resumed", 2.0)

    assert budget.has_room(first_rung_j=92.0)
    assert not budget.has_room(first_rung_j=92.5)


def test_an_ended_trial_has_no_reservation() -> None:
    """Ends that are reported twice, or of trials of other commands, do no harm."""
    budget = Budget(10.0)
    budget.start("a", first_rung_j=8.0)
    before = budget.has_room(first_rung_j=5.0)

    for name in ("a", "a", "resumed"):
        budget.end(name)

    assert not before
    assert budget.has_room(first_rung_j=10.0)


def test_the_unused_part_of_a_reservation_is_kept() -> None:
    """After 2 of the 8 J to a first rung, 6 J of the remaining 8 J are reserved."""
    budget = Budget(10.0)
    budget.start("a", first_rung_j=8.0)

    budget.epoch("a", 1.0)
    budget.epoch("a", 1.0)

    assert budget.has_room(first_rung_j=2.0)
    assert not budget.has_room(first_rung_j=2.5)


def test_overhead_of_a_trial_of_an_earlier_command_counts() -> None:
    """The trial ended in an earlier command and was never started in this one."""
    budget = Budget(10.0)
    budget.end("resumed")

    budget.overhead("resumed", 3.0)

    assert (budget.spent_j, budget.expected_j) == (3.0, 3.0)


def test_a_trial_without_a_reservation_takes_only_its_epochs() -> None:
    """Half a joule of ten leaves all the rest."""
    budget = Budget(10.0)

    budget.epoch("resumed", 0.5)

    assert budget.has_room(first_rung_j=9.5)


def test_the_next_trial_needs_room_for_its_overhead() -> None:
    """It is expected to be the largest overhead so far."""
    budget = Budget(20.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.end("a")
    budget.overhead("a", 6.0)

    assert budget.has_room(first_rung_j=8.0)
    assert not budget.has_room(first_rung_j=8.5)


def test_without_a_limit_there_is_always_room() -> None:
    """The smallest limits above 0 work, too."""
    free, least = Budget(), Budget(0.5)
    free.epoch("a", 1e12)

    assert free.start("b", first_rung_j=1e12)
    assert least.start("a", first_rung_j=0.5)
    assert (least.max_epoch_j, least.max_overhead_j) == (0.0, 0.0)

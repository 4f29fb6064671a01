"""What a whole search may use."""

import pytest

from study.search.stopping.budget import Budget


def test_overhead_counts_once_however_often_it_is_told() -> None:
    """It is told in all so far, each time something has come."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=0.0)

    for told_j in (2.0, 2.0, 5.0, 5.0):
        budget.overhead("a", told_j)

    assert budget.spent_j == 5.0
    assert budget.max_overhead_j == 5.0


def test_what_was_lost_is_booked_but_not_expected_of_others() -> None:
    """An attempt that was lost may be a whole training."""
    budget = Budget(100.0)

    budget.overhead("a", 2.0, lost_j=30.0)

    assert budget.spent_j == 32.0
    assert budget.max_overhead_j == 2.0


def test_a_trial_counts_with_the_dearest_overhead_until_its_own_is_told() -> None:
    """Also after its end, because what lies between its epochs is told only then."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.end("a")
    budget.overhead("a", 6.0)

    budget.start("b", first_rung_j=0.0)
    begun_j = budget.expected_j
    budget.overhead("b", 4.0)
    told_j = budget.expected_j
    budget.end("b")
    ended_j = budget.expected_j
    budget.overhead("b", 4.5)

    assert (begun_j, told_j, ended_j) == (12.0, 12.0, 12.0)
    assert budget.expected_j == budget.spent_j == 10.5


def test_expected_overhead_uses_a_budget_up() -> None:
    """Running trials end with their epoch before the rest is spoken for."""
    budget = Budget(20.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.start("b", first_rung_j=0.0)

    budget.epoch("a", 8.0)

    assert budget.spent_j == 14.0
    assert budget.is_used_up


@pytest.mark.parametrize("limit_j", [0.0, -1.0, float("nan")])
def test_a_budget_of_nothing_is_refused(limit_j: float) -> None:
    """A search without a budget has none given."""
    with pytest.raises(ValueError, match="above 0"):
        Budget(limit_j)


def test_a_trial_begins_only_where_its_first_rung_has_room() -> None:
    """Beside what was promised to those that run; what they have used of it is promised no more."""
    budget = Budget(10.0)

    begun = [budget.start(name, first_rung_j=j) for name, j in (("a", 6.0), ("b", 5.0), ("c", 4.0))]
    budget.epoch("a", 6.0)
    later = budget.start("d", first_rung_j=0.5)

    assert begun == [True, False, True]
    assert not later
    assert budget.spent_j == 6.0


def test_an_epoch_beyond_what_was_promised_promises_nothing_more() -> None:
    """Nor does one of a trial to which nothing was promised."""
    budget = Budget(100.0)
    budget.start("a", first_rung_j=2.0)

    for _ in range(3):
        budget.epoch("a", 2.0)
    budget.epoch("resumed", 2.0)

    assert budget.has_room(first_rung_j=92.0)
    assert not budget.has_room(first_rung_j=92.5)


def test_a_trial_that_has_ended_is_promised_nothing() -> None:
    """Whether it has used what it was promised, was never begun here, or ends twice."""
    budget = Budget(10.0)
    budget.start("a", first_rung_j=8.0)
    before = budget.has_room(first_rung_j=5.0)

    for name in ("a", "a", "resumed"):
        budget.end(name)

    assert not before
    assert budget.has_room(first_rung_j=10.0)


def test_what_is_left_of_a_promise_is_kept() -> None:
    """After 2 of the 8 J to a first rung, 6 of the other 8 are spoken for."""
    budget = Budget(10.0)
    budget.start("a", first_rung_j=8.0)

    budget.epoch("a", 1.0)
    budget.epoch("a", 1.0)

    assert budget.has_room(first_rung_j=2.0)
    assert not budget.has_room(first_rung_j=2.5)


def test_overhead_is_booked_also_of_a_trial_that_was_begun_elsewhere() -> None:
    """It has ended in an earlier command, of which this one knows nothing."""
    budget = Budget(10.0)
    budget.end("resumed")

    budget.overhead("resumed", 3.0)

    assert (budget.spent_j, budget.expected_j) == (3.0, 3.0)


def test_an_epoch_of_a_trial_without_a_promise_keeps_no_room() -> None:
    """Half a joule of ten leaves the rest to others."""
    budget = Budget(10.0)

    budget.epoch("resumed", 0.5)

    assert budget.has_room(first_rung_j=9.5)


def test_room_is_kept_for_the_overhead_of_the_next_trial() -> None:
    """As much as the dearest so far has used beside its epochs."""
    budget = Budget(20.0)
    budget.start("a", first_rung_j=0.0)
    budget.overhead("a", 6.0)
    budget.end("a")
    budget.overhead("a", 6.0)

    assert budget.has_room(first_rung_j=8.0)
    assert not budget.has_room(first_rung_j=8.5)


def test_without_a_limit_there_is_always_room() -> None:
    """And the least limit is any above 0."""
    free, least = Budget(), Budget(0.5)
    free.epoch("a", 1e12)

    assert free.start("b", first_rung_j=1e12)
    assert least.start("a", first_rung_j=0.5)
    assert (least.max_epoch_j, least.max_overhead_j) == (0.0, 0.0)

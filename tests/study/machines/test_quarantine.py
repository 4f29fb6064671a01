"""Quarantine of machines that fail every trial at once."""

from study.machines.quarantine import CLOSED_AFTER, Quarantine


def fail(quarantine: Quarantine, machine: str, *setups: int) -> list[bool]:
    """Report immediate failures on a machine; return for each whether it closed the machine."""
    return [quarantine.failed_at_once(machine, f"trial{setup}", setup) for setup in setups]


def test_a_machine_that_fails_trials_in_a_row_is_closed_once() -> None:
    """It is closed even while others are still starting; its failed trials are kept, to be run elsewhere."""
    quarantine = Quarantine(["well", "sick"])

    closed = fail(quarantine, "sick", *range(CLOSED_AFTER + 1))

    assert closed == [*[False] * (CLOSED_AFTER - 1), True, False]
    assert quarantine.closed == {"sick": ("trial0", "trial1", "trial2")}


def test_the_last_machine_is_never_closed() -> None:
    """A scenario with a bug fails everywhere, and the study should fail quickly."""
    alone, two = Quarantine(["one"]), Quarantine(["one", "two"])

    assert not any(fail(alone, "one", *range(10)))
    assert any(fail(two, "one", *range(10)))
    assert not any(fail(two, "two", *range(20, 30)))
    assert list(two.closed) == ["one"]


def test_a_completed_epoch_shows_that_a_machine_works() -> None:
    """Only failures in a row count."""
    quarantine = Quarantine(["well", "other"])
    fail(quarantine, "other", *range(CLOSED_AFTER - 1))
    quarantine.trained("other")

    assert not any(fail(quarantine, "other", *range(5, 5 + CLOSED_AFTER - 1)))


def test_failures_of_a_setup_that_fails_elsewhere_do_not_count() -> None:
    """A batch size that does not suit the network fails at once on every machine."""
    quarantine = Quarantine(["well", "other"])
    fail(quarantine, "well", 1, 2)
    quarantine.trained("well")

    assert not any(fail(quarantine, "other", 1, 2, 3, 4))

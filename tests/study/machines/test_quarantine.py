"""Which machines get no more trials."""

from study.machines.quarantine import CLOSED_AFTER, Quarantine


def fail(quarantine: Quarantine, machine: str, *setups: int) -> list[bool]:
    """Trials that fail at once on a machine; whether each closes it."""
    return [quarantine.failed_at_once(machine, f"trial{setup}", setup) for setup in setups]


def test_a_machine_that_fails_trials_in_a_row_is_closed_once() -> None:
    """Also while the others are still starting; the trials are known, to be run elsewhere."""
    quarantine = Quarantine(["well", "sick"])

    closed = fail(quarantine, "sick", *range(CLOSED_AFTER + 1))

    assert closed == [*[False] * (CLOSED_AFTER - 1), True, False]
    assert quarantine.closed == {"sick": ("trial0", "trial1", "trial2")}


def test_the_last_machine_is_never_closed() -> None:
    """A scenario with a bug fails everywhere, and is to fail quickly."""
    alone, two = Quarantine(["one"]), Quarantine(["one", "two"])

    assert not any(fail(alone, "one", *range(10)))
    assert any(fail(two, "one", *range(10)))
    assert not any(fail(two, "two", *range(20, 30)))
    assert list(two.closed) == ["one"]


def test_an_epoch_that_ends_shows_that_a_machine_is_well() -> None:
    """Only trials in a row count."""
    quarantine = Quarantine(["well", "other"])
    fail(quarantine, "other", *range(CLOSED_AFTER - 1))
    quarantine.trained("other")

    assert not any(fail(quarantine, "other", *range(5, 5 + CLOSED_AFTER - 1)))


def test_a_setup_that_fails_everywhere_is_no_machines_fault() -> None:
    """A batch that does not fit the network fails at once on every machine."""
    quarantine = Quarantine(["well", "other"])
    fail(quarantine, "well", 1, 2)
    quarantine.trained("well")

    assert not any(fail(quarantine, "other", 1, 2, 3, 4))

"""Which machines get no more trials."""

from study.machines.quarantine import AFTER, Quarantine


def fail(quarantine: Quarantine, machine: str, *setups: int) -> list[str | None]:
    """Trials that fail at once on a machine; what is closed after each."""
    return [quarantine.failed_at_once(machine, f"trial{setup}", setup) for setup in setups]


def test_a_machine_that_fails_trials_in_a_row_is_closed_once() -> None:
    """Where another trains; the trials are known, so that they can be run elsewhere."""
    quarantine = Quarantine()
    quarantine.trained("well")

    closed = fail(quarantine, "sick", *range(AFTER + 1))

    assert closed == [None] * (AFTER - 1) + ["sick", None]
    assert quarantine.closed == {"sick": ("trial0", "trial1", "trial2")}


def test_it_may_be_known_only_later_that_another_trains() -> None:
    """A sick machine has failed its trials before the first epoch ends elsewhere."""
    quarantine = Quarantine()
    early = fail(quarantine, "sick", *range(AFTER))

    assert early == [None] * AFTER
    assert quarantine.trained("well") == "sick"


def test_the_last_machine_is_never_closed() -> None:
    """A scenario with a bug fails everywhere, and is to fail quickly."""
    quarantine = Quarantine()

    assert fail(quarantine, "one", *range(10)) == [None] * 10
    quarantine.trained("two")
    assert fail(quarantine, "two", *range(20, 30)) == [None] * 10
    assert list(quarantine.closed) == ["one"]


def test_an_epoch_that_ends_shows_that_a_machine_is_well() -> None:
    """Only trials in a row count."""
    quarantine = Quarantine()
    quarantine.trained("well")
    fail(quarantine, "other", *range(AFTER - 1))
    quarantine.trained("other")

    assert fail(quarantine, "other", *range(5, 5 + AFTER - 1)) == [None] * (AFTER - 1)


def test_a_setup_that_fails_everywhere_is_no_machines_fault() -> None:
    """A batch that does not fit the network fails at once on every machine."""
    quarantine = Quarantine()
    quarantine.trained("well")
    fail(quarantine, "well", 1, 2)
    quarantine.trained("well")

    assert fail(quarantine, "other", 1, 2, 3, 4) == [None] * 4

"""Parts of a board's energy that its consumers are charged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackers.node.shares.charging import charge_board
from trackers.node.shares.sharing import ChargedPart, Sharing
from trackers.sample import Component, Device, Method, Reading, Status

BOARD = Device(uuid="GPU-1", name="board", component=Component.GPU)
STAYS = st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=1, max_size=6)
"""Start and length of each consumer's stay."""


def used(stays: list[tuple[int, int]]) -> Sharing:
    """The sharing of a board that consumers have entered and left."""
    sharing = Sharing()
    for consumer, (since_s, length_s) in enumerate(stays):
        sharing.enter("GPU-1", consumer, float(since_s))
        sharing.leave("GPU-1", consumer, float(since_s + length_s))
    return sharing


@given(stays=STAYS)
def test_parts_of_all_consumers_add_up_to_the_busy_time(
    stays: list[tuple[int, int]],
) -> None:
    """Nothing is charged twice, and nothing is left out."""
    sharing = used(stays)

    charged_s = sum(
        length_s * sharing.part("GPU-1", since_s, since_s + length_s).share
        for since_s, length_s in stays
    )

    busy = {second for since_s, length_s in stays for second in range(since_s, since_s + length_s)}
    assert charged_s == pytest.approx(len(busy))


@given(stays=STAYS, cut=st.floats(0.1, 0.9))
@pytest.mark.slow
def test_parts_add_up_over_cut_windows(stays: list[tuple[int, int]], cut: float) -> None:
    """Two adjacent windows are charged as much as one window over both."""
    sharing = used(stays)
    since_s, length_s = stays[0]
    middle_s, stop_s = since_s + cut * length_s, since_s + length_s

    whole = sharing.part("GPU-1", since_s, stop_s).share * length_s
    first = sharing.part("GPU-1", since_s, middle_s).share * (middle_s - since_s)
    second = sharing.part("GPU-1", middle_s, stop_s).share * (stop_s - middle_s)

    assert first + second == pytest.approx(whole)


def test_a_consumer_that_is_still_there_counts() -> None:
    """A consumer counts from its first entry on, even before it has left."""
    sharing = Sharing()
    sharing.enter("GPU-1", "a", 0.0)
    sharing.enter("GPU-1", "b", 5.0)
    sharing.enter("GPU-1", "b", 6.0)

    assert sharing.part("GPU-1", 0.0, 10.0) == ChargedPart(share=0.75, consumers=2)
    assert sharing.part("GPU-2", 0.0, 10.0) == ChargedPart(share=1.0, consumers=1)


def test_consumers_that_left_long_ago_are_forgotten() -> None:
    """A study of days does not remember every trial."""
    sharing = Sharing()
    for trial in range(1000):
        sharing.enter("GPU-1", trial, 1000.0 * trial)
        sharing.leave("GPU-1", trial, 1000.0 * trial + 900.0)

    assert len(sharing._uses["GPU-1"]) < 10  # noqa: SLF001 - what this is about


def reading(energy_j: float | None = 100.0) -> Reading:
    """A reading of the whole board."""
    if energy_j is None:
        return Reading.missing("GPU-1", note="not seen")
    return Reading(
        device_uuid="GPU-1",
        start_s=0.0,
        duration_s=10.0,
        energy_j=energy_j,
        method=Method.COUNTER,
        status=Status.OK,
        coverage=1.0,
        uncertainty_common_j=5.0,
        uncertainty_own_j=1.0,
        power_samples=100,
    )


def test_a_part_of_a_board_is_degraded() -> None:
    """How much of the board's energy each trial used is not known."""
    half = charge_board(reading(), BOARD, ChargedPart(share=0.5, consumers=2))

    assert (half.energy_j, half.status, half.shared_by) == (50.0, Status.DEGRADED, 2)
    assert half.uncertainty_j is None
    assert "2 trials used the board" in half.note


def test_an_unshared_board_is_charged_unchanged() -> None:
    """The only trial on a board is charged its reading unchanged."""
    assert charge_board(reading(), BOARD, ChargedPart(share=1.0, consumers=1)) == reading()


def test_a_board_split_by_mig_is_charged_whole_and_flagged() -> None:
    """A board that is split by MIG may have users that the tracker does not see."""
    board = Device(uuid="GPU-1", name="board", component=Component.GPU, shared=True)

    whole = charge_board(reading(), board, ChargedPart(share=1.0, consumers=1))

    assert (whole.energy_j, whole.status, whole.shared_by) == (100.0, Status.DEGRADED, 1)
    assert "MIG" in whole.note


def test_a_part_of_a_missing_reading_is_missing() -> None:
    """A part of an unknown energy is unknown."""
    assert charge_board(reading(None), BOARD, ChargedPart(share=0.5, consumers=2)).energy_j is None

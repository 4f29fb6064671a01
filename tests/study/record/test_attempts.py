"""Which epochs count for a trial that was begun more than once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.record.attempts import Place, counted


@pytest.mark.parametrize(
    ("places", "kept"),
    [
        ([], []),
        ([(1, "a", 1), (1, "a", 2)], [(1, "a", 1), (1, "a", 2)]),
        ([(1, "a", 1), (1, "a", 2), (2, "a", 1)], [(2, "a", 1)]),
        ([(1, "a", 1), (1, "a", 2), (2, "a", 2)], [(1, "a", 1), (2, "a", 2)]),
        ([(1, "a", 1), (1, "b", 1), (2, "b", 1)], [(1, "a", 1), (2, "b", 1)]),
        ([(1, "a", 1), (1, "b", 1), (2, "a", 1)], [(2, "a", 1)]),
        ([(1, "a", 1), (1, "a", 2), (2, "a", 2), (3, "a", 1)], [(3, "a", 1)]),
        (
            [(2, "a", 3), (1, "a", 1), (1, "a", 2), (1, "a", 3)],
            [(1, "a", 1), (1, "a", 2), (2, "a", 3)],
        ),
        ([(1, "b", 1), (1, "a", 1), (2, "a", 1)], [(1, "b", 1), (2, "a", 1)]),
    ],
    ids=[
        "none",
        "one attempt",
        "anew",
        "gone on",
        "a later stage",
        "anew, not yet so far",
        "twice",
        "in any order",
        "stages in the order of a seed",
    ],
)
def test_what_counts(places: list[Place], kept: list[Place]) -> None:
    """An attempt counts from its first epoch of a stage on, an earlier one up to there."""
    assert counted(places) == set(kept)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    losses=st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), max_size=4),
    last=st.integers(0, 18),
)
def test_each_epoch_of_a_training_counts_once(
    lengths: list[int], losses: list[tuple[int, int]], last: int
) -> None:
    """Whatever was lost, from whichever checkpoint it went on, and wherever it stands now."""
    training = [(f"stage{i}", e + 1) for i, length in enumerate(lengths) for e in range(length)]
    places: list[Place] = []
    expected: list[Place] = []
    begin = 0
    for attempt, (more, back) in enumerate([*losses, (last, 0)], start=1):
        end = min(begin + more, len(training))
        own = [(attempt, stage, epoch) for stage, epoch in training[begin:end]]
        places += own
        if own:
            expected = [*expected[:begin], *own]
        begin = max(0, min(len(expected), end) - back)

    assert counted(places) == set(expected)

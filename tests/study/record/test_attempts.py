"""Epochs that count in a trial that was started more than once."""

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
        "started over",
        "resumed",
        "a later stage",
        "started over, not yet as far",
        "resumed, then started over",
        "in any order",
        "another order of stages",
    ],
)
def test_an_attempt_counts_from_its_first_epoch_on(places: list[Place], kept: list[Place]) -> None:
    """An earlier attempt counts up to the epoch from which the later one resumed."""
    assert counted(places) == set(kept)


@given(
    lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
    losses=st.lists(st.tuples(st.integers(0, 18), st.integers(0, 18)), max_size=4),
    last=st.integers(0, 18),
)
def test_each_epoch_of_a_training_counts_once(
    lengths: list[int], losses: list[tuple[int, int]], last: int
) -> None:
    """This holds for any losses, any checkpoints it resumed from, and any progress of the last attempt."""
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

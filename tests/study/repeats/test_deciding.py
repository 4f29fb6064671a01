"""Decision on the next repeat, and the probability of the answer."""

import pytest

from study.inference.choice import Aim
from study.repeats.deciding import TrainingResult, decide

AIM = Aim()


def whole(*results: tuple[float, float]) -> list[TrainingResult]:
    """Return complete trainings from their energies in joules and their scores."""
    return [TrainingResult(energy_j=j, gain=gain, is_whole=True) for j, gain in results]


CLEAR = {
    1: whole((100.0, 0.90), (104.0, 0.901)),
    2: whole((300.0, 0.90), (310.0, 0.899)),
    3: whole((290.0, 0.50), (295.0, 0.51)),
}


def test_a_clear_answer_is_nearly_certain() -> None:
    """One setup needs a third of the energy for the same score."""
    decision = decide(CLEAR, {}, AIM)

    assert decision is not None
    assert decision.answer == 1
    assert decision.right > 0.9


def test_the_next_repeat_is_of_a_contender() -> None:
    """A setup that cannot be the answer is not repeated."""
    near = {
        1: whole((100.0, 0.90), (130.0, 0.91)),
        2: whole((105.0, 0.90), (125.0, 0.91)),
        3: whole((900.0, 0.50), (999.0, 0.51)),
    }

    decision = decide(near, {}, AIM)

    assert decision is not None
    assert decision.repeat in {1, 2}
    assert decision.right < 0.9


def test_running_trainings_count_as_if_they_had_ended() -> None:
    """So two free slots do not repeat the same setup for the same reason."""
    near = {
        1: whole((100.0, 0.90), (130.0, 0.91)),
        2: whole((105.0, 0.90), (125.0, 0.91)),
    }
    first = decide(near, {}, AIM)
    assert first is not None

    second = decide(near, {first.repeat: 6}, AIM)

    assert second is not None
    assert second.repeat != first.repeat
    assert second.right == first.right


@pytest.mark.parametrize(
    "trainings",
    [
        {},
        {1: whole((100.0, 0.9)), 2: whole((200.0, 0.9))},
        {1: [TrainingResult(energy_j=None, gain=0.9, is_whole=True)] * 2},
        {1: [TrainingResult(energy_j=9.0, gain=None, is_whole=False)] * 2},
    ],
)
def test_without_a_spread_there_is_no_decision(
    trainings: dict[int, list[TrainingResult]],
) -> None:
    """At least one setup must have two complete trainings."""
    assert decide(trainings, {}, AIM) is None


def test_a_setup_bears_the_cost_of_its_failures() -> None:
    """Setup 4 is the cheapest by its one success, but not by its cost per success."""
    failing = [*whole((80.0, 0.9)), *[TrainingResult(energy_j=80.0, gain=0.1, is_whole=False)] * 3]

    decision = decide({**CLEAR, 4: failing}, {}, AIM)

    assert decision is not None
    assert decision.answer == 1

"""A study whose objective has no value says so with its first trial."""

import math
from dataclasses import replace

import pytest

from study.execution.live.unscored import UnscoredWatch
from study.record.objective import ACCURACY
from study.record.vocabulary import Stage, StopReason
from tests.study.execution.live.screens import Screen
from tests.study.rows import epoch, plan


def said(
    watch: UnscoredWatch, *scores: float | None, trial: int = 1, ends: bool = False
) -> list[str]:
    """What is said of a trial with these scores."""
    last = StopReason.MAX_EPOCHS if ends else None
    rows = [
        epoch(n, 2.0, score, of=plan(trial), stop=last if n == len(scores) else None)
        for n, score in enumerate(scores, start=1)
    ]
    return [text for row in rows if (text := watch.after(row)) is not None]


def test_a_trial_without_a_value_is_told_once() -> None:
    """After its third epoch; of the others nothing new could be said."""
    watch = UnscoredWatch(ACCURACY)

    assert said(watch, None, None) == []
    (told,) = said(watch, None, None, None, None, trial=2)
    assert said(watch, None, None, None, trial=3, ends=True) == []

    assert told.startswith(
        "warning: setup02-seed0 has no value of accuracy (NaN?) in any of its 3 epochs so far"
    )


@pytest.mark.parametrize("score", [None, math.nan])
def test_a_short_trial_is_told_at_its_end(score: float | None) -> None:
    """It has no third epoch."""
    (told,) = said(UnscoredWatch(ACCURACY), score, ends=True)

    assert "in its only epoch" in told


def test_a_value_anywhere_settles_it() -> None:
    """Later trials without one are those of their setups."""
    watch = UnscoredWatch(ACCURACY)

    assert said(watch, None, None, 0.5) == []
    assert said(watch, None, None, None, trial=2, ends=True) == []


def test_what_has_no_value_by_right_is_passed_over() -> None:
    """An encoder that is pretrained, and an epoch in which a training failed."""
    watch = UnscoredWatch(ACCURACY)
    rows = [epoch(n, 2.0, None) for n in range(1, 6)]

    assert [watch.after(replace(row, stage=Stage.ENCODER)) for row in rows] == [None] * 5
    assert [watch.after(replace(row, stop_reason=StopReason.DIVERGED)) for row in rows] == [
        None
    ] * 5


def test_the_user_sees_it_while_the_trial_goes_on() -> None:
    """And sees it once."""
    screen = Screen(terminal=False)
    for number in range(1, 6):
        screen.note(epoch(number, 2.0, None))

    assert screen.file.getvalue().count("no value of accuracy") == 1

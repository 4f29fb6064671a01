"""Warning that the objective has no values, given with the first trial."""

import math
from dataclasses import replace

import pytest

from study.execution.live.unscored import UnscoredWatch
from study.record.objective import ACCURACY
from study.record.vocabulary import Stage, StopReason
from tests.study.execution.live.screens import Screen
from tests.study.rows import epoch, plan


def warnings_of(
    watch: UnscoredWatch, *scores: float | None, trial: int = 1, ends: bool = False
) -> list[str]:
    """Warnings about a trial with these scores."""
    last = StopReason.MAX_EPOCHS if ends else None
    rows = [
        epoch(n, 2.0, score, of=plan(trial), stop=last if n == len(scores) else None)
        for n, score in enumerate(scores, start=1)
    ]
    return [text for row in rows if (text := watch.after(row)) is not None]


def test_a_trial_without_a_value_is_warned_of_once() -> None:
    """The warning comes after three epochs of a trial, and is not repeated for others."""
    watch = UnscoredWatch(ACCURACY)

    assert warnings_of(watch, None, None) == []
    (warning,) = warnings_of(watch, None, None, None, None, trial=2)
    assert warnings_of(watch, None, None, None, trial=3, ends=True) == []

    assert warning.startswith(
        "warning: setup02-seed0 has no value of accuracy (NaN?) in any of its 3 epochs so far"
    )


@pytest.mark.parametrize("score", [None, math.nan])
def test_a_short_trial_is_warned_of_at_its_end(score: float | None) -> None:
    """A trial that ends before its third epoch is not overlooked."""
    (warning,) = warnings_of(UnscoredWatch(ACCURACY), score, ends=True)

    assert "in its only epoch" in warning


def test_a_single_value_rules_out_the_warning() -> None:
    """If later trials have no value, that is due to their setups."""
    watch = UnscoredWatch(ACCURACY)

    assert warnings_of(watch, None, None, 0.5) == []
    assert warnings_of(watch, None, None, None, trial=2, ends=True) == []


def test_epochs_that_need_no_value_are_ignored() -> None:
    """They are those of an encoder's pretraining, and those in which a training failed."""
    watch = UnscoredWatch(ACCURACY)
    rows = [epoch(n, 2.0, None) for n in range(1, 6)]

    assert [watch.after(replace(row, stage=Stage.ENCODER)) for row in rows] == [None] * 5
    assert [watch.after(replace(row, stop_reason=StopReason.DIVERGED)) for row in rows] == [
        None
    ] * 5


def test_the_user_sees_the_warning_while_the_trial_runs() -> None:
    """The display prints it once."""
    screen = Screen(terminal=False)
    for number in range(1, 6):
        screen.note(epoch(number, 2.0, None))

    assert screen.file.getvalue().count("no value of accuracy") == 1

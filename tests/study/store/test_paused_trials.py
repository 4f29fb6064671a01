"""Trials that their study has stopped and that a later attempt continues."""

from study.record.vocabulary import StopReason
from study.store.trial_record import is_stopped, is_trained
from tests.study.rows import STAGE, epoch, plan

STOPPED = [epoch(1), epoch(2, stop=StopReason.STOPPED)]


def test_a_stopped_trial_counts_as_trained_until_an_attempt_continues_it() -> None:
    """Once a later attempt continues, the epoch at which the trial was stopped is no longer its end."""
    further = [*STOPPED, epoch(3, of=plan(attempt=2))]

    assert is_trained(STOPPED, [STAGE])
    assert is_stopped(STOPPED)
    assert not is_trained(further, [STAGE])
    assert not is_stopped(further)


def test_a_continued_trial_is_trained_when_its_last_attempt_has_ended() -> None:
    """A trial that was stopped once is no longer stopped after it has reached its target."""
    ended = [*STOPPED, epoch(3, of=plan(attempt=2), stop=StopReason.TARGET)]

    assert is_trained(ended, [STAGE])
    assert not is_stopped(ended)

"""Trials that their study has stopped, and that a later attempt goes on with."""

from study.record.vocabulary import StopReason
from study.store.trial_record import is_stopped, is_trained
from tests.study.rows import STAGE, epoch, plan

STOPPED = [epoch(1), epoch(2, stop=StopReason.STOPPED)]


def test_a_trial_that_was_stopped_is_trained_until_an_attempt_goes_on_with_it() -> None:
    """The epoch at which it was stopped counts; it is no end any more."""
    further = [*STOPPED, epoch(3, of=plan(attempt=2))]

    assert is_trained(STOPPED, [STAGE])
    assert is_stopped(STOPPED)
    assert not is_trained(further, [STAGE])
    assert not is_stopped(further)


def test_it_is_trained_when_the_attempt_that_went_on_has_ended() -> None:
    """At the target, or by itself."""
    ended = [*STOPPED, epoch(3, of=plan(attempt=2), stop=StopReason.TARGET)]

    assert is_trained(ended, [STAGE])
    assert not is_stopped(ended)

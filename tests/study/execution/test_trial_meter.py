"""The windows of a trial's attempt: which of them are waited for, and when."""

from collections.abc import Mapping

import pytest

from study.execution.trial_meter import TrialMeter
from study.record.vocabulary import LATENTS, TEST, Stage
from tests.study.rows import plan
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Device, PowerLimits, Reading, Status

STAGE = Stage.ENCODER


class Noted:
    """A tracker that notes what it is asked for."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.devices: tuple[Device, ...] = ()
        self.asked: list[tuple[str, str, int]] = []

    def open(self, key: WindowKey) -> None:
        """Note it."""
        self.asked.append(("open", key.stage, key.epoch))

    def close(self, key: WindowKey) -> None:
        """Note it."""
        self.asked.append(("close", key.stage, key.epoch))

    def readings(self, key: WindowKey) -> Mapping[str, Reading]:
        """Note it, and tell which window it was."""
        self.asked.append(("readings", key.stage, key.epoch))
        return {"board": Reading.missing("board", note=f"{key.stage} {key.epoch}")}

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """No limit is set in these trials."""
        raise AssertionError(trial_id, limit_w)

    def power_limits(self) -> PowerLimits:
        """No limit is asked for."""
        raise AssertionError


def test_an_epoch_is_waited_for_when_its_readings_are_taken() -> None:
    """Not at its end, and once."""
    client = Noted()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    with meter.window(1):
        pass
    at_its_end = list(client.asked)
    first, _ = meter.take(1)
    second, _ = meter.take(1)

    assert at_its_end == [("open", STAGE, 1), ("close", STAGE, 1)]
    assert client.asked[2:] == [("readings", STAGE, 1)]
    assert first == second
    assert first["board"].note == f"{STAGE} 1"


def test_a_test_between_an_epoch_and_its_readings_changes_nothing() -> None:
    """The window of the test lies between them after each stage's last epoch."""
    client = Noted()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    with meter.window(1):
        pass
    with meter.tested():
        pass
    readings, _ = meter.take(1)

    assert readings["board"].note == f"{STAGE} 1"


@pytest.mark.parametrize("fails", [False, True])
def test_what_nobody_reads_is_waited_for_at_the_trials_end_alone(*, fails: bool) -> None:
    """The windows of set-up, latent features and test; all is booked when the trial has ended."""
    client = Noted()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    def attempt() -> None:
        with meter.trial():
            with meter.window(1), meter.latents():
                pass
            with meter.tested():
                pass
            if fails:
                raise InterruptedError

    if fails:
        with pytest.raises(InterruptedError):
            attempt()
    else:
        attempt()

    closed = [stage for asked, stage, _ in client.asked if asked == "close"]
    assert closed == [SETUP, LATENTS, STAGE, TEST, TRIAL]
    assert [each for each in client.asked if each[0] == "readings"] == [("readings", TRIAL, 0)]
    assert client.asked[-1] == ("readings", TRIAL, 0)


def test_an_epoch_that_was_not_begun_has_no_readings() -> None:
    """They are missing, and no tracker is asked."""
    client = Noted()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    readings, duration_s = meter.take(1)

    assert [each.status for each in readings.values()] == [Status.MISSING]
    assert duration_s == 0.0
    assert client.asked == []

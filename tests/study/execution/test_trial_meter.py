"""Energy windows of a trial's attempt, and when their readings are waited for."""

from collections.abc import Mapping

import pytest

from study.execution.trial_meter import TrialMeter
from study.record.vocabulary import LATENTS, TEST, Stage
from tests.study.rows import plan
from trackers.node.ledger import SETUP, TRIAL, WindowKey
from trackers.sample import Device, PowerLimits, Reading, Status

STAGE = Stage.ENCODER


class RecordingTracker:
    """A tracker that records the calls it receives."""

    def __init__(self) -> None:
        """Begin without calls."""
        self.devices: tuple[Device, ...] = ()
        self.calls: list[tuple[str, str, int]] = []

    def open(self, key: WindowKey) -> None:
        """Record the call."""
        self.calls.append(("open", key.stage, key.epoch))

    def close(self, key: WindowKey) -> None:
        """Record the call."""
        self.calls.append(("close", key.stage, key.epoch))

    def readings(self, key: WindowKey) -> Mapping[str, Reading]:
        """Record the call; the note of the reading names the window."""
        self.calls.append(("readings", key.stage, key.epoch))
        return {"board": Reading.missing("board", note=f"{key.stage} {key.epoch}")}

    def limit_power(self, trial_id: str, limit_w: float) -> float:
        """Fail, as these tests set no limit."""
        raise AssertionError(trial_id, limit_w)

    def power_limits(self) -> PowerLimits:
        """Fail, as these tests ask for no limits."""
        raise AssertionError


def test_an_epochs_readings_are_waited_for_when_they_are_taken() -> None:
    """They are waited for only once, and not at the end of the epoch."""
    client = RecordingTracker()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    with meter.window(1):
        pass
    at_the_end_of_the_epoch = list(client.calls)
    first, _ = meter.take(1)
    second, _ = meter.take(1)

    assert at_the_end_of_the_epoch == [("open", STAGE, 1), ("close", STAGE, 1)]
    assert client.calls[2:] == [("readings", STAGE, 1)]
    assert first == second
    assert first["board"].note == f"{STAGE} 1"


def test_a_test_between_an_epoch_and_its_readings_changes_nothing() -> None:
    """After a stage's last epoch, its best weights are tested before the readings are taken."""
    client = RecordingTracker()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    with meter.window(1):
        pass
    with meter.tested():
        pass
    readings, _ = meter.take(1)

    assert readings["board"].note == f"{STAGE} 1"


@pytest.mark.parametrize("fails", [False, True])
def test_other_windows_are_waited_for_only_at_the_end_of_the_trial(*, fails: bool) -> None:
    """Set-up, latent features and tests are not waited for singly; at the end, all are booked."""
    client = RecordingTracker()
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

    closed = [stage for asked, stage, _ in client.calls if asked == "close"]
    assert closed == [SETUP, LATENTS, STAGE, TEST, TRIAL]
    assert [each for each in client.calls if each[0] == "readings"] == [("readings", TRIAL, 0)]
    assert client.calls[-1] == ("readings", TRIAL, 0)


def test_an_epoch_that_was_not_begun_has_no_readings() -> None:
    """They are missing, and the tracker is not asked."""
    client = RecordingTracker()
    meter = TrialMeter(plan(), client, first_stage=STAGE)

    readings, duration_s = meter.take(1)

    assert [each.status for each in readings.values()] == [Status.MISSING]
    assert duration_s == 0.0
    assert client.calls == []

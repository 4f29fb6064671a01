"""Stop reasons that the ledger derives from Tune's results."""

import pytest
from ray.tune.experiment import Trial

from study.instrument.ledger import end_reason
from study.record.vocabulary import StopReason


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"training_iteration": 2, "info": {"steps": 5}}, StopReason.STOPPED),
        ({"training_iteration": 6, "info": {"steps": 5}}, StopReason.MAX_EPOCHS),
        ({"training_iteration": 2, "info": {"steps": 10}}, StopReason.MAX_EPOCHS),
        (
            {"training_iteration": 2, "energy": {"status": "ok", "is_last": True}},
            StopReason.MAX_EPOCHS,
        ),
    ],
)
def test_a_trial_that_a_scheduler_stopped_is_not_a_complete_training(
    result: dict[str, object], reason: StopReason
) -> None:
    """Tune sets `done` in every last result; a trial that reached its own `stop` was not cut short."""
    trial = Trial("mine", stub=True, stopping_criterion={"training_iteration": 6, "info/steps": 10})

    assert end_reason(trial, {"done": True, "info": {}, **result}) is reason

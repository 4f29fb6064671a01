"""A training in a loop of its own, for those who hear of it as it goes on."""

import pytest

from study.callbacks.handing_on import HandingOn
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.errors import OptionError
from study.exports.study_exports import StudyExports
from tests.trackers.exports.remembering import Remembering, asked
from trackers.exports.exports import Exports
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource


def test_each_epoch_is_handed_on_once() -> None:
    """A training, its devices and epochs as they come, and its end."""
    exporter = Remembering()
    exporter.held.set()
    meter = TrainingMeter(
        Training(), detection=Detection(sources=(RecordedSource(lambda _: 100.0),), refused={})
    )
    handing_on = HandingOn(StudyExports(Exports([asked(exporter)], say=lambda _: None)))

    with meter:
        handing_on.begin("mine", meter.run_so_far())
        for _ in range(2):
            with meter.epoch():
                pass
            handing_on.epochs(meter.run_so_far())
    handing_on.end(meter.run_so_far())

    assert exporter.heard == [
        *("begin mine", "trial setup01-seed0", "1 devices", "epoch 1", "1 devices", "epoch 2"),
        *("end setup01-seed0", "end True"),
    ]


def test_a_word_that_is_not_known_is_refused() -> None:
    """Before anything is trained."""
    with pytest.raises(OptionError, match="--log is"):
        TrainingMeter(log=["tensorboard"])

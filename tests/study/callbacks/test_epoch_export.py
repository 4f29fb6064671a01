"""Live export of a training in the user's own loop."""

import pytest

from study.callbacks.epoch_export import EpochExport
from study.callbacks.training import Training
from study.callbacks.training_meter import TrainingMeter
from study.errors import OptionError
from study.exports.study_exports import StudyExports
from tests.trackers.exports.remembering import Remembering, asked
from trackers.exports.exports import Exports
from trackers.sample import Reading
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource


def test_each_epoch_is_exported_once() -> None:
    """Exporters receive the training, its devices, each epoch and the end."""
    exporter = Remembering()
    exporter.held.set()
    meter = TrainingMeter(
        Training(), detection=Detection(sources=(RecordedSource(lambda _: 100.0),), refused={})
    )
    export = EpochExport(StudyExports(Exports([asked(exporter)], say=lambda _: None)))

    with meter:
        export.begin("mine", meter.run_so_far())
        for _ in range(2):
            with meter.epoch():
                pass
            export.epochs(meter.run_so_far())
    export.end(meter.run_so_far())

    # A newer state of the devices replaces one that is still queued, so their number varies.
    assert "1 devices" in exporter.heard
    assert [each for each in exporter.heard if each != "1 devices"] == [
        *("begin mine", "trial setup01-seed0", "epoch 1", "epoch 2"),
        *("end setup01-seed0", "end True"),
    ]


def test_an_exported_epoch_is_not_computed_again() -> None:
    """Each export reads only the new epochs, and the energy so far still adds up."""
    exporter = Remembering()
    exporter.held.set()
    meter = TrainingMeter(
        Training(), detection=Detection(sources=(RecordedSource(lambda _: 100.0),), refused={})
    )
    exports = StudyExports(Exports([asked(exporter)], say=lambda _: None))
    export = EpochExport(exports)
    with meter:
        export.begin("mine", meter.run_so_far())
        for _ in range(2):
            with meter.epoch():
                pass
            export.epochs(meter.run_so_far())
            meter.epochs[0].readings = {
                "no device, so reading this fails": Reading.missing("-", note="-")
            }
    exports.close()

    before, both = (each.metrics["energy_j"] for each in exporter.epochs)
    assert both - before == pytest.approx(exporter.epochs[1].energy_j)
    assert exporter.heard.count("1 devices") in {1, 2}


@pytest.mark.parametrize(
    ("call", "logged"),
    [
        ("begin", "the training was not announced to the exporters: full"),
        ("epoch", "an epoch was not exported: full"),
        ("will_end", "the result of the training was not exported: full"),
        ("close", "the exporters were not closed: full"),
    ],
)
def test_no_error_of_the_exporters_reaches_the_training(
    call: str,
    logged: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The training ends normally, and the log says what was not exported."""

    def fails(*_: object, **__: object) -> None:
        message = "full"
        raise OSError(message)

    exporter = Remembering()
    exporter.held.set()
    exports = StudyExports(Exports([asked(exporter)], say=lambda _: None))
    monkeypatch.setattr(exports, call, fails)
    export = EpochExport(exports)
    meter = TrainingMeter(
        Training(), detection=Detection(sources=(RecordedSource(lambda _: 100.0),), refused={})
    )

    with meter:
        export.begin("mine", meter.run_so_far())
        with meter.epoch():
            pass
    export.end(meter.run_so_far())

    assert caplog.messages == [logged]


def test_an_unknown_exporter_is_refused() -> None:
    """The meter refuses the name when it is made, before anything is trained."""
    with pytest.raises(OptionError, match="--log is"):
        TrainingMeter(log=["tensorboard"])

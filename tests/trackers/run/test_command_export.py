"""Exports of a measured command, to the exporters that `--log` names."""

from tests.trackers.exports.remembering import Remembering, asked
from trackers.exports.exports import Exports
from trackers.run.command_export import CommandExport
from trackers.run.measuring import run_measured
from trackers.sources.detect import Detection
from trackers.sources.recorded import RecordedSource


def test_a_command_is_exported_as_a_study_of_one_epoch() -> None:
    """Exporters get its devices while it runs, and its account at its end."""
    exporter = Remembering()
    exporter.held.set()
    exports = Exports([asked(exporter)], say=lambda _: None)
    command = ["/bin/sleep", "0.1"]

    export = CommandExport(command, exports)
    account = run_measured(
        command,
        Detection(sources=(RecordedSource(lambda _: 100.0),), refused={}),
        on_readings=export.readings,
    )
    export.end(account)
    exports.close()

    first, trial, *devices, epoch, ended, end = exporter.heard
    assert (first, trial) == ("begin sleep", "trial run")
    assert set(devices) == {"1 devices"}
    assert (epoch, ended, end) == ("epoch 1", "end run", "end True")

"""Export of a study (its trials, epochs, files and end) to the exporters that `--log` names."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Self, final

from study.errors import OptionError
from study.exports.rows import (
    epoch_of,
    methods_of,
    plan_of,
    study_of,
    totals_of,
    totals_of_all,
    trial_of,
)
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, TRIALS_CSV_FILE
from study.record.manifest import Manifest
from study.record.records import EpochRecord, TrialRecord
from study.record.vocabulary import TrialStatus
from study.store.folder import StudyFolder
from study.store.setups import TrialPlan
from trackers.exports.export_queue import to_stderr
from trackers.exports.exporter import DeviceUse
from trackers.exports.exports import Exports
from trackers.exports.known import ExportOptionError, parse_exporters

REPORT = "report"
ARTIFACTS = (REPORT, MANIFEST_FILE, EPOCHS_FILE, TRIALS_CSV_FILE)
"""Files and folders of a study's folder that exporters keep as artifacts."""


@final
class StudyExports:
    """Passes one study on to all of its exporters; without exporters it does nothing."""

    def __init__(self, exports: Exports | None = None) -> None:
        """Pass the study on to `exports`; None for no exporters."""
        self._exports = exports or Exports()
        self._staged = False
        self._methods: dict[str, str] = {}
        self._told: set[tuple[str, int, str, int]] = set()

    def __bool__(self) -> bool:
        """Return whether there are any exporters."""
        return bool(self._exports)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def begin(self, manifest: Manifest, folder: StudyFolder | None) -> None:
        """Begin the study, or resume it; `folder` is None if the study has no folder."""
        self._staged = len(manifest.stages) > 1
        self._methods = methods_of(manifest)
        self._exports.begin(study_of(manifest, folder))

    def earlier(
        self, trials: Iterable[TrialRecord], epochs_of: Callable[[str], Iterable[EpochRecord]]
    ) -> None:
        """Export the trials and epochs of earlier commands, for exporters that missed them."""
        for trial in trials if self._exports else ():
            self.begin_trial(plan_of(trial))
            for record in epochs_of(trial.trial_id):
                self._epoch(record, is_earlier=True)
            if trial.status is not TrialStatus.RUNNING:
                self.end_trial(trial)

    def begin_trial(self, plan: TrialPlan) -> None:
        """Begin a trial, or continue it."""
        self._exports.begin_trial(trial_of(plan, self._methods))

    def epoch(self, record: EpochRecord) -> None:
        """Export an epoch; one that has been exported already is ignored."""
        self._epoch(record, is_earlier=False)

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Export the present power and energy of devices."""
        self._exports.devices(uses)

    def end_trial(self, trial: TrialRecord | None) -> None:
        """End a trial; nothing is exported for None, a trial of which nothing is known."""
        if trial is not None:
            failed = trial.status is TrialStatus.FAILED
            self._exports.end_trial(trial.trial_id, failed=failed, totals=totals_of(trial))

    def will_end(self, trials: Iterable[TrialRecord], *, finished: bool) -> None:
        """Export the study's totals, and whether it has finished."""
        self._exports.will_end(finished=finished, totals=totals_of_all(trials))

    def keep(self, folder: StudyFolder) -> None:
        """Export the study's files, if its folder is on this machine."""
        if folder.is_local:
            self._exports.keep([Path(folder.path) / name for name in ARTIFACTS])

    def close(self) -> None:
        """End the study in all exporters; may be called twice."""
        self._exports.close()

    def _epoch(self, record: EpochRecord, *, is_earlier: bool) -> None:
        place = (record.trial_id, record.attempt, record.stage, record.epoch)
        if self._exports and place not in self._told:
            self._told.add(place)
            self._exports.epoch(epoch_of(record, staged=self._staged, is_earlier=is_earlier))


def exports_of(typed: Sequence[str], *, say: Callable[[str], None] = to_stderr) -> StudyExports:
    """Return the exporters of `--log`; nothing is imported or connected yet.

    Args:
        typed: The values of the option.
        say: Prints a message to the user.

    Raises:
        OptionError: An exporter is unknown, or its package is not installed.
    """
    try:
        return StudyExports(Exports(parse_exporters(typed), say=say))
    except ExportOptionError as error:
        raise OptionError(str(error)) from error

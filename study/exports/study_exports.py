"""Export of a study to what `--log` names: its trials, epochs, files and end."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
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
from trackers.exports.exporter import DeviceUse
from trackers.exports.exports import Exports
from trackers.exports.known import ExportOptionError, asked_for
from trackers.exports.lane import to_stderr

REPORT = "report"
KEPT = (REPORT, MANIFEST_FILE, EPOCHS_FILE, TRIALS_CSV_FILE)
"""Files of a study's folder that are kept with it elsewhere."""


@final
class StudyExports:
    """One study for all of its exporters; where there are none, nothing happens."""

    def __init__(self, exports: Exports | None = None) -> None:
        """Hand on to `exports`."""
        self._exports = exports or Exports()
        self._staged = False
        self._methods: dict[str, str] = {}
        self._told: set[tuple[str, int, str, int]] = set()

    def __bool__(self) -> bool:
        """Return whether there is anybody to hand something to."""
        return bool(self._exports)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def begin(self, manifest: Manifest, folder: StudyFolder | None) -> None:
        """Begin the study, or go on with it; None where it has no folder."""
        self._staged = len(manifest.stages) > 1
        self._methods = methods_of(manifest)
        self._exports.begin(study_of(manifest, folder))

    def earlier(
        self, trials: Iterable[TrialRecord], epochs_of: Callable[[str], Iterable[EpochRecord]]
    ) -> None:
        """Hand on what earlier commands of the study have left, for those that were away."""
        for trial in trials if self._exports else ():
            self.begin_trial(plan_of(trial))
            for record in epochs_of(trial.trial_id):
                self._epoch(record, is_earlier=True)
            if trial.status is not TrialStatus.RUNNING:
                self.end_trial(trial)

    def begin_trial(self, plan: TrialPlan) -> None:
        """Begin a trial, or go on with it."""
        self._exports.begin_trial(trial_of(plan, self._methods))

    def epoch(self, record: EpochRecord) -> None:
        """Hand on an epoch; one that is reported again is passed over."""
        self._epoch(record, is_earlier=False)

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Hand on what devices use now."""
        self._exports.devices(uses)

    def end_trial(self, trial: TrialRecord | None) -> None:
        """End a trial; None for one of which nothing is known."""
        if trial is not None:
            failed = trial.status is TrialStatus.FAILED
            self._exports.end_trial(trial.trial_id, failed=failed, totals=totals_of(trial))

    def will_end(self, trials: Iterable[TrialRecord], *, finished: bool) -> None:
        """Say what the study came to."""
        self._exports.will_end(finished=finished, totals=totals_of_all(trials))

    def keep(self, folder: StudyFolder) -> None:
        """Hand on the files of a study on this machine."""
        if folder.is_local:
            self._exports.keep([Path(folder.path) / name for name in KEPT])

    def close(self) -> None:
        """End it everywhere; may be called twice."""
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
        say: Shows a sentence to the user.

    Raises:
        OptionError: One is not known, or not installed.
    """
    try:
        return StudyExports(Exports(asked_for(typed), say=say))
    except ExportOptionError as error:
        raise OptionError(str(error)) from error

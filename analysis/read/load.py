"""Loading of a study folder, whether the study has finished, still runs or was killed.

Only `study.json` is required. Any other missing file is named in `Study.notes`, and its rows are
recovered from Ray Tune's files where that is possible (`analysis.read.recover`). power.parquet, which
holds power over time, is not read here: no energy is computed from it.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from analysis.errors import AnalysisError
from analysis.quantities import count_text
from analysis.read.recover import epochs_from_results, trials_from_epochs
from analysis.read.typed import StudyFrame, lacking_columns, typed_frame
from study.record.bookings import WindowRecord
from study.record.files import (
    EARLIER_FILE,
    EPOCHS_FILE,
    MANIFEST_FILE,
    RUN_STATES,
    TRIALS_FILE,
    WINDOWS_FILE,
    EnergyUnit,
    unit_of,
)
from study.record.manifest import Manifest
from study.record.migration import RENAMED, is_earlier, migrated_columns
from study.record.records import EpochRecord, TrialRecord
from study.record.rescue import contradicting, rescued
from study.record.rows import Row

_EPOCH_KEY = ["trial_id", "attempt", "stage", "epoch"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """A loaded study: its manifest, epochs and trials.

    Attributes:
        path: Folder of the study.
        manifest: What was asked for, and the machines, devices and data that it ran on.
        epochs: One row for each epoch, with the columns of `EpochRecord`; missing numbers are NaN.
        trials: One row for each trial that was started, with the columns of `TrialRecord`.
        notes: One note for each thing that was missing, unreadable, recovered or left out.
        labels: Words that every title must carry because the energies are not those stored, such as
            `idle power subtracted`.
    """

    path: Path
    manifest: Manifest
    epochs: pd.DataFrame
    trials: pd.DataFrame
    notes: tuple[str, ...]
    labels: tuple[str, ...] = ()

    @property
    def unit(self) -> EnergyUnit:
        """The unit in which all its energies are shown, the same as while the study ran."""
        known = self.epochs["epoch_energy_j"].dropna()
        return unit_of(None if known.empty else float(known.iloc[0]))


def find_studies(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Return the study folders that the given folders refer to, each once.

    Args:
        paths: Study folders, or folders that contain exactly one study folder.

    Raises:
        AnalysisError: A folder does not exist, contains no study, or contains several.

    Examples:
        >>> (folder,) = find_studies([Path("tests/analysis/fixture/regime")])
        >>> folder.name
        'regime'
    """
    found = {study.resolve(): study for study in map(_find_study, paths)}
    return tuple(found.values())


def load(path: str | os.PathLike[str]) -> Study:
    """Load a study from its folder.

    Args:
        path: The folder that contains `study.json`; the study may have finished, still run or have
            been killed.

    Raises:
        AnalysisError: The folder contains no study, or one of its files is broken or was written by
            an incompatible version.

    Examples:
        >>> study = load("tests/analysis/fixture/regime")  # yours: "results/watch"
        >>> len(study.epochs), study.manifest.paradigm.value
        (13, 'regime')
    """
    path = Path(path)
    manifest = _read_manifest(path / MANIFEST_FILE)
    notes: list[str] = []
    epochs = _read_table(path / EPOCHS_FILE, EpochRecord)
    rescue = _rescued(path, manifest)
    if rescue is not None:
        manifest, epochs = rescue.manifest, rescue.with_epochs(epochs)
        notes.append(
            "the last rows come from "
            f"{rescue.path}, because the study's storage was away at its end; --resume puts them back"
        )
    # A study writes its tables at intervals, so Ray's files may hold later epochs of a running one.
    if epochs is None or manifest.status != "finished":
        recovered, found = _recovered(path)
        notes.extend(found)
        if epochs is None:
            notes.append(
                f"{EPOCHS_FILE} is missing; {count_text(len(recovered), 'epoch')} came from "
                "Ray's result.json files"
            )
        epochs = recovered if epochs is None else pd.concat([epochs, recovered], ignore_index=True)
    epochs = epochs.drop_duplicates(_EPOCH_KEY, keep="last", ignore_index=True)
    if epochs.empty:
        notes.append("no epoch has finished, so there is no energy of a training to show")
    trials = _read_table(path / TRIALS_FILE, TrialRecord)
    if rescue is not None:
        trials = rescue.with_trials(trials)
    if trials is None:
        notes.append(
            f"{TRIALS_FILE} is missing; trials were put together from their epochs, without the "
            "energy before the first epoch and between epochs"
        )
        trials = typed_frame([], TrialRecord)
    unknown = epochs[~epochs["trial_id"].isin(trials["trial_id"])]
    if not unknown.empty:
        derived = trials_from_epochs(unknown, manifest.objective)
        trials = pd.concat([trials, derived], ignore_index=True) if len(trials) else derived
    return Study(
        path=path,
        manifest=manifest,
        epochs=StudyFrame(epochs),
        trials=StudyFrame(trials),
        notes=tuple(notes),
    )


def _rescued(path: Path, manifest: Manifest) -> "_Rescue | None":
    """Return the rows of this study that were saved on this machine; None if there are none.

    Rows of another study in the same folder, recognized by its start time, are ignored.
    """
    for each in rescued(str(path.resolve())):
        try:
            found = _read_manifest(each / MANIFEST_FILE)
        except AnalysisError:
            continue
        epochs = _read_table(each / EPOCHS_FILE, EpochRecord)
        if found.started_at == manifest.started_at and epochs is not None:
            return _Rescue(path=each, manifest=found, epochs=epochs)
    return None


@dataclass(slots=True, kw_only=True, eq=False)
class _Rescue:
    """Rows that were saved on this machine because the study's storage was unavailable.

    Attributes:
        path: Folder of the saved rows.
        manifest: Manifest of the study as saved there.
        epochs: Saved rows, with the columns of `EpochRecord`.
        contradicted: Trials and attempts whose saved rows contradict the stored ones; set by `with_epochs`.
    """

    path: Path
    manifest: Manifest
    epochs: pd.DataFrame
    contradicted: frozenset[tuple[str, int]] = frozenset()

    def with_epochs(self, stored: pd.DataFrame | None) -> pd.DataFrame:
        """Merge stored and saved epochs, except saved attempts that contradict the stored rows.

        The study has since trained those attempts again elsewhere.

        Args:
            stored: Epochs in the study's folder; None if the file is missing.
        """
        if stored is None:
            return self.epochs
        keys = [*_EPOCH_KEY, "epoch_energy_j"]
        self.contradicted = frozenset(
            contradicting(
                stored[keys].to_dict(orient="records"), self.epochs[keys].to_dict(orient="records")
            )
        )
        return pd.concat([stored, self._ours(self.epochs, "attempt")], ignore_index=True)

    def with_trials(self, stored: pd.DataFrame | None) -> pd.DataFrame | None:
        """Merge stored and saved trials, each with its latest attempt; call `with_epochs` first.

        Args:
            stored: Trials in the study's folder; None if the file is missing.

        Returns:
            The trials; None where neither place has any.
        """
        found = _read_table(self.path / TRIALS_FILE, TrialRecord)
        if found is None or stored is None:
            return stored if found is None else found
        both = pd.concat([stored, self._ours(found, "attempts")], ignore_index=True)
        last = both.sort_values("attempts", kind="stable")
        return last.drop_duplicates("trial_id", keep="last", ignore_index=True)

    def _ours(self, rows: pd.DataFrame, attempt: str) -> pd.DataFrame:
        keys = zip(rows["trial_id"], rows[attempt], strict=True)
        return rows[[key not in self.contradicted for key in keys]]


def load_windows(path: Path) -> pd.DataFrame | None:
    """Read the windows that a study's trackers booked; None if there is no such file.

    Args:
        path: Folder of the study.

    Raises:
        AnalysisError: The file is broken or was written by an incompatible version.
    """
    return _read_table(path / WINDOWS_FILE, WindowRecord)


def with_earlier(path: Path, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the trials of the earlier studies that a search started from, followed by its own.

    Args:
        path: Folder of the search.
        trials: Trials of the search, with the columns of `TrialRecord`.

    Raises:
        AnalysisError: The file of earlier trials is broken or was written by an incompatible version.
    """
    earlier = _read_table(path / EARLIER_FILE, TrialRecord)
    if earlier is None or earlier.empty:
        return trials
    return pd.concat([earlier, trials], ignore_index=True) if len(trials) else earlier


def _find_study(path: Path) -> Path:
    if (path / MANIFEST_FILE).is_file():
        return path
    if not path.is_dir():
        what = "is a file" if path.exists() else "does not exist"
        message = (
            f"{path} {what}; wanted is the folder of a study, the one with {MANIFEST_FILE} in it "
            "(by default results/<name>)."
        )
        raise AnalysisError(message)
    inside = sorted(each.parent for each in path.glob(f"*/{MANIFEST_FILE}"))
    if len(inside) == 1:
        return inside[0]
    if inside:
        newest = max(inside, key=lambda each: (each / MANIFEST_FILE).stat().st_mtime)
        message = (
            f"{path} holds {len(inside)} studies: {', '.join(each.name for each in inside)}. "
            f"Name the ones you mean; {newest} is the newest."
        )
        raise AnalysisError(message)
    message = f"{path} has no {MANIFEST_FILE}{_why_no_study(path)}"
    raise AnalysisError(message)


def _why_no_study(path: Path) -> str:
    if (path / EPOCHS_FILE).exists():
        return f", but {EPOCHS_FILE}: it was lost. Restore it from where the folder was copied."
    if any(path.glob(RUN_STATES)):
        return (
            ": it is a Ray Tune run. "
            f"`python -m analysis import {shlex.quote(str(path))} --objective METRIC --mode min` (or max) "
            "makes it readable."
        )
    return (
        ", and no folder in it has one: no study was started here. Give the folder of a study (by default "
        "results/<name>), or make one with `python -m study.regime --smoke`."
    )


def _read_manifest(path: Path) -> Manifest:
    try:
        return Manifest.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path} cannot be read ({error.strerror or error}). Give the folder of a study."
        raise AnalysisError(message) from error
    except ValueError as error:
        message = (
            f"{path} is not the manifest of a study: {str(error).removesuffix('.')}. Restore the file from where it was "
            "copied, or run the study again under another --name."
        )
        raise AnalysisError(message) from error


def _recovered(path: Path) -> tuple[pd.DataFrame, tuple[str, ...]]:
    try:
        return epochs_from_results(path)
    except (ValueError, TypeError, OSError) as error:
        message = (
            f"{path}: a result.json of Ray's cannot be read ({error}). Move its trial folder away "
            "to analyse the others."
        )
        raise AnalysisError(message) from error


def _read_table(path: Path, record: type[Row]) -> pd.DataFrame | None:
    """Read a parquet file with the columns of a record; None if it does not exist."""
    if not path.exists():
        return None
    try:
        # Arrow gets an open file, since it rejects paths that are not UTF-8 and takes a folder like
        # `seed=3` for a partition.
        with path.open("rb") as file:
            table = pq.read_table(file)
    except (OSError, ValueError, pa.ArrowException) as error:
        message = (
            f"{path} cannot be read as parquet ({error}). It may have been cut off: restore it, "
            "or move it away, and the analysis recovers what Ray's result.json files hold."
        )
        raise AnalysisError(message) from error
    names = table.column_names
    lacking = lacking_columns([RENAMED.get(name, name) for name in names], record)
    if lacking:
        message = (
            f"{path} lacks {', '.join(lacking)}: it was written by another version of this "
            "program. Read the study with the version named in study.json."
        )
        raise AnalysisError(message)
    try:
        # Categories store each distinct word once, which cuts a long study's memory to a third. The
        # pandas metadata of a rewritten table may turn a column into an index; here it stays a column.
        frame = table.to_pandas(strings_to_categorical=True, ignore_metadata=True)
        if is_earlier(names):
            frame = pd.DataFrame(migrated_columns({name: frame[name] for name in names}))
        return typed_frame(frame, record)
    except (ValueError, TypeError) as error:
        message = (
            f"{path} holds a value that does not belong there ({error}): it was written by another "
            "version of this program. Read the study with the version named in study.json."
        )
        raise AnalysisError(message) from error

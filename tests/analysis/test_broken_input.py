"""Incomplete and damaged studies: a clear message or a labelled result, never a traceback.

Tests run the command as a user does, mostly with every option that adds output.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest

from analysis.__main__ import Options, run
from analysis.errors import AnalysisError
from analysis.ranking.criteria import RankBy
from study.record.files import EPOCHS_FILE, MANIFEST_FILE, REPORT_FOLDER
from study.record.vocabulary import Paradigm, Stage, StopReason, TrialStatus
from tests.analysis.study_folder import Epoch, Trial, constant, epochs_of, grid, staged, write_study

SETUPS = grid([64, 256], [0.1, 0.01])
STAGES = (
    Stage.ENCODER,
    Stage.CLASSIFIER_FROZEN,
    Stage.CLASSIFIER_UNFROZEN,
    Stage.ENCODER_CLASSIFIER,
)
PRETRAINING = {"paradigm": Paradigm.PRETRAINING, "stages": STAGES}
MULTITASK = {
    "paradigm": Paradigm.MULTITASK,
    "stages": ("attributes", "identity", Stage.BOTH),
}
MISSING_AS_TEXT = ("nan", "inf", "None")


def printed_for(folders: Sequence[Path], capsys: pytest.CaptureFixture[str]) -> str:
    """The command's output under every ranking criterion."""
    for by in RankBy:
        run(
            Options(
                results=tuple(folders),
                report=False,
                rank_by=by,
                baseline=1,
                against_paper=True,
                factors=True,
                country="DE",
                price=0.3,
            )
        )
    return " ".join(capsys.readouterr().out.split())


def unfinished(setup: int) -> Trial:
    """A trial with one epoch that is still running."""
    return Trial(
        setup=setup,
        seed=0,
        attempts=[epochs_of([1.0], [0.5])],
        status=TrialStatus.RUNNING,
        stop_reason=None,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trials", "manifest", "expected"),
    [
        ([constant(n, None, 0.5) for n in (1, 2, 3, 4)], {}, "no finished trial has an energy"),
        ([unfinished(1)], {"status": "running"}, "no trial has finished"),
        ([constant(1, 5.0, 0.5)], {}, "cannot be tested here"),
        (
            [constant(n, float(n), 0.5) for n in (1, 2, 3, 4)],
            {},
            "One training of each setup says nothing of chance",
        ),
        (
            [Trial(setup=1, seed=0, attempts=[[Epoch(energy_j=1.0, accuracy=None)]])],
            {},
            "No recommendation",
        ),
        (
            [
                Trial(
                    setup=1,
                    seed=0,
                    attempts=[epochs_of([0.0], [0.0])],
                    stop_reason=StopReason.DIVERGED,
                )
            ],
            {},
            "Setup 1 diverged",
        ),
        ([staged(1, {Stage.ENCODER: [1.0]})], PRETRAINING, "Whether pretraining pays is not known"),
        (
            [staged(1, {stage: [None] for stage in STAGES})],
            PRETRAINING,
            "Whether pretraining pays is not known",
        ),
        (
            [staged(1, {Stage.BOTH: [1.0]}, accuracies={Stage.BOTH: 0.5})],
            MULTITASK,
            "cheaper together is not known",
        ),
    ],
)
def test_missing_results_are_stated(
    trials: list[Trial],
    manifest: dict[str, object],
    expected: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The output says what is missing and prints no nan, inf or None."""
    folder = write_study(tmp_path / "a", SETUPS, trials, manifest=manifest)

    text = printed_for([folder], capsys)

    assert expected in text
    assert not set(MISSING_AS_TEXT) & set(text.replace("(", " ").replace(",", " ").split())


@pytest.mark.slow
def test_published_encoder_weights_are_named_where_break_even_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The energy of training the encoder is unknown; what each use of it saves is known."""
    stages = {
        Stage.CLASSIFIER_FROZEN: [1.0],
        Stage.CLASSIFIER_UNFROZEN: [2.0],
        Stage.ENCODER_CLASSIFIER: [3.0],
    }
    manifest = {**PRETRAINING, "stages": tuple(stages), "encoder_weights": "resnet18, ImageNet"}
    folder = write_study(tmp_path / "a", SETUPS[:1], [staged(1, stages)], manifest=manifest)

    text = printed_for([folder], capsys)

    assert "the encoder starts from published weights (resnet18, ImageNet)" in text
    assert "saves energy in 1 of 1 setups" in text


@pytest.mark.slow
def test_studies_of_all_paradigms_stand_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A regime, a pretraining and a multitask study are compared, each under its own name."""
    folders = [
        write_study(tmp_path / "regime", SETUPS, [constant(1, 5.0, 0.5)]),
        write_study(
            tmp_path / "pre",
            SETUPS,
            [staged(1, {Stage.ENCODER: [1.0]})],
            manifest=PRETRAINING,
        ),
        write_study(
            tmp_path / "multi", SETUPS, [staged(1, {Stage.BOTH: [1.0]})], manifest=MULTITASK
        ),
    ]

    text = printed_for(folders, capsys)

    assert "Side by side" in text
    assert "pre: stage encoder+classifier; multi: stage both" in text


def truncate_epochs(folder: Path) -> None:
    """Keep the first 500 bytes of the epochs' file."""
    file = folder / EPOCHS_FILE
    file.write_bytes(file.read_bytes()[:500])


def drop_a_column(folder: Path) -> None:
    """Remove a column, as in a table of another version."""
    pd.read_parquet(folder / EPOCHS_FILE).drop(columns="coverage").to_parquet(folder / EPOCHS_FILE)


def remove_manifest(folder: Path) -> None:
    """Delete the manifest."""
    (folder / MANIFEST_FILE).unlink()


def empty_folder(folder: Path) -> None:
    """Delete all files, so that the folder holds no study."""
    for file in folder.iterdir():
        file.unlink()


def leave_a_tune_run(folder: Path) -> None:
    """Leave only a file of a Ray Tune run."""
    empty_folder(folder)
    (folder / "experiment_state-2026-11-27_20-06-09.json").write_text("{}")


def truncate_manifest(folder: Path) -> None:
    """Leave a truncated manifest."""
    (folder / MANIFEST_FILE).write_text('{"study": "a"', encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (truncate_epochs, "cannot be read as parquet"),
        (drop_a_column, "written by another version"),
        (remove_manifest, r"has no study\.json, but epochs\.parquet: it was lost"),
        (empty_folder, "no study was started here"),
        (leave_a_tune_run, r"a Ray Tune run. `python -m analysis import \S+ --objective METRIC"),
        (truncate_manifest, r"is not the manifest of a study: .*\. Restore"),
    ],
)
def test_unreadable_file_is_named(
    damage: Callable[[Path], None], expected: str, tmp_path: Path
) -> None:
    """The error names the file or folder and what is wrong or what to do."""
    folder = write_study(tmp_path / "a", SETUPS, [constant(1, 5.0, 0.5)])
    damage(folder)

    with pytest.raises(AnalysisError, match=expected):
        run(Options(results=(folder,), report=False))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"baseline": 9}, "--baseline is 9; .* has the setups 1, 2, 3 and 4"),
        ({"target": 90.0}, "--target is 90; allowed: a share"),
        ({"country": "Atlantis"}, "--country is Atlantis; known are"),
        ({"output": Path("x.md")}, "say which with --format"),
        ({"subtract_idle": True}, "Leave the option out"),
    ],
)
def test_invalid_option_is_refused(
    options: dict[str, object], expected: str, tmp_path: Path
) -> None:
    """The error states what was given or allowed, or what to do instead."""
    manifest = {"nodes": ()}
    folder = write_study(tmp_path / "a", SETUPS, [constant(1, 5.0, 0.5)], manifest=manifest)

    with pytest.raises(AnalysisError, match=expected):
        run(Options(results=(folder,), report=False, **options))  # type: ignore[arg-type]


@pytest.mark.slow
def test_report_is_written_although_printing_fails(tmp_path: Path) -> None:
    """With an ASCII output whose reader has gone, the report is written and there is no error."""
    trials = [constant(setup.setup, 10.0, 0.9, seed=seed) for setup in SETUPS for seed in (0, 1)]
    folder = write_study(tmp_path / "a", SETUPS, trials)
    read, write = os.pipe()
    os.close(read)

    done = subprocess.run(
        [sys.executable, "-m", "analysis", folder],
        stdout=write,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        text=True,
        check=False,
    )
    os.close(write)

    assert (done.returncode, done.stderr) == (0, "")
    assert (folder / REPORT_FOLDER / "index.html").is_file()

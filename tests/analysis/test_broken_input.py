"""Whatever a folder holds: a clear message or a labelled result, never a traceback or a made-up number.

Each runs the command as a user does, with every option that adds something to say.
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
NUMBER_OF_NOTHING = ("nan", "inf", "None")


def said_of(folders: Sequence[Path], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command prints, with each way to rank."""
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
    """A trial that has one epoch and still runs."""
    return Trial(
        setup=setup,
        seed=0,
        attempts=[epochs_of([1.0], [0.5])],
        status=TrialStatus.RUNNING,
        stop_reason=None,
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trials", "manifest", "said"),
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
def test_what_is_not_known_is_said(
    trials: list[Trial],
    manifest: dict[str, object],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A result with its label, and no number of nothing in it."""
    folder = write_study(tmp_path / "a", SETUPS, trials, manifest=manifest)

    text = said_of([folder], capsys)

    assert said in text
    assert not set(NUMBER_OF_NOTHING) & set(text.replace("(", " ").replace(",", " ").split())


@pytest.mark.slow
def test_a_setup_that_was_published_weights_only_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The encoder's cost is unknown; what each use of it saves is known."""
    stages = {
        Stage.CLASSIFIER_FROZEN: [1.0],
        Stage.CLASSIFIER_UNFROZEN: [2.0],
        Stage.ENCODER_CLASSIFIER: [3.0],
    }
    manifest = {**PRETRAINING, "stages": tuple(stages), "encoder_weights": "resnet18, ImageNet"}
    folder = write_study(tmp_path / "a", SETUPS[:1], [staged(1, stages)], manifest=manifest)

    text = said_of([folder], capsys)

    assert "the encoder starts from published weights (resnet18, ImageNet)" in text
    assert "saves energy in 1 of 1 setups" in text


@pytest.mark.slow
def test_studies_of_all_paradigms_stand_side_by_side(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A regime, an empty pretraining and a multitask, each with its own title."""
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

    text = said_of(folders, capsys)

    assert "Side by side" in text
    assert "pre: stage encoder+classifier; multi: stage both" in text


def cut(folder: Path) -> None:
    """Leave half of the epochs' file."""
    file = folder / EPOCHS_FILE
    file.write_bytes(file.read_bytes()[:500])


def other_version(folder: Path) -> None:
    """Take a column away."""
    pd.read_parquet(folder / EPOCHS_FILE).drop(columns="coverage").to_parquet(folder / EPOCHS_FILE)


def no_manifest(folder: Path) -> None:
    """Take away what says which study it was."""
    (folder / MANIFEST_FILE).unlink()


def no_study(folder: Path) -> None:
    """Leave a folder that is no study's."""
    for file in folder.iterdir():
        file.unlink()


def a_run(folder: Path) -> None:
    """Leave what Ray Tune leaves."""
    no_study(folder)
    (folder / "experiment_state-2026-11-27_20-06-09.json").write_text("{}")


def broken_manifest(folder: Path) -> None:
    """Cut the manifest off."""
    (folder / MANIFEST_FILE).write_text('{"study": "a"', encoding="utf-8")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (cut, "cannot be read as parquet"),
        (other_version, "written by another version"),
        (no_manifest, r"has no study\.json, but epochs\.parquet: it was lost"),
        (no_study, "no study was started here"),
        (a_run, r"a Ray Tune run. `python -m analysis import \S+ --objective METRIC"),
        (broken_manifest, r"is not the manifest of a study: .*\. Restore"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    spoil: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    """With what to do, before anything is printed."""
    folder = write_study(tmp_path / "a", SETUPS, [constant(1, 5.0, 0.5)])
    spoil(folder)

    with pytest.raises(AnalysisError, match=said):
        run(Options(results=(folder,), report=False))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"baseline": 9}, "--baseline is 9; .* has the setups 1, 2, 3 and 4"),
        ({"target": 90.0}, "--target is 90; allowed: a share"),
        ({"country": "Atlantis"}, "--country is Atlantis; known are"),
        ({"output": Path("x.md")}, "say which with --format"),
        ({"subtract_idle": True}, "Leave the option out"),
    ],
)
def test_an_option_that_cannot_be_is_refused(
    options: dict[str, object], said: str, tmp_path: Path
) -> None:
    """With what was got and what is allowed."""
    manifest = {"nodes": ()}
    folder = write_study(tmp_path / "a", SETUPS, [constant(1, 5.0, 0.5)], manifest=manifest)

    with pytest.raises(AnalysisError, match=said):
        run(Options(results=(folder,), report=False, **options))  # type: ignore[arg-type]


@pytest.mark.slow
def test_output_that_fails_does_not_lose_the_report(tmp_path: Path) -> None:
    """A terminal without UTF-8 whose reader is gone: the report is written, and nothing else said."""
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

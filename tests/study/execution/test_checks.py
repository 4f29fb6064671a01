"""Checks of options, folder and machine before Ray starts."""

import json
import re
import subprocess
import sys
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from study.data.celeba.options import CelebaOptions
from study.errors import OptionError, StorageError
from study.execution.checks import (
    MAY_CHANGE_ON_RESUME,
    check_folder,
    check_same_study,
    check_target,
    check_this_machine,
)
from study.machines.dashboard import missing_packages
from study.options import StudyOptions
from study.record.files import MANIFEST_FILE
from study.record.manifest import Manifest
from study.record.objective import ACCURACY, Objective
from study.record.vocabulary import Paradigm
from study.repeats.options import ComparisonOptions
from study.search.recurring.options import RecurringOptions
from study.store.folder import StudyFolder
from tests.study.record.test_manifest import MANIFEST

ROOT = Path(__file__).parents[3]


def folder_of(tmp_path: Path, *, begun: bool) -> StudyFolder:
    """The folder of study `a`, with or without a manifest."""
    folder = StudyFolder(str(tmp_path), "a")
    if begun:
        folder.write_text(MANIFEST_FILE, MANIFEST.to_json())
    return folder


def options_to_resume(tmp_path: Path) -> StudyOptions:
    """Options that resume study `a`."""
    return StudyOptions(results_dir=str(tmp_path), name="a", resume=True)


@pytest.mark.slow
def test_checks_need_no_ray() -> None:
    """No check imports Ray, so bad input is refused seconds sooner."""
    code = "import sys, study.execution.checks; print('ray' in sys.modules)"

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout == "False\n"


def test_a_study_begins_in_an_empty_folder(tmp_path: Path) -> None:
    """The check does not create the folder, as later checks may still refuse the study."""
    folder = folder_of(tmp_path, begun=False)

    earlier = check_folder(folder, StudyOptions(results_dir=str(tmp_path)), "a")

    assert earlier is None
    assert list(tmp_path.iterdir()) == []


def test_an_existing_study_can_be_resumed(tmp_path: Path) -> None:
    """With `--resume`, the check returns the manifest of the study in the folder."""
    folder = folder_of(tmp_path, begun=True)

    earlier = check_folder(folder, options_to_resume(tmp_path), "a")

    assert earlier == MANIFEST


def test_no_study_is_overwritten(tmp_path: Path) -> None:
    """A second study of the same name is refused; the message names both ways out."""
    folder = folder_of(tmp_path, begun=True)

    with pytest.raises(StorageError, match=r"/a holds a study .* another --name, or --resume"):
        check_folder(folder, StudyOptions(results_dir=str(tmp_path), name="a"), "a")


def test_only_an_existing_study_can_be_resumed(tmp_path: Path) -> None:
    """A mistyped name is refused, and no folder of that name is left behind."""
    folder = folder_of(tmp_path, begun=False)

    with pytest.raises(StorageError, match=f"--resume: there is no study a in {tmp_path}"):
        check_folder(folder, options_to_resume(tmp_path), "a")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """The message names the path of a file that is in the way."""
    (tmp_path / "a").write_text("")
    folder = StudyFolder(str(tmp_path), "a")

    with pytest.raises(StorageError, match="/a cannot be used"):
        folder.prepare()


def test_a_broken_manifest_is_refused(tmp_path: Path) -> None:
    """A study that cannot be read cannot be resumed."""
    folder = folder_of(tmp_path, begun=True)
    folder.write_text(MANIFEST_FILE, "{")

    with pytest.raises(StorageError, match=r"study\.json cannot be used"):
        check_folder(folder, options_to_resume(tmp_path), "a")


def manifest_of(options: StudyOptions, **changes: Any) -> Manifest:  # noqa: ANN401 - any field
    """The manifest of a study with these options."""
    return replace(MANIFEST, **{"options": asdict(options), **changes})


CHANGES: list[dict[str, Any]] = [
    {"batch_sizes": (8,)},
    {"learning_rates": (0.5,)},
    {"axis": ("precision=fp32,bf16",)},
    {"tie": ("learning_rate=sqrt(batch_size)",)},
    {"power_limits": ("auto",)},
    {"repeats": 3},
    {"seed": 1},
    {"max_epochs": 31},
    {"patience": 6},
    {"validate_every": 0.5},
    {"optimizer": "sgd"},
    {"precision": "bf16"},
    {"compile": True},
    {"accumulate": 2},
    {"clip_norm": 1.0},
    {"device": "cpu"},
    {"scenario": "a:b"},
    {"tracker": ("estimate",)},
    {"cpu_watts": 1.0},
    {"cpu_idle_watts": 1.0},
    {"calibration": Path("calibration.json")},
    {"sampling_hz": 1.0},
    {"target": 0.5},
    {"exclusive": True},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_two_studies_are_not_mixed(change: dict[str, Any]) -> None:
    """An option that changes results must stay; the message names it and the first command."""
    was = StudyOptions(name="a")
    (option,) = change
    earlier = Manifest.from_json(
        manifest_of(was, command=("study", "--results-dir", "my results")).to_json()
    )

    with pytest.raises(OptionError) as refused:
        check_same_study(earlier, manifest_of(replace(was, **change)))

    message = str(refused.value)
    assert f"--{option.replace('_', '-')} was " in message
    assert "Give the options of the first command (study --results-dir 'my results')" in message


def test_every_option_is_classified_as_changeable_or_not() -> None:
    """A new option must be added to `CHANGES` or to `MAY_CHANGE_ON_RESUME`."""
    must_stay = {next(iter(change)) for change in CHANGES}

    common = set(asdict(StudyOptions())) - {"scenario_options"}  # see the test of these below
    of_some_commands = (
        set(asdict(RecurringOptions(name="n", target=0.8))) | set(asdict(ComparisonOptions()))
    ) - common
    assert must_stay | (MAY_CHANGE_ON_RESUME - of_some_commands) | {"smoke"} == common


OPTIONS_OF_0_1: dict[str, Any] = {
    "scenario": "watch",
    "data_dir": None,
    "encoder": None,
    "weights": None,
    "image_size": None,
    "flip": False,
    "batch_sizes": [64, 256],
    "learning_rates": [0.1],
    "repeats": 1,
    "seed": 0,
    "max_epochs": 3,
    "patience": 5,
    "optimizer": "adam",
    "device": "auto",
    "target_accuracy": 0.8,
    "address": None,
    "gpus_per_trial": None,
    "cpus_per_trial": 1,
    "tracker": "auto",
    "cpu_watts": None,
    "cpu_idle_watts": None,
    "sampling_hz": 10.0,
    "exclusive": False,
    "mixed_devices": "use",
    "dashboard": False,
    "results_dir": "results",
    "name": "base",
    "resume": False,
    "retry_failed": False,
    "checkpoint_every_s": 30.0,
    "no_report": True,
    "smoke": False,
}
"""Options as version 0.1 wrote them."""


def manifest_of_0_1() -> Manifest:
    """The manifest of a study that version 0.1 began, as it is read now."""
    raw = json.loads(manifest_of(StudyOptions()).to_json())
    raw |= {"schema_version": 2, "options": OPTIONS_OF_0_1}
    return Manifest.from_json(json.dumps(raw))


def options_now(**changes: Any) -> StudyOptions:  # noqa: ANN401 - any option
    """The same options, as they are given today."""
    same = {"scenario": "watch", "batch_sizes": (64, 256), "learning_rates": (0.1,), "repeats": 1}
    return StudyOptions(**{**same, "max_epochs": 3, "target": 0.8, "name": "base", **changes})


def test_a_study_of_version_0_1_can_be_resumed() -> None:
    """Its options are compared by their present names; options that it lacks are ignored."""
    check_same_study(manifest_of_0_1(), manifest_of(options_now()))


def test_a_study_of_version_0_1_is_not_mixed_with_another() -> None:
    """An option that was renamed is compared under its present name."""
    with pytest.raises(OptionError, match=r"--target was 0.8 and is 0.9"):
        check_same_study(manifest_of_0_1(), manifest_of(options_now(target=0.9)))


def test_a_study_may_be_resumed_elsewhere() -> None:
    """Another cluster, other resources or a moved folder do not make another study."""
    was = StudyOptions(name="a", batch_sizes=(64, 256))
    is_now = replace(
        was, address="auto", resume=True, results_dir="moved", data_dir=Path("b"), gpus_per_trial=1
    )

    check_same_study(Manifest.from_json(manifest_of(was).to_json()), manifest_of(is_now))

    assert was != is_now


def test_the_number_of_workers_must_stay() -> None:
    """Either option may give it; energies with another number would not be comparable."""
    was = manifest_of(StudyOptions(gpus_per_trial=2))
    same, other = StudyOptions(workers_per_trial=2), StudyOptions()

    check_same_study(Manifest.from_json(was.to_json()), manifest_of(same))

    with pytest.raises(OptionError, match="a trial had 2 workers and has 1"):
        check_same_study(Manifest.from_json(was.to_json()), manifest_of(other))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"data": replace(MANIFEST.data, fingerprint="g")},
            "the data were 'exercises, Kraków' and differ now",
        ),
        ({"paradigm": Paradigm.SEARCH}, "the command was study.regime and is study.search"),
    ],
)
def test_other_data_or_another_command_is_another_study(
    changes: dict[str, Any], message: str
) -> None:
    """Options alone do not make a study the same."""
    options = StudyOptions(name="a")

    with pytest.raises(OptionError, match=re.escape(message)):
        check_same_study(manifest_of(options), manifest_of(options, **changes))


def test_this_machine_can_train_on_its_cpu() -> None:
    """The check returns the type of torch's device."""
    assert check_this_machine(StudyOptions(device="cpu", tracker=("estimate",))) == "cpu"


def test_the_dashboard_is_checked_before_the_start() -> None:
    """It is refused if and only if this machine lacks a package that it needs."""
    options = StudyOptions(device="cpu", tracker=("estimate",), dashboard=True)

    with pytest.raises(OptionError, match="--dashboard") if missing_packages() else nullcontext():
        check_this_machine(options)


def test_a_missing_recording_is_refused(tmp_path: Path) -> None:
    """The message has the option, the path, and the command that lists power sources."""
    tracker = str(tmp_path / "watts.csv")

    with pytest.raises(OptionError, match=r"--tracker .*watts\.csv.*python -m trackers"):
        check_this_machine(StudyOptions(device="cpu", tracker=(tracker,)))


def test_a_cluster_may_have_what_this_machine_lacks(tmp_path: Path) -> None:
    """With `--address` trials run elsewhere, so the sensors of this machine are not checked."""
    tracker = str(tmp_path / "watts.csv")

    device = check_this_machine(StudyOptions(address="auto", device="cuda", tracker=(tracker,)))

    assert device in {"cpu", "cuda", "mps"}


def test_options_of_the_scenario_may_not_change() -> None:
    """They change results too; the message names them as they are typed."""
    was = StudyOptions(name="a", scenario="celeba", scenario_options=CelebaOptions())
    now = replace(was, scenario_options=CelebaOptions(encoder="resnet34"))
    earlier = Manifest.from_json(manifest_of(was).to_json())

    with pytest.raises(OptionError, match="--encoder was resnet18 and is resnet34"):
        check_same_study(earlier, manifest_of(now))


@pytest.mark.parametrize("target", [0.0, 90.0, -1.0])
def test_a_target_that_a_share_cannot_reach_is_refused(target: float) -> None:
    """Ninety per cent is given as 0.9; for other objectives any number is allowed."""
    check_target(target, Objective("rmse", mode="min"))
    check_target(0.9, ACCURACY)

    with pytest.raises(OptionError, match="the objective accuracy is a share"):
        check_target(target, ACCURACY)


@pytest.mark.parametrize("address", [None, "auto"])
def test_a_calibration_that_cannot_be_read_is_refused(tmp_path: Path, address: str | None) -> None:
    """The file is read on this machine, so it is checked with `--address` too."""
    options = StudyOptions(device="cpu", address=address, calibration=tmp_path / "gone.json")

    with pytest.raises(OptionError, match=r"--calibration: .*gone\.json is not a calibration"):
        check_this_machine(options)


@pytest.mark.parametrize("chosen", [{"precision": "tf32"}, {"axis": ("precision=fp32,tf32",)}])
def test_tf32_is_refused_on_a_cpu(chosen: dict[str, Any]) -> None:
    """It would be fp32 under another name; with `--address`, the trials' machines may have it."""
    options = StudyOptions(device="cpu", tracker=("estimate",), **chosen)

    with pytest.raises(OptionError, match=r"--precision is tf32, .* trials train on cpu"):
        check_this_machine(options)

    check_this_machine(replace(options, address="auto"))

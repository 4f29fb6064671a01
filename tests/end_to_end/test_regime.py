"""`python -m study.regime`, from the command line to the study's folder."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest

from study.execution.live.tensorboard_tags import SIDE_BY_SIDE
from study.record.manifest import Manifest
from study.regime import main
from tests.end_to_end.conftest import ROOT, CommandResult, run_regime
from tests.fake_nvml import UUIDS, Boards, build
from tests.tensorboard_server import served
from tests.waiting import waited_for

pytestmark = pytest.mark.ray

BOARDS = Boards(boards=2, low_w=240.0)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> CommandResult:
    """The smoke study, without other options, on a machine with two emulated boards."""
    folder = tmp_path_factory.mktemp("smoke")
    return run_regime(folder, "--smoke", env=BOARDS.environment(build(folder / "lib")))


def table(path: Path) -> Any:  # noqa: ANN401 - its columns are known at run time
    """A table of the study folder."""
    return pd.read_parquet(path)


def test_the_smoke_study_leaves_what_it_should(smoke: CommandResult) -> None:
    """`--smoke` needs no data and leaves all files, an energy for each epoch, and a report."""
    epochs = table(smoke.folder / "epochs.parquet")
    trials = table(smoke.folder / "trials.parquet")
    manifest = Manifest.from_json((smoke.folder / "study.json").read_text())

    assert smoke.status == 0, smoke.err
    assert len(trials) >= 4
    assert set(trials["status"]) == {"finished"}
    assert (epochs["epoch_energy_j"] > 0).all()
    assert set(epochs["energy_method"]) <= {"counter", "sampled", "estimated"}
    assert set(epochs["energy_status"]) <= {"ok", "degraded"}
    assert len(pd.read_csv(smoke.folder / "trials.csv")) == len(trials)
    assert (table(smoke.folder / "power.parquet")["power_w"] >= 0).all()
    assert (smoke.folder / "report" / "index.html").is_file()
    assert manifest.status == "finished"
    assert manifest.nodes


def test_the_smoke_study_says_that_its_data_are_synthetic(smoke: CommandResult) -> None:
    """Output and report both say that the data are synthetic."""
    report = (smoke.folder / "report" / "index.html").read_text()

    assert "synthetic" in smoke.out
    assert "data: synthetic" in report


def test_ray_gives_no_advice(smoke: CommandResult) -> None:
    """Ray does not advise users to turn off the token authentication of their local cluster."""
    assert "RAY_AUTH_MODE" not in smoke.out + smoke.err


def test_energies_of_a_trial_add_up(smoke: CommandResult) -> None:
    """Set-up, epochs, test and the time between them add up to the window of the whole attempt."""
    windows = table(smoke.folder / "windows.parquet")
    trials = table(smoke.folder / "trials.parquet").set_index("trial_id")
    whole = windows[(windows["stage"] == "trial") & (windows["component"] == "gpu")]
    whole_j = whole.groupby("trial_id")["energy_j"].sum()

    parts_j = trials["energy_j"] + trials["setup_energy_j"] + trials["between_energy_j"]
    parts_j += trials["test_energy_j"].fillna(0.0)

    pd.testing.assert_series_equal(
        parts_j.sort_index(), whole_j.sort_index(), check_names=False, rtol=0.01
    )


def test_tensorboard_serves_the_study(smoke: CommandResult, tmp_path: Path) -> None:
    """Each trial is one run, nothing else is; curves have descriptions, and setups appear as hyperparameters."""
    with served(smoke.folder, tmp_path / "output") as ask:

        def read() -> tuple[dict[str, Any], set[str]] | None:
            tags = ask("scalars/tags")
            experiment = ask("hparams/experiment", {"experimentName": ""})
            parameters = {each["name"] for each in experiment["hparamInfos"]}
            return (tags, parameters) if len(tags) >= 4 and parameters else None

        tags, parameters = waited_for(read, "all runs and their parameters")
        layout = waited_for(lambda: ask("custom_scalars/layout"), "a layout")
        side = [chart["multiline"]["tag"][0] for chart in layout["category"][0]["chart"]]
        run = next(iter(tags))
        curves = [ask(f"custom_scalars/scalars?run={run}&tag={quote(tag)}") for tag in side]

    assert all(run.startswith("setup") for run in tags)
    assert len(tags) == 4
    for scalars in tags.values():
        assert {tag.strip("^$") for tag in side} <= set(scalars)
        assert all(each["description"] for each in scalars.values())
        assert not {"attempt", "batch_size", "done", "coverage"} & {
            t.split("/")[-1] for t in scalars
        }
    assert {"batch_size", "learning_rate"} <= parameters
    assert layout["category"][0]["title"] == SIDE_BY_SIDE
    assert all(curve["tag_to_events"] for curve in curves)
    assert f"tensorboard --logdir {smoke.folder}" in smoke.out
    assert "#custom_scalars" in smoke.out


def test_energies_of_emulated_boards_are_right(smoke: CommandResult) -> None:
    """Through the real pynvml, each trial's energy is within 2 % of its own board's known curve."""
    epochs = table(smoke.folder / "epochs.parquet")
    windows = table(smoke.folder / "windows.parquet")
    windows = windows[windows["device_uuid"].isin(UUIDS)].copy()  # without the CPU's share
    windows["known_j"] = [
        BOARDS.energy_j(UUIDS.index(row.device_uuid), row.start_s, row.start_s + row.duration_s)
        for row in windows.itertuples()
    ]
    whole = windows[windows["stage"] == "trial"]
    assert set(epochs["energy_method"]) == {"counter"}
    assert set(epochs["device_uuid"]) == set(UUIDS[:2])
    assert len(epochs[["trial_id", "device_uuid"]].drop_duplicates()) == len(whole)
    assert ((whole["energy_j"] / whole["known_j"] - 1).abs() < 0.02).all()
    assert "this torch cannot use CUDA" in smoke.out


def in_this_process(*options: str) -> object:
    """Run the command in this process; return its exit status or that of its option parser."""
    try:
        return main(options)
    except SystemExit as error:
        return error.code


def test_resuming_another_study_is_refused(
    smoke: CommandResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """The error names an option that differs from the study's, with both values."""
    place = ("--results-dir", str(smoke.folder.parent), "--name", "a")

    status = in_this_process("--smoke", "--resume", "--max-epochs", "2", *place)

    assert status == 2
    assert "--max-epochs was 3 and is 2" in capsys.readouterr().err


def test_a_study_is_not_overwritten(
    smoke: CommandResult, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name of an existing study is refused, with a hint at `--resume`."""
    place = ("--results-dir", str(smoke.folder.parent), "--name", "a")

    status = in_this_process("--smoke", *place)

    assert status == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--data-dir", "/nowhere/at/all"), "/nowhere/at/all"),
        (("--batch-sizes", "0"), "--batch-sizes is 0; allowed:"),
        (("--learning-rates", "-1"), "--learning-rates is -1.0; allowed:"),
        (("--no-such-option", "1"), "no-such-option"),
        (("--batch-sizes", "many"), "many"),
        (("--tracker", "nvml"), "--tracker nvml"),
        (("--tracker", "gone.csv"), "gone.csv"),
        (("--tracker", "wishful"), "--tracker is wishful; allowed:"),
        (("--device", "cuda"), "--device cuda"),
        (("--scenario", "no.such.module:Thing"), "no.such.module"),
        (("--scenario", "imagenet"), "allowed: celeba, pamap2"),
        (("--name", "../outside"), "--name is"),
        (("--results-dir", "/proc/nowhere"), "/proc/nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_paragraph_and_starts_no_ray(
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    ray_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A wrong option, file or folder gives exit status 2 and one paragraph that says what is wrong."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAY_TMPDIR", str(ray_folder))
    monkeypatch.setenv("COLUMNS", "200")

    status = in_this_process("--results-dir", str(tmp_path), *options)

    err = capsys.readouterr().err
    assert status == 2
    assert message in err
    assert "Traceback" not in err
    assert "\n\n" not in err.strip()
    assert not ray_folder.exists()


def test_the_commands_exit_status_is_that_of_bad_input(tmp_path: Path, ray_folder: Path) -> None:
    """A real process prints the same paragraph, exits with status 2 and starts no Ray."""
    result = run_regime(tmp_path, "--batch-sizes", "0", env={"RAY_TMPDIR": str(ray_folder)})

    assert result.status == 2
    assert "--batch-sizes is 0; allowed:" in result.err
    assert "Traceback" not in result.err
    assert not ray_folder.exists()

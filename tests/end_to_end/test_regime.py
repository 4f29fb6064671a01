"""`python -m study.regime` from the command line to the folder it leaves."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from study.manifest import Manifest
from tests.end_to_end.conftest import ROOT, Ran, command, run_regime
from tests.fake_nvml import UUIDS, Boards, build

pytestmark = pytest.mark.ray

TINY = ("--scenario", "tests.end_to_end.scenarios:Tiny")


def table(path: Path) -> Any:  # noqa: ANN401 - its columns are known at run time
    """A table of the study folder."""
    return pd.read_parquet(path)


def test_the_smoke_study_leaves_what_it_should(smoke: Ran) -> None:
    """One command without data: all files, a measured energy on each row, and a report."""
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


def test_the_smoke_study_says_that_its_data_are_synthetic(smoke: Ran) -> None:
    """Nobody takes a result of generated data for one of people."""
    report = (smoke.folder / "report" / "index.html").read_text()

    assert "synthetic" in smoke.out
    assert "data: synthetic" in report


def test_energies_of_a_trial_add_up(smoke: Ran) -> None:
    """Set-up, epochs and what lies between are the whole attempt's window."""
    windows = table(smoke.folder / "windows.parquet")
    trials = table(smoke.folder / "trials.parquet").set_index("trial_id")
    whole_j = windows[windows["stage"] == "trial"].set_index("trial_id")["energy_j"]

    parts_j = trials["energy_j"] + trials["setup_energy_j"] + trials["between_energy_j"]

    pd.testing.assert_series_equal(
        parts_j.sort_index(), whole_j.sort_index(), check_names=False, rtol=0.01
    )


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def asked(url: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
    """The answer of a server that may still be starting."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})  # noqa: S310
    for _ in range(120):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - loopback
                return json.loads(answer.read())
        except OSError:
            time.sleep(0.5)
    message = f"no answer from {url}"
    raise TimeoutError(message)


def test_tensorboard_serves_the_study(smoke: Ran) -> None:
    """Each trial is a run with accuracy and energy; the setup is in its hyper-parameters."""
    port = free_port()
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "tensorboard.main", "--logdir", str(smoke.folder)),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        base = f"http://127.0.0.1:{port}/data/plugin"
        deadline_s = time.monotonic() + 60
        tags: dict[str, Any] = {}
        parameters: set[str] = set()
        layout: dict[str, Any] = {}
        while (len(tags) < 4 or not parameters) and time.monotonic() < deadline_s:
            tags = asked(f"{base}/scalars/tags")
            experiment = asked(f"{base}/hparams/experiment", {"experimentName": ""})
            parameters = {each["name"] for each in experiment["hparamInfos"]}
            layout = asked(f"{base}/custom_scalars/layout")
            time.sleep(0.5)
    finally:
        server.terminate()
        server.wait(timeout=20)

    assert len(tags) == 4
    for scalars in tags.values():
        assert {"ray/tune/val_accuracy", "ray/tune/epoch_energy_mwh", "ray/tune/energy_wh"} <= set(
            scalars
        )
    assert {"batch_size", "learning_rate"} <= parameters
    assert layout["category"][0]["title"] == "Side by side"


def test_energies_of_emulated_boards_are_right(tmp_path: Path) -> None:
    """Through the real pynvml, one board for each trial, within 2 % of the known curve."""
    boards = Boards(boards=2, low_w=240.0)
    env = boards.environment(build(tmp_path / "lib"))

    ran = run_regime(tmp_path, "--smoke", env=env)

    epochs = table(ran.folder / "epochs.parquet")
    windows = table(ran.folder / "windows.parquet")
    windows["known_j"] = [
        boards.energy_j(UUIDS.index(row.device_uuid), row.start_s, row.start_s + row.duration_s)
        for row in windows.itertuples()
    ]
    whole = windows[windows["stage"] == "trial"]
    assert ran.status == 0, ran.err
    assert set(epochs["energy_method"]) == {"counter"}
    assert set(epochs["device_uuid"]) == set(UUIDS[:2])
    assert len(epochs[["trial_id", "device_uuid"]].drop_duplicates()) == len(whole)
    assert ((whole["energy_j"] / whole["known_j"] - 1).abs() < 0.02).all()
    assert "this torch cannot use CUDA" in ran.out


def test_troubles_of_a_trial_are_results(tmp_path: Path) -> None:
    """No memory and a loss that is not finite are results; a bug fails its trial alone."""
    ran = run_regime(
        tmp_path,
        *("--scenario", "tests.end_to_end.scenarios:Troubled", "--repeats", "1"),
        *("--batch-sizes", "32", "128", "256", "512", "--learning-rates", "0.01"),
        *("--max-epochs", "2"),
    )

    trials = table(ran.folder / "trials.parquet").set_index("batch_size")
    assert ran.status == 1
    assert dict(trials["stop_reason"]) == {
        32: "out_of_memory",
        128: "error",
        256: "diverged",
        512: "max_epochs",
    }
    assert dict(trials["status"] == "failed") == {32: False, 128: True, 256: False, 512: False}
    assert trials.loc[128, "error"] == "ZeroDivisionError: a bug in the user's own loss"
    assert trials.loc[256, "energy_j"] > 0
    assert "a bug in the user's own loss" in ran.out


def test_resuming_another_study_is_refused(smoke: Ran) -> None:
    """Options that would mix two studies are named with both values."""
    ran = run_regime(smoke.folder.parent, "--smoke", "--resume", "--max-epochs", "2")

    assert ran.status == 2
    assert "--max-epochs was 3 and is 2" in ran.err


def test_a_study_is_not_overwritten(smoke: Ran) -> None:
    """The name of a study that is there is refused."""
    ran = run_regime(smoke.folder.parent, "--smoke")

    assert ran.status == 2
    assert "--resume" in ran.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--data-dir", "/nowhere/at/all"), "/nowhere/at/all"),
        (("--batch-sizes", "0"), "--batch-sizes is 0; allowed is"),
        (("--learning-rates", "-1"), "--learning-rates is -1.0; allowed is"),
        (("--no-such-option", "1"), "no-such-option"),
        (("--batch-sizes", "many"), "many"),
        (("--tracker", "nvml"), "--tracker nvml"),
        (("--tracker", "gone.csv"), "gone.csv"),
        (("--tracker", "wishful"), "--tracker is wishful; allowed is"),
        (("--device", "cuda"), "--device cuda"),
        (("--scenario", "no.such.module:Thing"), "no.such.module"),
        (("--scenario", "imagenet"), "allowed are celeba, pamap2"),
        (("--name", "../outside"), "--name is"),
        (("--results-dir", "/proc/nowhere"), "/proc/nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_is_one_paragraph_and_starts_no_ray(
    options: tuple[str, ...], said: str, tmp_path: Path, ray_folder: Path
) -> None:
    """A wrong option, file or folder: what is wrong, status 2, and nothing was started."""
    done = subprocess.run(
        command("--results-dir", str(tmp_path), *options),
        cwd=ROOT,
        env={**os.environ, "RAY_TMPDIR": str(ray_folder), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert "\n\n" not in done.stderr.strip()
    assert not ray_folder.exists()


def test_the_sign_that_ray_was_started_is_a_sign(tmp_path: Path, ray_folder: Path) -> None:
    """The test above can fail: a study that does start Ray leaves that folder."""
    run_regime(
        tmp_path,
        *TINY,
        *("--repeats", "1", "--batch-sizes", "512", "--learning-rates", "0.1"),
        *("--max-epochs", "1"),
        env={"RAY_TMPDIR": str(ray_folder)},
    )

    assert ray_folder.exists()

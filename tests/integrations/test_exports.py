"""A study that hands its energies to MLflow, W&B, Prometheus and OpenTelemetry at once, the real things."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from tests.end_to_end.conftest import ROOT, command
from tests.end_to_end.held import Gate
from tests.fake_nvml import UUIDS, Boards, build
from tests.trackers.exports.receivers import (
    OtlpReceiver,
    mlflow_energies,
    mlflow_runs,
    mlflow_server,
    otlp_receiver,
    scraped,
    wandb_energies,
)
from tests.waiting import PATIENCE_S, waited_for

pytestmark = [pytest.mark.ray, pytest.mark.integrations]

BOARDS = Boards(boards=2, low_w=240.0)
OPTIONS = (
    *("--scenario", "tests.end_to_end.held:Held", "--repeats", "1", "--batch-sizes", "128"),
    *("--learning-rates", "0.1", "0.01", "--max-epochs", "4", "--patience", "4"),
    *("--checkpoint-every-s", "inf", "--name", "a"),
)
HELD_AFTER = 2
GUARD = """
import os, socket, sys
def note(event, arguments):
    if event == "socket.connect":
        asks = arguments[0]
        if asks.type != socket.SOCK_STREAM or asks.family not in (socket.AF_INET, socket.AF_INET6):
            return
        told = arguments[1]
    elif event == "socket.getaddrinfo":
        told = arguments[0]
    else:
        return
    with open(os.environ["GUARD_FILE"], "a") as file:
        file.write(f"{told[0] if isinstance(told, tuple) else told} {sys.argv[:1]}\\n")
sys.addaudithook(note)
"""
"""Notes where every Python process of a study connects to, and whose address it asks for."""

HERE = re.compile(r"(127\.|::1 |localhost|0\.0\.0\.0|None )")
CLOUD = re.compile(r"(169\.254\.169\.254|metadata\.google\.internal) .*ray/dashboard/dashboard\.py")
"""Ray 2.60 asks whether its machine is one of a cloud's, also where its statistics are off; what it
hears stays with it. See SECURITY.md."""


@dataclass(frozen=True, kw_only=True)
class Handed:
    """What a study has left elsewhere that was told to stop after two epochs, and was resumed.

    Attributes:
        folder: Of the study.
        epochs: Its rows.
        live: What was scraped while two trainings waited.
        uri: The MLflow server.
        otlp: The collector.
        contacted: Where its processes connected to, a line each.
        said: What the two commands said.
    """

    folder: Path
    epochs: Any
    live: dict[tuple[str, tuple[tuple[str, str], ...]], float]
    uri: str
    otlp: OtlpReceiver
    contacted: list[str]
    said: str


@pytest.fixture(scope="module")
def handed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Handed]:
    """The study."""
    results = tmp_path_factory.mktemp("exports")
    gate = Gate(results / "gate")
    gate.hold(after=HELD_AFTER)
    (results / "sitecustomize.py").write_text(GUARD)
    with mlflow_server(results) as uri, otlp_receiver() as otlp:
        environment = {
            **BOARDS.environment(build(results / "lib")),
            **gate.environment,
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url,
            "WANDB_MODE": "offline",
            "GUARD_FILE": str(results / "contacted"),
            "PYTHONPATH": str(results),
        }
        for name in ("PYTEST_CURRENT_TEST", "CI"):  # MLflow's telemetry is off where it sees them
            environment.pop(name, None)
        logs = [
            *("--log", f"mlflow={uri}", "--log", "wandb"),
            *("--log", "prometheus=0", "--log", "otel"),
        ]
        typed = command(*OPTIONS, *logs, "--results-dir", str(results))
        with (results / "said").open("w") as said:
            first = subprocess.Popen(
                [*typed, "--no-report"],
                cwd=ROOT,
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
            )
            try:
                live = waited_for(lambda: held(results / "said", first), "two epochs of two trials")
                first.send_signal(signal.SIGTERM)
                first.wait(PATIENCE_S)
            finally:
                first.kill()
            gate.open()
            subprocess.run(
                [*typed, "--resume"],
                cwd=ROOT,
                env=environment,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=2 * PATIENCE_S,
            )
        yield Handed(
            folder=results / "a",
            epochs=pd.read_parquet(results / "a" / "epochs.parquet"),
            live=live,
            uri=uri,
            otlp=otlp,
            contacted=(results / "contacted").read_text().splitlines(),
            said=(results / "said").read_text(),
        )


def held(said: Path, process: subprocess.Popen[bytes]) -> Any:  # noqa: ANN401
    """A scrape in which two trials have two epochs and draw power; None as long as there is none."""
    text = said.read_text()
    assert process.poll() is None, text
    found = re.search(r"--log prometheus: (\S+)", text)
    if found is None:
        return None
    told = scraped(found[1])
    epochs = [
        value for (name, _), value in told.items() if name == "power_of_training_epochs_total"
    ]
    powers = [
        labels
        for (name, labels), _ in told.items()
        if name == "power_of_training_device_power_watts" and dict(labels)["component"] == "gpu"
    ]
    running = {dict(labels)["trial"] for labels in powers} - {""}
    return told if epochs == [HELD_AFTER, HELD_AFTER] and len(running) == 2 else None


def by_trial(epochs: Any) -> dict[str, list[float]]:  # noqa: ANN401 - a data frame
    """Energies of a study's epochs, all attempts, in order of size."""
    return {str(name): sorted(rows["epoch_energy_j"]) for name, rows in epochs.groupby("trial_id")}


def test_mlflow_has_the_energies_of_the_study(handed: Handed) -> None:
    """The same joules as epochs.parquet, epoch by epoch, interrupted attempts included."""
    told = {name: sorted(each) for name, each in mlflow_energies(handed.uri).items()}

    assert told == by_trial(handed.epochs)
    assert len(handed.epochs) > 2 * HELD_AFTER


def test_mlflow_has_one_run_for_each_whatever_happened(handed: Handed) -> None:
    """One for the study and one for each trial, after an interruption and a resume, all finished."""
    runs = {run.info.run_name: run for run in mlflow_runs(handed.uri)}

    assert len(mlflow_runs(handed.uri)) == len(runs) == 3
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert runs["a"].data.tags["paradigm"] == "regime"
    assert runs["setup02-seed0"].data.params["learning_rate"] == "0.01"


def test_mlflow_keeps_the_report(handed: Handed) -> None:
    """The report's page is an artefact of the study's run, as it is."""
    from mlflow import MlflowClient  # noqa: PLC0415 - collected where it is not installed

    client = MlflowClient(tracking_uri=handed.uri)
    (run,) = (each for each in mlflow_runs(handed.uri) if each.info.run_name == "a")

    page = Path(client.download_artifacts(run.info.run_id, "report/index.html"))

    assert page.read_bytes() == (handed.folder / "report" / "index.html").read_bytes()


def test_wandb_has_the_energies_of_the_study(handed: Handed) -> None:
    """Offline runs hold the joules of epochs.parquet."""

    def told() -> dict[str, list[float]]:
        return {name: sorted(each) for name, each in wandb_energies(handed.folder).items()}

    # A process of W&B's own writes them.
    waited_for(lambda: len(told()) == handed.epochs["trial_id"].nunique(), "a run for each trial")
    assert told() == by_trial(handed.epochs)


def test_a_scrape_has_the_energies_of_the_epochs_so_far(handed: Handed) -> None:
    """A counter of each trial is the sum of its rows in epochs.parquet."""
    first = handed.epochs[(handed.epochs["attempt"] == 1) & (handed.epochs["epoch"] <= HELD_AFTER)]

    told = {
        dict(labels)["trial"]: value
        for (name, labels), value in handed.live.items()
        if name == "power_of_training_epoch_energy_joules_total"
    }
    assert told == pytest.approx(first.groupby("trial_id")["epoch_energy_j"].sum().to_dict())


def test_a_scrape_has_the_boards_with_their_trials_and_states(handed: Handed) -> None:
    """Each board draws what it draws, for the trial that it trains; its temperature is told."""
    of_boards = {
        (name, dict(labels)["device"], dict(labels).get("trial", "")): value
        for (name, labels), value in handed.live.items()
        if dict(labels).get("component") == "gpu"
    }

    powers = {
        device: value
        for (name, device, trial), value in of_boards.items()
        if name == "power_of_training_device_power_watts" and trial
    }
    assert set(powers) == set(UUIDS[:2])
    assert all(200 < power_w < 800 for power_w in powers.values())
    assert ("power_of_training_temperature_celsius", UUIDS[0], "") in of_boards


def test_a_collector_has_the_energies_of_all_epochs(handed: Handed) -> None:
    """By OTLP, summed up over the resume."""
    told = {
        str(dict(labels)["trial"]): value
        for (name, labels), value in handed.otlp.points.items()
        if name == "study.epoch.energy"
    }

    expected = handed.epochs.groupby("trial_id")["epoch_energy_j"].sum().to_dict()
    assert told == pytest.approx(expected)


def test_nobody_phones_home(handed: Handed) -> None:
    """No process of the study, its exporters or its report connects to anything but this machine."""
    own = set(addresses_of_this_machine())

    elsewhere = [
        line
        for line in handed.contacted
        if not HERE.match(line)
        and not CLOUD.match(line)
        and line.split(" ", maxsplit=1)[0] not in own
    ]

    assert elsewhere == []
    assert handed.contacted, "the guard saw nothing"


def addresses_of_this_machine() -> Iterator[str]:
    """Names and addresses of this machine."""
    yield socket.gethostname()
    yield from {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None)}
    for each in psutil.net_if_addrs().values():
        yield from (address.address for address in each)


def test_what_is_said_of_exporters_is_a_line_each(handed: Handed) -> None:
    """Each says where it is; none complains, and none writes over the study's lines."""
    lines = [line for line in handed.said.splitlines() if line.startswith("--log ")]

    assert len(lines) == 8, handed.said
    assert "Traceback" not in handed.said
    assert "View run" not in handed.said

"""A study that exports its energies to real MLflow, W&B, Prometheus and OpenTelemetry at once."""

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
        own = arguments[0]
        if own.type != socket.SOCK_STREAM or own.family not in (socket.AF_INET, socket.AF_INET6):
            return
        address = arguments[1]
    elif event == "socket.getaddrinfo":
        address = arguments[0]
    else:
        return
    with open(os.environ["GUARD_FILE"], "a") as file:
        file.write(f"{address[0] if isinstance(address, tuple) else address} {sys.argv[:1]}\\n")
sys.addaudithook(note)
"""
"""Audit hook that logs each address that a Python process of a study connects to, and each name it resolves."""

HERE = re.compile(r"(127\.|::1 |localhost|0\.0\.0\.0|None )")
CLOUD = re.compile(r"(169\.254\.169\.254|metadata\.google\.internal) .*ray/dashboard/dashboard\.py")
"""Ray 2.60 asks cloud metadata services whether its machine is in their cloud, even with its usage
statistics off; it does not send the answer anywhere. See SECURITY.md."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """Exports of a study that was stopped after two epochs and then resumed.

    Attributes:
        folder: Folder of the study.
        epochs: Rows of its epochs.
        live: Values that were scraped while two trainings waited.
        uri: The MLflow server.
        otlp: The OpenTelemetry collector.
        contacted: Addresses that its processes connected to, a line each.
        output: Output of the two commands.
    """

    folder: Path
    epochs: Any
    live: dict[tuple[str, tuple[tuple[str, str], ...]], float]
    uri: str
    otlp: OtlpReceiver
    contacted: list[str]
    output: str


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    """Run the study with all exporters: stop it after two epochs, and resume it."""
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
        for name in ("PYTEST_CURRENT_TEST", "CI"):  # either would turn MLflow's telemetry off
            environment.pop(name, None)
        logs = [
            *("--log", f"mlflow={uri}", "--log", "wandb"),
            *("--log", "prometheus=0", "--log", "otel"),
        ]
        study = command(*OPTIONS, *logs, "--results-dir", str(results))
        with (results / "output").open("w") as output:
            first = subprocess.Popen(
                [*study, "--no-report"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                live = waited_for(
                    lambda: scrape_of_two_trials(results / "output", first),
                    "two epochs of two trials",
                )
                first.send_signal(signal.SIGTERM)
                first.wait(PATIENCE_S)
            finally:
                first.kill()
            gate.open()
            subprocess.run(
                [*study, "--resume"],
                cwd=ROOT,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
                timeout=2 * PATIENCE_S,
            )
        yield Exported(
            folder=results / "a",
            epochs=pd.read_parquet(results / "a" / "epochs.parquet"),
            live=live,
            uri=uri,
            otlp=otlp,
            contacted=(results / "contacted").read_text().splitlines(),
            output=(results / "output").read_text(),
        )


def scrape_of_two_trials(output: Path, process: subprocess.Popen[bytes]) -> Any:  # noqa: ANN401
    """Scrape the running study; return None until two trials have two epochs each and draw power."""
    text = output.read_text()
    assert process.poll() is None, text
    found = re.search(r"--log prometheus: (\S+)", text)
    if found is None:
        return None
    values = scraped(found[1])
    epochs = [
        value for (name, _), value in values.items() if name == "power_of_training_epochs_total"
    ]
    powers = [
        labels
        for (name, labels), _ in values.items()
        if name == "power_of_training_device_power_watts" and dict(labels)["component"] == "gpu"
    ]
    running = {dict(labels)["trial"] for labels in powers} - {""}
    return values if epochs == [HELD_AFTER, HELD_AFTER] and len(running) == 2 else None


def by_trial(epochs: Any) -> dict[str, list[float]]:  # noqa: ANN401 - a data frame
    """Energies of each trial's epochs, all attempts included, sorted by size."""
    return {str(name): sorted(rows["epoch_energy_j"]) for name, rows in epochs.groupby("trial_id")}


def test_mlflow_has_the_energies_of_the_study(exported: Exported) -> None:
    """MLflow's energies equal those of epochs.parquet, epoch by epoch, interrupted attempts included."""
    energies_j = {name: sorted(each) for name, each in mlflow_energies(exported.uri).items()}

    assert energies_j == by_trial(exported.epochs)
    assert len(exported.epochs) > 2 * HELD_AFTER


def test_mlflow_has_one_run_for_each_whatever_happened(exported: Exported) -> None:
    """The interrupted and resumed study has one run, and so has each trial; all are finished."""
    runs = {run.info.run_name: run for run in mlflow_runs(exported.uri)}

    assert len(mlflow_runs(exported.uri)) == len(runs) == 3
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert runs["a"].data.tags["paradigm"] == "regime"
    assert runs["setup02-seed0"].data.params["learning_rate"] == "0.01"


def test_mlflow_keeps_the_report(exported: Exported) -> None:
    """The report's page is an artifact of the study's run, byte by byte."""
    from mlflow import MlflowClient  # noqa: PLC0415 - the file is collected without MLflow too

    client = MlflowClient(tracking_uri=exported.uri)
    (run,) = (each for each in mlflow_runs(exported.uri) if each.info.run_name == "a")

    page = Path(client.download_artifacts(run.info.run_id, "report/index.html"))

    assert page.read_bytes() == (exported.folder / "report" / "index.html").read_bytes()


def test_wandb_has_the_energies_of_the_study(exported: Exported) -> None:
    """W&B's offline runs have the energies of epochs.parquet."""

    def energies_j() -> dict[str, list[float]]:
        return {name: sorted(each) for name, each in wandb_energies(exported.folder).items()}

    # A process of W&B's writes the runs, so they may come late.
    trials = exported.epochs["trial_id"].nunique()
    waited_for(lambda: len(energies_j()) == trials, "a run for each trial")
    assert energies_j() == by_trial(exported.epochs)


def test_a_scrape_has_the_energies_of_the_epochs_so_far(exported: Exported) -> None:
    """Each trial's energy counter equals the sum of its rows in epochs.parquet."""
    first = exported.epochs[
        (exported.epochs["attempt"] == 1) & (exported.epochs["epoch"] <= HELD_AFTER)
    ]

    counters_j = {
        dict(labels)["trial"]: value
        for (name, labels), value in exported.live.items()
        if name == "power_of_training_epoch_energy_joules_total"
    }
    expected_j = first.groupby("trial_id")["epoch_energy_j"].sum().to_dict()
    assert counters_j == pytest.approx(expected_j)


def test_a_scrape_has_the_boards_with_their_trials_and_states(exported: Exported) -> None:
    """Each board's power is labelled with the trial that it trains; its temperature is exported too."""
    of_boards = {
        (name, dict(labels)["device"], dict(labels).get("trial", "")): value
        for (name, labels), value in exported.live.items()
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


def test_a_collector_has_the_energies_of_all_epochs(exported: Exported) -> None:
    """The OTLP collector has each trial's energy, summed over the interruption."""
    collected_j = {
        str(dict(labels)["trial"]): value
        for (name, labels), value in exported.otlp.points.items()
        if name == "study.epoch.energy"
    }

    expected = exported.epochs.groupby("trial_id")["epoch_energy_j"].sum().to_dict()
    assert collected_j == pytest.approx(expected)


def test_nobody_phones_home(exported: Exported) -> None:
    """No process of the study, its exporters or its report contacts another machine, apart from `CLOUD`."""
    own = set(addresses_of_this_machine())

    elsewhere = [
        line
        for line in exported.contacted
        if not HERE.match(line)
        and not CLOUD.match(line)
        and line.split(" ", maxsplit=1)[0] not in own
    ]

    assert elsewhere == []
    assert exported.contacted, "the guard saw nothing"


def addresses_of_this_machine() -> Iterator[str]:
    """Names and addresses of this machine."""
    yield socket.gethostname()
    yield from {str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None)}
    for each in psutil.net_if_addrs().values():
        yield from (address.address for address in each)


def test_what_is_said_of_exporters_is_a_line_each(exported: Exported) -> None:
    """Each exporter prints one line per command with its destination, and nothing else."""
    lines = [line for line in exported.output.splitlines() if line.startswith("--log ")]

    assert len(lines) == 8, exported.output
    assert "Traceback" not in exported.output
    assert "View run" not in exported.output

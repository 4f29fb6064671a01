"""Real receivers of exported values, on loopback, and functions that read what they received."""

import http.server
import os
import socket
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

LOOPBACK = "127.0.0.1"
Energies = Mapping[str, list[float]]
"""Energies of the epochs of each trial, in joules."""


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """An MLflow server as `mlflow server` starts it, on a port bound in advance so that none can take it."""
    with socket.socket() as listening:
        listening.bind((LOOPBACK, 0))
        listening.listen()
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "mlflow.server.fastapi_app:app"),
                *("--fd", str(listening.fileno()), "--log-level", "warning"),
            ],
            cwd=folder,
            pass_fds=[listening.fileno()],
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/runs.db",
                "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
                "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artefacts"),
                "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
            },
        )
        try:
            yield f"http://{LOOPBACK}:{listening.getsockname()[1]}"
        finally:
            server.terminate()
            server.wait(60)


def mlflow_runs(uri: str) -> list[Any]:
    """All runs of an MLflow server."""
    from mlflow import MlflowClient  # noqa: PLC0415 - tests are collected where it is not installed

    client = MlflowClient(tracking_uri=uri)
    experiments = [each.experiment_id for each in client.search_experiments()]
    return list(client.search_runs(experiments))


def mlflow_files(uri: str, run_id: str, folder: str | None = None) -> set[str]:
    """Paths of a run's artifacts on an MLflow server."""
    from mlflow import MlflowClient  # noqa: PLC0415 - as above

    found: set[str] = set()
    for each in MlflowClient(tracking_uri=uri).list_artifacts(run_id, folder):
        found |= mlflow_files(uri, run_id, each.path) if each.is_dir else {each.path}
    return found


def mlflow_energies(uri: str, identity: str = "") -> Energies:
    """Energies of epochs on an MLflow server, of the studies whose identity starts with `identity`."""
    from mlflow import MlflowClient  # noqa: PLC0415 - as above

    client = MlflowClient(tracking_uri=uri)
    found: dict[str, list[float]] = {}
    for run in mlflow_runs(uri):
        if not run.data.tags["power_of_training.identity"].startswith(identity):
            continue
        history = client.get_metric_history(run.info.run_id, "epoch_energy_j")
        if history:
            found[run.info.run_name] = [each.value for each in history]
    return found


def wandb_records(folder: Path) -> Iterator[tuple[Path, Any]]:
    """Records of W&B's offline runs, each a protobuf in a log of LevelDB's format."""
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415 - as above

    for file in sorted(folder.glob("wandb/offline-run-*/*.wandb")):
        for each in _log_records(file.read_bytes()):
            yield file, Record.FromString(each)


def _log_records(content: bytes) -> Iterator[bytes]:
    """Complete records of a log in LevelDB's format: blocks of 32 KiB, parts with checksum, length and kind.

    The log may be read while it is being written; a record without an end is left out.
    """
    block, head, at, whole = 32768, 7, 7, b""
    while at + head <= len(content):
        if block - at % block < head:
            at += block - at % block
            continue
        length, kind = struct.unpack_from("<HB", content, at + 4)
        if at + head + length > len(content):
            return  # still being written
        whole += content[at + head : at + head + length]
        at += head + length
        if kind in {1, 4}:  # a whole record, or the last part of one
            yield whole
            whole = b""


def wandb_energies(folder: Path) -> Energies:
    """Energies of epochs in W&B's offline runs."""
    names: dict[Path, str] = {}
    found: defaultdict[str, list[float]] = defaultdict(list)
    for file, record in wandb_records(folder):
        if record.HasField("run"):
            names[file] = record.run.display_name
        for item in record.history.item if record.HasField("history") else ():
            if (item.key or "".join(item.nested_key)) == "epoch_energy_j":
                found[names[file]].append(float(item.value_json))
    return dict(found)


def scraped(url: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The samples of a scrape, by name and labels."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - as above

    text = httpx.get(url, timeout=60).text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class OtlpReceiver(http.server.ThreadingHTTPServer):
    """Receiver of OTLP metrics, like a collector.

    Attributes:
        points: The last value of each metric, by name and attributes.
    """

    def __init__(self) -> None:
        """Bind to a free port."""
        super().__init__((LOOPBACK, 0), _OtlpHandler)
        self.points: dict[tuple[str, tuple[tuple[str, Any], ...]], float] = {}

    @property
    def url(self) -> str:
        """Return the address on which it listens."""
        return f"http://{LOOPBACK}:{self.server_address[1]}"


class _OtlpHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Store the points of a request."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (  # noqa: PLC0415
            ExportMetricsServiceRequest,
        )

        body = self.rfile.read(int(self.headers["Content-Length"]))
        request = ExportMetricsServiceRequest.FromString(body)
        points = getattr(self.server, "points")  # noqa: B009 - ours
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    kind = metric.WhichOneof("data")
                    for point in getattr(metric, kind).data_points:
                        attributes = tuple(
                            sorted(
                                (each.key, each.value.string_value or each.value.bool_value)
                                for each in point.attributes
                            )
                        )
                        points[metric.name, attributes] = point.as_double or float(point.as_int)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def otlp_receiver() -> Iterator[OtlpReceiver]:
    """A receiver that serves while the block runs."""
    with OtlpReceiver() as server:
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

"""Prometheus exporter: power, energy and state of each device by trial, scraped from this process.

It listens on loopback unless a host is given, as in `--log prometheus=0.0.0.0:9464`, because anybody who can
reach it can read it. The matching dashboard is `grafana.json` beside this file.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import final

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from trackers.exports.exporter import DeviceUse, Epoch, Study, Trial
from trackers.exports.tallies import Tallies

PORT = 9464
LOOPBACK = "127.0.0.1"
PREFIX = "power_of_training"

DEVICE = ("study", "trial", "host", "component", "device", "name", "estimated")
BOARD = ("study", "host", "component", "device", "name")
EPOCH = ("study", "trial", "stage", "method")

STATES: dict[str, tuple[str, str]] = {
    "temperature_c": ("temperature_celsius", "Temperature of a board"),
    "sm_clock_hz": ("clock_hertz", "Clock of a board's processors"),
    "utilization": ("utilization_ratio", "Share of recent time in which a board was busy"),
    "power_limit_w": ("power_limit_watts", "Enforced power limit of a board"),
}
"""Name and description of the metric for each attribute of `BoardState`."""


@final
class PrometheusExporter:
    """HTTP server of one study's metrics."""

    def __init__(self, value: str) -> None:
        """Start the server.

        Args:
            value: Port, or host and port (`HOST:PORT`); empty for port 9464 on loopback.

        Raises:
            OSError: The port is taken.
        """
        host, _, port = value.rpartition(":")
        self._tallies = Tallies()
        self._study = ""
        registry = CollectorRegistry()
        registry.register(self)
        self._server, self._thread = start_http_server(
            int(port or PORT), addr=host or LOOPBACK, registry=registry
        )

    @property
    def where(self) -> str:
        """The address to scrape."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/metrics"

    def begin(self, study: Study) -> None:
        """Set the study's name, which labels all metrics."""
        self._study = study.name

    def begin_trial(self, trial: Trial) -> None:
        """Do nothing: a trial shows in its use of devices."""

    def epoch(self, epoch: Epoch) -> None:
        """Add the epoch to the totals."""
        self._tallies.add_epoch(epoch)

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Store the use of devices for the next scrape."""
        self._tallies.add_uses(uses)

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """Do nothing: the trial's counters keep their values."""

    def keep(self, files: Sequence[Path]) -> None:
        """Do nothing: Prometheus stores no files."""

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:  # noqa: ARG002 - of `Exporter`
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of a scrape; called by the Prometheus client library."""
        yield from self._of_devices()
        yield from self._of_boards()
        yield from self._of_epochs()

    def _of_devices(self) -> Iterator[Metric]:
        power = GaugeMetricFamily(
            f"{PREFIX}_device_power_watts",
            "Mean power of a device since the sample before, by trial; trial is empty where none uses it",
            labels=DEVICE,
        )
        energy = CounterMetricFamily(
            f"{PREFIX}_device_energy_joules",
            "Energy of a device by sampled power, by trial",
            labels=DEVICE,
        )
        for use in self._tallies.present():
            if use.power_w is not None:
                power.add_metric(self._labels(use), use.power_w)
        for use, energy_j in self._tallies.energies():
            energy.add_metric(self._labels(use), energy_j)
        yield power
        yield energy

    def _of_boards(self) -> Iterator[Metric]:
        present = {(each.host, each.device_uuid): each for each in self._tallies.present()}
        for attribute, (name, description) in STATES.items():
            family = GaugeMetricFamily(f"{PREFIX}_{name}", description, labels=BOARD)
            for use in present.values():
                value = getattr(use.state, attribute)
                if value is not None:
                    labels = (use.host, str(use.component), use.device_uuid, use.device_name)
                    family.add_metric((self._study, *labels), value)
            yield family

    def _of_epochs(self) -> Iterator[Metric]:
        energy = CounterMetricFamily(
            f"{PREFIX}_epoch_energy_joules",
            "Energy of a trial's epochs as epochs.parquet has it, all attempts",
            labels=EPOCH,
        )
        epochs = CounterMetricFamily(
            f"{PREFIX}_epochs", "Epochs of a trial that have an energy", labels=EPOCH
        )
        for each in self._tallies.epochs():
            labels = (self._study, each.trial_id, each.stage, each.method)
            energy.add_metric(labels, each.energy_j)
            epochs.add_metric(labels, each.epochs)
        yield energy
        yield epochs

    def _labels(self, use: DeviceUse) -> tuple[str, ...]:
        return (
            *(self._study, use.trial_id, use.host, str(use.component)),
            *(use.device_uuid, use.device_name, str(use.estimated).lower()),
        )

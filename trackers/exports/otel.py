"""OpenTelemetry exporter: power, energy and state of devices and energy of epochs, by OTLP over HTTP.

The destination is set by OpenTelemetry's own variables (`OTEL_EXPORTER_OTLP_ENDPOINT`, headers, certificates).
Metric names follow its semantic conventions for hardware where there is one (`hw.power`, `hw.energy`).
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, final

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricExportResult
from opentelemetry.sdk.resources import Resource

from trackers.exports.exporter import DeviceUse, Epoch, Study, Trial
from trackers.exports.tallies import Tallies

SERVICE = "power-of-training"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
METRICS_ENDPOINT = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
NOWHERE = "http://localhost:4318"
"""OpenTelemetry's default endpoint: a collector on this machine."""

SEND_EACH_S = 10.0

STATES: dict[str, tuple[str, str]] = {
    "temperature_c": ("hw.temperature", "Cel"),
    "sm_clock_hz": ("hw.gpu.clock", "Hz"),
    "utilization": ("hw.gpu.utilization", "1"),
    "power_limit_w": ("hw.power.limit", "W"),
}
"""Name and unit of the metric for each attribute of `BoardState`."""

Callback = Callable[[CallbackOptions], Iterator[Observation]]


@final
class OtelExporter:
    """Sender of metrics to a collector, from the calling thread."""

    def __init__(self, value: str) -> None:  # noqa: ARG002 - this exporter takes no value
        """Create the sender; a collector that cannot be reached is noticed at the first sending."""
        self._tallies = Tallies()
        self._sender = OTLPMetricExporter()
        self._reader = InMemoryMetricReader()
        self._provider: MeterProvider | None = None
        self._next_s = 0.0
        # The library would log every failure; our caller reports the first one only.
        logging.getLogger(OTLPMetricExporter.__module__).setLevel(logging.CRITICAL)

    @property
    def where(self) -> str:
        """The collector's endpoint."""
        return os.environ.get(METRICS_ENDPOINT) or os.environ.get(ENDPOINT) or NOWHERE

    def begin(self, study: Study) -> None:
        """Create the metrics of the study."""
        names = {
            "service.name": SERVICE,
            "study.name": study.name,
            "study.identity": study.identity,
        }
        self._provider = MeterProvider(
            metric_readers=[self._reader],
            resource=Resource.create(names),
            shutdown_on_exit=False,
        )
        meter = self._provider.get_meter("trackers")
        meter.create_observable_gauge("hw.power", [self._powers], unit="W")
        meter.create_observable_counter("hw.energy", [self._energies], unit="J")
        for attribute, (name, unit) in STATES.items():
            meter.create_observable_gauge(name, [self._states(attribute)], unit=unit)
        meter.create_observable_counter("study.epoch.energy", [self._epoch_energies], unit="J")
        meter.create_observable_counter("study.epochs", [self._epoch_counts], unit="{epoch}")

    def begin_trial(self, trial: Trial) -> None:
        """Do nothing: a trial shows in its use of devices."""

    def epoch(self, epoch: Epoch) -> None:
        """Add the epoch to the totals, which are sent with the next use of devices."""
        self._tallies.add_epoch(epoch)

    def devices(self, uses: Sequence[DeviceUse]) -> None:
        """Store the use of devices, and send all metrics every `SEND_EACH_S`."""
        self._tallies.add_uses(uses)
        now_s = time.monotonic()
        if now_s >= self._next_s:
            self._next_s = now_s + SEND_EACH_S
            self._send()

    def end_trial(self, trial_id: str, *, failed: bool, totals: Mapping[str, float]) -> None:
        """Do nothing: the trial's counters keep their values."""

    def keep(self, files: Sequence[Path]) -> None:
        """Do nothing: OpenTelemetry stores no files."""

    def end(self, *, finished: bool, totals: Mapping[str, float]) -> None:  # noqa: ARG002 - of `Exporter`
        """Send the last values, and close the connection."""
        self._send()
        self._sender.shutdown()

    def _send(self) -> None:
        """Send all metrics.

        Raises:
            ConnectionError: The collector cannot be reached or does not accept them.
        """
        told = self._reader.get_metrics_data()
        if told is not None and self._sender.export(told) is not MetricExportResult.SUCCESS:
            message = f"{self.where} does not accept metrics"
            raise ConnectionError(message)

    def _powers(self, _: CallbackOptions) -> Iterator[Observation]:
        for use in self._tallies.present():
            if use.power_w is not None:
                yield Observation(use.power_w, _of(use))

    def _energies(self, _: CallbackOptions) -> Iterator[Observation]:
        for use, energy_j in self._tallies.energies():
            yield Observation(energy_j, _of(use))

    def _states(self, attribute: str) -> Callback:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            present = {(each.host, each.device_uuid): each for each in self._tallies.present()}
            for use in present.values():
                value = getattr(use.state, attribute)
                if value is not None:
                    yield Observation(value, _of_device(use))

        return observe

    def _epoch_energies(self, _: CallbackOptions) -> Iterator[Observation]:
        for each in self._tallies.epochs():
            attributes = {"trial": each.trial_id, "stage": each.stage, "method": each.method}
            yield Observation(each.energy_j, attributes)

    def _epoch_counts(self, _: CallbackOptions) -> Iterator[Observation]:
        for each in self._tallies.epochs():
            attributes = {"trial": each.trial_id, "stage": each.stage, "method": each.method}
            yield Observation(each.epochs, attributes)


def _of_device(use: DeviceUse) -> dict[str, Any]:
    return {
        "host.name": use.host,
        "hw.id": use.device_uuid,
        "hw.name": use.device_name,
        "hw.type": str(use.component),
    }


def _of(use: DeviceUse) -> dict[str, Any]:
    return {**_of_device(use), "trial": use.trial_id, "estimated": use.estimated}

"""Table of all exporters: the value of `--log` for each, and the package that it needs."""

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from trackers.address import without_credentials
from trackers.errors import TrackerError
from trackers.exports.exporter import Exporter


class ExportOptionError(TrackerError):
    """A value of `--log` is wrong, or its exporter is not installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownExporter:
    """An exporter that can be requested.

    Attributes:
        module: Module that defines it; imported only when it is used.
        name: Name of its class.
        needs: Third-party module that it imports.
        package: Name of the package that pip installs for it.
        value: Placeholder for what may follow `=`; empty where nothing may.
    """

    module: str
    name: str
    needs: str
    package: str
    value: str = ""


EXPORTERS: dict[str, KnownExporter] = {
    "mlflow": KnownExporter(
        module="trackers.exports.mlflow",
        name="MlflowExporter",
        needs="mlflow",
        package="mlflow-skinny",
        value="URI",
    ),
    "wandb": KnownExporter(
        module="trackers.exports.wandb", name="WandbExporter", needs="wandb", package="wandb"
    ),
    "prometheus": KnownExporter(
        module="trackers.exports.prometheus",
        name="PrometheusExporter",
        needs="prometheus_client",
        package="prometheus-client",
        value="PORT",
    ),
    "otel": KnownExporter(
        module="trackers.exports.otel",
        name="OtelExporter",
        needs="opentelemetry.exporter.otlp.proto.http",
        package="opentelemetry-exporter-otlp-proto-http",
    ),
}
"""Exporters by the name that `--log` accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedExporter:
    """An exporter that was requested.

    Attributes:
        word: Its name, as given to `--log`.
        known: Its line in the table.
        value: What follows `=`; empty where nothing does.
    """

    word: str
    known: KnownExporter
    value: str

    def open(self) -> Exporter:
        """Import the exporter and connect."""
        made: Callable[[str], Exporter] = getattr(
            importlib.import_module(self.known.module), self.known.name
        )
        return made(self.value)


def words() -> str:
    """Return the values that `--log` accepts, as text for a message."""
    return ", ".join(
        f"{word}[={known.value}]" if known.value else word for word, known in EXPORTERS.items()
    )


def parse_exporters(
    typed: Sequence[str], *, is_installed: Callable[[str], bool] | None = None
) -> tuple[RequestedExporter, ...]:
    """Return the exporters of a command line, without importing them.

    Args:
        typed: The values of `--log`.
        is_installed: Returns whether a module can be imported; when left out, it is looked up.

    Raises:
        ExportOptionError: An exporter is not known, given twice or not installed, or its value is wrong.
    """
    found = [_parse_exporter(word) for word in typed]
    names = [each.known.name for each in found]
    if len(set(names)) < len(names):
        message = f"--log is {' '.join(typed)}; each exporter may be given once."
        raise ExportOptionError(message)
    lacking = [each for each in found if not (is_installed or _is_installed)(each.known.needs)]
    if lacking:
        wanted = " ".join(each.word for each in lacking)
        packages = " ".join(each.known.package for each in lacking)
        message = (
            f"--log {wanted}: not installed here. `pip install {packages}` brings it; or leave the "
            "option out."
        )
        raise ExportOptionError(message)
    return tuple(found)


def _parse_exporter(word: str) -> RequestedExporter:
    name, equals, value = word.partition("=")
    known = EXPORTERS.get(name)
    shown = without_credentials(word)
    if shown != word:
        message = (
            f"--log is {shown}, with a user or password in the address, and options are kept with the "
            "study; allowed: an address without either. Give them by the environment: "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or the whole address as "
            "MLFLOW_TRACKING_URI."
        )
        raise ExportOptionError(message)
    if known is None or (equals and not (known.value and value)):
        message = f"--log is {word}; allowed: {words()}."
        raise ExportOptionError(message)
    if known.value == "PORT" and value and not _is_port(value):
        message = f"--log is {word}; allowed after `=`: a port from 0 to 65535, or HOST:PORT."
        raise ExportOptionError(message)
    return RequestedExporter(word=name, known=known, value=value)


def _is_port(value: str) -> bool:
    port = value.rpartition(":")[2]
    return port.isascii() and port.isdigit() and int(port) <= 65535  # noqa: PLR2004 - the highest TCP port


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a parent package is missing
        return False

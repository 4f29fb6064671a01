"""A Shelly plug on loopback, and the source that reads it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.trackers.sources.web.json_server import JsonServer, serving
from trackers.clock import ManualClock
from trackers.sources.web.settings import HttpSettings, read_settings
from trackers.sources.web.source import HttpSource

NOW_S = 1_800_000_000.0
PLUG = "/rpc/Switch.GetStatus?id=0"


def described(folder: Path, **lines: Any) -> Path:  # noqa: ANN401 - whatever YAML takes
    """A file with these lines."""
    path = folder / "plug.yaml"
    path.write_text(yaml.safe_dump(lines))
    return path


def opened(settings: HttpSettings, **options: Any) -> HttpSource:  # noqa: ANN401
    """A source that asks when it is asked, on a clock that stands still."""
    return HttpSource(
        settings,
        **{
            "clock": ManualClock(7),
            "environment": {},
            "unix_time_s": lambda: NOW_S,
            "in_background": False,
            **options,
        },
    )


@contextmanager
def plug(
    folder: Path,
    power_w: float = 83.5,
    **lines: Any,  # noqa: ANN401
) -> Iterator[tuple[JsonServer, HttpSettings]]:
    """A Shelly plug and the settings of its file."""
    with serving({PLUG: {"apower": power_w}}) as server:
        path = described(folder, preset="shelly-gen2", url=server.url, **lines)
        yield server, read_settings(path)

"""Presets for common servers that report power; keys are those of `HttpSettings`.

No preset reads an energy counter: those of plugs and controllers have steps of 3.6 J (Shelly, Gen2) to
3,600 J (Tasmota, three decimals of a kWh), which may be more than an epoch's energy. Set `energy` in the
file where yours is finer.

Sources: Shelly's and Tasmota's documentation of their HTTP APIs; Redfish schemas EnvironmentMetrics
and Power (DMTF DSP2046); the HTTP API of Prometheus. None was tried on a device.
"""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "shelly-gen1": {"path": "/status", "power": "meters.0.power"},
    "shelly-gen2": {
        "path": "/rpc/Switch.GetStatus?id={id}",
        "id": "0",
        "power": "apower",
        "digest": True,
    },
    "tasmota": {"path": "/cm?cmnd=Status%2010", "power": "StatusSNS.ENERGY.Power"},
    "redfish": {
        "path": "/redfish/v1/Chassis/{id}/EnvironmentMetrics",
        "id": "1",
        "power": "PowerWatts.Reading",
    },
    "redfish-power": {
        "path": "/redfish/v1/Chassis/{id}/Power",
        "id": "1",
        "power": "PowerControl.0.PowerConsumedWatts",
    },
    "prometheus": {
        "path": "/api/v1/query?query={query}",
        "single": "data.result",
        "power": "data.result.0.value.1",
        "time": "data.result.0.value.0",
    },
}
"""Presets by name. `redfish-power` is for controllers from before EnvironmentMetrics (2020)."""

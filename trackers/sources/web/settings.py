"""YAML file that describes a server: its address, the place of the power in its answer, and the device."""

import re
import socket
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import yaml

from trackers.errors import SourceUnavailableError
from trackers.sample import Component
from trackers.sources.web.presets import PRESETS

POWER_UNITS = {"W": 1.0, "mW": 1e-3, "uW": 1e-6, "kW": 1e3}
"""Units of power, in watts."""

ENERGY_UNITS = {
    "J": 1.0,
    "mJ": 1e-3,
    "uJ": 1e-6,
    "kJ": 1e3,
    "MJ": 1e6,
    "Wh": 3600.0,
    "kWh": 3.6e6,
    "Wmin": 60.0,
}
"""Units of energy, in joules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Settings of a server, as in the YAML file.

    Attributes:
        url: Address of the server; with a preset its root, otherwise the full URL. `{hostname}` in it is
            replaced by the machine's host name, so that one file serves a cluster.
        preset: One of `PRESETS`, which sets the path and the place of the power in the answer.
        id: The plug, chassis or meter in the preset's path.
        query: The query for the preset `prometheus`.
        path: Path that is appended to the URL; `{id}` and `{query}` in it are replaced.
        power: Place of the power in the answer: keys and indices, as in `meters.0.power`.
        power_unit: Unit of the power, one of `POWER_UNITS`.
        energy: Place of an energy counter in the answer, if there is one whose steps are smaller than a
            window's energy.
        energy_unit: Unit of the energy counter, one of `ENERGY_UNITS`.
        time: Place of the value's time in the answer, in seconds since 1970; when left out, the value is
            taken to be of the present.
        single: Place of a list in the answer that must have exactly one entry, so that no arbitrary one is
            used.
        component: Component that the power is of: node, gpu, cpu or memory.
        device: Identifier of the device, such as `GPU-...`; when left out, it is made of component, name and
            server.
        name: Name of the device; the file's name when left out.
        mean_s: Time in seconds over which the server averages a power, if that is long.
        every_s: Time in seconds between two requests.
        timeout_s: Time in seconds after which a request is given up, which leaves a gap.
        user_from: Name of the environment variable that holds the user name.
        password_from: Name of the environment variable that holds the password.
        digest: Whether user name and password are sent by digest instead of basic authentication.
        token_from: Name of the environment variable that holds a bearer token.
        verify: Whether the server's certificate is checked; or the path of a CA certificate file to check
            it against.
        proxy: Whether HTTP_PROXY and related variables apply; a server nearby needs no proxy.
    """

    url: str
    preset: str = ""
    id: str = ""
    query: str = ""
    path: str = ""
    power: str = ""
    power_unit: str = "W"
    energy: str = ""
    energy_unit: str = "Wh"
    time: str = ""
    single: str = ""
    component: Component = Component.NODE
    device: str = ""
    name: str = ""
    mean_s: float = 0.0
    every_s: float = 1.0
    timeout_s: float = 2.0
    user_from: str = ""
    password_from: str = ""
    digest: bool = False
    token_from: str = ""
    verify: bool | str = True
    proxy: bool = False

    @property
    def address(self) -> str:
        """The full URL that is requested."""
        path = self.path.replace("{id}", quote(self.id)).replace("{query}", quote(self.query))
        return self.url.rstrip("/") + path if path else self.url

    @property
    def uuid(self) -> str:
        """The device's identifier."""
        return self.device or f"{self.component}:{self.name}:{urlsplit(self.url).netloc}"


def read_settings(path: Path, *, hostname: str | None = None) -> HttpSettings:
    """Read and check the settings of a file.

    Args:
        path: The file.
        hostname: Host name for `{hostname}` in the URL; this machine's when left out.

    Raises:
        SourceUnavailableError: The file cannot be read, or a setting in it is wrong.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        message = f"{path}: cannot be read as YAML ({error})"
        raise SourceUnavailableError(message) from error
    if not isinstance(content, dict):
        message = f"{path}: got {type(content).__name__}; needed are lines as `url: http://...`"
        raise SourceUnavailableError(message)
    settings = _checked(path, {str(key): value for key, value in content.items()})
    url = settings.url.replace("{hostname}", hostname or socket.gethostname())
    return replace(settings, url=url, name=settings.name or path.stem)


def _checked(path: Path, content: dict[str, Any]) -> HttpSettings:
    """Check a file's content and return its settings.

    Raises:
        SourceUnavailableError: A setting is wrong; the message names the first such one and what is allowed.
    """
    known = {each.name: each.default for each in fields(HttpSettings)}
    unknown = next((key for key in content if key not in known), None)
    if unknown is not None:
        raise _refusal(path, "a key", unknown, ", ".join(known))
    preset = str(content.get("preset", ""))
    if preset and preset not in PRESETS:
        raise _refusal(path, "preset", preset, ", ".join(PRESETS))
    given = {**PRESETS.get(preset, {}), **content}
    values = {
        key: _typed(path, key, given.get(key, default), default) for key, default in known.items()
    }
    if not re.match(r"https?://[^/]", values["url"]) or "@" in urlsplit(values["url"]).netloc:
        shown = re.sub(r"//[^/]*@", "//...@", values["url"])
        allowed = "http(s)://SERVER, with credentials by user_from and password_from"
        raise _refusal(path, "url", shown, allowed)
    for key, units in (("power_unit", POWER_UNITS), ("energy_unit", ENERGY_UNITS)):
        if values[key] not in units:
            raise _refusal(path, key, values[key], ", ".join(units))
    if not values["power"] and not values["energy"]:
        raise _refusal(path, "power", "", "where it stands, as meters.0.power; or give a preset")
    if "{query}" in values["path"] and not values["query"]:
        raise _refusal(path, "query", "", "what to ask, as node_power_watts{instance='a'}")
    for key in ("every_s", "timeout_s"):
        if not values[key] > 0:
            raise _refusal(path, key, values[key], "a number above 0")
    return HttpSettings(**values)


def _typed(path: Path, key: str, value: Any, default: Any) -> Any:  # noqa: ANN401 - as the field is
    """Convert a value to its field's type; a name, for example, may look like a number to YAML."""
    if key == "component":
        if value in list(Component):
            return Component(value)
        raise _refusal(path, key, value, ", ".join(Component))
    if isinstance(default, bool):
        if isinstance(value, bool) or (key == "verify" and isinstance(value, str)):
            return value
        raise _refusal(path, key, value, "true or false")
    if isinstance(value, bool | list | dict) or value is None:
        raise _refusal(path, key, value, "one number or one text")
    if isinstance(default, float):
        try:
            return float(value)
        except ValueError as error:
            raise _refusal(path, key, value, "a number") from error
    return "" if value is MISSING else str(value)


def _refusal(path: Path, key: str, got: object, allowed: str) -> SourceUnavailableError:
    return SourceUnavailableError(f"{path}: {key} is {got!r}; allowed: {allowed}.")

"""The small YAML file that says where a server tells a power, and what it is the power of."""

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
"""Watts in each."""

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
"""Joules in each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSettings:
    """Settings in a file.

    Attributes:
        url: Where the server is; with a preset its root, else the whole address. `{hostname}` stands
            for the machine's name, so that one file serves a cluster.
        preset: One of `PRESETS`, which knows the path and where in the answer the power stands.
        id: The preset's plug, chassis or meter.
        query: The query of the preset `prometheus`.
        path: Comes behind the URL; `{id}` and `{query}` are put in.
        power: Where in the answer the power stands: keys and places, as `meters.0.power`.
        power_unit: One of `POWER_UNITS`.
        energy: Where an energy counter stands, if there is one that steps by less than a window's
            energy.
        energy_unit: One of `ENERGY_UNITS`.
        time: Where the value's time stands, in seconds since 1970; left out: it is of now.
        single: Where a list stands that must have one entry, so that nothing is taken at random.
        component: What it is the power of: node, gpu, cpu, memory.
        device: The device's identifier, as `GPU-...`; left out: made of component, name and server.
        name: What to call it; left out: the file's name.
        mean_s: Time over which a power is a mean, if that is long.
        every_s: Time between two questions.
        timeout_s: Time after which an answer is given up; that is a gap.
        user_from: Environment variable with the user's name.
        password_from: Environment variable with the password.
        digest: Whether user and password go by digest and not by basic authentication.
        token_from: Environment variable with a bearer token.
        verify: Whether the server's certificate is checked; or the path of who signs for it.
        proxy: Whether HTTP_PROXY and its like apply; a server beside the machine needs none.
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
        """The whole URL."""
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
        hostname: Stands where the URL has `{hostname}`; left out: this machine's name.

    Raises:
        SourceUnavailableError: It cannot be read, or something in it is not as it should be.
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
    """The settings of a file's content.

    Raises:
        SourceUnavailableError: The first thing that is wrong, with what is allowed.
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
    """A value as its field has it: what YAML takes for a number may be meant as a name."""
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
    return SourceUnavailableError(f"{path}: {key} is {got!r}; allowed is {allowed}.")

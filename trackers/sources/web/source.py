"""Power source for a server that answers in JSON, as for `--tracker plug.yaml`.

An answer that is late, old or not a number leaves a gap. Credentials come from the environment and are sent
to the server only: they are in no message, note, file or process argument.
"""

import math
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import final

import httpx

from trackers.clock import Clock, MonotonicClock
from trackers.errors import (
    ReadError,
    SourcePermissionError,
    SourceUnavailableError,
    UnknownDeviceError,
)
from trackers.sample import Device, Observation
from trackers.sources.poller import STALE_PERIODS, Poller
from trackers.sources.web.settings import (
    ENERGY_UNITS,
    POWER_UNITS,
    HttpSettings,
    read_settings,
)

REFUSED = (401, 403)


@final
class HttpSource:
    """One device whose power a server reports.

    Attributes:
        name: `http`.
        note: The component, the server, and how often it is asked.
        estimated: False.
        counter_persists: True, because the server keeps the counter.
    """

    name = "http"
    estimated = False
    counter_persists = True

    def __init__(
        self,
        settings: HttpSettings,
        *,
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
        unix_time_s: Callable[[], float] = time.time,
        in_background: bool = True,
        answer: Callable[[], object] | None = None,
    ) -> None:
        """Ask the server once.

        Args:
            settings: The server's settings.
            clock: Clock of the observations' time stamps; the machine's monotonic clock when left out.
            environment: Environment variables with the credentials; this process's when left out.
            unix_time_s: Returns the present Unix time, for the age of values that have a time.
            in_background: See `Poller`.
            answer: Replacement for the server, which returns the content of an answer.

        Raises:
            SourceUnavailableError: The server cannot be reached, or its answer has no such value.
            SourcePermissionError: The server rejects the credentials, or needs some.
        """
        self._settings = settings
        self._clock = clock or MonotonicClock()
        self._unix_time_s = unix_time_s
        self._answer = answer or self._asked
        self._client = _client(settings, os.environ if environment is None else environment)
        self._device = Device(
            uuid=settings.uuid,
            name=f"{settings.name} ({settings.preset or 'HTTP'})",
            component=settings.component,
            averaging_period_s=settings.mean_s,
            update_period_s=settings.every_s,
        )
        try:
            self._poller = Poller(
                self._ask,
                period_s=settings.every_s,
                clock=self._clock,
                in_background=in_background,
            )
        except BaseException as error:  # Ctrl-C too: in a notebook the process goes on
            self._client.close()
            if not isinstance(error, ReadError):
                raise
            if isinstance(error.__cause__, SourcePermissionError):
                raise error.__cause__ from error
            raise SourceUnavailableError(str(error)) from error
        self.note = (
            f"{settings.component} by {settings.preset or 'HTTP'} at {settings.address}, asked each "
            f"{settings.every_s:g} s"
        )

    @classmethod
    def from_yaml(cls, path: Path) -> "HttpSource":
        """Open the server that a file describes; see `read_settings`."""
        return cls(read_settings(path))

    def devices(self) -> Sequence[Device]:
        """Return the device."""
        return (self._device,)

    def observe(self, device_uuid: str, *, counter: bool) -> Observation:  # noqa: ARG002
        """See `PowerSource`; returns the server's last answer, with its time."""
        if device_uuid != self._device.uuid:
            message = f"unknown device {device_uuid!r}; this server tells {self._device.uuid!r}"
            raise UnknownDeviceError(message)
        return self._poller.newest()

    def close(self) -> None:
        """Stop asking; may be called twice."""
        self._poller.close()
        self._client.close()

    def _ask(self) -> Observation:
        settings = self._settings
        before_s = self._clock.now_s()
        content = self._answer()
        after_s = self._clock.now_s()
        at_s = (before_s + after_s) / 2
        if settings.single and len(_at(content, settings.single, settings)) != 1:
            message = f"{settings.name}: {settings.single} has not one entry; narrow the query"
            raise ReadError(message)
        if settings.time:
            age_s = self._unix_time_s() - _value(content, settings.time, settings)
            if age_s > STALE_PERIODS * settings.every_s:
                message = f"{settings.name}: the value is {age_s:.1f} s old"
                raise ReadError(message)
            at_s = after_s - max(0.0, age_s)
        power_w = energy_j = None
        if settings.power:
            power_w = _value(content, settings.power, settings) * POWER_UNITS[settings.power_unit]
        if settings.energy:
            energy_j = (
                _value(content, settings.energy, settings) * ENERGY_UNITS[settings.energy_unit]
            )
        try:
            return Observation(time_s=at_s, power_w=power_w, counter_j=energy_j)
        except ValueError as error:
            message = f"{settings.name}: {error}"
            raise ReadError(message) from error

    def _asked(self) -> object:
        """Request the server's answer.

        Raises:
            ReadError: There is no answer in time, it is an error, or it is not JSON.
        """
        settings = self._settings
        try:
            answer = self._client.get(settings.address)
            if answer.status_code in REFUSED:
                message = (
                    f"{settings.name}: {settings.url} answers {answer.status_code}: give the names "
                    "of environment variables as user_from and password_from, or token_from"
                )
                raise ReadError(message) from SourcePermissionError(message)
            answer.raise_for_status()
            return answer.json()
        except httpx.HTTPStatusError as error:
            message = f"{settings.name}: {settings.address} answers {error.response.status_code}"
            raise ReadError(message) from error
        except (httpx.HTTPError, ValueError) as error:
            reason = str(error) or type(error).__name__
            message = f"{settings.name}: {settings.address}: {reason}"
            raise ReadError(message) from error


def _client(settings: HttpSettings, environment: Mapping[str, str]) -> httpx.Client:
    """Create an HTTP client with the server's credentials, timeout and certificate check."""

    def secret(variable: str) -> str:
        if variable not in environment:
            message = f"{settings.name}: the environment variable {variable} is not set"
            raise SourceUnavailableError(message)
        return environment[variable]

    headers: dict[str, str] = {}
    auth: httpx.Auth | None = None
    if settings.token_from:
        headers["Authorization"] = f"Bearer {secret(settings.token_from)}"
    if settings.user_from or settings.password_from:
        password = secret(settings.password_from) if settings.password_from else ""
        user = secret(settings.user_from) if settings.user_from else ""
        kind = httpx.DigestAuth if settings.digest else httpx.BasicAuth
        auth = kind(user, password)
    return httpx.Client(
        auth=auth,
        headers=headers,
        timeout=settings.timeout_s,
        trust_env=settings.proxy,
        verify=_certificates(settings),
    )


def _certificates(settings: HttpSettings) -> ssl.SSLContext | bool:
    """Return how to check the server's certificate, as httpx takes it."""
    if settings.verify is False:
        return False
    if settings.verify is True:
        return _usual_certificates()
    try:
        return ssl.create_default_context(cafile=settings.verify)
    except OSError as error:
        message = f"{settings.name}: verify is {settings.verify}: {error}"
        raise SourceUnavailableError(message) from error


@cache
def _usual_certificates() -> ssl.SSLContext:
    """Return httpx's default certificates, read once for all servers, because that takes 20 ms."""
    return httpx.create_ssl_context()


def _at(content: object, place: str, settings: HttpSettings) -> list[object]:
    """Return the list at a place in an answer; empty where there is something else."""
    found = _found(content, place, settings)
    return found if isinstance(found, list) else []


def _value(content: object, place: str, settings: HttpSettings) -> float:
    """Return the number at a place in an answer; text is converted, as Prometheus writes numbers as text."""
    found = _found(content, place, settings)
    try:
        number = float(found) if isinstance(found, int | float | str) else math.nan
    except ValueError:
        number = math.nan
    if isinstance(found, bool) or not math.isfinite(number):
        message = f"{settings.name}: {place} is {found!r}, no number"
        raise ReadError(message)
    return number


def _found(content: object, place: str, settings: HttpSettings) -> object:
    here = content
    for step in place.split("."):
        if isinstance(here, Mapping) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            keys = ", ".join(map(str, here)) if isinstance(here, Mapping) else type(here).__name__
            message = f"{settings.name}: the answer has no {place}: no {step!r} among {keys}"
            raise ReadError(message)
    return here

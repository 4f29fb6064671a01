"""Hourly carbon intensity of electricity from a server, which is asked only on request.

`electricitymaps` stands for Electricity Maps' own server. Its key is in `ELECTRICITYMAPS_TOKEN` and is sent to no
other server (`auth-token: KEY`). Any other address is asked in the same way, without a key:

    GET ADDRESS?start=2026-11-26T20:00:00Z&end=2026-11-26T23:00:00Z
    {"data": [{"datetime": "2026-11-26T20:00:00.000Z", "carbonIntensity": 302}, ...]}
"""

import math
import os
from datetime import UTC, datetime, timedelta
from functools import cache

import httpx

from trackers.address import without_credentials

ELECTRICITY_MAPS = "electricitymaps"
SERVER = "https://api.electricitymaps.com/v3/carbon-intensity/past-range"
TOKEN = "ELECTRICITYMAPS_TOKEN"  # noqa: S105 - a variable's name
HOUR_S = 3600
ANSWER_S = 30.0
MOST_AT_A_TIME = timedelta(days=10)
"""Longest time span that Electricity Maps returns in one answer."""


class IntensityError(Exception):
    """The carbon intensity could not be obtained; the message says what to do."""


def is_server(word: str) -> bool:
    """Return whether a value of `--carbon-intensity` names a server."""
    return word.partition(":")[0] == ELECTRICITY_MAPS or word.startswith(("http://", "https://"))


def shown(word: str) -> str:
    """Return a value of `--carbon-intensity` as it may be shown: without user, password and query string."""
    return without_credentials(word).partition("?")[0]


def zone_asked(word: str, zone: str) -> str:
    """Return the zone to ask for where `word` names none itself; empty where it does or needs none."""
    return zone if word == ELECTRICITY_MAPS else ""


@cache
def hourly_g_per_kwh(word: str, zone: str, start_hour: int, end_hour: int) -> dict[int, float]:
    """Return the carbon intensity by hour, as far as the server knows it.

    Args:
        word: `electricitymaps`, `electricitymaps:ZONE`, or an address.
        zone: Zone of Electricity Maps, used where `word` names none; empty for none.
        start_hour: The first hour, counted from 1970 in UTC.
        end_hour: The last hour, included.

    Returns:
        Grams of CO2 equivalents per kWh by hour; unknown hours are absent.

    Raises:
        IntensityError: There is no key or zone, or the server cannot be reached, refuses the request, or
            answers in another format.
    """
    address, parameters = _asked(word, zone)
    told: dict[int, float] = {}
    start, last = (_moment(each) for each in (start_hour, end_hour + 1))
    while start < last:
        end = min(last, start + MOST_AT_A_TIME)
        told |= _told(address, {**parameters, "start": _text(start), "end": _text(end)})
        start = end
    return {hour: value for hour, value in told.items() if start_hour <= hour <= end_hour}


def _asked(word: str, zone: str) -> tuple[str, dict[str, str]]:
    """Address and query parameters for a value of `--carbon-intensity`."""
    name, _, own = word.partition(":")
    if name != ELECTRICITY_MAPS:
        return word, {}
    if not os.environ.get(TOKEN):
        message = (
            f"--carbon-intensity {word}: {TOKEN} is not set. Put your key of Electricity Maps into that "
            "variable, or give grams per kWh or --country."
        )
        raise IntensityError(message)
    if not (own or zone):
        message = (
            f"--carbon-intensity {word} names no zone; allowed: {ELECTRICITY_MAPS}:ZONE, such as "
            f"{ELECTRICITY_MAPS}:DE or {ELECTRICITY_MAPS}:US-CAL-CISO, or --country beside it."
        )
        raise IntensityError(message)
    return SERVER, {"zone": own or zone}


def _told(address: str, parameters: dict[str, str]) -> dict[int, float]:
    key = os.environ.get(TOKEN) if address == SERVER else None  # the key is sent to no other server
    try:
        answer = httpx.get(
            address,
            params=httpx.QueryParams(httpx.URL(address).params).merge(parameters),
            headers={"auth-token": key} if key else {},
            timeout=ANSWER_S,
        )
        answer.raise_for_status()
        rows = answer.json()["data"]
        return {_hour(each["datetime"]): _grams(each["carbonIntensity"]) for each in rows}
    except httpx.HTTPStatusError as error:
        said = f"it answers {error.response.status_code}: {error.response.text[:200]}"
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        said = f"it cannot be reached ({error})"
    except (ValueError, KeyError, TypeError) as error:
        said = f'it tells something else than {{"data": [{{"datetime", "carbonIntensity"}}]}} ({error!r})'
    message = (
        f"--carbon-intensity: {shown(address)}: {without_credentials(said)}. Fix that, or give grams "
        "per kWh or --country."
    )
    raise IntensityError(message)


def _moment(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _hour(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:  # it would be taken as local time, which may be another hour
        message = f"{text} names no time zone"
        raise ValueError(message)
    return int(moment.timestamp()) // HOUR_S


def _grams(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        message = f"{value!r} is not a number of grams"
        raise ValueError(message)
    return float(value)

"""Footprint and equivalents of an energy: greenhouse gas, money, kilometres by car, phones charged.

Stored energies never include any of this. The carbon intensity of a country's electricity is from
`trackers.carbon.countries`, as in `python -m trackers run`.
"""

import math
from dataclasses import dataclass
from typing import Self

from analysis.errors import AnalysisError
from study.record.files import J_PER_WH
from trackers.carbon.countries import SOURCE, Country, find_country

CAR_G_PER_KM = 248.5
"""Tailpipe CO2 of an average passenger car: 400 g per mile (US EPA, Greenhouse Gas Emissions from
a Typical Passenger Vehicle, EPA-420-F-23-014, June 2023)."""

CAR_SOURCE = "US EPA 2023"

PHONE_WH = 11.6
"""Energy of charging an empty phone once, from the socket: 14.46 Wh in a day on the charger, less 22 h
of holding the charge at 0.13 W (US EPA, Greenhouse Gas Equivalencies Calculator, from test results
of the US Department of Energy, 2020)."""

PHONE_SOURCE = "US EPA and DOE 2020"

_WH_PER_KWH = 1000.0
_G_PER_KG = 1000.0
_S_PER_YEAR = 365.25 * 24 * 3600
_MOST_G_PER_KWH = 2000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Embodied:
    """Embodied emissions: greenhouse gas of manufacturing a board.

    Attributes:
        kg: Emissions of manufacturing one board, in kilograms of CO2 equivalents.
        years: Service life of the board, in years of continuous use.
        source: Source of the figures, in words.
    """

    kg: float
    years: float
    source: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the value of `--embodied`.

        Raises:
            AnalysisError: The text is not KG/YEARS or KG/YEARS:SOURCE.
        """
        numbers, _, source = text.partition(":")
        kg, _, years = numbers.partition("/")
        try:
            made = cls(kg=float(kg), years=float(years), source=source.strip() or "as given")
        except ValueError:
            made = cls(kg=math.nan, years=math.nan, source="")
        if not (0 <= made.kg < math.inf and 0 < made.years < math.inf):
            message = (
                f"--embodied is {text}; allowed: KG/YEARS:SOURCE, the kilograms of CO2e of making the board "
                "and the years that it is used, such as 164/5:NVIDIA."
            )
            raise AnalysisError(message)
        return made

    def share_g(self, time_s: float) -> float:
        """Return the grams of CO2 equivalents attributed to using one board for `time_s` seconds."""
        return self.kg * _G_PER_KG * time_s / (self.years * _S_PER_YEAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Factors that convert an energy into greenhouse gas and money.

    Attributes:
        g_per_kwh: Carbon intensity in grams of CO2 equivalents per kWh; None if not requested.
        intensity_source: Source of the carbon intensity, in words.
        pue: Power usage effectiveness: energy of the data centre per energy of the computers (the
            efficiency constant).
        price_per_kwh: Price in the user's own currency; None if not requested.
        embodied: Emissions of manufacturing the board; None if not requested.
    """

    g_per_kwh: float | None
    intensity_source: str
    pue: float
    price_per_kwh: float | None
    embodied: Embodied | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Emissions and cost of an energy.

    Attributes:
        kwh: Energy including the data centre's overhead (PUE).
        g_co2e: Grams of CO2 equivalents; None without a carbon intensity.
        cost: Cost in the user's own currency; None without a price.
        km_by_car: Distance by car with the same emissions; None without a carbon intensity.
        phones: Number of phones charged with the same energy.
    """

    kwh: float
    g_co2e: float | None
    cost: float | None
    km_by_car: float | None
    phones: float


def footprint(energy_j: float, factors: Factors) -> Footprint:
    """Return emissions and cost of an energy."""
    kwh = energy_j / J_PER_WH / _WH_PER_KWH * factors.pue
    grams = None if factors.g_per_kwh is None else kwh * factors.g_per_kwh
    return Footprint(
        kwh=kwh,
        g_co2e=grams,
        cost=None if factors.price_per_kwh is None else kwh * factors.price_per_kwh,
        km_by_car=None if grams is None else grams / CAR_G_PER_KM,
        phones=kwh * _WH_PER_KWH / PHONE_WH,
    )


def factors_of(
    *,
    country: str | None = None,
    carbon_intensity: float | None = None,
    pue: float = 1.0,
    price: float | None = None,
    embodied: str | None = None,
    intensity_source: str = "as given",
) -> Factors | None:
    """Return the requested factors; None if nothing was requested.

    Args:
        country: ISO 3166 code of the country, of two or three letters.
        carbon_intensity: Carbon intensity in g per kWh, instead of a country's.
        pue: Power usage effectiveness, at least 1.
        price: Price per kWh, at least 0.
        embodied: Emissions of manufacturing the board, as KG/YEARS:SOURCE.
        intensity_source: Source of `carbon_intensity`, in words.

    Raises:
        AnalysisError: A value is not allowed, country and carbon intensity are both given, or the
            country is not in the table.
    """
    if country is not None and carbon_intensity is not None:
        message = (
            f"--country {country} and --carbon-intensity {carbon_intensity:g} are both given; "
            "give one of them."
        )
        raise AnalysisError(message)
    _check("--pue", pue, 1, math.inf, "from 1 (nothing but the computers) up")
    if price is not None:
        _check("--price", price, 0, math.inf, "a price per kWh, from 0")
    if carbon_intensity is not None:
        allowed = f"0 to {_MOST_G_PER_KWH:g} g per kWh"
        _check("--carbon-intensity", carbon_intensity, 0, _MOST_G_PER_KWH, allowed)
    made = None if embodied is None else Embodied.parse(embodied)
    if (country, carbon_intensity, price, made) == (None,) * 4 and pue == 1:
        return None
    found = None if country is None else _country(country)
    source = intensity_source
    if found is not None:
        source = f"{found.name} {found.year}, {SOURCE}"
    return Factors(
        g_per_kwh=carbon_intensity if found is None else found.g_per_kwh,
        intensity_source=source,
        pue=pue,
        price_per_kwh=price,
        embodied=made,
    )


def _country(code: str) -> Country:
    try:
        return find_country(code)
    except LookupError as error:
        raise AnalysisError(str(error)) from error


def _check(option: str, value: float, low: float, high: float, allowed: str) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        message = f"{option} is {value:g}; allowed: {allowed}."
        raise AnalysisError(message)

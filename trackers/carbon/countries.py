"""Carbon intensity of countries' electricity: yearly averages of life-cycle emissions.

The table `carbon_intensity.csv` is from CodeCarbon 3.3.2 (`global_energy_mix.json`, MIT licence), which takes
it from Our World in Data's energy data set (CC BY 4.0; Ember and the Energy Institute). Each row names its
year, 2022 or 2023. The value in a given hour or region may be quite different.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

SOURCE = "CodeCarbon 3.3.2 from Our World in Data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """The electricity of a country.

    Attributes:
        code: ISO 3166 code of two letters.
        iso3: ISO 3166 code of three letters.
        name: English name.
        g_per_kwh: Yearly average in grams of CO2 equivalents per kWh.
        year: Year of the average.
    """

    code: str
    iso3: str
    name: str
    g_per_kwh: float
    year: int


def find_country(code: str) -> Country:
    """Return the country with an ISO 3166 code of two or three letters, in upper or lower case.

    Raises:
        LookupError: The country is not in the table.
    """
    countries = read_countries()
    for each in countries:
        if code.upper() in (each.code, each.iso3):
            return each
    message = (
        f"--country is {code}; known are {', '.join(each.code for each in countries)} (or their "
        "three letters). For another one give its grams per kWh with --carbon-intensity."
    )
    raise LookupError(message)


def read_countries() -> tuple[Country, ...]:
    """Return the table of carbon intensities, in the order of the codes."""
    text = files("trackers.carbon").joinpath("carbon_intensity.csv").read_text(encoding="utf-8")
    return tuple(
        Country(
            code=row["country"],
            iso3=row["iso3"],
            name=row["name"],
            g_per_kwh=float(row["g_co2e_per_kwh"]),
            year=int(row["year"]),
        )
        for row in csv.DictReader(text.splitlines())
    )

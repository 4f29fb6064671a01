"""The carbon intensity of a country's electricity: a yearly average, by life cycle.

From `carbon_intensity.csv`: CodeCarbon 3.3.2 (`global_energy_mix.json`, MIT licence), which takes it from
Our World in Data's energy data set (CC BY 4.0; Ember and the Energy Institute). The year, 2022 or 2023,
stands in each row. What a given hour in a given region was, it does not say.
"""

import csv
from dataclasses import dataclass
from importlib.resources import files

SOURCE = "CodeCarbon 3.3.2 from Our World in Data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """The electricity of a country.

    Attributes:
        code: ISO 3166, two letters.
        iso3: ISO 3166, three letters.
        name: In English.
        g_per_kwh: Yearly average in grams of CO2 equivalents per kWh.
        year: The year.
    """

    code: str
    iso3: str
    name: str
    g_per_kwh: float
    year: int


def find_country(code: str) -> Country:
    """The country with a code of two or three letters, in any case.

    Raises:
        LookupError: It is not in the table.
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
    """The table of carbon intensities, in the order of the codes."""
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

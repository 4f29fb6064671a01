"""Greenhouse gas, money and equivalents: by hand, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.advice.carbon import (
    CAR_G_PER_KM,
    PHONE_WH,
    Factors,
    factors_of,
    footprint,
)
from analysis.advice.footprint_text import footprint_text, saved_text
from analysis.errors import AnalysisError
from study.record.files import J_PER_WH
from trackers.carbon.countries import find_country, read_countries

KWH = 1000 * J_PER_WH
GIVEN = Factors(g_per_kwh=400.0, intensity_source="as given", pue=1.5, price_per_kwh=0.3)


def test_a_footprint_is_what_the_hand_says() -> None:
    """2 kWh at PUE 1.5 are 3 kWh: 1200 g, 0.90, 1200 / 248.5 km, 3000 / 11.6 phones."""
    found = footprint(2 * KWH, GIVEN)

    assert (found.kwh, found.g_co2e) == (3.0, 1200.0)
    assert found.cost == pytest.approx(0.9)
    assert found.km_by_car == pytest.approx(1200 / 248.5)
    assert found.phones == pytest.approx(3000 / 11.6)


def test_the_equivalents_are_those_of_their_sources() -> None:
    """400 g per mile of 1.609344 km; a day on the charger less 22 h of holding the charge."""
    assert pytest.approx(400 / 1.609344, abs=0.05) == CAR_G_PER_KM
    assert pytest.approx(14.46 - 22 * 0.13) == PHONE_WH


def test_what_was_not_asked_for_is_not_made_up() -> None:
    """Without an intensity there is no gas and no kilometre, without a price no cost."""
    factors = factors_of(pue=1.2)

    assert factors is not None
    found = footprint(KWH, factors)
    assert (found.g_co2e, found.km_by_car, found.cost) == (None, None, None)
    assert factors_of() is None


def test_the_sentences_name_their_sources() -> None:
    """Country, year, source, PUE and price stand beside the numbers; small ones by the thousand."""
    factors = factors_of(country="deu", price=0.3)

    assert factors is not None
    said = footprint_text(0.01 * J_PER_WH, factors)
    assert said.startswith("A thousand trainings take 10.0 Wh, 3.81 g CO2e and 0.00300 in money")
    assert "380.95 g/kWh (Germany 2023, CodeCarbon 3.3.2 from Our World in Data)" in said
    assert (
        "0.862 phones charged (11.6 Wh each, US EPA and DOE 2020) or 15.3 m by car (248.5 g/km, US EPA 2023)"
        in said
    )
    assert saved_text("baseline", KWH, 3 * KWH, factors) == (
        "A training takes 2,000 Wh, 762 g CO2e and 0.600 in money less than with the baseline."
    )


def test_every_country_has_two_codes_a_year_and_a_possible_number() -> None:
    """The table is whole, and no code stands twice."""
    countries = read_countries()

    assert len({each.code for each in countries}) == len(countries) > 40
    assert all(len(each.code) == 2 and len(each.iso3) == 3 for each in countries)
    assert all(10 < each.g_per_kwh < 1000 and each.year >= 2022 for each in countries)
    assert find_country("de") == find_country("DEU")


@pytest.mark.parametrize(
    ("given_options", "said"),
    [
        ({"country": "XX"}, "--country is XX; known are AE, AR"),
        ({"country": "DE", "carbon_intensity": 1.0}, "give one of them"),
        ({"carbon_intensity": -1.0}, "--carbon-intensity is -1"),
        ({"carbon_intensity": float("nan")}, "--carbon-intensity is nan"),
        ({"pue": 0.9}, "--pue is 0.9; allowed: from 1"),
        ({"price": -0.1}, "--price is -0.1"),
    ],
)
def test_what_cannot_be_is_refused(given_options: dict[str, object], said: str) -> None:
    """With what was got and what is allowed."""
    with pytest.raises(AnalysisError, match=said):
        factors_of(**given_options)  # type: ignore[arg-type]


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_footprints_add_up(one: float, other: float) -> None:
    """Gas of a sum is the sum of the gases."""
    parts = [footprint(energy, GIVEN).g_co2e or 0.0 for energy in (one, other)]

    assert footprint(one + other, GIVEN).g_co2e == pytest.approx(sum(parts))

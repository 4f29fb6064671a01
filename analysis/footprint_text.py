"""Greenhouse gas, money and equivalents in sentences."""

import math

from analysis.carbon import CAR_G_PER_KM, PHONE_WH, Factors, footprint
from analysis.quantities import energy_text
from study.records import J_PER_WH

_DIGITS = 3
_G_PER_KG = 1000.0
_WH_PER_KWH = 1000.0
_M_PER_KM = 1000.0


def footprint_text(energy_j: float, factors: Factors) -> str:
    """What one training comes to, with the sources of the factors."""
    found = footprint(energy_j, factors)
    parts = []
    if found.g_co2e is not None:
        parts.append(f"{gas_text(found.g_co2e)} CO2e")
    if found.cost is not None:
        parts.append(f"{short(found.cost)} at {factors.price_per_kwh:g} per kWh")
    if not parts:
        parts.append(energy_text(energy_j * factors.pue))
    said = f"That is {' and '.join(parts)} per training, with PUE {factors.pue:g}"
    if factors.g_per_kwh is not None:
        said += f" and {factors.g_per_kwh:g} g/kWh ({factors.intensity_source})"
    return f"{said}; {equivalents_text(energy_j, factors)}."


def saved_text(name: str, energy_j: float, reference_j: float, factors: Factors) -> str:
    """What is saved against a reference, in greenhouse gas and money."""
    found = footprint(abs(reference_j - energy_j), factors)
    parts = [energy_text(found.kwh * _WH_PER_KWH * J_PER_WH)]
    if found.g_co2e is not None:
        parts.append(f"{gas_text(found.g_co2e)} CO2e")
    if found.cost is not None:
        parts.append(f"{short(found.cost)} in money")
    word = "less" if reference_j >= energy_j else "more"
    return f"Each training takes {', '.join(parts)} {word} than the {name}."


def equivalents_text(energy_j: float, factors: Factors) -> str:
    """The same as phones charged and, with an intensity, metres or kilometres by car."""
    found = footprint(energy_j, factors)
    phones = f"{short(found.phones)} phones charged ({PHONE_WH:g} Wh each)"
    if found.km_by_car is None:
        return f"as much as {phones}"
    far = found.km_by_car
    way = f"{short(far)} km" if far >= 1 else f"{short(far * _M_PER_KM)} m"
    return f"as much as {phones} or {way} by car ({CAR_G_PER_KM:g} g/km)"


def gas_text(grams: float) -> str:
    """Grams, or kilograms from 1000 g."""
    return f"{short(grams / _G_PER_KG)} kg" if grams >= _G_PER_KG else f"{short(grams)} g"


def short(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    decimals = max(_DIGITS - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"

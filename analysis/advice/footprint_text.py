"""Greenhouse gas, money and equivalents in sentences."""

import math

from analysis.advice.carbon import (
    CAR_G_PER_KM,
    CAR_SOURCE,
    PHONE_SOURCE,
    PHONE_WH,
    Embodied,
    Factors,
    Footprint,
    footprint,
)
from analysis.quantities import enumeration
from study.record.files import J_PER_WH, WH

_DIGITS = 3
_G_PER_KG = 1000.0
_WH_PER_KWH = 1000.0
_M_PER_KM = 1000.0


def footprint_text(energy_j: float, factors: Factors, *, estimated: bool = False) -> str:
    """State the footprint of a training in a sentence, with the sources of the factors.

    The footprint of a small training is given for a thousand or a million trainings.

    Args:
        energy_j: Energy of one training.
        factors: Factors that convert it.
        estimated: Whether the energy is an estimate, which the sentence then says.
    """
    number, words = _many(energy_j)
    found = footprint(energy_j * number, factors)
    parts = _parts(found)
    label = "an estimated " if estimated else ""
    said = f"{words} {'takes' if number == 1 else 'take'} {label}{enumeration(parts)}"
    said += f", with PUE {factors.pue:g}"
    if factors.g_per_kwh is not None:
        said += f", {factors.g_per_kwh:g} g/kWh ({factors.intensity_source})"
    if factors.price_per_kwh is not None:
        said += f", {factors.price_per_kwh:g} per kWh"
    return f"{said}; {equivalents_text(energy_j * number, factors)}."


def embodied_text(time_s: float, made: Embodied) -> str:
    """State a training's share of the emissions of manufacturing one board, with the source."""
    return (
        f"Making the board adds {gas_text(made.share_g(time_s))} CO2e to each: its share, by time, of "
        f"{made.kg:g} kg over {made.years:g} years of use ({made.source})."
    )


def saved_text(
    name: str, energy_j: float, reference_j: float, factors: Factors, *, estimated: bool = False
) -> str:
    """State the saving (or extra cost) relative to a reference: energy, greenhouse gas and money.

    Args:
        name: Role of the reference, such as `costliest`.
        energy_j: Energy of one training.
        reference_j: Energy of one training of the reference.
        factors: Factors that convert the difference.
        estimated: Whether the energies are estimates, which the sentence then says.
    """
    number, words = _many(reference_j)
    found = footprint(abs(reference_j - energy_j) * number, factors)
    compared = "less" if reference_j >= energy_j else "more"
    verb = "takes" if number == 1 else "take"
    label = "an estimated " if estimated else ""
    return f"{words} {verb} {label}{enumeration(_parts(found))} {compared} than with the {name}."


def _many(energy_j: float) -> tuple[int, str]:
    """Return a number of trainings that take at least 1 Wh together, and the words for it."""
    for number, words in ((1, "A training"), (1000, "A thousand trainings")):
        if energy_j * number >= J_PER_WH:
            return number, words
    return 1_000_000, "A million trainings"


def _parts(found: Footprint) -> list[str]:
    parts = [WH.text(found.kwh * _WH_PER_KWH * J_PER_WH)]
    if found.g_co2e is not None:
        parts.append(f"{gas_text(found.g_co2e)} CO2e")
    if found.cost is not None:
        parts.append(f"{short(found.cost)} in money")
    return parts


def equivalents_text(energy_j: float, factors: Factors) -> str:
    """State an energy as phones charged and, with a carbon intensity, as metres or kilometres by car."""
    found = footprint(energy_j, factors)
    phones = f"{short(found.phones)} phones charged ({PHONE_WH:g} Wh each, {PHONE_SOURCE})"
    if found.km_by_car is None:
        return f"as much as {phones}"
    far = found.km_by_car
    way = f"{short(far)} km" if far >= 1 else f"{short(far * _M_PER_KM)} m"
    return f"as much as {phones} or {way} by car ({CAR_G_PER_KM:g} g/km, {CAR_SOURCE})"


def gas_text(grams: float) -> str:
    """Format a mass in grams, or in kilograms from 1000 g."""
    return f"{short(grams / _G_PER_KG)} kg" if grams >= _G_PER_KG else f"{short(grams)} g"


def short(value: float) -> str:
    """Format a number with three significant digits and without an exponent."""
    if value == 0:
        return "0"
    decimals = max(_DIGITS - 1 - math.floor(math.log10(abs(value))), 0)
    return f"{value:,.{decimals}f}"

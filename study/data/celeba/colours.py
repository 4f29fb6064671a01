"""Colours for what is drawn."""

import colorsys

Colour = tuple[int, int, int]
"""Red, green and blue from 0 to 255."""


def vivid(hue: float, saturation: float, value: float) -> Colour:
    """A colour by hue, saturation and value, each from 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def darker(colour: Colour, share: float) -> Colour:
    """A colour with `share` of its light."""
    return mixed((0, 0, 0), colour, share)


def mixed(first: Colour, second: Colour, share: float = 0.5) -> Colour:
    """A colour between two; `share` of the second."""
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue

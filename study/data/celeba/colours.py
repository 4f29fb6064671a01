"""Colours for drawn faces."""

import colorsys

Colour = tuple[int, int, int]
"""Red, green and blue, each from 0 to 255."""


def vivid(hue: float, saturation: float, value: float) -> Colour:
    """Return the colour of a hue, saturation and value, each from 0 to 1."""
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def darker(colour: Colour, share: float) -> Colour:
    """Return a colour darkened to `share` of its brightness."""
    return mixed((0, 0, 0), colour, share)


def mixed(first: Colour, second: Colour, share: float = 0.5) -> Colour:
    """Return a mixture of two colours, with `share` of the second."""
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue

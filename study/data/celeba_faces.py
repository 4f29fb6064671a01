"""Draws faces: a person has features of their own, an image of them varies pose, light and mood.

What is drawn decides the attributes, so that they can be read off the picture. Nobody is depicted.
"""

import colorsys
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from study.data import celeba_format as form

_Colour = tuple[int, int, int]

_SKIN = ((255, 228, 208), (240, 200, 170), (216, 168, 132), (176, 124, 88), (122, 82, 58))
_PALE, _FAIR = 0, 1
_HAIR = {
    "Black_Hair": (28, 24, 24),
    "Brown_Hair": (104, 66, 40),
    "Blond_Hair": (226, 190, 116),
    "Gray_Hair": (158, 156, 156),
    "": (166, 74, 40),
}
"""Colour by attribute; red hair has none."""

_UNDECIDED = 0.5


class _Box(NamedTuple):
    """Where a face is: its middle and its half width and height, in pixels."""

    x: float
    y: float
    wide: float
    high: float

    def place(self, right: float, down: float) -> tuple[float, float]:
        """A point given in half widths and half heights from the middle."""
        return self.x + right * self.wide, self.y + down * self.high

    def oval(self, right: float, down: float, wide: float, high: float) -> list[float]:
        """The box of an oval; in the same units."""
        x, y = self.place(right, down)
        return [
            x - wide * self.wide,
            y - high * self.high,
            x + wide * self.wide,
            y + high * self.high,
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What stays the same in all images of one identity.

    Attributes:
        traits: Attributes that belong to the person, and how often of a hundred images they show.
        skin: Colour.
        hair: Colour.
        eyes: Colour.
        wide: Width of the face against the usual.
        high: Its height against the usual.
        eye_gap: Between the eyes, in half widths of the face.
        nose: Length, in half heights.
        mouth: Width, in half widths.
    """

    traits: dict[str, float]
    skin: _Colour
    hair: _Colour
    eyes: _Colour
    wide: float
    high: float
    eye_gap: float
    nose: float
    mouth: float

    @classmethod
    def drawn_by(cls, rng: np.random.Generator) -> "Person":
        """A person made up at random."""
        male = rng.random() < _UNDECIDED
        young = rng.random() < 0.7  # noqa: PLR2004
        hair_name = str(rng.choice(list(_HAIR)))
        if young and hair_name == "Gray_Hair":
            hair_name = "Brown_Hair"
        skin = int(rng.integers(len(_SKIN)))
        return cls(
            traits={
                **_face_traits(rng),
                **(_beard_traits(rng) if male else _finery_traits(rng)),
                **_hair_traits(rng, male=male, young=young),
                hair_name: 1.0,
                "Male": float(male),
                "Young": float(young),
                "Bags_Under_Eyes": 0.1 if young else 0.7,
                "Pale_Skin": float(skin == _PALE),
                "Rosy_Cheeks": float(skin <= _FAIR and not male and rng.random() < _UNDECIDED),
            },
            skin=_SKIN[skin],
            hair=_HAIR[hair_name],
            eyes=_vivid(rng.random(), 0.5, 0.5),
            wide=rng.uniform(0.88, 1.12),
            high=rng.uniform(0.92, 1.08),
            eye_gap=rng.uniform(0.36, 0.5),
            nose=rng.uniform(0.22, 0.36),
            mouth=rng.uniform(0.28, 0.44),
        )


def draw(person: Person, rng: np.random.Generator) -> tuple[Image.Image, dict[str, bool]]:
    """An image of a person, and its attributes by name.

    Args:
        person: Whom to draw.
        rng: Of pose, light, background, mood and what is worn.

    Returns:
        An RGB image of 178 x 218 pixels, and all 40 attributes.
    """
    shows = {name: bool(rng.random() < person.traits.get(name, 0.0)) for name in form.ATTRIBUTES}
    shows = _consistent(shows, rng)
    face = _Box(
        form.WIDTH / 2 + rng.normal(0, 3),
        form.HEIGHT * 0.52 + rng.normal(0, 3),
        48 * person.wide * (1.12 if shows["Chubby"] else 1.0) * rng.uniform(0.97, 1.03),
        64 * person.high * rng.uniform(0.97, 1.03),
    )
    image = Image.new("RGB", (form.WIDTH, form.HEIGHT), _vivid(rng.random(), 0.35, 0.75))
    pen = ImageDraw.Draw(image)
    clothes = _vivid(rng.random(), 0.6, 0.6)
    _draw_body(pen, face, person, clothes, shows)
    _draw_head(pen, face, person, shows)
    _draw_eyes(pen, face, person, shows)
    _draw_nose_and_mouth(pen, face, person, shows)
    _draw_beard(pen, face, person, shows)
    _draw_worn(pen, face, clothes, shows)
    return _photographed(image, rng, blurry=shows["Blurry"]), shows


def _face_traits(rng: np.random.Generator) -> dict[str, float]:
    """Each person has some of these, in most images; moods come and go with everybody."""
    names = ("Arched_Eyebrows", "Big_Lips", "Big_Nose", "Bushy_Eyebrows", "Chubby", "Double_Chin")
    names += ("High_Cheekbones", "Narrow_Eyes", "Oval_Face", "Pointy_Nose", "Attractive")
    lasting = {name: 1.0 if rng.random() < 0.35 else 0.0 for name in names}  # noqa: PLR2004
    moods = {name: rng.uniform(0.2, 0.8) for name in ("Smiling", "Mouth_Slightly_Open")}
    glasses = 0.9 if rng.random() < 0.25 else 0.03  # noqa: PLR2004
    return {**lasting, **moods, "Eyeglasses": glasses, "Blurry": 0.05}


def _beard_traits(rng: np.random.Generator) -> dict[str, float]:
    names = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")
    bearded = rng.random() < _UNDECIDED
    beard = {name: 0.85 if bearded and rng.random() < _UNDECIDED else 0.0 for name in names}
    return {**beard, "Wearing_Necktie": rng.uniform(0.0, 0.6), "Wearing_Hat": rng.uniform(0, 0.3)}


def _finery_traits(rng: np.random.Generator) -> dict[str, float]:
    names = ("Heavy_Makeup", "Wearing_Earrings", "Wearing_Lipstick", "Wearing_Necklace")
    return {**{name: rng.uniform(0.1, 0.95) for name in names}, "Wearing_Hat": rng.uniform(0, 0.2)}


def _hair_traits(rng: np.random.Generator, *, male: bool, young: bool) -> dict[str, float]:
    wavy = rng.random() < _UNDECIDED
    old_man = male and not young
    return {
        "Bald": float(old_man and rng.random() < 0.4),  # noqa: PLR2004
        "Receding_Hairline": float(old_man and rng.random() < _UNDECIDED),
        "Bangs": 0.9 if not old_man and rng.random() < 0.35 else 0.0,  # noqa: PLR2004
        "Wavy_Hair": float(wavy),
        "Straight_Hair": float(not wavy),
    }


def _consistent(shows: dict[str, bool], rng: np.random.Generator) -> dict[str, bool]:
    """Take back what cannot be seen together."""
    beard = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")
    shows["No_Beard"] = not any(shows[name] for name in beard)
    if shows["Bald"]:
        hairy = ("Bangs", "Wavy_Hair", "Straight_Hair", "Receding_Hairline")
        for name in (*hairy, *filter(None, _HAIR)):
            shows[name] = False
    if shows["Wearing_Hat"]:
        shows["Bangs"] = shows["Receding_Hairline"] = False
    if shows["Smiling"] and rng.random() < _UNDECIDED:
        shows["High_Cheekbones"] = True
    return shows


def _draw_body(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, clothes: _Colour, shows: dict[str, bool]
) -> None:
    if not shows["Bald"] and not shows["Male"]:  # long hair hangs behind the neck
        pen.rounded_rectangle(face.oval(0, 0.35, 1.18, 0.95), 30, fill=person.hair)
        if shows["Wavy_Hair"]:
            for down in np.linspace(-0.3, 1.1, 6):
                for side in (-1.15, 1.15):
                    pen.ellipse(face.oval(side, down, 0.16, 0.15), fill=person.hair)
    pen.ellipse(face.oval(0, 1.75, 1.8, 0.7), fill=clothes)
    pen.rectangle(face.oval(0, 1.0, 0.42, 0.22), fill=_darker(person.skin, 0.88))
    if shows["Wearing_Necklace"]:
        pen.arc(face.oval(0, 1.0, 0.5, 0.28), 10, 170, fill=(240, 220, 90), width=4)
    if shows["Wearing_Necktie"]:
        points = [face.place(*at) for at in ((-0.16, 1.2), (0.16, 1.2), (0.24, 1.7), (-0.24, 1.7))]
        pen.polygon(points, fill=_darker(clothes, 0.4))


def _draw_head(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    crown = -0.32 if shows["Receding_Hairline"] else -0.18
    if not shows["Bald"]:
        pen.ellipse(face.oval(0, crown, 1.12, 0.95), fill=person.hair)
    for side in (-1, 1):
        pen.ellipse(face.oval(side, 0.05, 0.12, 0.16), fill=_darker(person.skin, 0.9))
    if shows["Oval_Face"]:
        pen.ellipse(face.oval(0, 0, 0.92, 1.0), fill=person.skin)
    else:
        pen.rounded_rectangle(face.oval(0, 0.03, 0.95, 0.94), 38, fill=person.skin)
    if shows["Double_Chin"]:
        pen.arc(face.oval(0, 0.86, 0.5, 0.2), 20, 160, fill=_darker(person.skin, 0.72), width=3)
    if shows["Bangs"]:
        pen.chord(face.oval(0, -0.5, 0.9, 0.5), 180, 360, fill=person.hair)
    elif not shows["Bald"] and not shows["Receding_Hairline"]:
        pen.chord(face.oval(0, -0.66, 0.86, 0.32), 180, 360, fill=person.hair)
    cheeks = (
        ((232, 128, 120), 0.14, shows["Rosy_Cheeks"] or shows["Heavy_Makeup"]),
        (_darker(person.skin, 0.84), 0.09, shows["High_Cheekbones"]),
    )
    for colour, size, present in cheeks:
        for side in (-0.58, 0.58) if present else ():
            pen.ellipse(face.oval(side, 0.22, size * 1.4, size * 0.8), fill=colour)


def _draw_eyes(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    high = 0.045 if shows["Narrow_Eyes"] else 0.085
    brow = _darker(person.hair, 0.7)
    for side in (-person.eye_gap, person.eye_gap):
        if shows["Heavy_Makeup"]:
            pen.ellipse(face.oval(side, -0.13, 0.24, high + 0.05), fill=(118, 84, 142))
        pen.ellipse(face.oval(side, -0.1, 0.2, high), fill=(250, 250, 250))
        pen.ellipse(face.oval(side, -0.1, 0.085, high * 0.95), fill=person.eyes)
        pen.ellipse(face.oval(side, -0.1, 0.04, high * 0.5), fill=(10, 10, 10))
        if shows["Bags_Under_Eyes"]:
            under = face.oval(side, -0.02, 0.2, 0.08)
            pen.arc(under, 20, 160, fill=_darker(person.skin, 0.65), width=3)
        width = 7 if shows["Bushy_Eyebrows"] else 3
        if shows["Arched_Eyebrows"]:
            pen.arc(face.oval(side, -0.2, 0.24, 0.16), 200, 340, fill=brow, width=width)
        else:
            ends = [face.place(side - 0.22, -0.28), face.place(side + 0.22, -0.28)]
            pen.line(ends, fill=brow, width=width)
        if shows["Eyeglasses"]:
            frame = face.oval(side, -0.1, 0.32, 0.17)
            pen.rounded_rectangle(frame, 6, outline=(20, 20, 30), width=4)
    if shows["Eyeglasses"]:
        pen.line([face.place(-0.12, -0.1), face.place(0.12, -0.1)], fill=(20, 20, 30), width=4)


def _draw_nose_and_mouth(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    shade = _darker(person.skin, 0.76)
    wide = 0.2 if shows["Big_Nose"] else 0.12
    tip = -0.05 + person.nose
    if shows["Pointy_Nose"]:
        points = [face.place(*at) for at in ((0, -0.05), (wide, tip), (-wide, tip))]
        pen.polygon(points, fill=shade)
    else:
        pen.ellipse(face.oval(0, tip - 0.05, wide, 0.09), fill=shade)
    lips = (196, 30, 60) if shows["Wearing_Lipstick"] else _mixed(person.skin, (176, 84, 84))
    thick = 0.1 if shows["Big_Lips"] else 0.055
    mouth = face.oval(0, 0.52, person.mouth, thick)
    if shows["Smiling"]:
        mouth = face.oval(0, 0.46, person.mouth * 1.2, thick + 0.12)
        pen.chord(mouth, 10, 170, fill=lips)
    else:
        pen.ellipse(mouth, fill=lips)
    if shows["Mouth_Slightly_Open"]:
        pen.ellipse(face.oval(0, 0.53, person.mouth * 0.6, 0.045), fill=(245, 245, 240))


def _draw_beard(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    beard = _darker(person.hair, 0.85)
    if shows["5_o_Clock_Shadow"]:
        shadow = _mixed(person.skin, (70, 70, 76))
        pen.chord(face.oval(0, 0.45, 0.82, 0.5), 25, 155, fill=shadow)
    if shows["Mustache"]:
        pen.chord(face.oval(0, 0.42, 0.36, 0.12), 180, 360, fill=beard)
    if shows["Goatee"]:
        pen.ellipse(face.oval(0, 0.8, 0.24, 0.16), fill=beard)
    if shows["Sideburns"]:
        for side in (-0.86, 0.86):
            pen.rectangle(face.oval(side, 0.1, 0.09, 0.32), fill=beard)


def _draw_worn(
    pen: ImageDraw.ImageDraw, face: _Box, clothes: _Colour, shows: dict[str, bool]
) -> None:
    if shows["Wearing_Earrings"]:
        for side in (-1.02, 1.02):
            pen.ellipse(face.oval(side, 0.28, 0.09, 0.08), fill=(250, 214, 70))
    if shows["Wearing_Hat"]:
        hat = _darker(clothes, 0.6)
        pen.rounded_rectangle(face.oval(0, -0.95, 0.9, 0.36), 14, fill=hat)
        pen.rectangle(face.oval(0, -0.62, 1.3, 0.06), fill=hat)


def _photographed(image: Image.Image, rng: np.random.Generator, *, blurry: bool) -> Image.Image:
    """Turn the head a little, change the light, blur, and add the noise of a camera."""
    turned = image.rotate(
        rng.normal(0, 3), Image.Resampling.BILINEAR, fillcolor=image.getpixel((0, 0))
    )
    softened = turned.filter(ImageFilter.GaussianBlur(3.0 if blurry else 0.7))
    light = rng.uniform(0.82, 1.12) * rng.uniform(0.96, 1.04, size=3)
    noise: Any = rng.normal(0, 4, size=(form.HEIGHT, form.WIDTH, 1))
    pixels = np.asarray(softened, np.float32) * light + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _vivid(hue: float, saturation: float, value: float) -> _Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(255 * red), round(255 * green), round(255 * blue)


def _darker(colour: _Colour, share: float) -> _Colour:
    return _mixed((0, 0, 0), colour, share)


def _mixed(first: _Colour, second: _Colour, share: float = 0.5) -> _Colour:
    """A colour between two; `share` of the second."""
    red, green, blue = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
    return red, green, blue

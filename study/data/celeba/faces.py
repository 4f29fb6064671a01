"""Drawing of synthetic faces: features belong to a person; pose, light and mood vary between images.

All attributes of an image are visible in it, so that they can be learnt from it. Nobody is depicted.
"""

from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from study.data.celeba import format as form
from study.data.celeba.colours import Colour, darker, mixed, vivid
from study.data.celeba.people import Person


class _Box(NamedTuple):
    """Position of a face: its centre, half width and half height, in pixels."""

    x: float
    y: float
    wide: float
    high: float

    def place(self, right: float, down: float) -> tuple[float, float]:
        """Return the pixel position of a point given in half widths and half heights from the centre."""
        return self.x + right * self.wide, self.y + down * self.high

    def oval(self, right: float, down: float, wide: float, high: float) -> list[float]:
        """Return the bounding box in pixels of an oval given in the same units."""
        x, y = self.place(right, down)
        return [
            x - wide * self.wide,
            y - high * self.high,
            x + wide * self.wide,
            y + high * self.high,
        ]


def draw(person: Person, rng: np.random.Generator) -> tuple[Image.Image, dict[str, bool]]:
    """Draw an image of a person.

    Args:
        person: Person to draw.
        rng: Random numbers for pose, light, background, mood and what is worn.

    Returns:
        An RGB image of 178 x 218 pixels, and all 40 attributes by name.
    """
    shows = person.shows(rng)
    face = _Box(
        form.WIDTH / 2 + rng.normal(0, 3),
        form.HEIGHT * 0.52 + rng.normal(0, 3),
        48 * person.wide * (1.12 if shows["Chubby"] else 1.0) * rng.uniform(0.97, 1.03),
        64 * person.high * rng.uniform(0.97, 1.03),
    )
    image = Image.new("RGB", (form.WIDTH, form.HEIGHT), vivid(rng.random(), 0.35, 0.75))
    pen = ImageDraw.Draw(image)
    clothes = vivid(rng.random(), 0.6, 0.6)
    _draw_body(pen, face, person, clothes, shows)
    _draw_head(pen, face, person, shows)
    _draw_eyes(pen, face, person, shows)
    _draw_nose_and_mouth(pen, face, person, shows)
    _draw_beard(pen, face, person, shows)
    _draw_worn(pen, face, clothes, shows)
    return _photographed(image, rng, blurry=shows["Blurry"]), shows


def _draw_body(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, clothes: Colour, shows: dict[str, bool]
) -> None:
    if not shows["Bald"] and not shows["Male"]:  # long hair hangs behind the neck
        pen.rounded_rectangle(face.oval(0, 0.35, 1.18, 0.95), 30, fill=person.hair)
        if shows["Wavy_Hair"]:
            for down in np.linspace(-0.3, 1.1, 6):
                for side in (-1.15, 1.15):
                    pen.ellipse(face.oval(side, down, 0.16, 0.15), fill=person.hair)
    pen.ellipse(face.oval(0, 1.75, 1.8, 0.7), fill=clothes)
    pen.rectangle(face.oval(0, 1.0, 0.42, 0.22), fill=darker(person.skin, 0.88))
    if shows["Wearing_Necklace"]:
        pen.arc(face.oval(0, 1.0, 0.5, 0.28), 10, 170, fill=(240, 220, 90), width=4)
    if shows["Wearing_Necktie"]:
        points = [face.place(*at) for at in ((-0.16, 1.2), (0.16, 1.2), (0.24, 1.7), (-0.24, 1.7))]
        pen.polygon(points, fill=darker(clothes, 0.4))


def _draw_head(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    crown = -0.32 if shows["Receding_Hairline"] else -0.18
    if not shows["Bald"]:
        pen.ellipse(face.oval(0, crown, 1.12, 0.95), fill=person.hair)
    for side in (-1.0, 1.0):
        pen.ellipse(face.oval(side, 0.05, 0.12, 0.16), fill=darker(person.skin, 0.9))
    if shows["Oval_Face"]:
        pen.ellipse(face.oval(0, 0, 0.92, 1.0), fill=person.skin)
    else:
        pen.rounded_rectangle(face.oval(0, 0.03, 0.95, 0.94), 38, fill=person.skin)
    if shows["Double_Chin"]:
        pen.arc(face.oval(0, 0.86, 0.5, 0.2), 20, 160, fill=darker(person.skin, 0.72), width=3)
    if shows["Bangs"]:
        pen.chord(face.oval(0, -0.5, 0.9, 0.5), 180, 360, fill=person.hair)
    elif not shows["Bald"] and not shows["Receding_Hairline"]:
        pen.chord(face.oval(0, -0.66, 0.86, 0.32), 180, 360, fill=person.hair)
    for side in (-0.58, 0.58):
        if shows["Rosy_Cheeks"] or shows["Heavy_Makeup"]:
            pen.ellipse(face.oval(side, 0.22, 0.2, 0.11), fill=(232, 128, 120))
        if shows["High_Cheekbones"]:
            pen.ellipse(face.oval(side, 0.22, 0.13, 0.07), fill=darker(person.skin, 0.84))


def _draw_eyes(
    pen: ImageDraw.ImageDraw, face: _Box, person: Person, shows: dict[str, bool]
) -> None:
    high = 0.045 if shows["Narrow_Eyes"] else 0.085
    brow = darker(person.hair, 0.7)
    for side in (-person.eye_gap, person.eye_gap):
        if shows["Heavy_Makeup"]:
            pen.ellipse(face.oval(side, -0.13, 0.24, high + 0.05), fill=(118, 84, 142))
        pen.ellipse(face.oval(side, -0.1, 0.2, high), fill=(250, 250, 250))
        pen.ellipse(face.oval(side, -0.1, 0.085, high * 0.95), fill=person.eyes)
        pen.ellipse(face.oval(side, -0.1, 0.04, high * 0.5), fill=(10, 10, 10))
        if shows["Bags_Under_Eyes"]:
            under = face.oval(side, -0.02, 0.2, 0.08)
            pen.arc(under, 20, 160, fill=darker(person.skin, 0.65), width=3)
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
    shade = darker(person.skin, 0.76)
    wide = 0.2 if shows["Big_Nose"] else 0.12
    tip = -0.05 + person.nose
    if shows["Pointy_Nose"]:
        points = [face.place(*at) for at in ((0, -0.05), (wide, tip), (-wide, tip))]
        pen.polygon(points, fill=shade)
    else:
        pen.ellipse(face.oval(0, tip - 0.05, wide, 0.09), fill=shade)
    lips = (196, 30, 60) if shows["Wearing_Lipstick"] else mixed(person.skin, (176, 84, 84))
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
    beard = darker(person.hair, 0.85)
    if shows["5_o_Clock_Shadow"]:
        shadow = mixed(person.skin, (70, 70, 76))
        pen.chord(face.oval(0, 0.45, 0.82, 0.5), 25, 155, fill=shadow)
    if shows["Mustache"]:
        pen.chord(face.oval(0, 0.42, 0.36, 0.12), 180, 360, fill=beard)
    if shows["Goatee"]:
        pen.ellipse(face.oval(0, 0.8, 0.24, 0.16), fill=beard)
    if shows["Sideburns"]:
        for side in (-0.86, 0.86):
            pen.rectangle(face.oval(side, 0.1, 0.09, 0.32), fill=beard)


def _draw_worn(
    pen: ImageDraw.ImageDraw, face: _Box, clothes: Colour, shows: dict[str, bool]
) -> None:
    if shows["Wearing_Earrings"]:
        for side in (-1.02, 1.02):
            pen.ellipse(face.oval(side, 0.28, 0.09, 0.08), fill=(250, 214, 70))
    if shows["Wearing_Hat"]:
        hat = darker(clothes, 0.6)
        pen.rounded_rectangle(face.oval(0, -0.95, 0.9, 0.36), 14, fill=hat)
        pen.rectangle(face.oval(0, -0.62, 1.3, 0.06), fill=hat)


def _photographed(image: Image.Image, rng: np.random.Generator, *, blurry: bool) -> Image.Image:
    """Rotate the image slightly, change the light, blur, and add camera noise."""
    turned = image.rotate(
        rng.normal(0, 3), Image.Resampling.BILINEAR, fillcolor=image.getpixel((0, 0))
    )
    softened = turned.filter(ImageFilter.GaussianBlur(3.0 if blurry else 0.7))
    light = rng.uniform(0.82, 1.12) * rng.uniform(0.96, 1.04, size=3)
    noise: Any = rng.normal(0, 4, size=(form.HEIGHT, form.WIDTH, 1))
    pixels = np.asarray(softened, np.float32) * light + noise
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

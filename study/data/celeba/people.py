"""Invented people: the features that are the same in all images of one identity."""

from dataclasses import dataclass

import numpy as np

from study.data.celeba import format as form
from study.data.celeba.colours import Colour, vivid

_SKIN = ((255, 228, 208), (240, 200, 170), (216, 168, 132), (176, 124, 88), (122, 82, 58))
_PALE, _FAIR = 0, 1
_HAIR = {
    "Black_Hair": (28, 24, 24),
    "Brown_Hair": (104, 66, 40),
    "Blond_Hair": (226, 190, 116),
    "Gray_Hair": (158, 156, 156),
    "": (166, 74, 40),
}
"""Hair colour by attribute; for red hair there is no attribute."""

_LASTING = (
    "Arched_Eyebrows",
    "Attractive",
    "Big_Lips",
    "Big_Nose",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "High_Cheekbones",
    "Narrow_Eyes",
    "Oval_Face",
    "Pointy_Nose",
)
"""Attributes that a person has in all images or in none."""

_UNDECIDED = 0.5


BEARD = ("5_o_Clock_Shadow", "Goatee", "Mustache", "Sideburns")
"""Attributes of which an image without `No_Beard` has at least one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Traits that are the same in all images of one identity.

    Attributes:
        traits: Probability with which an image of the person shows an attribute, by its name; 0 if absent.
        skin: Colour of the skin.
        hair: Colour of the hair.
        eyes: Colour of the eyes.
        wide: Width of the face relative to the average.
        high: Height of the face relative to the average.
        eye_gap: Distance of each eye from the middle of the face, in half widths of the face.
        nose: Length of the nose, in half heights of the face.
        mouth: Half width of the mouth, in half widths of the face.
    """

    traits: dict[str, float]
    skin: Colour
    hair: Colour
    eyes: Colour
    wide: float
    high: float
    eye_gap: float
    nose: float
    mouth: float

    @classmethod
    def drawn_by(cls, rng: np.random.Generator) -> "Person":
        """Return a random person."""
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
            eyes=vivid(rng.random(), 0.5, 0.5),
            wide=rng.uniform(0.88, 1.12),
            high=rng.uniform(0.92, 1.08),
            eye_gap=rng.uniform(0.36, 0.5),
            nose=rng.uniform(0.22, 0.36),
            mouth=rng.uniform(0.28, 0.44),
        )

    def shows(self, rng: np.random.Generator) -> dict[str, bool]:
        """Draw the attributes of an image of this person, resolving those that exclude each other."""
        shows = {name: bool(rng.random() < self.traits.get(name, 0.0)) for name in form.ATTRIBUTES}
        shows["No_Beard"] = not any(shows[name] for name in BEARD)
        if shows["Bald"]:
            hairy = ("Bangs", "Wavy_Hair", "Straight_Hair", "Receding_Hairline")
            for name in (*hairy, *filter(None, _HAIR)):
                shows[name] = False
        if shows["Wearing_Hat"]:
            shows["Bangs"] = shows["Receding_Hairline"] = False
        if shows["Smiling"] and rng.random() < _UNDECIDED:
            shows["High_Cheekbones"] = True
        return shows


def _face_traits(rng: np.random.Generator) -> dict[str, float]:
    """Draw traits of a face: some are in all of a person's images, moods vary between images."""
    lasting = {name: float(rng.random() < 0.35) for name in _LASTING}  # noqa: PLR2004
    moods = {name: rng.uniform(0.2, 0.8) for name in ("Smiling", "Mouth_Slightly_Open")}
    glasses = 0.9 if rng.random() < 0.25 else 0.03  # noqa: PLR2004
    return {**lasting, **moods, "Eyeglasses": glasses, "Blurry": 0.05}


def _beard_traits(rng: np.random.Generator) -> dict[str, float]:
    bearded = rng.random() < _UNDECIDED
    beard = {name: 0.85 if bearded and rng.random() < _UNDECIDED else 0.0 for name in BEARD}
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

"""On-disk format of CelebA: folders, lists, attributes, and the published lists.

    img_align_celeba/000001.jpg ..   faces, aligned by the eyes, 178 x 218 pixels
    identity_CelebA.txt              `000001.jpg 2880`: file name and number of the identity
    list_attr_celeba.txt             number of images; names of 40 attributes; then
                                     `000001.jpg -1  1 ..`: 1 if it has the attribute, else -1
    list_eval_partition.txt          the official split; not used, because no identity is in two of
                                     its parts, so an identity classifier cannot be tested with it

Lines of the lists end with CR LF. There are 202,599 images of 10,177 identities.

Liu, Luo, Wang and Tang, "Deep learning face attributes in the wild", ICCV 2015. The data are for
non-commercial research only, and this project contains none of them.
"""

import shlex
from dataclasses import dataclass
from pathlib import Path

from study.errors import DataError

HOME = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"

WIDTH, HEIGHT = 178, 218

IMAGE_FOLDER = "img_align_celeba"
IDENTITY_LIST = "identity_CelebA.txt"
ATTRIBUTE_LIST = "list_attr_celeba.txt"
KAGGLE_ATTRIBUTE_LIST = "list_attr_celeba.csv"
"""Kaggle's version of the list, with commas; Kaggle has no list of identities."""
PARTITION_LIST = "list_eval_partition.txt"

IDENTITIES = 40
"""Number of identities used: as in the paper, the 40 with most images."""

ATTRIBUTES = (
    "5_o_Clock_Shadow",
    "Arched_Eyebrows",
    "Attractive",
    "Bags_Under_Eyes",
    "Bald",
    "Bangs",
    "Big_Lips",
    "Big_Nose",
    "Black_Hair",
    "Blond_Hair",
    "Blurry",
    "Brown_Hair",
    "Bushy_Eyebrows",
    "Chubby",
    "Double_Chin",
    "Eyeglasses",
    "Goatee",
    "Gray_Hair",
    "Heavy_Makeup",
    "High_Cheekbones",
    "Male",
    "Mouth_Slightly_Open",
    "Mustache",
    "Narrow_Eyes",
    "No_Beard",
    "Oval_Face",
    "Pale_Skin",
    "Pointy_Nose",
    "Receding_Hairline",
    "Rosy_Cheeks",
    "Sideburns",
    "Smiling",
    "Straight_Hair",
    "Wavy_Hair",
    "Wearing_Earrings",
    "Wearing_Hat",
    "Wearing_Lipstick",
    "Wearing_Necklace",
    "Wearing_Necktie",
    "Young",
)
"""Names of the attributes, in the order of the list's columns."""

PUBLISHED_MD5 = {
    ATTRIBUTE_LIST: "75e246fa4810816ffd6ee81facbd244c",
    IDENTITY_LIST: "32bd1bd63d3c78cd57e08160ec5ed1e2",
    PARTITION_LIST: "d32c9cbf5e040fd4025c592c306e6668",
}
"""MD5 of the lists as published (those that torchvision checks)."""

SYNTHETIC_MARKER = "SYNTHETIC.txt"
"""Name of the file that marks a folder as written by `study.data sample`."""

_ROOTS = ("", "celeba", "CelebA")
_IMAGE_PLACES = (IMAGE_FOLDER, f"Img/{IMAGE_FOLDER}", f"{IMAGE_FOLDER}/{IMAGE_FOLDER}")
_LIST_PLACES = ("", "Anno", "Eval")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Paths of the parts of a CelebA folder.

    Attributes:
        root: Folder that holds everything.
        images: Folder of the jpg files.
        identities: List of identities.
        attributes: List of attributes.
        partition: List of the official split; None if it is missing.
    """

    root: Path
    images: Path
    identities: Path
    attributes: Path
    partition: Path | None

    @property
    def synthetic(self) -> bool:
        """Return whether `study.data sample` wrote the folder."""
        return (self.root / SYNTHETIC_MARKER).is_file()


def find_layout(data_dir: Path) -> Layout:
    """Find the parts of a CelebA folder.

    Four layouts are known: everything in one folder; the same in a folder `celeba`, as torchvision
    has it; the published one with the folders Img, Anno and Eval; and Kaggle's, with nested image folders
    and attributes separated by commas.

    Args:
        data_dir: Folder that holds the parts, or the folder above it.

    Raises:
        DataError: Parts are missing; the message names all of them.
    """
    root = next((data_dir / name for name in _ROOTS if _holds_any_part(data_dir / name)), data_dir)
    images = _first(root, _IMAGE_PLACES, folder=True)
    identities = _find_list(root, IDENTITY_LIST)
    attributes = _find_list(root, ATTRIBUTE_LIST) or _find_list(root, KAGGLE_ATTRIBUTE_LIST)
    if images is None or identities is None or attributes is None:
        parts = {IMAGE_FOLDER: images, IDENTITY_LIST: identities, ATTRIBUTE_LIST: attributes}
        raise DataError(_missing(root, [name for name, at in parts.items() if at is None]))
    return Layout(
        root=root,
        images=images,
        identities=identities,
        attributes=attributes,
        partition=_find_list(root, PARTITION_LIST),
    )


def how_to_get(data_dir: Path) -> str:
    """Return instructions: which files to download from where, and where to put them."""
    return (
        f"CelebA is shared by a form and a drive, so it is fetched by hand: read and accept the "
        f"terms at {HOME} (non-commercial research only), follow its link to the drive, download "
        f"Img/{IMAGE_FOLDER}.zip (1.4 GB), Anno/{IDENTITY_LIST} and Anno/{ATTRIBUTE_LIST}, put "
        f"them into {data_dir} and unpack the zip there, so that {data_dir / IMAGE_FOLDER}/"
        f"000001.jpg exists. Then run `python -m study.data check celeba --data-dir {shlex.quote(str(data_dir))}`."
    )


def _holds_any_part(root: Path) -> bool:
    return (
        _first(root, _IMAGE_PLACES, folder=True) is not None
        or _find_list(root, IDENTITY_LIST) is not None
        or _find_list(root, ATTRIBUTE_LIST) is not None
        or _find_list(root, KAGGLE_ATTRIBUTE_LIST) is not None
    )


def _find_list(root: Path, name: str) -> Path | None:
    return _first(root, tuple(f"{place}/{name}" for place in _LIST_PLACES), folder=False)


def _first(root: Path, places: tuple[str, ...], *, folder: bool) -> Path | None:
    candidates = [root / place.lstrip("/") for place in places]
    # The innermost of nested image folders is the one with the images.
    for path in reversed(candidates):
        if path.is_dir() if folder else path.is_file():
            return path
    return None


def _missing(root: Path, names: list[str]) -> str:
    what = "lacks" if root.is_dir() else "is no folder; expected is one with"
    zipped = list(root.rglob(f"{IMAGE_FOLDER}.zip")) if root.is_dir() else []
    unpack = f" {zipped[0]} must be unpacked." if zipped and IMAGE_FOLDER in names else ""
    similar = "".join(f" {_similar(root, name)}" for name in names if _similar(root, name))
    return (
        f"{root}: {what} {', '.join(names)}.{unpack}{similar} {how_to_get(root)} Or write a synthetic one "
        "with `python -m study.data sample celeba --data-dir NEW_FOLDER`."
    )


def _similar(root: Path, name: str) -> str:
    """Return a hint at a file or folder that may be the missing one under another name; empty if none."""
    stem = Path(name).stem.lower()
    there = [path for place in _LIST_PLACES for path in sorted((root / place).glob("*"))]
    found = next((path for path in there if path.name.lower().startswith(stem)), None)
    return "" if found is None else f"{found} is there: if it is the same, name it {name}."

"""Small CelebA folders, written for tests: images of one colour each."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from study.data.celeba import format as form

Rows = Sequence[tuple[str, int]]
"""Name of an image and its identity."""

TWO_EACH = dict.fromkeys(range(1, 41), 2)


def rows_of(counts: Mapping[int, int]) -> list[tuple[str, int]]:
    """Images numbered consecutively by identity; `counts` has their number for each identity."""
    whose = [identity for identity, count in counts.items() for _ in range(count)]
    return [(f"{place:06d}.jpg", identity) for place, identity in enumerate(whose, start=1)]


def attributes_of(name: str) -> list[int]:
    """Attributes of an image as 1 or -1; attribute n is present if n divides the image's number."""
    number = int(Path(name).stem)
    return [-1 if number % place else 1 for place in range(1, len(form.ATTRIBUTES) + 1)]


def write_lists(folder: Path, rows: Rows, *, end: str = "\r\n") -> Path:
    """Write both lists; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder / form.IDENTITY_LIST, [f"{name} {who}" for name, who in rows], end=end)
    attributes = [
        f"{name} " + " ".join(f"{value:2d}" for value in attributes_of(name)) for name, _ in rows
    ]
    header = [str(len(rows)), " ".join(form.ATTRIBUTES) + " "]
    write_lines(folder / form.ATTRIBUTE_LIST, [*header, *attributes], end=end)
    return folder


def write_lines(path: Path, lines: Iterable[str], *, end: str = "\r\n") -> None:
    """Write a list."""
    path.write_bytes("".join(f"{line}{end}" for line in lines).encode())


def write_folder(folder: Path, counts: Mapping[int, int] = TWO_EACH) -> Path:
    """Write images and lists; an image's colour encodes its number. Returns the folder."""
    rows = rows_of(counts)
    write_lists(folder, rows)
    (folder / form.IMAGE_FOLDER).mkdir()
    for name, _ in rows:
        colour_image(int(Path(name).stem)).save(folder / form.IMAGE_FOLDER / name, quality=95)
    return folder


def colour_image(number: int) -> Image.Image:
    """An image of one colour: red is three times the number (up to 83), green 100, blue 200."""
    return Image.new("RGB", (form.WIDTH, form.HEIGHT), (3 * number % 252, 100, 200))

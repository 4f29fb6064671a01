"""Make every figure of README and documents again, and say which have moved.

    python -m docs.figures [--only NAME] [--write]

`figures.json` beside this has the command of each, and the commit at which it was made. With --write a figure that
has moved is replaced, and its commit noted.
"""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from PIL import Image, ImageChops

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("figures.json")

VISIBLE = 24
"""Levels of 255 by which a pixel differs that people would notice."""

LEAST_MOVED = 0.001
"""Share of pixels from which on a picture has moved: a browser may draw letters a little otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Make the figures of the documents again.

    Attributes:
        only: Names of figures; left out, all.
        write: Replace those that have moved.
    """

    only: tuple[str, ...] = ()
    write: bool = False


def main() -> int:
    """Make, compare and print; the exit status is 1 where one has moved and is not replaced."""
    options = tyro.cli(Options)
    entries: list[dict[str, Any]] = json.loads(LIST.read_text())
    moved = False
    for entry in entries:
        names = [Path(file).name for file in entry["files"]]
        if options.only and not set(options.only) & set(names):
            continue
        with tempfile.TemporaryDirectory() as made:
            words = [each.format(folder=made) for each in shlex.split(entry["command"])]
            subprocess.run(
                [sys.executable, *words[1:]], check=True, cwd=ROOT, stdout=subprocess.DEVNULL
            )
            changed = False
            for file in entry["files"]:
                kept, new = ROOT / file, Path(made) / Path(file).name
                said = difference(kept, new)
                print(f"{file} (made at {entry['commit']}): {said or 'as it was'}")
                if said and options.write:
                    shutil.copyfile(new, kept)
                changed |= bool(said)
        if changed and options.write:
            entry["commit"] = _commit()
        moved |= changed and not options.write
    LIST.write_text(json.dumps(entries, indent=2) + "\n")
    return int(moved)


def difference(kept: Path, made: Path) -> str:
    """Return how a figure has moved, in words; empty where it has not.

    Args:
        kept: As the documents have it.
        made: As it is made now.
    """
    if not kept.exists():
        return "new"
    if kept.read_bytes() == made.read_bytes():
        return ""
    if kept.suffix != ".png":
        return "moved"
    before, after = (Image.open(each).convert("L") for each in (kept, made))
    if before.size != after.size:
        return f"moved: {before.size[0]} x {before.size[1]} pixels are {after.size[0]} x {after.size[1]}"
    levels = ImageChops.difference(before, after).histogram()
    share = sum(levels[VISIBLE:]) / sum(levels)
    return f"moved: {share:.1%} of its pixels" if share >= LEAST_MOVED else ""


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(
        command, check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())

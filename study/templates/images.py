"""Classification of images in a folder with a sub-folder for each class, read by DataLoader workers.

    python -m study.regime --scenario FILE:Mine --data-dir FOLDER --size 64

Without --data-dir it trains on small drawings. The images need not fit in memory: only their paths are
read before the trials. All machines must be able to read FOLDER.
"""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import Dataset

from study import Data, StudyError


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of the scenario.

    Attributes:
        size: Height and width of the images, in pixels.
        workers: Processes per trial that read images.
    """

    size: int = 32
    workers: int = 1


class Images(Dataset[Any]):
    """Greyscale images with their classes, read on access, and flipped at random for training."""

    def __init__(self, files: list[tuple[Path, int]], *, size: int, flips: bool) -> None:
        """Take the images as `files`, pairs of a path and the number of the class."""
        self.files, self.size, self.flips = files, size, flips

    def __len__(self) -> int:
        """Number of images."""
        return len(self.files)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        """Return an image, of shape (1, size, size) with values from 0 to 1, and its class."""
        path, label = self.files[place]
        with Image.open(path) as image:
            grey = image.convert("L").resize((self.size, self.size))
        pixels = torch.from_numpy(np.asarray(grey, np.float32) / 255)[None]
        return (pixels.flip(-1) if self.flips and torch.rand(()) > 1 / 2 else pixels), label


class Mine:
    """Classification of images."""

    name = "images"
    options = Options

    def __init__(self, options: Options | None = None) -> None:
        """Use these options, or the defaults."""
        self.chosen = options or Options()

    def configured(self, options: Options) -> "Mine":
        """Return this scenario with the options from the command line."""
        return Mine(options)

    def load(self, data_dir: Path | None, *, seed: int) -> Data:
        """List the images, and hold out a random fifth of them for validation."""
        folder = drawings() if data_dir is None else data_dir.resolve()
        paths = sorted(folder.glob("*/*.*"))
        classes = tuple(sorted({path.parent.name for path in paths}))
        if not classes:
            message = f"--data-dir {folder}: expected is a sub-folder of images for each class."
            raise StudyError(message)
        files = [(path, classes.index(path.parent.name)) for path in paths]
        order = np.random.default_rng(seed).permutation(len(files)).tolist()
        shuffled, held_out = [files[place] for place in order], len(files) // 5
        facts = [(path.name, path.stat().st_size) for path in paths]
        return Data(
            train=Images(shuffled[held_out:], size=self.chosen.size, flips=True),
            val=Images(shuffled[:held_out], size=self.chosen.size, flips=False),
            classes=classes,
            synthetic=data_dir is None,
            description=f"{len(paths)} images of {len(classes)} classes",
            loading={"num_workers": self.chosen.workers},
            fingerprint=hashlib.sha256(repr((facts, self.chosen, seed)).encode()).hexdigest(),
        )

    def network(self, data: Data) -> nn.Module:
        """Return a convolution with average pooling and a linear layer."""
        found = nn.Sequential(nn.Conv2d(1, 32, 5, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(8))
        return nn.Sequential(found, nn.Flatten(), nn.Linear(32 * 64, len(data.classes)))

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy."""
        return nn.functional.cross_entropy(outputs, targets)

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Fraction of the images that are classified correctly."""
        return {"accuracy": (outputs.argmax(dim=1) == targets).float().mean()}


def drawings() -> Path:
    """Draw horizontal and vertical bars, and return the folder of the images."""
    folder = Path(tempfile.gettempdir()) / "power-of-training-drawings"
    draw = np.random.default_rng(0)
    for name in ("lying", "standing"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number in range(60):
            pixels = np.zeros((32, 32), np.uint8)
            pixels[draw.integers(2, 30), 4:28] = 255
            turned = pixels if name == "lying" else pixels.T
            Image.fromarray(turned).save(folder / name / f"{number}.png")
    return folder

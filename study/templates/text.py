"""Character-level language model on the source of Python's library: tokens, a schedule, bf16.

    python -m study.regime --scenario FILE:Mine --precision bf16 --clip-norm 1

The objective is bits per character, which is minimised; the perplexity is 2 to that power. To train on
another text, give --data-dir a folder with .txt files.
"""

import math
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from study import Arrays, Data, Objective, StudyError

CONTEXT, WIDTH, TOKENS = 32, 64, 128
LENGTH = 60_000  # characters; more take longer
MODULES = ("textwrap.py", "argparse.py", "ast.py", "calendar.py")


class Model(nn.Module):
    """Recurrent network that predicts the next character from those before it."""

    def __init__(self) -> None:
        """Create an embedding, a recurrent layer, and a linear layer with a logit for each character."""
        super().__init__()
        self.embedding = nn.Embedding(TOKENS, WIDTH)
        self.layer = nn.GRU(WIDTH, WIDTH, batch_first=True)
        self.head = nn.Linear(WIDTH, TOKENS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits of shape (batch, CONTEXT, TOKENS) for tokens of shape (batch, CONTEXT)."""
        found, _ = self.layer(self.embedding(tokens))
        scores: Tensor = self.head(found)
        return scores


class Mine:
    """Language modelling of the text of a few modules of Python's library."""

    name = "characters"
    objective = Objective("bits_per_character", mode="min")

    def load(self, data_dir: Path | None, *, seed: int) -> Data:  # noqa: ARG002 - the text has an order
        """Cut the text into pieces of CONTEXT characters: the first 80 % train, then 10 % test, 10 % validate."""
        library = Path(sysconfig.get_path("stdlib"))
        paths = (
            [library / name for name in MODULES]
            if data_dir is None
            else sorted(data_dir.glob("*.txt"))
        )
        text = "\n".join(path.read_text(encoding="utf-8", errors="ignore") for path in paths)[
            :LENGTH
        ]
        if len(text) < 20 * CONTEXT:
            message = (
                f"--data-dir {data_dir}: expected are .txt files with {20 * CONTEXT} characters."
            )
            raise StudyError(message)
        codes = np.minimum(np.frombuffer(text.encode("utf-32-le"), np.uint32), TOKENS - 1)
        starts = np.arange(0, len(codes) - CONTEXT - 1, CONTEXT)
        pieces = codes[starts[:, None] + np.arange(CONTEXT + 1)].astype(np.int64)
        ends = (len(pieces) * 8 // 10, len(pieces) * 9 // 10)
        train, test, val = (
            Arrays(inputs=part[:, :-1], targets=part[:, 1:]) for part in np.split(pieces, ends)
        )
        return Data(
            train=train,
            val=val,
            test=test,
            synthetic=False,
            description=f"{len(text):,} characters of {len(paths)} files",
        )

    def network(self, data: Data) -> nn.Module:  # noqa: ARG002 - always the same
        """Return a new model."""
        return Model()

    def optimizer(self, network: nn.Module, settings: Any) -> Any:  # noqa: ANN401 - an optimiser and its schedule
        """Return AdamW with cosine annealing of the learning rate over all steps."""
        plain = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate)
        steps = settings.max_epochs * settings.steps_per_epoch
        return plain, torch.optim.lr_scheduler.CosineAnnealingLR(plain, T_max=steps)

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Cross entropy of the next characters."""
        return functional.cross_entropy(outputs.float().flatten(0, 1), targets.flatten())

    def metrics(self, outputs: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        """Bits per character, the objective; perplexity; accuracy of the most likely character."""
        loss = self.loss(outputs, targets)
        right = (outputs.argmax(dim=-1) == targets).float().mean()
        return {
            "bits_per_character": loss / math.log(2),
            "perplexity": loss.exp(),
            "guessed": right,
        }
